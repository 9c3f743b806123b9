import Feeds
import Testing
import Timestamps
import Versions

struct OSVReaderTests {
    private func read(_ text: String, _ reader: inout OSVReader) -> Advisory? {
        let records = reader.records(text)
        #expect(records.count <= 1)
        return records.first?.advisory
    }

    @Test func readsARecord() throws {
        var reader = OSVReader()
        let record = try #require(
            read(
                """
                {"schema_version": "1.6.0", "id": "X-1", "modified": "2024-01-02T03:04:05Z", "aliases": ["CVE-2024-1234"],
                 "withdrawn": null, "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}],
                 "references": [{"type": "WEB", "url": "https://example.org"}],
                 "database_specific": {"cwe_ids": ["CWE-79"], "nvd_published_at": null},
                 "affected": [{"package": {"ecosystem": "PyPI", "name": "a", "purl": "pkg:pypi/a"},
                   "ranges": [{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}]},
                              {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0"}]}],
                   "versions": ["0.1-odd"], "database_specific": {"a": [1, {"b": 2}]}}]}
                """, &reader))
        #expect(record.id == "X-1" && record.aliases == ["CVE-2024-1234"] && record.withdrawn == nil)
        #expect(record.source == "osv" && record.modified == Timestamp(rfc3339: "2024-01-02T03:04:05Z"))
        #expect(
            record.weaknesses == ["CWE-79"] && record.severities == [Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N")])
        #expect(record.references == [Reference(type: "WEB", url: "https://example.org")])
        var statement = Statement(stream: "PyPI", kind: .language, name: "a", status: .affected)
        statement.ranges = [VersionRange(scheme: "pypi", upper: "1.0")]
        statement.versions = ["0.1-odd"]
        statement.fixed = "1.0"
        #expect(record.statements == [statement])
        #expect(
            reader.unmapped == [
                "schema_version": 1, "affected/database_specific/a": 1, "affected/package/purl": 1,
                "affected/ranges/repo": 1, "database_specific/nvd_published_at": 1,
            ])
        #expect(reader.stored == 1 && reader.quarantined == 0)
    }

    /// Go's database has the zero of its own type where nobody set a date: it must not date a whole feed.
    @Test func theZeroTimeIsNoDate() throws {
        var reader = OSVReader()
        let record = try #require(
            read(
                """
                {"id": "GO-1", "modified": "0001-01-01T00:00:00Z", "published": "2021-04-14T20:04:52Z",
                 "affected": [{"package": {"ecosystem": "Go", "name": "a"},
                   "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}
                """, &reader))
        #expect(record.modified == nil && record.published == Timestamp(rfc3339: "2021-04-14T20:04:52Z"))
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
        #expect(Ecosystem("Root:Alpine:3.18").scheme?.name == "apk" && Ecosystem("Seal:npm").packageKind == .language)
        #expect(Ecosystem("Android").scheme == nil)
        #expect(Ecosystem("Red Hat:rhel_aus:8.4::appstream").description == "Red Hat:rhel_aus:8.4::appstream")
        #expect(Ecosystem("Debian:12").packageKind == .source && Ecosystem("AlmaLinux:9").packageKind == .binary)
    }

    private func record(_ id: String, _ fields: String, _ ecosystem: String, _ more: String = "") -> Advisory? {
        var reader = OSVReader()
        return read(
            """
            {"id": "\(id)", "modified": "2024-01-02T03:04:05Z", \(fields), "affected": [{"package":
             {"ecosystem": "\(ecosystem)", "name": "p"}, "ranges": [{"type": "ECOSYSTEM", "events":
             [{"introduced": "0"}, {"fixed": "1-1"}]}]\(more)}]}
            """, &reader)
    }

    /// What an advisory closes is not what it is called: AlmaLinux has it in `related`, old Debian records in `aliases`.
    @Test func whatAnAdvisoryCloses() throws {
        let alma = try #require(
            record("ALSA-2024:1", #""related": ["CVE-2024-0001", "CVE-2024-0002", "ALSA-2023:1"]"#, "AlmaLinux:9"))
        #expect(alma.closes == ["CVE-2024-0001", "CVE-2024-0002"] && alma.related == ["ALSA-2023:1"])
        let debian = try #require(record("DSA-5000-1", #""aliases": ["CVE-2024-0001"]"#, "Debian:12"))
        #expect(debian.closes == ["CVE-2024-0001"] && debian.aliases.isEmpty)
        let one = try #require(record("DEBIAN-CVE-2024-0001", #""upstream": ["CVE-2024-0001"]"#, "Debian:12"))
        #expect(one.aliases == ["CVE-2024-0001"] && one.closes.isEmpty)
        let ubuntu = try #require(
            record("USN-1-1", #""upstream": ["CVE-2024-0001", "UBUNTU-CVE-2024-0001"]"#, "Ubuntu:22.04:LTS"))
        #expect(ubuntu.closes == ["CVE-2024-0001"] && ubuntu.related == ["UBUNTU-CVE-2024-0001"])
        let go = try #require(record("GO-2024-1", #""aliases": ["CVE-2024-0001", "CVE-2024-0002"]"#, "Go"))
        #expect(go.aliases == ["CVE-2024-0001", "CVE-2024-0002"] && go.closes.isEmpty)
    }

    @Test func whatOnlyInforms() throws {
        #expect(try #require(record("ALBA-2024:1", #""related": []"#, "AlmaLinux:9")).isInformational)
        #expect(try !#require(record("ALBA-2024:1", #""related": ["CVE-2024-0001"]"#, "AlmaLinux:9")).isInformational)
        let notice = #", "database_specific": {"informational": "unmaintained"}"#
        #expect(try #require(record("RUSTSEC-2024-1", #""related": []"#, "crates.io", notice)).isInformational)
        let none = #", "database_specific": {"informational": null}"#
        #expect(try !#require(record("RUSTSEC-2024-1", #""related": []"#, "crates.io", none)).isInformational)
    }

    /// Pro channels are streams of their own; Red Hat's repositories of one release are one.
    @Test func streams() throws {
        #expect(
            try #require(record("X", #""related": []"#, "Ubuntu:Pro:18.04:LTS")).statements[0].stream
                == "Ubuntu:Pro:18.04:LTS")
        let baseos = try #require(record("X", #""related": []"#, "Red Hat:enterprise_linux:9::baseos")).statements[0]
        #expect(baseos.stream == "Red Hat:enterprise_linux:9" && baseos.channel.isEmpty)
        let nfv = try #require(record("X", #""related": []"#, "Red Hat:enterprise_linux:9::nfv")).statements[0]
        #expect(nfv.stream == "Red Hat:enterprise_linux:9" && nfv.channel == "nfv")
        let eus = try #require(record("X", #""related": []"#, "Red Hat:rhel_eus:9.4::appstream")).statements[0]
        #expect(eus.stream == "Red Hat:rhel_eus:9.4" && eus.kind == .binary && eus.channel.isEmpty)
        let layered = try #require(record("X", #""related": []"#, "Red Hat:openshift:4.12::el8")).statements[0]
        #expect(layered.stream == "Red Hat:openshift:4.12::el8")
    }

    @Test func unimportant() throws {
        let priority = #""severity": [{"type": "Ubuntu", "score": "negligible"}]"#
        #expect(
            try #require(record("UBUNTU-CVE-2024-0001", priority, "Ubuntu:22.04:LTS")).statements[0].plan
                == .unimportant)
        let urgency = #", "ecosystem_specific": {"urgency": "unimportant"}"#
        #expect(
            try #require(record("DEBIAN-CVE-2024-0001", #""related": []"#, "Debian:12", urgency)).statements[0].plan
                == .unimportant)
    }

    @Test func whatIsThrownIsThrownOn() {
        struct Full: Error {}
        var reader = OSVReader()
        #expect(throws: Full.self) {
            try Array(#"{"id": "Y", "modified": "2024-01-02T03:04:05Z"}"#.utf8).withUnsafeBytes {
                try reader.read($0, place: "x") { _ in throw Full() }
            }
        }
        #expect(reader.stored == 0 && reader.quarantined == 0)
    }
}

