import Feeds
import Testing
import Versions

struct OSVReaderTests {
    private func read(_ text: String, _ reader: inout OSVReader) -> OSVRecord? {
        Array(text.utf8).withUnsafeBytes { reader.record($0, place: "test.json") }
    }

    @Test func readsARecord() throws {
        var reader = OSVReader()
        let record = try #require(
            read(
                """
                {"schema_version": "1.6.0", "id": "X-1", "modified": "2024-01-02T03:04:05Z", "aliases": ["CVE-2024-1"],
                 "withdrawn": null, "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}],
                 "references": [{"type": "WEB", "url": "https://example.org"}],
                 "affected": [{"package": {"ecosystem": "PyPI", "name": "a", "purl": "pkg:pypi/a"},
                   "ranges": [{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}]},
                              {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0"}]}],
                   "versions": ["0.1-odd"], "database_specific": {"a": [1, {"b": 2}]}}]}
                """, &reader))
        #expect(record.id == "X-1" && record.aliases == ["CVE-2024-1"] && record.withdrawn == nil)
        #expect(record.affected[0].ranges.map { $0.order } == [.git, .ecosystem])
        #expect(record.affected[0].ranges[1].events[1] == OSVEvent(kind: .fixed, version: "1.0"))
        #expect(reader.unmapped == ["schema_version": 1, "affected/database_specific": 1])
        #expect(reader.stored == 1 && reader.quarantined == 0)
    }

    @Test(
        arguments: [
            ("{", "", "JSON"), ("[]", "", "object"), (#"{"id": "X"}"#, "X", "modification"),
            (#"{"modified": "2024-01-02T03:04:05Z"}"#, "", "no id"),
            (#"{"id": "X", "modified": "yesterday"}"#, "X", "RFC 3339"),
            (#"{"id": "a b", "modified": "2024-01-02T03:04:05Z"}"#, "a b", "printable"),
            (#"{"id": "X", "affected": [{"ranges": [{"type": "ODD"}]}]}"#, "X", "/affected/0/ranges/0/type"),
            (#"{"id": "X", "affected": [{"ranges": [{"events": []}]}]}"#, "X", "no type"),
            (
                #"{"id": "X", "modified": "2024-01-02T03:04:05Z", "affected": [{"package": {"name": "a"}}]}"#, "X",
                "/affected/0/package"
            ),
            (#"{"id": "X", "modified": "2024-01-02T03:04:05Z"} x"#, "X", ""),
            (String(repeating: "[", count: 100), "", ""),
        ] as [(String, String, String)])
    func badRecordsArePutAside(text: String, id: String, reason: String) {
        var reader = OSVReader()
        #expect(read(text, &reader) == nil)
        #expect(reader.quarantined == 1 && reader.stored == 0)
        let fault = reader.faults.first
        #expect(fault?.place == "test.json" && fault?.record == id)
        #expect(reason == "JSON" || fault?.reason.contains(reason) == true, "\(fault?.description ?? "")")
        // The rest goes on.
        #expect(read(#"{"id": "Y", "modified": "2024-01-02T03:04:05Z"}"#, &reader)?.id == "Y")
    }

    @Test func ecosystemsHaveOrders() {
        #expect(Ecosystem("Debian:12").scheme?.name == "deb")
        #expect(Ecosystem("Ubuntu:Pro:18.04:LTS").release == "Pro:18.04:LTS")
        #expect(Ecosystem("Root:Alpine:3.18").scheme?.name == "apk")
        #expect(Ecosystem("Android").scheme == nil)
        #expect(Ecosystem("Red Hat:rhel_aus:8.4::appstream").description == "Red Hat:rhel_aus:8.4::appstream")
    }
}

struct OSVBoundsTests {
    private func bounds(
        _ ecosystem: String, _ events: [(OSVEvent.Kind, String)], versions: [String] = [],
        order: OSVRange.Order = .ecosystem
    ) -> OSVBounds {
        var affected = OSVAffected()
        affected.ecosystem = ecosystem
        affected.name = "p"
        affected.versions = versions
        affected.ranges = [
            OSVRange(order: .git, repository: "r", events: [OSVEvent(kind: .introduced, version: "0")]),
            OSVRange(order: order, repository: "", events: events.map { OSVEvent(kind: $0.0, version: $0.1) }),
        ]
        return OSVBounds(affected)
    }

    /// Events may be unsorted, and close and open at one version.
    @Test func eventsAreSorted() {
        let bounds = bounds(
            "PyPI", [(.fixed, "3.1.1"), (.introduced, "3.1.1"), (.introduced, "0"), (.lastAffected, "4.0")])
        for version in ["0.1", "3.1.0", "3.1.1", "4.0", "4.0.0"] { #expect(bounds.rule(for: version) != nil) }
        #expect(bounds.rule(for: "4.0.1") == nil)
        // The two ranges are one, to the last version.
        #expect(bounds.rule(for: "3.1.0") == .between(lower: nil, upper: "4.0", isIncluded: true))
    }

    /// "0" is before every version, also before a pseudo-version.
    @Test func zeroIsBeforeEverything() {
        let bounds = bounds("Go", [(.introduced, "0"), (.fixed, "0.0.0-20210101000000-aaaaaaaaaaaa")], order: .semver)
        #expect(bounds.rule(for: "0.0.0-20200101000000-bbbbbbbbbbbb") != nil)
        #expect(bounds.rule(for: "0.0.0-20220101000000-bbbbbbbbbbbb") == nil)
    }

    @Test func whatIsFixedWhereItIsIntroducedIsNotAffected() {
        let bounds = bounds(
            "crates.io", [(.introduced, "0"), (.fixed, "1.1.5"), (.introduced, "1.2.0"), (.fixed, "1.2.0")],
            order: .semver)
        #expect(bounds.rule(for: "1.1.4") != nil)
        for version in ["1.1.5", "1.2.0", "1.3.0"] { #expect(bounds.rule(for: version) == nil) }
    }

    @Test func fixedAtZeroIsNotAffected() {
        #expect(bounds("Alpine:v3.18", [(.introduced, "0"), (.fixed, "0")]).rule(for: "1.0-r0") == nil)
    }

    /// What is listed matches to the letter; a bound that is no version raises an alarm and matches nothing.
    @Test func whatCannotBeOrdered() {
        let bounds = bounds("npm", [(.introduced, "banana")], versions: ["odd-one"])
        #expect(bounds.rule(for: "odd-one") == .listed)
        #expect(bounds.rule(for: "1.0.0") == nil)
        #expect(bounds.alarms.count == 1 && bounds.alarms[0].contains("banana"))
        #expect(self.bounds("npm", [(.introduced, "0")]).rule(for: "no version") == nil)
    }
}
