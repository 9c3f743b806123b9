import Feeds
import Testing
import Timestamps

struct CSAFReaderTests {
    /// A document with a platform, a package of it in two architectures, its source, and an unfixed one.
    private func document(
        status: String, more: String = "", relationships: String = "", products: String = "",
        category: String = "csaf_vex", id: String = "CVE-2024-0001", vendor: String = "Red Hat Product Security"
    ) -> String {
        """
        {"document": {"category": "\(category)", "csaf_version": "2.0", "title": "t", "publisher": {"name": "\(vendor)"},
          "tracking": {"id": "\(id)", "current_release_date": "2024-05-01T00:00:00+00:00", "initial_release_date": "2024-04-01T00:00:00Z"}},
         "product_tree": {"branches": [{"category": "vendor", "name": "Red Hat", "branches": [
           {"category": "product_name", "name": "RHEL 9", "product": {"product_id": "B9", "name": "RHEL 9",
             "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9::baseos"}}},
           {"category": "product_name", "name": "RHEL 9.4 EUS", "product": {"product_id": "E94", "name": "RHEL 9.4 EUS",
             "product_identification_helper": {"cpe": "cpe:/a:redhat:rhel_eus:9.4::appstream"}}},
           {"category": "product_version", "name": "openssl-1:3.0.7-27.el9.x86_64", "product": {"product_id": "oX", "name": "openssl",
             "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=x86_64&epoch=1"}}},
           {"category": "product_version", "name": "openssl-1:3.0.7-27.el9.aarch64", "product": {"product_id": "oA", "name": "openssl",
             "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=aarch64&epoch=1"}}},
           {"category": "product_version", "name": "openssl-1:3.0.7-27.el9.src", "product": {"product_id": "oS", "name": "openssl",
             "product_identification_helper": {"purl": "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=src&epoch=1"}}},
           {"category": "product_version", "name": "shim", "product": {"product_id": "shim", "name": "shim"}}\(products)]}],
          "relationships": [
           \(["oX", "oA", "oS", "shim"].map { relationship("B9:\($0)", $0, "B9") }.joined(separator: ", "))\(relationships)]},
         "vulnerabilities": [{"cve": "\(id.hasPrefix("CVE") ? id : "CVE-2024-0001")", "cwe": {"id": "CWE-79", "name": "x"},
           "product_status": {\(status)}\(more)}]}
        """
    }

    private func relationship(_ id: String, _ component: String, _ platform: String) -> String {
        #"{"category": "default_component_of", "full_product_name": {"product_id": "\#(id)", "name": "n"}, "product_reference": "\#(component)", "relates_to_product_reference": "\#(platform)"}"#
    }

    private func read(_ text: String) throws -> Advisory {
        var reader = CSAFReader(source: "redhat-vex")
        let advisories = reader.advisories(text)
        #expect(reader.quarantined == 0 && advisories.count == 1, "\(reader.faults)")
        return try #require(advisories.first)
    }

