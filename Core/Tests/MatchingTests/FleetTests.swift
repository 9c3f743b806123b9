import Feeds
import Inventory
import Matching
import Testing

struct FleetTests {
    /// What changes one by one is what judging everything anew finds.
    @Test func changesAgreeWithJudgingAnew() async throws {
        var random = Random(seed: 3)
        let packages = (0..<120).map { deb("p\($0 % 40)", "1.\($0 / 40)", source: "s\($0 % 25)") }
        let sets = (0..<60).map { _ in
            Set((0..<30).map { _ in UInt32.random(in: 0..<120, using: &random) }).sorted()
        }
        let index = SoftwareIndex(packages: packages, hostCount: sets.count) { sets[$0] }
        func record(_ number: Int, _ random: inout Random) -> FeedRecord {
            var record = Advisory(source: "osv", id: "A-\(number)")
            record.closes = ["CVE-\(number % 20)", "CVE-\(number % 13)"]
            record.statements = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                statement(
                    "Debian:12", "s\(Int.random(in: 0..<25, using: &random))",
                    below: "1.\(Int.random(in: 0...3, using: &random))")
            }
            return .advisory(record)
        }
        var records = (0..<50).map { record($0, &random) }
        var matcher = try Matcher([catalogue(records)])
        var fleet = try await FleetVerdicts(index, matcher: matcher)
        for round in 0..<12 {
            let number = Int.random(in: 0..<55, using: &random)
            let changed = record(number, &random)
            if number < records.count { records[number] = changed } else { records.append(changed) }
            let before = fleet
            let result = try fleet.apply(try catalogue([changed]), over: matcher)
            matcher = result.matcher
            // A vulnerability that no record names any more, or a new one, has the same name in both.
            let anew = try await FleetVerdicts(index, matcher: try Matcher([catalogue(records)]))
            #expect(fleet.hosts == anew.hosts, "round \(round)")
            for package in packages.indices {
                #expect(Set(fleet.vulnerabilities(of: package)) == Set(anew.vulnerabilities(of: package)))
                let moved = Set(fleet.vulnerabilities(of: package)) != Set(before.vulnerabilities(of: package))
                #expect(moved == result.changes.contains { Int($0.package) == package })
            }
            for vulnerability in anew.vulnerabilities {
                #expect(fleet.hosts(with: vulnerability) == anew.hosts(with: vulnerability))
            }
        }
        // One host by itself.
        for host in 0..<sets.count {
            var vulnerabilities: Set<String> = []
            var findings = 0
            for package in sets[host] {
                let own = try matcher.judge(MatchSubject(packages[Int(package)]), verdicts: [.affected]).findings
                findings += own.count
                vulnerabilities.formUnion(own.map(\.vulnerability))
            }
            #expect(fleet.hosts[host].findings == UInt32(findings))
            #expect(fleet.hosts[host].vulnerabilities == UInt32(vulnerabilities.count))
        }
    }
}
