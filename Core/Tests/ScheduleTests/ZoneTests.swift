import Foundation
import Schedule
import Testing
import Timestamps

@Suite struct ZoneTests {
    /// All zones of this machine, around every change of 2015 to 2040 and some of the far future, and at random times: local
    /// time to UTC as Python's zoneinfo with fold 0, which uses the offset before the change in gaps and overlaps.
    @Test func everyZoneAsPythonHasIt() throws {
        var lines: [String] = []
        var mine: [Int64] = []
        var state: UInt64 = 42
        func random() -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(state >> 33)
        }
        var seen: Set<[UInt8]> = []
        let names = try ZoneFiles.names()
        #expect(names.count > 500)
        for name in names {
            let bytes = Array(try Data(contentsOf: URL(filePath: "\(ZoneFiles.root)/\(name)")))
            let zone = try Zone(name: name, tzif: bytes)
            guard seen.insert(bytes).inserted else { continue }
            var locals: Set<Int> = []
            for (from, to) in [(1_420_070_400, 2_208_988_800), (4_102_444_800, 4_165_516_800)] as [(Int64, Int64)] {
                for change in zone.transitions(from: from, to: to) {
                    for around in [change.at + Int64(change.before), change.at + Int64(change.after)] {
                        for step in [-60, 0, 60] as [Int64] { locals.insert(Int(around + step)) }
                    }
                    locals.insert(Int(change.at) + (change.before + change.after) / 2)
                }
            }
            for _ in 0..<40 { locals.insert(Int(random() % 4_200_000_000)) }
            for local in locals.sorted() {
                lines.append("\(name)\t\(local)")
                mine.append(zone.instant(of: LocalTime(secondsSinceEpoch: local)).time.seconds)
            }
        }
        let theirs = try ZoneFiles.instants(lines)
        #expect(theirs.count == lines.count)
        #expect(lines.count > 20_000)
        var wrong: [String] = []
        for (index, line) in lines.enumerated() where theirs[index] != "\(mine[index])" {
            wrong.append("\(line): \(mine[index]), Python \(theirs[index])")
        }
        #expect(wrong.isEmpty, "\(wrong.count) of \(lines.count): \(wrong.prefix(20))")
    }

    /// The hard single cases of rollouts.md 4.2.
    @Test(arguments: [
        ("America/New_York", "2007-03-11T02:30", "2007-03-11T07:30:00Z", Zone.Resolution.shifted),
        ("America/New_York", "2007-11-04T01:30", "2007-11-04T05:30:00Z", .first),
        ("Europe/Amsterdam", "2020-10-25T02:30", "2020-10-25T00:30:00Z", .first),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45:00Z", .shifted),
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", .first),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00:00Z", .shifted),
        ("Africa/Cairo", "2024-04-26T00:30", "2024-04-25T22:30:00Z", .shifted),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00:00Z", .shifted),
        ("Antarctica/Troll", "2026-03-29T02:00", "2026-03-29T02:00:00Z", .shifted),
        ("America/Nuuk", "2023-03-25T22:30", "2023-03-26T01:30:00Z", .shifted),
        ("Africa/Casablanca", "2024-03-10T02:30", "2024-03-10T01:30:00Z", .first),
        ("Europe/Dublin", "2050-03-27T01:30", "2050-03-27T01:30:00Z", .shifted),
        ("Europe/Berlin", "2026-11-21T22:00", "2026-11-21T21:00:00Z", .only),
        ("UTC", "2026-11-21T22:00", "2026-11-21T22:00:00Z", .only),
    ])
    func hardCases(_ zone: String, _ local: String, _ utc: String, _ resolution: Zone.Resolution) throws {
        let found = try ZoneFiles.zone(zone).instant(of: LocalTime(local))
        #expect(found.time.description == utc)
        #expect(found.resolution == resolution)
        #expect(try LocalTime(local).description == local)
    }

    @Test func damagedZonesAreRefused() throws {
        let whole = Array(try Data(contentsOf: URL(filePath: "\(ZoneFiles.root)/Europe/Berlin")))
        for count in 0..<whole.count {
            #expect(throws: ScheduleError.self) { try Zone(name: "Europe/Berlin", tzif: Array(whole[..<count])) }
        }
        // No bit brings it down.
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 0x81
            if let zone = try? Zone(name: "Europe/Berlin", tzif: bytes) {
                _ = zone.instant(of: LocalTime(secondsSinceEpoch: 1_800_000_000))
                _ = zone.transitions(from: 1_800_000_000, to: 1_900_000_000)
            }
        }
        #expect(throws: ScheduleError.self) { try ZoneFiles.zone("right/Europe/Berlin") }
        for name in ["../etc/passwd", "/etc", "", "Europe//Berlin", "Europe/Berlin/", ".", "a/b/c/d", "Europe/Ber lin"]
        {
            #expect(!Zone.isValidName(name), "\(name)")
        }
        for name in try ZoneFiles.names() { #expect(Zone.isValidName(name), "\(name)") }
    }

    @Test(arguments: [
        "2026-11-21", "2026-13-01T00:00", "2026-02-29T00:00", "2026-11-21T24:00", "2026-11-21T22:00Z", "x",
        "2026-11-21T2200",
    ])
    func noLocalTime(_ text: String) {
        #expect(throws: ScheduleError.self) { try LocalTime(text) }
    }
}
