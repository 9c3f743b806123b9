import Testing

@testable import Feeds

/// Bulletins of vendors that name products in words: Amazon's extras, Microsoft's Windows, Apple's systems.
struct BulletinTests {
    @Test(arguments: [
        ("ALAS-2018-1000", "", "Amazon Linux:1", ""), ("ALAS-2017-828", "1.amzn2.0.1", "Amazon Linux:2", ""),
        ("ALAS2-2021-1704", "", "Amazon Linux:2", ""), ("ALAS2023-2023-1", "", "Amazon Linux:2023", ""),
        ("ALASDOCKER-2021-001", "", "Amazon Linux:2", "docker"),
        ("ALASKERNEL-5.10-2022-001", "", "Amazon Linux:2", "kernel-5.10"),
        ("ALAS2KERNEL-5.4-2022-001", "x.amzn2", "Amazon Linux:2", "kernel-5.4"),
        ("ALASNITRO-ENCLAVES-2021-001", "", "Amazon Linux:2", "nitro-enclaves"),
        ("ALAS2023LIVEPATCH-2024-001", "", "Amazon Linux:2023", "livepatch"),
    ])
    func `An id of Amazon's tells the release and the extra`(
        _ id: String, _ release: String, _ stream: String, _ topic: String
    ) {
        let amazon = AmazonAdvisory(id: id, release: release)
        #expect(amazon?.stream == stream && amazon?.topic == topic)
        #expect(ErrataReader.stream(id, release) == stream)
    }

