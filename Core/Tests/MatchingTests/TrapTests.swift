import Feeds
import Inventory
import Matching
import Testing
import Timestamps

/// The traps of the field, each as a test.
struct TrapTests {
    /// Binary versions differ from their source's; a rebuild's suffix belongs to the binary.
    @Test func sourcesAreJudgedByTheirOwnVersion() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "debian-tracker", "CVE-2026-1", [statement("Debian:12", "samba", below: "2:4.17.12+dfsg-0+deb12u2")])
        ])
        let libldb = deb(
            "libldb2", "2:2.6.2+samba4.17.12+dfsg-0+deb12u1", source: "samba", sourceVersion: "2:4.17.12+dfsg-0+deb12u1"
        )
        #expect(try matcher.verdict(libldb) == .affected)
        let fixed = deb(
            "libldb2", "2:2.6.2+samba4.17.12+dfsg-0+deb12u2", source: "samba", sourceVersion: "2:4.17.12+dfsg-0+deb12u2"
        )
        #expect(try matcher.verdict(fixed) == .fixed)
        // The binary's rebuild is not the source's.
        let rebuilt = try fixedBy("1.0-2")
        #expect(try rebuilt.verdict(deb("x", "1.0-1+b3", sourceVersion: "1.0-1")) == .affected)
    }

    private func fixedBy(_ fixed: String, stream: String = "Debian:12") throws -> Matcher {
        try MatchingTests.matcher([advisory("debian-tracker", "CVE-2026-1", [statement(stream, "x", below: fixed)])])
    }

    @Test func epochsCount() throws {
        let matcher = try fixedBy("1:2.0-1")
        #expect(try matcher.verdict(deb("x", "3.0-1")) == .affected)
        #expect(try matcher.verdict(deb("x", "1:3.0-1")) == .fixed)
    }

    /// A newer layer knows another name of what an older one knows, and the newest only that name: one vulnerability.
    @Test func layersFollowAVulnerabilitysNames() throws {
        let layers = try [
            [advisory("c", "CVE-2026-1", [statement("Debian:12", "x", below: "4")])],
            [advisory("b", "B-1", aliases: ["CVE-2026-1", "GHSA-x"], [statement("Debian:12", "x", below: "3")])],
            [advisory("a", "GHSA-x", [statement("Debian:12", "x", below: "2")])],
        ].map { try catalogue($0) }
        let findings = try Matcher(layers).judge(MatchSubject(deb("x", "1"))).findings
        #expect(findings.count == 1 && findings.first?.voices.count == 3, "\(findings.map(\.vulnerability))")
    }

    /// A backport of the fix into a stable release sorts below it.
    @Test func backportsHaveTheFix() throws {
        let matcher = try fixedBy("2.0-1")
        #expect(try matcher.verdict(deb("x", "2.0-1~deb12u1")) == .fixed)
        let next = try fixedBy("2.0-1", stream: "Debian:13")
        #expect(try next.verdict(deb("x", "2.0-1~bpo12+1")) == .fixed)
        #expect(try matcher.verdict(deb("x", "2.0-1~rc1")) == .affected)
    }

    /// Two entries for one package are a union.
    @Test func entriesAreAUnion() throws {
        let go = try MatchingTests.matcher([
            advisory(
                "osv", "GO-1", aliases: ["CVE-2026-1"],
                [
                    statement("Go", "m", kind: .language, below: "1.5.0", scheme: "semver"),
                    statement("Go", "m", kind: .language, from: "2.0.0", below: "2.2.0", scheme: "semver"),
                    statement("Go", "m", kind: .language, below: "2.1.5", scheme: "semver"),
                ])
        ])
        #expect(try go.verdict(language("golang", "m", "2.1.5")) == .affected)
        #expect(try go.verdict(language("golang", "m", "v2.2.0")) == .fixed)
        let finding = try go.judge(MatchSubject(language("golang", "m", "2.1.4"))).findings[0]
        #expect(finding.fixed == "2.2.0")
    }

    @Test func whatIsListedMatchesToTheLetterAndWhatCannotBeOrderedIsUnknown() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "osv", "P-1", aliases: ["CVE-2026-1"],
                [
                    statement(
                        "npm", "p", kind: .language, from: "1.0.0", below: "2.0.0", versions: ["odd one"], scheme: "npm"
                    )
                ])
        ])
        #expect(try matcher.verdict(language("npm", "p", "odd one")) == .affected)
        #expect(try matcher.verdict(language("npm", "p", "banana")) == .unknown)
        #expect(try matcher.verdict(language("npm", "p", "0.9.0")) == .notAffected)
        #expect(try matcher.verdict(language("npm", "p", "2.0.0")) == .fixed)
    }

    /// A clone never takes the original's advisories, a release never another's.
    @Test func streamsDoNotMix() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "redhat", "RHSA-1", closes: ["CVE-2026-1"],
                [statement("Red Hat:enterprise_linux:9", "x", kind: .binary, below: "2-1.el9", scheme: "rpm")]),
            advisory(
                "alma", "ALSA-1", closes: ["CVE-2026-1"],
                [statement("AlmaLinux:8", "x", kind: .binary, below: "9-1.el8", scheme: "rpm")]),
        ])
        #expect(try matcher.verdict(rpm("x", "1-1.el9", distribution: "rhel-9.4")) == .affected)
        for clone in ["almalinux-9.4", "rocky-9.4", "centos-9", "ol-9.4"] {
            let judgement = try matcher.judge(MatchSubject(rpm("x", "1-1.el9", distribution: clone)))
            #expect(judgement.findings.isEmpty && judgement.unknown.contains(clone))
        }
        #expect(try matcher.verdict(rpm("x", "2-1.el8", distribution: "almalinux-8.10")) == .affected)
    }

    @Test func modulesAreMatchedByNameAndStream() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "alma", "ALSA-1", closes: ["CVE-2026-1"],
                [
                    statement(
                        "AlmaLinux:9", "nodejs", kind: .binary, below: "1:18.20.2-1.module_el9", scheme: "rpm",
                        module: "nodejs:18")
                ])
        ])
        #expect(try matcher.verdict(rpm("nodejs", "1:18.1.0-1.module_el9", module: "nodejs:18")) == .affected)
        #expect(try matcher.verdict(rpm("nodejs", "1:16.1.0-1.module_el9", module: "nodejs:16")) == nil)
        #expect(try matcher.verdict(rpm("nodejs", "1:16.1.0-1.el9")) == nil)
        // The label is missing: it may be meant.
        #expect(try matcher.verdict(rpm("nodejs", "1:16.1.0-1.module_el9.1")) == .unknown)
    }

    /// A fix for an extended minor release closes that release's build, not the newest line's.
    @Test func minorReleasesHaveTheirOwnFixes() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "redhat", "RHSA-1", closes: ["CVE-2026-1"],
                [statement("Red Hat:enterprise_linux:9", "x", kind: .binary, below: "2-9.el9_5", scheme: "rpm")]),
            advisory(
                "redhat", "RHSA-2", closes: ["CVE-2026-1"],
                [
                    statement(
                        "Red Hat:rhel_eus:9.4", "x", kind: .binary, below: "2-5.el9_4.2", scheme: "rpm",
                        channel: "rhel_eus")
                ]),
        ])
        #expect(try matcher.verdict(rpm("x", "2-5.el9_4.2", distribution: "rhel-9.4")) == .fixed)
        #expect(try matcher.verdict(rpm("x", "2-5.el9_4.1", distribution: "rhel-9.4")) == .affected)
        #expect(try matcher.verdict(rpm("x", "2-5.el9_5", distribution: "rhel-9.5")) == .affected)
    }

    @Test func flavoursCompareWithTheirOwnKind() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "oracle", "ELSA-1", closes: ["CVE-2026-1"],
                [statement("Oracle Linux:9", "glibc", kind: .binary, below: "2:2.34-100.ksplice1.el9", scheme: "rpm")]),
            advisory(
                "amazon", "ALAS-1", closes: ["CVE-2026-1"],
                [statement("Amazon Linux:2", "kernel", kind: .binary, below: "5.4.200-1.amzn2", scheme: "rpm")]),
        ])
        #expect(try matcher.verdict(rpm("glibc", "2.34-60.el9", distribution: "ol-9.4")) == nil)
        #expect(try matcher.verdict(rpm("glibc", "2:2.34-60.ksplice1.el9", distribution: "ol-9.4")) == .affected)
        #expect(try matcher.verdict(rpm("kernel", "4.14.300-1.amzn2", distribution: "amzn-2")) == nil)
        #expect(try matcher.verdict(rpm("kernel", "5.4.100-1.amzn2", distribution: "amzn-2")) == .affected)
    }

    @Test func architecturesLimit() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "alma", "ALSA-1", closes: ["CVE-2026-1"],
                [statement("AlmaLinux:9", "x", kind: .binary, below: "2-1", scheme: "rpm", architectures: ["aarch64"])])
        ])
        #expect(try matcher.verdict(rpm("x", "1-1")) == nil)
        #expect(try matcher.verdict(rpm("x", "1-1", architecture: "aarch64")) == .affected)
    }

    /// What the distribution says is before what a registry or a CPE says; nothing said is unknown, not clean.
    @Test func theDistributionIsHeardFirst() throws {
        let records = [
            advisory("debian-tracker", "CVE-2026-2", [statement("Debian:12", "other", below: "1")]),
            advisory("nvd", "CVE-2026-1", [statement("CPE", "a:acme:x", kind: .cpe, below: "9.0", scheme: "semver")]),
            advisory(
                "osv", "PYSEC-1", aliases: ["CVE-2026-3"],
                [statement("PyPI", "x", kind: .language, below: "9", scheme: "pypi")]),
        ]
        let matcher = try MatchingTests.matcher(records, whole: ["Debian:12"])
        let package = deb("x", "1.0-1")
        let silent = try matcher.judge(MatchSubject(package, origin: .distribution, cpes: ["a:acme:x"])).findings
        #expect(silent.map(\.verdict) == [.notAffected] && silent[0].voices[0].overruled.contains("distribution"))
        // Without the distribution's data the CPE is all there is, and weak.
        let weak = try matcher.judge(MatchSubject(rpm("x", "1.0"), cpes: ["a:acme:x"])).findings
        #expect(weak.map(\.verdict) == [.affected] && weak[0].isWeak)
        #expect(try matcher.judge(MatchSubject(rpm("x", "1.0"))).unknown.contains("no feed"))
        // A language's package that a package of the system brings.
        let own = language("pypi", "x", "1.0")
        #expect(try matcher.verdict(own, "CVE-2026-3") == .affected)
        let owner = deb("python3-x", "1.0-1", source: "x")
        let inside = try matcher.judge(MatchSubject(own, owner: owner, ownerOrigin: .distribution)).findings
        #expect(inside.map(\.verdict) == [.notAffected] && inside[0].reason.contains("python3-x"))
        // Alpine's list is not complete: there the registry counts.
        let alpine = SoftwarePackage(
            scheme: "apk", distribution: "alpine-3.20", name: "py3-x", architecture: "", version: "1-r0")
        #expect(try matcher.judge(MatchSubject(own, owner: alpine)).findings.map(\.verdict) == [.affected])
        // From another repository: nobody who says something means it.
        #expect(try !matcher.judge(MatchSubject(package, origin: .thirdParty("Docker"))).unknown.isEmpty)
    }

    @Test func statesOfVendorsAreKeptApart() throws {
        let matcher = try MatchingTests.matcher([
            advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "x", plan: .willNotFix, all: true)]),
            advisory("debian-tracker", "CVE-2026-2", [statement("Debian:12", "x", status: .underInvestigation)]),
            advisory("debian-tracker", "CVE-2026-3", [statement("Debian:12", "x", status: .notAffected)]),
            advisory("debian-tracker", "CVE-2026-4", [statement("Debian:12", "x", status: .fixed, fixed: "1.0-2")]),
        ])
        let findings = try matcher.judge(MatchSubject(deb("x", "1.0-1"))).findings
        #expect(findings.map(\.verdict) == [.affected, .unknown, .notAffected, .affected])
        #expect(findings[0].plan == .willNotFix && findings[0].fixed == nil && findings[3].fixed == "1.0-2")
        #expect(findings[3].voices[0].rule == .belowFix)
    }

    /// A vendor's "not affected" is more exact than its advisory's range, and says whom it overrules.
    @Test func notAffectedOverrulesARange() throws {
        let matcher = try MatchingTests.matcher([
            advisory("osv", "USN-1", closes: ["CVE-2026-1"], [statement("Ubuntu:22.04:LTS", "x", below: "2")]),
            advisory("ubuntu-vex", "CVE-2026-1", [statement("Ubuntu:22.04:LTS", "x", status: .notAffected)]),
        ])
        let finding = try matcher.judge(MatchSubject(deb("x", "1", distribution: "ubuntu-22.04"))).findings[0]
        #expect(finding.verdict == .notAffected)
        #expect(finding.voices.last?.record == "USN-1" && finding.voices.last?.overruled.isEmpty == false)
    }

    @Test func withdrawnNeverMatchesAndInformationalIsTold() throws {
        var withdrawn = Advisory(source: "osv", id: "R-1")
        withdrawn.withdrawn = Timestamp(seconds: 1)
        withdrawn.aliases = ["CVE-2026-1"]
        withdrawn.statements = [statement("npm", "p", kind: .language, scheme: "npm", all: true)]
        var unmaintained = Advisory(source: "osv", id: "R-2")
        unmaintained.isInformational = true
        unmaintained.statements = withdrawn.statements
        let matcher = try MatchingTests.matcher([.advisory(withdrawn), .advisory(unmaintained)])
        let findings = try matcher.judge(MatchSubject(language("npm", "p", "1.0.0"))).findings
        #expect(findings.map(\.vulnerability) == ["R-2"] && findings[0].isInformational)
    }

    /// Aliases make one vulnerability, but never one of two CVEs.
    @Test func aliasesAreMergedWithCare() throws {
        let catalogue = try catalogue([
            advisory("osv", "GHSA-a", aliases: ["CVE-2026-1", "PYSEC-1"], []),
            advisory("osv", "PYSEC-1", aliases: ["CVE-2026-2"], []),
            advisory("osv", "GO-9", aliases: ["CVE-2026-1", "CVE-2026-2"], []),
            advisory("osv", "DSA-1", closes: ["CVE-2026-1", "CVE-2026-2"], [statement("Debian:12", "x", below: "2")]),
        ])
        let first = try catalogue.vulnerabilities(named: "CVE-2026-1")
        #expect(first.map(\.ids) == [["CVE-2026-1", "GHSA-a", "PYSEC-1"]])
        #expect(try catalogue.vulnerabilities(named: "GHSA-a").map(\.name) == ["CVE-2026-1"])
        #expect(try catalogue.vulnerabilities(named: "DSA-1").map(\.name) == ["CVE-2026-1", "CVE-2026-2"])
        #expect(try catalogue.vulnerabilities(named: "GO-9").count == 2)
    }

    /// A record whose other name was taken by another CVE is about the CVE that it names all the same.
    @Test func aRecordIsAboutTheCVEThatItNames() throws {
        let matcher = try MatchingTests.matcher([
            advisory("osv", "GHSA-a", aliases: ["CVE-2026-1", "PYSEC-1"], []),
            advisory(
                "osv", "PYSEC-1", aliases: ["CVE-2026-2"],
                [statement("PyPI", "x", kind: .language, below: "2", scheme: "pypi")]),
        ])
        #expect(try matcher.verdict(language("pypi", "x", "1"), "CVE-2026-2") == .affected)
    }

    /// One name that two records give to two CVEs makes them no chain, in whatever order they come.
    @Test func chainsOfAliasesAreCut() throws {
        let records = [
            advisory("osv", "PYSEC-1", aliases: ["CVE-2020-0001", "GHSA-shared"], []),
            advisory("osv", "GO-1", aliases: ["CVE-2020-0002", "GHSA-shared"], []),
            advisory("osv", "RUSTSEC-1", aliases: ["GHSA-shared"], []),
        ]
        for list in [records, records.reversed()] {
            let catalogue = try catalogue(list)
            #expect(try catalogue.vulnerabilities(named: "PYSEC-1").map(\.name).contains("CVE-2020-0001"))
            #expect(try catalogue.vulnerabilities(named: "GO-1").map(\.name).contains("CVE-2020-0002"))
            for row in 0..<catalogue.vulnerabilityCount {
                #expect(try catalogue.vulnerability(row).ids.count { $0.hasPrefix("CVE-") } <= 1)
            }
        }
    }

    @Test func severityIsTheVendorsOwnFirst() throws {
        var nvd = Advisory(source: "nvd", id: "CVE-2026-1")
        nvd.severities = [Severity(type: "CVSS_V3", score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")]
        let debian = advisory(
            "debian-tracker", "CVE-2026-1",
            [statement("Debian:12", "x", below: "2", severities: [Severity(type: "Debian", score: "low")])])
        let package = MatchSubject(deb("x", "1"))
        let own = try MatchingTests.matcher([.advisory(nvd), debian]).judge(package).findings[0].severity
        #expect(own.word == "low" && own.source == "debian-tracker")
        let plain = advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "x", below: "2")])
        let scored = try MatchingTests.matcher([.advisory(nvd), plain]).judge(package).findings[0].severity
        #expect(scored.word == "critical" && scored.tenths == 98 && scored.source == "nvd")
        #expect(try MatchingTests.matcher([plain]).judge(package).findings[0].severity.word == "unknown")
    }

    @Test func distributionsHaveTheirStreams() {
        for (distribution, stream) in [
            ("debian-12", "Debian:12"), ("debian-bookworm", "Debian:12"), ("ubuntu-22.04", "Ubuntu:22.04:LTS"),
            ("ubuntu-23.10", "Ubuntu:23.10"), ("alpine-3.20.3", "Alpine:v3.20"), ("rocky-9.4", "Rocky Linux:9"),
            ("rhel-9.4", "Red Hat:enterprise_linux:9"), ("ol-8.10", "Oracle Linux:8"),
            ("amzn-2023", "Amazon Linux:2023"),
            ("sles-15.5", "SUSE:15.5"), ("fedora-40", "Fedora:40"), ("wolfi-20230201", "Wolfi"), ("arch", "Arch Linux"),
        ] { #expect(PackageStreams.streams(ofDistribution: distribution).first == stream, "\(distribution)") }
        #expect(PackageStreams.streams(ofDistribution: "raspbian-12").isEmpty)
        #expect(PackageStreams.streams(ofDistribution: "linuxmint-21.3").isEmpty)
    }

    @Test func kernelsAreJudgedByWhatRuns() {
        func image(_ release: String) -> SoftwarePackage {
            deb("linux-image-\(release)", "6.1.90-1", source: "linux-signed-amd64")
        }
        #expect(KernelRole(image("6.1.0-21-amd64"), running: "6.1.0-21-amd64") == .running)
        #expect(KernelRole(image("6.1.0-20-amd64"), running: "6.1.0-21-amd64") == .installed)
        #expect(KernelRole(image("6.1.0-20-amd64"), running: nil) == nil)
        #expect(KernelRole(deb("linux-libc-dev", "6.1.90-1", source: "linux"), running: nil) == .withoutCode)
        #expect(
            KernelRole(deb("linux-image-amd64", "6.1.90-1", source: "linux-signed-amd64"), running: "x") == .withoutCode
        )
        #expect(KernelRole(rpm("kernel-core", "5.14.0-70.el9"), running: "5.14.0-70.el9.x86_64") == .running)
        #expect(KernelRole(rpm("kernel-core", "5.14.0-7.el9"), running: "5.14.0-70.el9.x86_64") == .installed)
        #expect(KernelRole(deb("bash", "5"), running: nil) == KernelRole.none)
        #expect(KernelFinding([(.running, .affected), (.installed, .fixed)]) == .closedByReboot)
        #expect(KernelFinding([(.running, .fixed), (.installed, .affected)]) == .dormant)
        #expect(KernelFinding([(.running, .affected), (.installed, .affected)]) == .active)
        #expect(KernelFinding([(nil, .affected)]) == .active && KernelFinding([(.running, .fixed)]) == nil)
    }

    /// A fix that is named, and a fix that the host can install, are two facts.
    @Test func patchesAreTheStepsThatAreOffered() throws {
        let matcher = try MatchingTests.matcher([
            advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "openssl", below: "3.0.11-1~deb12u2")]),
            advisory("debian-tracker", "CVE-2026-2", [statement("Debian:12", "openssl", below: "3.0.99-1")]),
            advisory("debian-tracker", "CVE-2026-3", [statement("Debian:12", "linux", plan: .unfixed, all: true)]),
        ])
        let packages = [
            deb("libssl3", "3.0.11-1~deb12u1", source: "openssl"), deb("openssl", "3.0.11-1~deb12u1"),
            deb("linux-image-6.1.0-1-amd64", "6.1-1", source: "linux"),
        ]
        let judgements = try packages.map { try matcher.judge(MatchSubject($0)) }
        let plan = PatchPlan(judgements) { $0.source == "openssl" ? "3.0.11-1~deb12u2" : nil }
        #expect(plan.patches.map(\.source) == ["openssl"])
        #expect(plan.patches[0].closes == ["CVE-2026-1"] && plan.patches[0].leaves == ["CVE-2026-2"])
        #expect(plan.patches[0].steps.map(\.name) == ["libssl3", "openssl"] && plan.patches[0].cost == .restart)
        #expect(plan.notInstallable.map(\.vulnerability) == ["CVE-2026-2", "CVE-2026-2"])
        #expect(plan.withoutFix.map(\.vulnerability) == ["CVE-2026-3"])
        #expect(StepCost(of: packages[2]) == .reboot)
    }
}
