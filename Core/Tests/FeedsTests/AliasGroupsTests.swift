import Feeds
import Foundation
import Testing
import Timestamps

struct AliasGroupsTests {
    private func groups(_ records: [(String, [String])]) -> AliasGroups {
        var builder = AliasGroups.Builder()
        for (id, aliases) in records { builder.add(id, aliases: aliases) }
        return builder.groups()
    }

    @Test func oneVulnerabilityWithAllItsNames() {
        let groups = groups([
            ("PYSEC-2024-1", ["CVE-2024-0001", "GHSA-a"]), ("GHSA-a", ["CVE-2024-0001"]), ("GO-2024-1", ["GHSA-a"]),
        ])
        for id in ["PYSEC-2024-1", "GHSA-a", "GO-2024-1", "CVE-2024-0001"] {
            #expect(groups.name(of: id) == "CVE-2024-0001")
        }
        #expect(groups.names(of: "GO-2024-1") == ["CVE-2024-0001", "GHSA-a", "GO-2024-1", "PYSEC-2024-1"])
        #expect(groups.name(of: "CVE-2024-9999") == "CVE-2024-9999" && groups.names(of: "X") == ["X"])
    }

    /// A record that lists several flaws joins none of them.
    @Test func severalFlawsStayApart() {
        let groups = groups([
            ("GO-2020-1", ["CVE-2020-0001", "CVE-2020-0002", "GHSA-a", "GHSA-b"]), ("GHSA-a", ["CVE-2020-0001"]),
            ("GHSA-b", ["CVE-2020-0002"]),
        ])
        #expect(groups.name(of: "GHSA-a") == "CVE-2020-0001" && groups.name(of: "GHSA-b") == "CVE-2020-0002")
        #expect(groups.name(of: "GO-2020-1") == "GO-2020-1")
        #expect(groups.several["GO-2020-1"] == ["CVE-2020-0001", "CVE-2020-0002", "GHSA-a", "GHSA-b"])
    }

    /// A name that two records give to two CVEs joins neither, however long the chain.
    @Test func chainsAreCut() {
        let groups = groups([
            ("PYSEC-1", ["CVE-2020-0001", "GHSA-shared"]), ("GO-1", ["CVE-2020-0002", "GHSA-shared"]),
            ("RUSTSEC-1", ["GHSA-shared"]),
        ])
        #expect(groups.name(of: "PYSEC-1") == "CVE-2020-0001" && groups.name(of: "GO-1") == "CVE-2020-0002")
        #expect(groups.name(of: "GHSA-shared") == "GHSA-shared" && groups.name(of: "RUSTSEC-1") == "RUSTSEC-1")
    }

    /// What is closed or related is no other name, and a withdrawn record is no witness.
    @Test func onlyAliasesCount() {
        var builder = AliasGroups.Builder()
        var dsa = Advisory(source: "x", id: "DSA-1-1")
        dsa.closes = ["CVE-2020-0001", "CVE-2020-0002"]
        dsa.related = ["CVE-2020-0003"]
        builder.add(dsa)
        var withdrawn = Advisory(source: "x", id: "GHSA-w")
        withdrawn.aliases = ["CVE-2020-0004"]
        withdrawn.withdrawn = .init(seconds: 1)
        builder.add(withdrawn)
        let groups = builder.groups()
        for id in ["DSA-1-1", "CVE-2020-0001", "CVE-2020-0003", "GHSA-w"] { #expect(groups.names(of: id) == [id]) }
    }

    /// The order in which records come makes no difference.
    @Test func orderMakesNoDifference() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let names = (1...8).map { "CVE-2020-000\($0)" } + (1...8).map { "GHSA-\($0)" } + (1...8).map { "GO-\($0)" }
            let records = (0..<16).map { number in
                (
                    "R\(number % 5)-\(number)",
                    (0..<Int.random(in: 1...3, using: &random)).map { _ in names.randomElement() ?? "" }
                )
            }
            let one = groups(records)
            let other = groups(records.shuffled().map { ($0.0, $0.1.shuffled()) })
            for id in names + records.map({ $0.0 }) { #expect(one.names(of: id) == other.names(of: id)) }
            // No group has two CVEs.
            for id in names { #expect(one.names(of: id).count { $0.hasPrefix("CVE-") } <= 1) }
        }
    }

    @Test(.enabled(if: TestData.isPresent)) func realRecords() throws {
        var builder = AliasGroups.Builder()
        for set in ["Go", "PyPI", "crates.io", "Bitnami"] {
            var reader = OSVReader()
            for (name, bytes) in try TestData.files("feeds/osv/\(set)/all.zip") {
                for record in reader.records(bytes, place: name) {
                    if let advisory = record.advisory { builder.add(advisory) }
                }
            }
        }
        let groups = builder.groups()
        print("feeds: \(groups.several.count) records speak of several vulnerabilities")
        // Go's and RustSec's that list several CVEs are counted in the field notes.
        #expect(
            groups.several.count { $0.key.hasPrefix("GO-") } >= 34
                && groups.several.count { $0.key.hasPrefix("RUSTSEC-") } >= 40)
        #expect(groups.name(of: "GO-2020-0001") == "CVE-2020-36567")
    }
}