    /// A kernel 4.14 is not behind a fix of the 5.10 line, and neither is 5.4; one of the line is.
    @Test func `A kernel line's fixes are of that line`() throws {
        var reader = ErrataReader()
        let advisory = try #require(
            reader.advisories(
                #"{"id": "ALASKERNEL-5.10-2022-001", "cveids": ["CVE-2022-0001"], "packages": [{"name": "kernel", "version": "5.10.109", "release": "104.500.amzn2", "arch": "x86_64"}, {"name": "bpftool", "version": "1.0", "release": "1.amzn2", "arch": "x86_64"}]}"#
            ).first)
        let kernel = advisory.statements[0]
        #expect(kernel.stream == "Amazon Linux:2" && kernel.channel == "kernel-5.10")
        for (version, isAffected) in [
            ("4.14.275-207.503.amzn2", false), ("5.4.190-107.353.amzn2", false), ("5.10.50-44.131.amzn2", true),
            ("5.10.109-104.500.amzn2", false),
        ] {
            #expect(kernel.isAffected(version) == isAffected, "\(version)")
        }
        #expect(advisory.statements[1].isAffected("0.9-1.amzn2"))
        let java = AmazonAdvisory(id: "ALASJAVA-OPENJDK11-2023-001")
        #expect(java?.lineStart(ofFix: "1:11.0.18-1.amzn2") == "1:11")
    }

    @Test(arguments: [
        ("Windows 10 Version 1809 for x64-based Systems", "o:microsoft:windows_10_1809"),
        ("Windows 10 for 32-bit Systems", "o:microsoft:windows_10_1507"),
        ("Windows 11 version 22H2 for ARM64-based Systems", "o:microsoft:windows_11_22h2"),
        ("Windows 11 Version 23H2 for x64-based Systems", "o:microsoft:windows_11_23h2"),
        ("Windows Server 2022", "o:microsoft:windows_server_2022"),
        ("Windows Server 2019  (Server Core installation)", "o:microsoft:windows_server_2019"),
        ("Windows Server 2022, 23H2 Edition (Server Core installation)", "o:microsoft:windows_server_23h2"),
        ("Windows Server 2012 R2", "o:microsoft:windows_server_2012_r2"),
        ("Windows Server 2008 R2 for x64-based Systems Service Pack 1", "o:microsoft:windows_server_2008_r2"),
    ])
    func `A Windows in Microsoft's words has a CPE name`(_ text: String, _ name: String) {
        #expect(MicrosoftProduct.name(text)?.name == name)
    }

    @Test(arguments: ["Microsoft Office 2019", "Windows", "Azure", "Windows Défaut 1", ""])
    func `What is no Windows has none`(_ text: String) { #expect(MicrosoftProduct.name(text) == nil) }

    /// Products without CPE names; the fix's build stands in the remediation, its article in the address.
    @Test func `A bulletin of Microsoft gives builds and articles`() throws {
        var reader = CSAFReader()
        let advisory = try #require(
            reader.advisories(
                """
                {"document": {"category": "csaf_security_advisory", "title": "t", "publisher": {"name": "Microsoft Security Response Center"},
                  "tracking": {"id": "msrc_CVE-2024-21302"}},
                 "product_tree": {"branches": [{"category": "vendor", "name": "Microsoft", "branches": [
                   {"category": "product_name", "name": "Windows 10 Version 1809 for x64-based Systems", "branches": [
                     {"category": "product_version_range", "name": "<10.0.17763.6189", "product": {"product_id": "2", "name": "a"}},
                     {"category": "product_version", "name": "10.0.17763.6189", "product": {"product_id": "11569", "name": "b"}}]},
                   {"category": "product_name", "name": "Windows Server 2022", "product": {"product_id": "11923", "name": "Windows Server 2022"}},
                   {"category": "product_name", "name": "Microsoft Edge", "product": {"product_id": "9", "name": "Microsoft Edge"}}]}]},
                 "vulnerabilities": [{"cve": "CVE-2024-21302", "product_status": {"fixed": ["11569"], "known_affected": ["2", "11923", "9"]},
                   "remediations": [
                    {"category": "vendor_fix", "details": "10.0.17763.6189:Security Update:https://support.microsoft.com/help/5041578",
                     "product_ids": ["2"], "url": "https://support.microsoft.com/help/5041578"},
                    {"category": "vendor_fix", "details": "10.0.20348.2655:Security Update:https://support.microsoft.com/help/5041160",
                     "product_ids": ["11923"], "url": "https://support.microsoft.com/help/5041160"}]}]}
                """
            ).first)
        let old = try #require(advisory.statements.first { $0.name.hasSuffix("_1809") && $0.reason == "KB5041578" })
        #expect(old.ranges.first?.scheme == "windows" && old.kind == .cpe)
        #expect(old.isAffected("10.0.17763.6054") && !old.isAffected("10.0.17763.6189"))
        let server = try #require(advisory.statements.first { $0.name.hasSuffix("windows_server_2022") })
        #expect(server.reason == "KB5041160" && server.isAffected("10.0.20348.2582"))
        #expect(!server.isAffected("10.0.20348.2655"))
        #expect(reader.unmapped["product that no package or CPE names"] == 1)
    }

    @Test func `A record of Apple's names the fix of each release`() throws {
        func version(_ upper: String) -> String {
            #"{"status": "affected", "version": "unspecified", "lessThan": "\#(upper)", "versionType": "custom"}"#
        }
        func product(_ name: String, _ upper: String) -> String {
            #"{"vendor": "Apple", "product": "\#(name)", "versions": [\#(version(upper))]}"#
        }
        var reader = CVEReader()
        let advisory = try #require(
            reader.advisories(
                """
                {"cveMetadata": {"cveId": "CVE-2023-0001", "state": "PUBLISHED"}, "containers": {"cna": {"affected": [
                 \(product("macOS", "13.3")), \(product("macOS", "11.7.5")), \(product("macOS", "12.6.4")),
                 \(product("macOS", "10.15.7")), \(product("macOS", "2022-004")),
                 \(product("iOS and iPadOS", "16.4")), \(product("Toaster", "1"))]}}}
                """
            ).first)
        #expect(advisory.statements.map(\.name) == ["o:apple:macos", "o:apple:iphone_os", "o:apple:ipados"])
        let mac = advisory.statements[0]
        for (version, isAffected) in [
            ("10.14.6", true), ("10.15.6", true), ("10.15.7", false), ("11.7.4", true), ("11.7.5", false),
            ("11.7.10", false), ("12.0", true), ("12.6.4", false), ("13.2.1", true), ("13.3", false),
            ("13.3.1 (a)", false), ("14", false),
        ] {
            #expect(mac.isAffected(version) == isAffected, "\(version)")
        }
        #expect(mac.ranges.allSatisfy { $0.scheme == "apple" })
        #expect(reader.unmapped["cna/affected/: names no CPE or package"] == 1)
    }

    /// What was given up is not silent: nothing is known of the package.
    @Test func `Statements that cannot be read leave the package unknown`() throws {
        func unknown(_ advisories: [Advisory], _ name: String) -> Bool {
            advisories.flatMap(\.statements).contains {
                $0.name == name && $0.status == .underInvestigation && $0.ranges.isEmpty && $0.versions.isEmpty
                    && $0.reason.hasPrefix("cannot be read: ")
            }
        }
        func osv(_ ecosystem: String, _ events: String) -> [Advisory] {
            var reader = OSVReader()
            let advisories = reader.advisories(
                #"{"id": "X-1", "modified": "2024-01-02T03:04:05Z", "affected": [{"package": {"ecosystem": "\#(ecosystem)", "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": \#(events)}]}]}"#
            )
            #expect(reader.tally.alarmed > 0)
            return advisories
        }
        #expect(unknown(osv("Nobody's", #"[{"introduced": "0"}, {"fixed": "1"}]"#), "a"))
        let part = osv(
            "PyPI", #"[{"introduced": "1.0"}, {"fixed": "what ever"}, {"introduced": "2.0"}, {"fixed": "3.0"}]"#)
        #expect(unknown(part, "a"))
        #expect(part[0].statements.contains { $0.isAffected("2.5") })
        var github = GitHubReader()
        #expect(
            unknown(
                github.advisories(
                    #"{"ghsa_id": "GHSA-1", "vulnerabilities": [{"package": {"ecosystem": "npm", "name": "p"}, "vulnerable_version_range": "all of them"}]}"#
                ), "p"))
        var vunnel = VunnelReader()
        #expect(
            unknown(
                vunnel.advisories(
                    #"{"Vulnerability": {"Name": "CVE-2024-0001", "NamespaceName": "rhel:8", "FixedIn": [{"Name": "a", "NamespaceName": "rhel:8", "Version": "1", "VulnerableRange": "from now on"}]}}"#
                ), "a"))
        var ruby = RubySecReader()
        #expect(
            unknown(
                ruby.advisories(
                    "gem: x\ncve: 2024-1234\ntitle: t\npatched_versions:\n  - \"some day\"", place: "gems/x/1.yml"), "x"
            )
        )
        var cyclone = CycloneDXVEXReader()
        #expect(
            unknown(
                cyclone.advisories(
                    #"{"bomFormat": "CycloneDX", "components": [{"bom-ref": "a", "purl": "pkg:npm/a@1"}], "vulnerabilities": [{"id": "CVE-2024-0001", "affects": [{"ref": "a", "versions": [{"range": "older ones", "status": "affected"}]}]}]}"#
                ), "a"))
        var nvd = NVDReader()
        #expect(
            unknown(
                nvd.advisories(
                    #"{"vulnerabilities": [{"cve": {"id": "CVE-2024-0001", "configurations": [{"nodes": [{"operator": "OR", "negate": true, "cpeMatch": [{"vulnerable": true, "criteria": "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"}]}]}]}}]}"#
                ), "a:v:p"))
    }
}
