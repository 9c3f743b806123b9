import Feeds
import Inventory
import Matching
import Testing
import Timestamps

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

    /// Judging only what a changed advisory is about finds what judging everything by the same feeds finds: with other names
    /// of a vulnerability, records that inform, are taken back or cannot be ordered, several feeds, and streams that come.
    @Test(arguments: 0..<6) func aChangedAdvisoryIsJudgedAsEverythingAfresh(seed: UInt64) async throws {
        var random = Random(seed: 100 + seed)
        let packages = (0..<90).map { number in
            number % 3 == 0
                ? rpm("p\(number % 15)", "1.\(number / 15)-1.el9", distribution: "almalinux-9.4")
                : deb(
                    "p\(number % 30)", number % 17 == 0 ? "not a version" : "1.\(number / 30)",
                    source: "s\(number % 12)",
                    distribution: number % 5 == 0 ? "debian-13" : "debian-12")
        }
        let sets = (0..<40).map { _ in Set((0..<25).map { _ in UInt32.random(in: 0..<90, using: &random) }).sorted() }
        let index = SoftwareIndex(packages: packages, hostCount: sets.count) { sets[$0] }
        func records(_ count: Int, streams: [String], _ random: inout Random) -> [FeedRecord] {
            (0..<count).map { _ in
                let number = Int.random(in: 0..<30, using: &random)
                var record = Advisory(source: ["osv", "alma", "tracker"][number % 3], id: "A-\(number)")
                switch Int.random(in: 0..<4, using: &random) {
                case 0: record.aliases = ["CVE-\(number % 9)", "GHSA-\(Int.random(in: 0..<9, using: &random))"]
                case 1: record.aliases = ["GHSA-\(Int.random(in: 0..<9, using: &random))"]
                default: record.closes = ["CVE-\(number % 9)", "CVE-\(Int.random(in: 0..<14, using: &random))"]
                }
                record.modified = Timestamp(seconds: Int64.random(in: 1...99, using: &random))
                if Int.random(in: 0..<8, using: &random) == 0 { record.withdrawn = record.modified }
                record.isInformational = Int.random(in: 0..<9, using: &random) == 0
                record.statements = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    let stream = streams.randomElement(using: &random) ?? ""
                    let version = "1.\(Int.random(in: 0...3, using: &random))"
                    if stream.hasPrefix("Alma") {
                        return statement(
                            stream, "p\(Int.random(in: 0..<15, using: &random))", kind: .binary, status: .fixed,
                            fixed: version + "-1.el9", scheme: "rpm")
                    }
                    return statement(
                        stream, "s\(Int.random(in: 0..<12, using: &random))",
                        status: Int.random(in: 0..<6, using: &random) == 0 ? .notAffected : .affected, below: version)
                }
                return .advisory(record)
            }
        }
        let first = ["Debian:12", "AlmaLinux:9"]
        var matcher = try Matcher([catalogue(records(60, streams: first, &random))])
        var fleet = try await FleetVerdicts(index, matcher: matcher)
        for round in 0..<10 {
            let streams = round == 6 ? first + ["Debian:13"] : first
            let change = try catalogue(records(Int.random(in: 1...3, using: &random), streams: streams, &random))
            let before = fleet
            let result = try fleet.apply(change, over: matcher)
            matcher = result.matcher
            let afresh = try await FleetVerdicts(index, matcher: matcher)
            #expect(fleet.hosts == afresh.hosts, "round \(round)")
            var moved: Set<UInt32> = []
            for package in packages.indices {
                let affected = Set(fleet.vulnerabilities(of: package))
                let undecided = Set(fleet.undecided(of: package))
                #expect(affected == Set(afresh.vulnerabilities(of: package)), "round \(round), package \(package)")
                #expect(undecided == Set(afresh.undecided(of: package)), "round \(round), package \(package)")
                if affected != Set(before.vulnerabilities(of: package))
                    || undecided != Set(before.undecided(of: package))
                {
                    moved.insert(UInt32(package))
                }
            }
            #expect(Set(result.changes.map(\.package)) == moved)
            for vulnerability in afresh.vulnerabilities {
                #expect(fleet.hosts(with: vulnerability) == afresh.hosts(with: vulnerability))
            }
        }
    }
}