    /// Architectures of one package are one statement; epochs are part of the version; the source is a statement of its own.
    @Test func fixed() throws {
        let advisory = try read(
            document(
                status: #""fixed": ["B9:oX", "B9:oA", "B9:oS"]"#,
                more:
                    #", "remediations": [{"category": "vendor_fix", "details": "d", "url": "https://access.redhat.com/errata/RHSA-2024:1", "product_ids": ["B9:oX"]}], "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:L"}, "products": ["B9:oX"]}], "threats": [{"category": "impact", "details": "Low", "product_ids": ["B9:oX"]}]"#
            ))
        #expect(advisory.id == "CVE-2024-0001" && advisory.closes.isEmpty && advisory.weaknesses == ["CWE-79"])
        #expect(advisory.modified == Timestamp(rfc3339: "2024-05-01T00:00:00Z"))
        #expect(
            advisory.references.contains(Reference(type: "FIX", url: "https://access.redhat.com/errata/RHSA-2024:1")))
        #expect(
            advisory.severities == [
                Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:L"), Severity(type: "RedHat", score: "Low"),
            ])
        var binary = Statement(stream: "Red Hat:enterprise_linux:9", kind: .binary, name: "openssl", status: .affected)
        binary.architectures = ["aarch64", "x86_64"]
        binary.ranges = [VersionRange(scheme: "rpm", upper: "1:3.0.7-27.el9")]
        binary.fixed = "1:3.0.7-27.el9"
        var source = binary
        source.kind = .source
        source.architectures = []
        #expect(advisory.statements == [binary, source])
    }

    /// Unfixed, won't fix, deferred, not affected and under investigation are states of their own.
    @Test(
        arguments: [
            ("none_available", "Affected", .unfixed), ("none_available", "Fix deferred", .deferred),
            ("no_fix_planned", "Will not fix", .willNotFix), ("no_fix_planned", "Out of support scope", .willNotFix),
            ("workaround", "w", .none),
        ] as [(String, String, Statement.Plan)])
    func plans(category: String, details: String, plan: Statement.Plan) throws {
        let statement = try read(
            document(
                status: #""known_affected": ["B9:shim"]"#,
                more:
                    #", "remediations": [{"category": "\#(category)", "details": "\#(details)", "product_ids": ["B9:shim"]}]"#
            )
        ).statements[0]
        #expect(
            statement.status == .affected && statement.plan == plan && statement.kind == .source
                && statement.name == "shim")
        #expect(
            statement.reason == (plan == .none ? "" : details) && statement.isAffected("1") && statement.fixed == nil)
    }

    @Test func otherStates() throws {
        let advisory = try read(
            document(
                status: #""known_not_affected": ["B9:shim"], "under_investigation": ["B9:oX"]"#,
                more: #", "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["B9:shim"]}]"#))
        #expect(advisory.statements.map { $0.status } == [.notAffected, .underInvestigation])
        #expect(advisory.statements[0].reason == "vulnerable_code_not_present")
    }

    /// A fix of one minor release's stream does not count for another.
    @Test func streamsOfMinorReleases() throws {
        let advisory = try read(
            document(status: #""fixed": ["E94:oX"]"#, relationships: ", " + relationship("E94:oX", "oX", "E94")))
        #expect(advisory.statements[0].stream == "Red Hat:rhel_eus:9.4" && advisory.statements[0].channel.isEmpty)
    }

    /// Modules in each of the ways that documents name them.
    @Test func modules() throws {
        let products = """
            , {"category": "product_version", "name": "m", "product": {"product_id": "mod", "name": "virt:rhel",
              "product_identification_helper": {"purl": "pkg:rpmmod/redhat/virt@rhel:8060020230403063348:ad008a3a"}}}
            , {"category": "product_version", "name": "n", "product": {"product_id": "node", "name": "nodejs",
              "product_identification_helper": {"purl": "pkg:rpm/redhat/nodejs@18.1-1.module%2Bel9?arch=x86_64&rpmmod=nodejs:18:9020:rhel9"}}}
            , {"category": "product_version", "name": "o", "product": {"product_id": "virt:8.2/libtpms", "name": "virt:8.2/libtpms"}}
            , {"category": "product_version", "name": "p", "product": {"product_id": "flat", "name": "f",
              "product_identification_helper": {"purl": "pkg:rpm/redhat/firefox?arch=src&rpmmod=rhel10"}}}
            """
        let advisory = try read(
            document(
                status:
                    #""fixed": ["B9:mod:oX", "B9:node", "B9:mod"], "known_affected": ["B9:virt:8.2/libtpms", "B9:flat"]"#,
                relationships: ", "
                    + [
                        relationship("B9:mod", "mod", "B9"), relationship("B9:mod:oX", "oX", "B9:mod"),
                        relationship("B9:node", "node", "B9"),
                        relationship("B9:virt:8.2/libtpms", "virt:8.2/libtpms", "B9"),
                        relationship("B9:flat", "flat", "B9"),
                    ].joined(separator: ", "), products: products))
        let modules = Dictionary(uniqueKeysWithValues: advisory.statements.map { ($0.name, $0.module) })
        // A module itself is no package.
        #expect(modules == ["openssl": "virt:rhel", "nodejs": "nodejs:18", "libtpms": "virt:8.2", "firefox": "rhel10"])
        #expect(advisory.statements.first { $0.name == "nodejs" }?.fixed == "18.1-1.module+el9")
    }

    /// An advisory closes what it fixes; where its vulnerabilities differ in their products, each is told apart.
    @Test func severalVulnerabilities() {
        func text(_ first: String, _ second: String) -> String {
            document(status: "", category: "csaf_security_advisory", id: "RHSA-2024:1").replacing(
                #""product_status": {}}]"#,
                with:
                    #""product_status": {"fixed": ["\#(first)"]}}, {"cve": "CVE-2024-0002", "product_status": {"fixed": ["\#(second)"]}}]"#
            )
        }
        var reader = CSAFReader()
        let same = reader.advisories(text("B9:oX", "B9:oX"))
        #expect(same.map { $0.id } == ["RHSA-2024:1"] && same[0].closes == ["CVE-2024-0001", "CVE-2024-0002"])
        let other = reader.advisories(text("B9:oX", "B9:oS"))
        #expect(other.map { $0.id } == ["CVE-2024-0001", "CVE-2024-0002"])
        #expect(other.allSatisfy { $0.related == ["RHSA-2024:1"] && $0.closes.isEmpty && $0.statements.count == 1 })
        #expect(reader.stored == 2)
    }

    @Test func suse() throws {
        let advisory = try read(
            document(
                status: #""recommended": ["S:lib"]"#,
                relationships: ", " + relationship("S:lib", "lib", "S"),
                products: """
                    , {"category": "product_name", "name": "SLES 15 SP5", "product": {"product_id": "S", "name": "SLES 15 SP5",
                      "product_identification_helper": {"cpe": "cpe:/o:suse:sles:15:sp5"}}}
                    , {"category": "product_version", "name": "v", "product": {"product_id": "lib", "name": "lib",
                      "product_identification_helper": {"purl": "pkg:rpm/suse/libopenssl1_1@1.1.1l-150500.17.1?arch=x86_64"}}}
                    """, vendor: "SUSE Product Security Team"))
        #expect(advisory.statements[0].stream == "SUSE:15.5" && advisory.statements[0].fixed == "1.1.1l-150500.17.1")
    }

    /// Microsoft names fixed builds by CPE, and affected ones by a range beside them.
    @Test func microsoft() throws {
        let advisory = try read(
            document(
                status: #""fixed": ["11568"], "known_affected": ["1-11568"]"#,
                products: """
                    , {"category": "product_name", "name": "Windows 10 Version 1809", "branches": [
                      {"category": "product_version_range", "name": "<10.0.17763.5206", "product": {"product_id": "1-11568", "name": "a"}},
                      {"category": "product_version", "name": "10.0.17763.5206", "product": {"product_id": "11568", "name": "b",
                       "product_identification_helper": {"cpe": "cpe:2.3:o:microsoft:windows_10_1809:10.0.17763.5206:*:*:*:*:*:x86:*"}}}]}
                    """, vendor: "Microsoft Security Response Center"))
        for statement in advisory.statements {
            #expect(statement.kind == .cpe && statement.name == "o:microsoft:windows_10_1809")
            #expect(statement.isAffected("10.0.17763.5200") && !statement.isAffected("10.0.17763.5206"))
        }
        #expect(advisory.statements.count == 2)
    }

    @Test func ranges() throws {
        func statement(_ range: String) throws -> Statement? {
            try read(
                document(
                    status: #""known_affected": ["R"]"#,
                    products:
                        #", {"category": "product_name", "name": "P", "branches": [{"category": "product_version_range", "name": "\#(range)", "product": {"product_id": "R", "name": "r", "product_identification_helper": {"cpe": "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"}}}]}"#
                )
            ).statements.first
        }
        let range = try #require(try statement("vers:generic/>=2.9|<=4.1"))
        #expect(
            range.isAffected("2.9") && range.isAffected("4.1") && !range.isAffected("4.2") && !range.isAffected("2.8"))
        #expect(try #require(try statement("<4.2")).isAffected("4.1"))
        #expect(try statement("all before the fix")?.status == .underInvestigation)
    }

    @Test func whatIsNone() {
        for (text, reason) in [
            ("{}", "no CSAF advisory"),
            (#"{"document": {"category": "x", "tracking": {"id": ""}}}"#, "no CSAF advisory"),
            (#"{"document": {"category": "csaf_vex", "tracking": {"id": "a b"}}}"#, "printable"),
            ("[]", "expected an object"),
            (#"{"document": {"category": "csaf_vex", "tracking": {"id": "X"}}} x"#, "follow"),
        ] {
            var reader = CSAFReader()
            #expect(reader.advisories(text).isEmpty && reader.quarantined == 1)
            #expect(reader.faults[0].reason.contains(reason), "\(reader.faults[0])")
        }
    }
}

struct OpenVEXReaderTests {
    private func read(_ statements: String) -> (advisories: [Advisory], reader: OpenVEXReader) {
        var reader = OpenVEXReader()
        let advisories = reader.advisories(
            #"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "a", "statements": [\#(statements)], "timestamp": "2025-08-29T22:11:56.755Z", "version": 1}"#
        )
        return (advisories, reader)
    }

    @Test func ubuntu() {
        let (advisories, reader) = read(
            """
            {"vulnerability": {"@id": "u", "name": "CVE-2024-0001", "aliases": ["GHSA-1"]}, "status": "fixed", "products": [
              {"@id": "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.15?arch=source&distro=jammy"},
              {"@id": "pkg:deb/ubuntu/curl@7.68.0-1ubuntu2.25%2Besm1?arch=amd64&distro=esm-infra/focal"}]},
            {"vulnerability": "CVE-2024-0002", "status": "not_affected", "justification": "vulnerable_code_not_present",
             "products": ["pkg:deb/ubuntu/curl?distro=ubuntu-24.04"]}
            """)
        #expect(reader.stored == 2 && reader.quarantined == 0)
        #expect(
            advisories[0].aliases == ["GHSA-1"]
                && advisories[0].published == Timestamp(rfc3339: "2025-08-29T22:11:56.755Z"))
        let first = advisories[0].statements
        #expect(
            first[0].stream == "Ubuntu:22.04:LTS" && first[0].kind == .source && first[0].fixed == "7.81.0-1ubuntu1.15")
        #expect(first[0].status == .affected && first[0].isAffected("7.81.0-1ubuntu1.14"))
        #expect(
            first[1].stream == "Ubuntu:Pro:20.04:LTS" && first[1].channel == "esm-infra" && first[1].kind == .binary)
        #expect(first[1].fixed == "7.68.0-1ubuntu2.25+esm1" && first[1].architectures == ["amd64"])
        let second = advisories[1].statements[0]
        #expect(
            second.stream == "Ubuntu:24.04:LTS" && second.status == .notAffected
                && second.reason == "vulnerable_code_not_present")
    }

    /// Of language packages a version is meant to the letter; what is inside of an image holds for that image alone.
    @Test func otherProducts() {
        let (advisories, reader) = read(
            """
            {"vulnerability": {"name": "CVE-2024-0001"}, "status": "fixed", "products": [
              {"identifiers": {"purl": "pkg:pypi/urllib3@1.26.16%2Bcgr.1"}},
              {"@id": "pkg:oci/image@sha256%3Aabc", "subcomponents": [{"@id": "pkg:pypi/urllib3"}]}, {"@id": "pkg:oci/other"}]},
            {"vulnerability": {"name": "CVE-2024-0002"}, "status": "odd", "products": []}
            """)
        #expect(advisories[0].statements.count == 1 && advisories[0].statements[0].status == .fixed)
        #expect(advisories[0].statements[0].versions == ["1.26.16+cgr.1"] && advisories[0].statements[0].fixed == nil)
        #expect(reader.unmapped["product with subcomponents"] == 1 && reader.quarantined == 1)
        var other = OpenVEXReader()
        #expect(other.advisories("{}").isEmpty && other.faults[0].reason.contains("OpenVEX"))
    }
}

struct CycloneDXVEXReaderTests {
    @Test func readsVulnerabilities() {
        var reader = CycloneDXVEXReader()
        let advisories = reader.advisories(
            """
            {"bomFormat": "CycloneDX", "specVersion": "1.5", "vulnerabilities": [
              {"id": "CVE-2024-0001", "cwes": [79], "ratings": [{"method": "CVSSv31", "vector": "AV:N/AC:L", "source": {"name": "NVD"}}, {"severity": "high"}],
               "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "d"},
               "affects": [{"ref": "a"}, {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/%40s/b@2"}]},
              {"id": "CVE-2024-0002", "affects": [{"ref": "a", "versions": [{"version": "1.5", "status": "affected"},
                {"range": "vers:npm/>=2|<3", "status": "unaffected"}]}], "analysis": {"state": "exploitable", "response": ["will_not_fix"]}},
              {"id": "CVE-2024-0003", "analysis": {"state": "odd"}, "affects": [{"ref": "a"}]},
              {"id": "CVE-2024-0004", "affects": [{"ref": "nowhere"}]}],
             "components": [{"bom-ref": "x", "components": [{"bom-ref": "a", "purl": "pkg:npm/a@1.0", "name": "a"}]}]}
            """)
        #expect(reader.stored == 3 && reader.quarantined == 1 && reader.faults[0].record == "CVE-2024-0003")
        #expect(
            advisories[0].weaknesses == ["CWE-79"]
                && advisories[0].severities[0] == Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L", scorer: "NVD"))
        #expect(
            advisories[0].statements.map { $0.name } == ["a", "@s/b"] && advisories[0].statements[1].versions == ["2"])
        #expect(
            advisories[0].statements[0].status == .notAffected
                && advisories[0].statements[0].reason == "code_not_reachable: d")
        #expect(
            advisories[1].statements.map { $0.status } == [.affected, .notAffected]
                && advisories[1].statements[0].plan == .willNotFix)
        #expect(advisories[2].statements.isEmpty)
        var other = CycloneDXVEXReader()
        #expect(other.advisories(#"{"bomFormat": "SPDX"}"#).isEmpty && other.quarantined == 1)
    }
}
