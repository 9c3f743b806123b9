import Changelog
import Foundation
import Testing
import Versions

/// The changelogs of this machine, and dpkg's own parser where it is installed.
@Suite struct RealChangelogTests {
    private static let files: [String] = {
        let folder = "/usr/share/doc"
        var seen: Set<String> = []
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().compactMap { name in
            let base = "\(folder)/\(name)"
            return ["changelog.Debian.gz", "changelog.gz"].map { "\(base)/\($0)" }.first {
                FileManager.default.fileExists(atPath: $0)
                    && ($0.hasSuffix("Debian.gz")
                        || !FileManager.default.fileExists(atPath: "\(base)/changelog.Debian.gz"))
            }
        }.filter { seen.insert(URL(fileURLWithPath: $0).resolvingSymlinksInPath().path).inserted }
    }()

    @Test("Entries and versions are those that dpkg-parsechangelog finds")
    func oracle() throws {
        let parser = "/usr/bin/dpkg-parsechangelog"
        guard FileManager.default.isExecutableFile(atPath: parser) else { return }
        var compared = 0
        for file in Self.files.filter({ $0.hasSuffix("Debian.gz") }).enumerated().filter({ $0.offset % 31 == 0 }).map(
            \.element)
        {
            guard let text = output("/bin/zcat", [file]), text.count < 400_000 else { continue }
            let plain = FileManager.default.temporaryDirectory.appendingPathComponent("changelog-\(UUID())").path
            try Data(text).write(to: URL(fileURLWithPath: plain))
            defer { try? FileManager.default.removeItem(atPath: plain) }
            guard let all = output(parser, ["-l", plain, "--all", "--format", "rfc822"]) else { continue }
            let versions = String(decoding: all, as: UTF8.self).split(separator: "\n")
                .filter { $0.hasPrefix("Version: ") }.map { String($0.dropFirst(9)) }
            let reading = try DebianChangelog.read(text, limits: ChangelogLimits(entries: 100_000, ids: 1_000_000))
            // Where ours ends earlier it must say so; what it has is the same.
            #expect(Array(versions.prefix(reading.entries.count)) == reading.entries.map(\.version), "\(file)")
            if reading.entries.count < versions.count { #expect(reading.isCut, "\(file)") }
            compared += 1
        }
        #expect(compared > 5)
    }

    @Test("Every real changelog reads, and every id it closes stands in it")
    func all() throws {
        var read = 0
        var withIDs = 0
        for file in Self.files.enumerated().filter({ $0.offset % 17 == 0 }).map(\.element) {
            guard let text = output("/bin/zcat", [file]), text.count < 1 << 19 else { continue }
            guard let reading = try? DebianChangelog.read(text) else { continue }
            read += 1
            let upper = String(decoding: text, as: UTF8.self).uppercased().filter { !$0.isWhitespace }
                .replacingOccurrences(of: "CAN-", with: "CVE-").replacingOccurrences(of: "_", with: "-")
            let ids = reading.entries.flatMap(\.closes)
            if !ids.isEmpty { withIDs += 1 }
            for id in Set(ids) {
                #expect(CVEIdentifier.isValid(id))
                #expect(upper.contains(id) || upper.contains(id.dropFirst(4)), "\(id) of \(file)")
            }
            // A step over the whole file, cut at its oldest entry, lists nothing that no entry closes.
            if let oldest = reading.entries.last?.version, let newest = reading.entries.first?.version {
                let step = reading.step(from: oldest, to: newest, scheme: DebianVersion.self)
                #expect(Set(step.closes.map(\.id)).isSubset(of: Set(ids)))
            }
        }
        #expect(read > 15)
        #expect(withIDs > 1)
    }
}

/// Damaged and random text: an answer or an error, and never an id that does not stand there.
@Suite struct HostileChangelogTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test("Damaged changelogs never crash and stay within limits")
    func damaged() {
        var random = Random(state: 7)
        let good = changelog([
            ("1.3-1", ["* Fix CVE-2023-3333, CVE-2023-", "  4444 (Closes: #1)", "* Revert CVE-2020-1111"]),
            ("1.2-1", ["* Not affected:", "  - CVE-2021-1000"]), ("1.1-1", ["* CVE-2021-1000 to CVE-2021-1009"]),
        ])
        for _ in 0..<800 {
            var text = good
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: text[at] = UInt8.random(in: 0...255, using: &random)
                case 1: text.remove(at: at)
                case 2: text.insert(contentsOf: "CVE-20".utf8, at: at)
                default: text.insert(UInt8(ascii: "\n"), at: at)
                }
            }
            let limits = ChangelogLimits(bytes: 4096, entries: 3, ids: 4)
            if let reading = try? DebianChangelog.read(text, limits: limits) {
                #expect(reading.entries.count <= 3)
                #expect(reading.entries.flatMap { $0.closes + $0.reopens }.count <= 4)
                #expect(reading.entries.flatMap { $0.closes + $0.reopens }.allSatisfy(CVEIdentifier.isValid))
                _ = reading.step(from: "1.1-1", to: reading.entries.first?.version ?? "", scheme: DebianVersion.self)
            }
            _ = try? RPMChangelog.read(text, limits: limits)
        }
    }

    @Test("A line of megabytes and a million ids are read in one pass")
    func huge() throws {
        let ids = (0..<20_000).map { "CVE-2023-\(10_000 + $0)" }.joined(separator: " ")
        let reading = try DebianChangelog.read(changelog([("1.2-1", ["* " + ids]), ("1.1-1", ["* CVE-2020-1234"])]))
        // More ids than one claim may hold: nothing of it is kept, and it is cut.
        #expect(reading.entries.isEmpty || reading.entries.count < 2)
        #expect(reading.isCut)
    }
}