struct OSVRangeTests {
    private func statements(
        _ ecosystem: String, _ events: [(String, String)], versions: [String] = [], order: String = "ECOSYSTEM"
    ) -> (statements: [Statement], alarms: [FeedFault]) {
        let events = events.map { #"{"\#($0.0)": "\#($0.1)"}"# }.joined(separator: ", ")
        var reader = OSVReader()
        let advisories = reader.advisories(
            """
            {"id": "X", "modified": "2024-01-02T03:04:05Z", "affected": [{"package": {"ecosystem": "\(ecosystem)",
             "name": "p"}, "versions": [\(versions.map { "\"\($0)\"" }.joined(separator: ", "))],
             "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "\(order)", "events": [\(events)]}]}]}
            """)
        return (advisories[0].statements, reader.tally.alarms)
    }

    /// Events may be unsorted, and close and open at one version.
    @Test func eventsAreSorted() {
        let statement = statements(
            "PyPI", [("fixed", "3.1.1"), ("introduced", "3.1.1"), ("introduced", "0"), ("last_affected", "4.0")]
        ).statements[0]
        for version in ["0.1", "3.1.0", "3.1.1", "4.0", "4.0.0"] { #expect(statement.isAffected(version)) }
        #expect(!statement.isAffected("4.0.1"))
        // The two ranges are one, to the last version.
        #expect(statement.ranges == [VersionRange(scheme: "pypi", upper: "4.0", includesUpper: true)])
        #expect(statement.fixed == nil)
    }

    @Test func severalIntervals() {
        let statement = statements(
            "npm", [("introduced", "2.0.0"), ("fixed", "2.3.4"), ("introduced", "1.0.0"), ("fixed", "1.2.3")],
            order: "SEMVER"
        ).statements[0]
        #expect(
            statement.ranges == [
                VersionRange(scheme: "semver", lower: "1.0.0", upper: "1.2.3"),
                VersionRange(scheme: "semver", lower: "2.0.0", upper: "2.3.4"),
            ])
        #expect(statement.fixed == "2.3.4")
    }

    /// Unsorted, a fix before the introduction fixes nothing.
    @Test func fixedBeforeIntroduced() {
        let statement = statements("npm", [("fixed", "1.0.0"), ("introduced", "2.0.0")], order: "SEMVER").statements[0]
        #expect(statement.ranges == [VersionRange(scheme: "semver", lower: "2.0.0")] && statement.fixed == nil)
    }

    /// "0" is before every version, also before a pseudo-version.
    @Test func zeroIsBeforeEverything() {
        let statement = statements(
            "Go", [("introduced", "0"), ("fixed", "0.0.0-20210101000000-aaaaaaaaaaaa")], order: "SEMVER"
        ).statements[0]
        #expect(statement.ranges[0].lower == nil)
        #expect(statement.isAffected("0.0.0-20200101000000-bbbbbbbbbbbb"))
        #expect(!statement.isAffected("0.0.0-20220101000000-bbbbbbbbbbbb"))
    }

    @Test func whatIsFixedWhereItIsIntroducedIsNotAffected() {
        let statement = statements(
            "crates.io", [("introduced", "0"), ("fixed", "1.1.5"), ("introduced", "1.2.0"), ("fixed", "1.2.0")],
            order: "SEMVER"
        ).statements[0]
        #expect(statement.isAffected("1.1.4"))
        for version in ["1.1.5", "1.2.0", "1.3.0"] { #expect(!statement.isAffected(version)) }
    }

    @Test func fixedAtZeroIsNotAffected() {
        let statement = statements("Alpine:v3.18", [("introduced", "0"), ("fixed", "0")]).statements[0]
        #expect(statement.status == .notAffected && statement.ranges.isEmpty && statement.fixed == nil)
    }

    /// An entry that names no versions at all must not become one about all of them.
    @Test func nothingSaid() {
        var reader = OSVReader()
        let advisories = reader.advisories(
            """
            {"id": "X", "modified": "2024-01-02T03:04:05Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "p"}},
             {"package": {"ecosystem": "PyPI", "name": "q"}, "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}]}
            """)
        #expect(advisories.count == 1 && advisories[0].statements.isEmpty)
    }

    /// What is listed matches to the letter; a bound that is no version raises an alarm and leaves the package unknown.
    @Test func whatCannotBeOrdered() {
        let (odd, alarms) = statements("npm", [("introduced", "banana")], versions: ["odd-one"])
        #expect(odd[0].isAffected("odd-one") && !odd[0].isAffected("1.0.0"))
        #expect(alarms.count == 1 && alarms[0].reason.contains("banana") && alarms[0].record == "X")
        let unread = statements("npm", [("introduced", "banana")]).statements
        #expect(unread.map(\.status) == [.underInvestigation] && !unread[0].isAffected("1.0.0"))
        #expect(!statements("npm", [("introduced", "0")]).statements[0].isAffected("no version"))
        let unknown = statements("Android", [("introduced", "0")])
        #expect(
            unknown.statements.map(\.status) == [.underInvestigation] && unknown.alarms[0].reason.contains("Android"))
    }
}
