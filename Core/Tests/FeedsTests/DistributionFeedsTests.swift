import Feeds
import Testing
import Timestamps

struct DebianTrackerReaderTests {
    private func statements(_ release: String) -> [Statement] {
        var reader = DebianTrackerReader()
        let advisories = reader.advisories(
            #"{"curl": {"CVE-2024-0001": {"description": "d", "scope": "remote", "releases": {\#(release)}}}}"#)
        #expect(reader.stored == 1 && reader.quarantined == 0 && advisories.count == 1)
        #expect(advisories[0].id == "CVE-2024-0001" && advisories[0].details == "d")
        return advisories[0].statements
    }

    @Test func resolved() {
        var expected = Statement(stream: "Debian:12", kind: .source, name: "curl", status: .affected)
        expected.ranges = [VersionRange(scheme: "deb", upper: "7.88.1-10+deb12u5")]
        expected.fixed = "7.88.1-10+deb12u5"
        expected.severities = [Severity(type: "Debian", score: "medium")]
        #expect(
            statements(
                #""bookworm": {"status": "resolved", "fixed_version": "7.88.1-10+deb12u5", "urgency": "medium**"}"#)
                == [expected])
    }

    /// "0" is no version: the release never had it.
    @Test func neverAffected() {
        let statement = statements(
            #""trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}"#)[0]
        #expect(statement.status == .notAffected && statement.ranges.isEmpty && statement.fixed == nil)
        #expect(statement.stream == "Debian:13")
    }

    /// States are no fixes.
    @Test(
        arguments: [
            (#""urgency": "not yet assigned""#, .unfixed), (#""urgency": "unimportant""#, .unimportant),
            (#""urgency": "end-of-life""#, .endOfLife),
            (#""urgency": "low", "nodsa": "Minor issue", "nodsa_reason": """#, .willNotFix),
            (#""urgency": "low", "nodsa": "Too intrusive", "nodsa_reason": "ignored""#, .willNotFix),
            (#""urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "postponed""#, .deferred),
        ] as [(String, Statement.Plan)])
    func open(fields: String, plan: Statement.Plan) {
        let statement = statements(#""bullseye": {"status": "open", \#(fields)}"#)[0]
        #expect(statement.status == .affected && statement.plan == plan && statement.fixed == nil)
        #expect(statement.isAffected("1") && statement.ranges.isEmpty)
    }

    @Test func undetermined() {
        #expect(statements(#""sid": {"status": "undetermined", "urgency": "low"}"#)[0].status == .underInvestigation)
    }

    /// A release that the table does not know is counted; a table can be extended.
    @Test func releases() {
        let text = #"{"a": {"CVE-2024-0001": {"releases": {"zurg": {"status": "open"}}}}}"#
        var reader = DebianTrackerReader()
        #expect(reader.advisories(text)[0].statements.isEmpty && reader.unmapped["releases/zurg"] == 1)
        var releases = Releases.debian
        releases.streams["zurg"] = "Debian:16"
        var other = DebianTrackerReader(releases: releases)
        #expect(other.advisories(text)[0].statements[0].stream == "Debian:16")
    }

    /// A bad record is put aside, and those around it are read.
    @Test func badRecords() {
        var reader = DebianTrackerReader()
        let advisories = reader.advisories(
            """
            {"a": {"CVE-2024-0001": {"releases": {"sid": {"status": "odd"}}}, "CVE-2024-0002": 7,
             "CVE-2024-0003": {"releases": {"sid": {"status": "resolved"}}}, "CVE-2024-0004": {"releases": {}}},
             "b": {"TEMP-0000000-ABCDEF": {"releases": {"sid": {"status": "open"}}}}}
            """)
        #expect(advisories.map { $0.id } == ["CVE-2024-0004", "TEMP-0000000-ABCDEF"])
        #expect(reader.faults.map { $0.record } == ["CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003"])
        #expect(reader.faults[0].reason.contains("status is odd") && reader.faults[0].place == "test.json: a")
    }

    /// What stood before a break has been given out, and the break is told.
    @Test func truncated() {
        var reader = DebianTrackerReader()
        let advisories = reader.advisories(
            #"{"a": {"CVE-2024-0001": {"releases": {"sid": {"status": "open"}}}, "CVE-2024-0002": {"rel"#)
        #expect(advisories.count == 1 && reader.quarantined == 1 && reader.faults[0].reason.contains("ends"))
    }
}

struct DebianListReaderTests {
    private func read(_ text: String) -> (advisories: [Advisory], reader: DebianListReader) {
        var reader = DebianListReader()
        return (reader.advisories(text, place: "list"), reader)
    }

    @Test func readsEntries() throws {
        let (advisories, reader) = read(
            """
            [29 Mar 2023] DSA-5380-1 xorg-server - security update
            \t{CVE-2023-1393 CVE-2023-1394}
            \t[bullseye] - xorg-server 2:1.20.11-1+deb11u6
            \tNOTE: something
            [04 Feb 2023] DSA-5341-2 curl - regression update
                \t[bullseye] - curl  7.74.0-1.3+deb11u7 (bug #1)
            [18 Apr 2018] DSA-4205-1 jessie end-of-life
            [01 Sep 2022] DLA-1-1 x - security update
            \t[buster] - x <not-affected> (Vulnerable code not present)
            \t[stretch] - x <end-of-life>
            \t[zurg] - x 1
            """)
        #expect(reader.stored == 4 && reader.quarantined == 0 && reader.unmapped == ["NOTE": 1, "release [zurg]": 1])
        let first = advisories[0]
        #expect(
            first.id == "DSA-5380-1" && first.closes == ["CVE-2023-1393", "CVE-2023-1394"] && !first.isInformational)
        #expect(first.published == Timestamp(rfc3339: "2023-03-29T00:00:00Z"))
        #expect(first.summary == "xorg-server - security update")
        var statement = Statement(stream: "Debian:11", kind: .source, name: "xorg-server", status: .affected)
        statement.ranges = [VersionRange(scheme: "deb", upper: "2:1.20.11-1+deb11u6")]
        statement.fixed = "2:1.20.11-1+deb11u6"
        #expect(first.statements == [statement])
        // A repair closes nothing, and an announcement fixes nothing.
        #expect(advisories[1].isInformational && advisories[1].statements[0].fixed == "7.74.0-1.3+deb11u7")
        #expect(advisories[1].statements[0].reason == "bug #1")
        #expect(advisories[2].isInformational)
        #expect(advisories[3].statements.map { $0.status } == [.notAffected, .affected])
        #expect(advisories[3].statements[0].reason == "Vulnerable code not present")
        #expect(advisories[3].statements[1].plan == .endOfLife)
    }

    @Test func badEntries() {
        let (advisories, reader) = read(
            "\t[x] - y 1\n[29 Foo 2023] DSA-1-1 a\n\t{CVE-2023-1393}\n[29 Mar 2023] DSA-2-1 b\n\t{CVE-2023-1\n"
                + "[29 Mar 2023] DSA-3-1 c\n\t[sid] c 1\n[29 Mar 2023] DSA-4-1 d\n\t{CVE-2023-0004}\n\t[sid] - d 1\n\u{0}\n"
                + "[29 Mar 2023] DSA-5-1 e\n\t[sid] - e 1")
        #expect(advisories.map { $0.id } == ["DSA-5-1"])
        #expect(
            reader.faults.map { $0.place } == [
                "list, line 1", "list, line 2", "list, line 4", "list, line 6", "list, line 8",
            ])
    }
}

struct SecDBReaderTests {
    /// "0" means that no version ever had it; several ids may stand in one text, and notes between them.
    @Test func readsFixes() throws {
        var reader = SecDBReader()
        let advisories = reader.advisories(
            """
            {"packages": [{"pkg": {"secfixes": {"1.2-r0": ["CVE-2024-0001", "CVE-2024-0002 XSA-1 (+ regression fix)"],
             "0": ["CVE-2024-0003"], "1.2-r3": ["CVE-2024-0001 (+)", "CVE 2024-0004", "CVE_2024-0005", "CVE-????-?????"]},
             "name": "a"}}, {"pkg": {"name": "b", "secfixes": null}}], "distroversion": "v3.18", "reponame": "main"}
            """)
        #expect(reader.quarantined == 0 && reader.stored == 6)
        let byID = Dictionary(uniqueKeysWithValues: advisories.map { ($0.id, $0.statements[0]) })
        let first = try #require(byID["CVE-2024-0001"])
        #expect(first.stream == "Alpine:v3.18" && first.kind == .source && first.name == "a" && first.fixed == "1.2-r3")
        #expect(first.isAffected("1.2-r2") && !first.isAffected("1.2-r3"))
        #expect(byID["CVE-2024-0003"]?.status == .notAffected && byID["XSA-1"]?.fixed == "1.2-r0")
        #expect(byID["CVE-2024-0004"] != nil && byID["CVE-2024-0005"] != nil && reader.unmapped["secfixes/note"] == 5)
    }

    @Test func streams() {
        for (fields, stream) in [
            (#""urlprefix": "https://packages.wolfi.dev""#, "Wolfi"),
            (#""urlprefix": "https://packages.cgr.dev""#, "Chainguard"),
            (#""urlprefix": "https://packages.mini.dev""#, "MinimOS"), (#""distroversion": "edge""#, "Alpine:edge"),
        ] {
            var reader = SecDBReader()
            let advisories = reader.advisories(#"{"name": "a", "secfixes": {"1-r0": ["CVE-2024-0001"]}, \#(fields)}"#)
            #expect(advisories.first?.statements[0].stream == stream)
        }
        var reader = SecDBReader()
        #expect(reader.advisories(#"{"packages": []}"#).isEmpty && reader.faults[0].reason.contains("distroversion"))
        var given = SecDBReader(stream: "Alpine:v3.1")
        #expect(given.advisories(#"{"packages": [], "x": 1}"#).isEmpty && given.quarantined == 0)
    }

    @Test func yaml() {
        var reader = SecDBReader()
        let advisories = reader.advisories(
            """
            ---
            distroversion: v3.5
            apkurl: "{{urlprefix}}/{{arch}}"
            archs:
              - x86_64
            packages:
              - pkg:
                  name: ansible
                  secfixes:
                    2.2.1.0-r0:
                    - CVE-2016-9587
                    2.2.1.0-r0:
                      - CVE-2016-9588
            """)
        #expect(advisories.map { $0.id } == ["CVE-2016-9587", "CVE-2016-9588"] && reader.quarantined == 0)
        _ = reader.advisories("a:\n  - &x b\n")
        #expect(reader.quarantined == 1 && reader.faults[0].reason.contains("anchors"))
    }
}

struct OtherDistributionTests {
    @Test func arch() {
        var reader = ArchReader()
        let advisories = reader.advisories(
            """
            [{"name": "AVG-1", "packages": ["a", "b"], "status": "Fixed", "severity": "High", "type": "x", "affected": "1-1",
              "fixed": "1-2", "issues": ["CVE-2024-0001"], "advisories": ["ASA-1"]},
             {"name": "AVG-2", "packages": ["a"], "status": "Vulnerable", "affected": "1-1", "fixed": null, "issues": []},
             {"name": "AVG-3", "packages": ["a"], "status": "Not affected", "affected": "1-1", "fixed": null, "issues": []},
             {"name": "AVG-4", "packages": ["a"], "status": "Odd", "issues": []},
             {"name": "AVG-5", "packages": ["a"], "status": "Testing", "affected": "1-1", "fixed": "2-1", "issues": []}]
            """)
        #expect(advisories.map { $0.id } == ["AVG-1", "AVG-2", "AVG-3", "AVG-5"] && reader.quarantined == 1)
        #expect(advisories[0].closes == ["CVE-2024-0001"] && advisories[0].statements.map { $0.name } == ["a", "b"])
        // `affected` is a version that was seen to be affected, not the first.
        #expect(advisories[0].statements[0].isAffected("0.1-1") && advisories[0].statements[0].fixed == "1-2")
        #expect(advisories[1].statements[0].plan == .unfixed && advisories[1].statements[0].isAffected("9-1"))
        #expect(advisories[2].statements[0].status == .notAffected && advisories[3].statements[0].channel == "testing")
    }

    @Test func echo() {
        var reader = EchoReader()
        let advisories = reader.advisories(
            #"{"curl": {"CVE-2024-0001": {"fixed_version": "1"}, "CVE-2024-0002": {}, "CVE-2024-0003": {"fixed_version": "0"}}}"#
        )
        #expect(advisories.map { $0.statements[0].plan } == [.none, .unfixed, .none])
        #expect(advisories[2].statements[0].status == .notAffected)
        #expect(reader.advisories(#"{"CVE-2024-0001": {}}"#, place: "echo/nginx.json")[0].statements[0].name == "nginx")
    }

    @Test func vunnel() {
        var reader = VunnelReader()
        let advisories = reader.advisories(
            """
            [{"Vulnerability": {"Name": "CVE-2024-0001", "NamespaceName": "rhel:8.6+eus", "FixedIn": [
               {"Name": "nodejs", "NamespaceName": "rhel:8.6+eus", "Version": "1:2-3", "VersionFormat": "rpm", "Module": "nodejs:18",
                "VulnerableRange": "< 1:2-3 || >= 1:3, < 1:3-2"},
               {"Name": "x", "NamespaceName": "rhel:8.6+eus", "Version": "None", "VendorAdvisory": {"NoAdvisory": true}}]}},
             {"Vulnerability": {}, "Advisory": {"ghsaId": "GHSA-1", "namespace": "github:python", "CVE": ["CVE-2024-0002"],
               "FixedIn": [{"ecosystem": "python", "name": "p", "namespace": "github:python", "identifier": "None",
                "range": ">= 1.7.1 <= 1.8.3"}]}},
             {"Vulnerability": {"Name": "ALAS-2024-1", "NamespaceName": "amzn:2", "Metadata": {"CVE": [{"Name": "CVE-2024-0003"}]},
               "FixedIn": [{"Name": "kernel", "NamespaceName": "amzn:2", "Version": "4.14"}]}}, {"x": 1}]
            """)
        #expect(reader.stored == 3 && reader.quarantined == 1)
        let first = advisories[0].statements
        #expect(
            first[0].stream == "Red Hat:rhel_eus:8.6" && first[0].module == "nodejs:18" && first[0].ranges.count == 2)
        #expect(first[1].plan == .willNotFix && first[1].isAffected("1"))
        #expect(advisories[1].aliases == ["CVE-2024-0002"] && advisories[1].statements[0].stream == "PyPI")
        #expect(advisories[1].statements[0].isAffected("1.8.3") && !advisories[1].statements[0].isAffected("1.9"))
        #expect(advisories[2].closes == ["CVE-2024-0003"] && advisories[2].statements[0].stream == "Amazon Linux:2")
    }

    @Test func errata() {
        var reader = ErrataReader()
        let advisories = reader.advisories(
            """
            {"id": "RLSA-2021:1989", "title": "t", "issued": {"date": "2021-07-22 03:17:17"}, "severity": "Important",
             "collections": [{"module": {"stream": "18", "name": "nodejs"}, "packages": [
              {"name": "bind", "epoch": "32", "version": "9.11", "release": "4.el8_4", "arch": "aarch64"},
              {"name": "bind", "epoch": "32", "version": "9.11", "release": "4.el8_4", "arch": "x86_64"}]}],
             "references": [{"id": "CVE-2021-25215", "href": "https://x", "type": "cve"}]}
            """)
        let statement = advisories[0].statements[0]
        #expect(advisories[0].closes == ["CVE-2021-25215"] && advisories[0].statements.count == 1)
        #expect(
            statement.stream == "Rocky Linux:8" && statement.module == "nodejs:18"
                && statement.fixed == "32:9.11-4.el8_4")
        #expect(statement.architectures == ["aarch64", "x86_64"] && advisories[0].published != nil)
        var amazon = ErrataReader()
        #expect(
            amazon.advisories(
                #"{"id": "ALAS2023-2023-1", "packages": [{"name": "a", "version": "1", "release": "2.amzn2023", "arch": "noarch"}]}"#
            )[0].statements[0].stream == "Amazon Linux:2023")
    }

    @Test func github() {
        var reader = GitHubReader()
        let advisories = reader.advisories(
            """
            [{"ghsa_id": "GHSA-1", "cve_id": "CVE-2024-0001", "severity": "high", "cwes": [{"cwe_id": "CWE-79", "name": "x"}],
              "cvss_severities": {"cvss_v3": {"vector_string": "CVSS:3.1/AV:N", "score": 1}, "cvss_v4": {"vector_string": null}},
              "vulnerabilities": [{"package": {"ecosystem": "npm", "name": "p"}, "vulnerable_version_range": ">= 1.0, < 1.2",
               "first_patched_version": "1.2"}]}]
            """)
        #expect(advisories[0].aliases == ["CVE-2024-0001"] && advisories[0].weaknesses == ["CWE-79"])
        #expect(advisories[0].severities.map { $0.type } == ["GitHub", "CVSS_V3"])
        #expect(advisories[0].statements[0].ranges == [VersionRange(scheme: "npm", lower: "1.0", upper: "1.2")])
    }

    /// Affected is what no requirement patches or spares.
    @Test func rubySec() {
        func affected(_ yaml: String) -> Statement? {
            var reader = RubySecReader()
            return reader.advisories(yaml, place: "gems/x/GHSA-1.yml").first?.statements.first
        }
        let statement = affected(
            """
            ---
            gem: x
            cve: 2024-1234
            date: 2024-01-02
            description: |
              ### Text: with a colon

              and more
            unaffected_versions:
              - "< 1.0"
            patched_versions:
              - "~> 2.3.4"
              - ">= 3.0.1"
            """)
        for version in ["1.0", "2.3.3", "2.4.0", "2.4.0.alpha", "3.0.0"] {
            #expect(statement?.isAffected(version) == true, "\(version)")
        }
        for version in ["0.9", "2.3.4", "2.3.9", "3.0.1", "4"] {
            #expect(statement?.isAffected(version) == false, "\(version)")
        }
        #expect(statement?.fixed == "3.0.1" && statement?.stream == "RubyGems")
        let unfixed = affected("gem: x\ncve: 2024-1234\ntitle:\n  Long\n  title")
        #expect(unfixed?.isAffected("1") == true && unfixed?.plan == .unfixed && unfixed?.fixed == nil)
    }
}
