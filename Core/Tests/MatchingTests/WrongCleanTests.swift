import Feeds
import Inventory
import Matching
import Testing
import Timestamps

/// What must never be told as clean, not affected or fixed.
struct WrongCleanTests {
    // MARK: Signed builds

    private func linux() throws -> Matcher {
        try MatchingTests.matcher([
            advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "linux", below: "6.1.123-1")]),
            advisory("debian-tracker", "CVE-2026-2", [statement("Debian:12", "grub2", below: "2.06-13+deb12u2")]),
            advisory("debian-tracker", "CVE-2026-3", [statement("Debian:12", "shim", below: "16.1-2~deb12u1")]),
            advisory("debian-tracker", "CVE-2026-4", [statement("Debian:12", "fwupd-efi", below: "1:1.5-1")]),
            advisory("debian-tracker", "CVE-2026-5", [statement("Debian:12", "linux-6.1", below: "6.1.123-1~deb11u1")]),
        ])
    }

    /// Kernels and boot loaders are signed by sources of other names and versions.
    @Test func signedBuildsAreJudgedAsWhatWasSigned() throws {
        let matcher = try linux()
        func kernel(_ version: String, _ signed: String, source: String = "linux-signed-amd64") -> SoftwarePackage {
            deb("linux-image-6.1.0-28-amd64", version, source: source, sourceVersion: signed)
        }
        #expect(try matcher.verdict(kernel("6.1.119-1", "6.1.119+1")) == .affected)
        #expect(try matcher.verdict(kernel("6.1.123-1", "6.1.123+1")) == .fixed)
        #expect(try matcher.verdict(kernel("6.1.119-1", "6.1.119+1", source: "linux-signed-arm64")) == .affected)
        let older = kernel("6.1.119-1~deb11u1", "6.1.119+1~deb11u1", source: "linux-signed-6.1-amd64")
        #expect(try matcher.verdict(older, "CVE-2026-5") == .affected)
        func verdict(_ name: String, _ version: String, _ id: String, source: String? = nil) throws -> Verdict? {
            try matcher.verdict(deb(name, version, source: source), id)
        }
        // Versions as the archive has them, beside their Built-Using.
        #expect(try verdict("grub-efi-amd64-signed", "1+2.06+13+deb12u1", "CVE-2026-2") == .affected)
        #expect(try verdict("grub-efi-amd64-signed", "1+2.06+13+deb12u2", "CVE-2026-2") == .fixed)
        #expect(try verdict("shim-signed", "1.44~1+deb12u1+15.8-1~deb12u1", "CVE-2026-3") == .affected)
        #expect(try verdict("shim-signed", "1.51~1+deb12u1+16.1-2~deb12u1", "CVE-2026-3") == .fixed)
        #expect(try verdict("shim-helpers-amd64-signed", "1+15.8+1~deb12u1", "CVE-2026-3") == .affected)
        #expect(try verdict("fwupd-amd64-signed", "1:1.4+1", "CVE-2026-4") == .affected)
    }

    @Test func ubuntusSignedBuildsToo() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "osv", "USN-1", closes: ["CVE-2026-1"],
                [statement("Ubuntu:22.04:LTS", "linux", below: "5.15.0-100.110")]),
            advisory(
                "osv", "USN-2", closes: ["CVE-2026-2"],
                [statement("Ubuntu:22.04:LTS", "linux-aws", below: "5.15.0-1050.55")]),
            advisory(
                "osv", "USN-3", closes: ["CVE-2026-3"],
                [statement("Ubuntu:22.04:LTS", "grub2-unsigned", below: "2.06-2ubuntu14.4")]),
        ])
        func package(_ version: String, _ source: String) -> SoftwarePackage {
            deb("x", version, source: source, distribution: "ubuntu-22.04")
        }
        #expect(try matcher.verdict(package("5.15.0-99.109", "linux-signed")) == .affected)
        #expect(try matcher.verdict(package("5.15.0-100.110+1", "linux-signed")) == .fixed)
        #expect(try matcher.verdict(package("5.15.0-1049.54", "linux-signed-aws"), "CVE-2026-2") == .affected)
        #expect(
            try matcher.verdict(package("1.187.3~22.04.1+2.06-2ubuntu14.1", "grub2-signed"), "CVE-2026-3") == .affected)
        let modules = try matcher.judge(MatchSubject(package("5.15.0-99.109", "linux-restricted-modules")))
        #expect(modules.unknown.contains("nvidia"))
    }

    /// Of a signed build whose version does not tell that of its source nothing is called clean.
    @Test func signedBuildsThatDoNotTellAreUnknown() throws {
        let judgement = try linux().judge(MatchSubject(deb("y-signed", "1", source: "y-signed")))
        #expect(judgement.unknown.contains("signed build of y"))
    }

    @Test func signedKernelsCanBeStepped() throws {
        let package = deb(
            "linux-image-amd64", "6.1.119-1", source: "linux-signed-amd64", sourceVersion: "6.1.119+1")
        let judgement = try linux().judge(MatchSubject(package))
        #expect(PatchPlan([judgement]) { _ in "6.1.123-1" }.patches.map(\.closes) == [["CVE-2026-1"]])
        #expect(PatchPlan([judgement]) { _ in "6.1.120-1" }.patches.isEmpty)
    }

    // MARK: Origins

    @Test func othersPackagesAreNotClean() throws {
        let matcher = try MatchingTests.matcher(
            [
                advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "x", below: "2")]),
                advisory(
                    "openvex", "V-1", aliases: ["CVE-2026-2"],
                    [statement("Debian:12", "x", kind: .binary, versions: ["1"])]),
            ], whole: ["Debian:12"])
        let other = try matcher.judge(MatchSubject(deb("x", "1"), origin: .thirdParty("Docker CE")))
        #expect(other.unknown.contains("Docker CE") && other.findings.map(\.vulnerability) == ["CVE-2026-2"])
        let unknown = try matcher.judge(MatchSubject(deb("x", "1"), origin: .unknown("no repository has it")))
        #expect(unknown.unknown.contains("no repository has it"))
        #expect(unknown.findings.map(\.verdict) == [.unknown, .affected])
        let newer = try matcher.judge(MatchSubject(deb("x", "3"), origin: .unknown("no repository has it")))
        #expect(newer.findings.isEmpty && !newer.unknown.isEmpty)
    }

    /// Only a package of the distribution itself, whose feed names everything, clears what is in it by silence.
    @Test func onlyTheDistributionsOwnClearsWhatIsInside() throws {
        let records = [
            advisory("debian-tracker", "CVE-2026-2", [statement("Debian:12", "other", below: "1")]),
            advisory(
                "osv", "P-1", aliases: ["CVE-2026-3"],
                [statement("PyPI", "x", kind: .language, below: "9", scheme: "pypi")]),
        ]
        let own = language("pypi", "x", "1.0")
        let owner = deb("python3-x", "1.0-1", source: "x")
        func verdict(_ matcher: Matcher, _ origin: MatchSubject.Origin) throws -> Verdict? {
            try matcher.judge(MatchSubject(own, owner: owner, ownerOrigin: origin)).findings.first?.verdict
        }
        let whole = try MatchingTests.matcher(records, whole: ["Debian:12"])
        #expect(try verdict(whole, .distribution) == .notAffected)
        #expect(try verdict(whole, .assumed) == .unknown)
        #expect(try verdict(whole, .thirdParty("Docker CE")) == .affected)
        #expect(try verdict(whole, .unknown("several offer it")) == .affected)
        // The same records without anybody who says that they are all.
        #expect(try verdict(try MatchingTests.matcher(records), .distribution) == .affected)
    }

    /// Two documents that say different things: the newer one counts, whoever wrote it; without dates the worse one does.
    @Test func theNewerVEXDocumentDecides() throws {
        func verdict(_ affected: Int64?, _ not: Int64?) throws -> (Verdict?, [String]) {
            func document(_ source: String, _ status: Statement.Status, _ modified: Int64?) -> FeedRecord {
                let record = advisory(
                    source, "V-\(source)", aliases: ["CVE-2026-1"],
                    [statement("Debian:12", "x", kind: .binary, status: status, versions: ["1"])])
                guard case .advisory(var advisory) = record else { return record }
                advisory.modified = modified.map { Timestamp(seconds: $0) }
                return .advisory(advisory)
            }
            let finding = try matcher([
                document("openvex", .affected, affected), document("cyclonedx-vex", .notAffected, not),
            ]).judge(MatchSubject(deb("x", "1"))).findings.first
            return (finding?.verdict, finding?.voices.map(\.overruled) ?? [])
        }
        #expect(try verdict(5, 9).0 == .notAffected)
        let older = try verdict(9, 5)
        #expect(older.0 == .affected && older.1.contains { $0.hasPrefix("a newer VEX document") })
    }

    /// Ubuntu's own VEX is a distribution's word, as its other feeds are; what the user says stands above it, however old.
    @Test func theUsersVEXStandsAboveUbuntus() throws {
        let stream = "Ubuntu:22.04:LTS"
        func verdict(_ own: Statement.Status?, _ vendor: Statement.Status) throws -> (Verdict?, [String]) {
            var records = [
                advisory(
                    "ubuntu-vex", "U", aliases: ["CVE-2026-1"], modified: 9_000,
                    [
                        statement(stream, "x", status: vendor, all: true)
                    ])
            ]
            if let own {
                records.append(
                    advisory(
                        "openvex", "V", aliases: ["CVE-2026-1"], modified: 1_000,
                        [
                            statement(stream, "x", kind: .binary, status: own, versions: ["1"])
                        ]))
            }
            let finding = try matcher(records).judge(MatchSubject(deb("x", "1", distribution: "ubuntu-22.04"))).findings
                .first
            return (finding?.verdict, finding?.voices.filter { $0.source == "ubuntu-vex" }.map(\.overruled) ?? [])
        }
        #expect(try verdict(nil, .affected).0 == .affected)
        #expect(try verdict(.notAffected, .affected) == (.notAffected, ["a VEX statement decides"]))
        #expect(try verdict(.affected, .notAffected) == (.affected, ["a VEX statement decides"]))
        #expect(try verdict(.underInvestigation, .affected).0 == .affected, "who looks into it takes nothing back")
    }

    // MARK: What feeds name

    /// The silence of a complete feed is about what was published before it was fetched; a newer flaw it could not name.
    @Test func anOldFeedClearsNothingNewer() throws {
        func published(_ record: FeedRecord, _ seconds: Int64?) -> FeedRecord {
            guard case .advisory(var advisory) = record else { return record }
            advisory.published = seconds.map { Timestamp(seconds: $0) }
            if seconds == nil { advisory.modified = nil }
            return .advisory(advisory)
        }
        func verdicts(_ seconds: Int64?, feed: Int64?, stream: Int64? = nil) throws -> [Verdict?] {
            var builder = CatalogueBuilder()
            builder.claim(
                .everything, of: "debian-tracker", stream: "Debian:12",
                asOf: stream.map { Timestamp(seconds: $0) })
            builder.setFeed("debian-tracker", date: feed.map { Timestamp(seconds: $0) })
            try builder.add(
                published(
                    advisory("debian-tracker", "CVE-2026-9", [statement("Debian:12", "x", below: "1")]), nil))
            try builder.add(
                published(
                    advisory(
                        "nvd", "CVE-2026-1",
                        [statement("CPE", "a:acme:x", kind: .cpe, below: "9.0", scheme: "semver")]), seconds))
            try builder.add(
                published(
                    advisory(
                        "osv", "P-1", aliases: ["CVE-2026-3"],
                        [statement("PyPI", "x", kind: .language, below: "9", scheme: "pypi")]), seconds))
            let matcher = try Matcher([try Catalogue(try builder.bytes())])
            let system = MatchSubject(deb("x", "1.0-1"), origin: .distribution, cpes: ["a:acme:x"])
            let inside = MatchSubject(
                language("pypi", "x", "1.0"), owner: deb("python3-x", "1.0-1", source: "x"), ownerOrigin: .distribution)
            return [
                try matcher.judge(system).findings.first { $0.vulnerability == "CVE-2026-1" }?.verdict,
                try matcher.judge(inside).findings.first { $0.vulnerability == "CVE-2026-3" }?.verdict,
            ]
        }
        #expect(try verdicts(5_000, feed: 5_000) == [.notAffected, .notAffected])
        #expect(try verdicts(5_001, feed: 5_000) == [.affected, .affected], "published after the feed was fetched")
        #expect(
            try verdicts(5_001, feed: 5_000, stream: 6_000) == [.notAffected, .notAffected],
            "another stream of the source stands still")
        #expect(try verdicts(5_001, feed: 6_000, stream: 5_000) == [.affected, .affected], "this stream stands still")
        #expect(try verdicts(1, feed: nil) == [.affected, .affected], "nobody says how old the feed is")
        #expect(try verdicts(nil, feed: 5_000) == [.affected, .affected], "nobody says when it was published")
    }

    @Test func completenessIsTheLoadedFeedsNotTheStreams() throws {
        let records = [
            advisory("osv", "DSA-1", closes: ["CVE-2026-2"], [statement("Debian:12", "x", below: "1")]),
            advisory("nvd", "CVE-2026-1", [statement("CPE", "a:acme:x", kind: .cpe, below: "9.0", scheme: "semver")]),
        ]
        let subject = MatchSubject(deb("x", "1.0-1"), origin: .distribution, cpes: ["a:acme:x"])
        let alone = try MatchingTests.matcher(records).judge(subject).findings
        #expect(alone.first { $0.vulnerability == "CVE-2026-1" }?.verdict == .affected)
        // Of another source in the stream the claim says nothing.
        let other = try MatchingTests.matcher(records, whole: ["Debian:12"]).judge(subject).findings
        #expect(other.first { $0.vulnerability == "CVE-2026-1" }?.verdict == .affected)
        #expect(try catalogue(records).coverage(of: "Debian:12") == .advisories)
        // A package that its feed has never heard of may be anybody's.
        let tracker = records + [advisory("debian-tracker", "CVE-2026-7", [statement("Debian:12", "y", below: "1")])]
        let whole = try MatchingTests.matcher(tracker, whole: ["Debian:12"])
        func verdict(_ name: String, _ origin: MatchSubject.Origin) throws -> Verdict? {
            let subject = MatchSubject(deb(name, "1.0-1"), origin: origin, cpes: ["a:acme:x"])
            return try whole.judge(subject).findings.first { $0.vulnerability == "CVE-2026-1" }?.verdict
        }
        #expect(try verdict("docker-ce", .assumed) == .affected)
        #expect(try verdict("docker-ce", .distribution) == .notAffected)
        #expect(try verdict("y", .assumed) == .notAffected)
    }

    /// A few documents about products are no feed of a stream: their silence means nothing.
    @Test func singleStatementsCoverNothing() throws {
        let vex = try MatchingTests.matcher([
            advisory(
                "openvex", "V-1", aliases: ["CVE-2026-1"],
                [statement("Debian:12", "x", kind: .binary, status: .notAffected)])
        ])
        let judgement = try vex.judge(MatchSubject(deb("y", "1")))
        #expect(judgement.findings.isEmpty && judgement.unknown.contains("single statements"))
        // A registry of which nothing is loaded says nothing.
        #expect(try vex.judge(MatchSubject(language("npm", "y", "1.0.0"))).unknown.contains("no feed"))
        // Nor is a CPE that matches nothing.
        let cpe = try MatchingTests.matcher([
            advisory("nvd", "CVE-2026-1", [statement("CPE", "a:acme:x", kind: .cpe, below: "1.0", scheme: "semver")])
        ])
        #expect(try !cpe.judge(MatchSubject(deb("x", "2.0"), cpes: ["a:acme:x"])).unknown.isEmpty)
    }

    /// What a record gave up keeps the package from being clean, and takes no "affected" back.
    @Test func whatIsUnderInvestigationIsUnknown() throws {
        var given = statement("npm", "p", kind: .language, status: .underInvestigation)
        given.reason = "a bound that is no version"
        let matcher = try MatchingTests.matcher([
            advisory(
                "osv", "G-1", aliases: ["CVE-2026-1"],
                [given, statement("npm", "p", kind: .language, below: "1.0.0", scheme: "npm")]),
            advisory("openvex", "V-1", aliases: ["CVE-2026-2"], [given]),
            advisory(
                "osv", "G-2", aliases: ["CVE-2026-2"],
                [statement("npm", "p", kind: .language, below: "3.0.0", scheme: "npm")]),
        ])
        let findings = try matcher.judge(MatchSubject(language("npm", "p", "2.0.0"))).findings
        #expect(findings.map(\.verdict) == [.unknown, .affected])
        #expect(findings[0].voices[0].reason == "a bound that is no version")
    }

    // MARK: VEX

    /// A document about one version says nothing of others.
    @Test func vexOfOneVersionClearsNoOther() throws {
        let tracker = advisory("debian-tracker", "CVE-2026-1", [statement("Debian:12", "x", below: "9")])
        for said in [
            statement("Debian:12", "x", kind: .binary, versions: ["1"]),
            statement("Debian:12", "x", kind: .binary, below: "2"),
            statement("Debian:12", "x", kind: .binary, last: "2"),
        ] {
            let matcher = try MatchingTests.matcher([
                tracker, advisory("openvex", "V-1", aliases: ["CVE-2026-1"], [said]),
            ])
            #expect(try matcher.verdict(deb("x", "5")) == .affected)
            #expect(try matcher.verdict(deb("x", "1")) == .affected)
        }
        let alone = try MatchingTests.matcher([
            advisory(
                "openvex", "V-1", aliases: ["CVE-2026-1"], [statement("Debian:12", "x", kind: .binary, versions: ["1"])]
            )
        ])
        #expect(try alone.verdict(deb("x", "5")) == nil)
    }

    // MARK: Channels

    @Test func whatOnlyUbuntuProFixesIsAffected() throws {
        let matcher = try MatchingTests.matcher([
            advisory("osv", "USN-0", closes: ["CVE-2026-9"], [statement("Ubuntu:22.04:LTS", "y", below: "1")]),
            advisory(
                "osv", "USN-1", closes: ["CVE-2026-1"],
                [statement("Ubuntu:Pro:22.04:LTS", "x", below: "1.0-1ubuntu1+esm1", channel: "esm-apps")]),
            advisory(
                "ubuntu-vex", "UBUNTU-CVE-2026-2", aliases: ["CVE-2026-2"],
                [
                    statement("Ubuntu:22.04:LTS", "x", plan: .unfixed, all: true),
                    statement("Ubuntu:Pro:22.04:LTS", "x", below: "1.0-1ubuntu1+esm1", channel: "esm-apps"),
                ]),
            advisory("osv", "USN-3", closes: ["CVE-2026-3"], [statement("Ubuntu:22.04:LTS", "x", below: "1.0-2")]),
            advisory(
                "osv", "USN-4", closes: ["CVE-2026-3"], [statement("Ubuntu:Pro:22.04:LTS", "x", below: "1.0-0+esm1")]),
        ])
        func verdict(_ version: String, _ id: String) throws -> Verdict? {
            try matcher.verdict(deb("x", version, distribution: "ubuntu-22.04"), id)
        }
        #expect(try verdict("1.0-1ubuntu1", "CVE-2026-1") == .affected)
        #expect(try verdict("1.0-1ubuntu1+esm1", "CVE-2026-1") == .fixed)
        let open = try matcher.judge(MatchSubject(deb("x", "1.0-1ubuntu1", distribution: "ubuntu-22.04"))).findings
        #expect(open.first { $0.vulnerability == "CVE-2026-1" }?.voices.first?.channel == "esm-apps")
        // The build of the channel is judged by the channel, though the release itself stays open.
        #expect(try verdict("1.0-1ubuntu1+esm1", "CVE-2026-2") == .fixed)
        #expect(try verdict("1.0-1ubuntu1", "CVE-2026-2") == .affected)
        // A fix of the channel is none for who has not got it.
        #expect(try verdict("1.0-1ubuntu1", "CVE-2026-3") == .affected)
    }

    @Test func longSupportAndMinorReleasesAreHeard() throws {
        let records = [
            advisory(
                "suse", "S-1", closes: ["CVE-2026-1"],
                [statement("SUSE:Linux Enterprise Server 15 SP3-LTSS", "x", below: "2-1", scheme: "rpm")]),
            advisory(
                "suse", "S-2", closes: ["CVE-2026-2"],
                [statement("SUSE:Linux Enterprise Server 15 SP30", "x", below: "2-1", scheme: "rpm")]),
            advisory(
                "redhat", "R-1", closes: ["CVE-2026-1"],
                [statement("Red Hat:enterprise_linux:10.0", "x", kind: .binary, below: "2-1.el10_0", scheme: "rpm")]),
            advisory(
                "redhat", "R-2", closes: ["CVE-2026-2"],
                [statement("Red Hat:enterprise_linux:10.2", "x", kind: .binary, below: "2-1.el10_2", scheme: "rpm")]),
            advisory(
                "redhat", "R-3", closes: ["CVE-2026-3"],
                [statement("Red Hat:rhel_eus:10.0", "x", kind: .binary, below: "2-1.el10_0", scheme: "rpm")]),
        ]
        let matcher = try MatchingTests.matcher(records)
        func verdict(_ distribution: String, _ id: String) throws -> Verdict? {
            try matcher.verdict(rpm("x", "1-1.el10", distribution: distribution), id)
        }
        #expect(try verdict("sles-15.3", "CVE-2026-1") == .affected)
        #expect(try verdict("sles-15.3", "CVE-2026-2") == nil)
        #expect(try verdict("sles-15.4", "CVE-2026-1") == nil)
        #expect(try verdict("rhel-10.1", "CVE-2026-1") == .affected)
        #expect(try verdict("rhel-10.1", "CVE-2026-2") == nil)
        #expect(try verdict("rhel-10.1", "CVE-2026-3") == nil)
        #expect(try verdict("rhel-10.0", "CVE-2026-3") == .affected)
    }

    /// A backport's number says nothing about the stable release's fixes.
    @Test func backportsBelongToTheNextRelease() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "debian-tracker", "CVE-2026-1",
                [
                    statement("Debian:12", "x", below: "1.0-1+deb12u3"), statement("Debian:13", "x", below: "2.0-2"),
                ])
        ])
        #expect(try matcher.verdict(deb("x", "2.0-1~bpo12+1")) == .affected)
        #expect(try matcher.verdict(deb("x", "2.0-2~bpo12+1")) == .fixed)
    }

    // MARK: Modules, bounds, layers

    @Test func modularBuildsAndPlainStatementsDoNotMeet() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "redhat-vex", "CVE-2026-1",
                [statement("AlmaLinux:9", "nodejs", kind: .binary, below: "1:16.20-1.el9", scheme: "rpm")]),
            advisory(
                "redhat-vex", "CVE-2026-2", [statement("AlmaLinux:9", "nodejs", kind: .binary, status: .notAffected)]),
            advisory(
                "redhat-vex", "CVE-2026-3",
                [statement("AlmaLinux:9", "nodejs", kind: .binary, status: .notAffected, module: "nodejs:20")]),
        ])
        let modular = rpm("nodejs", "1:18.1.0-1.module_el9", module: "nodejs:18")
        #expect(try matcher.verdict(modular) == nil && matcher.verdict(modular, "CVE-2026-2") == nil)
        let older = rpm("nodejs", "1:16.1.0-1.module_el9", module: "nodejs:16")
        #expect(try matcher.verdict(older) == nil)
        #expect(try matcher.verdict(rpm("nodejs", "1:16.1.0-1.el9")) == .affected)
        // Without a label nobody's "not affected" is known to be meant.
        #expect(try matcher.verdict(rpm("nodejs", "1:18.1.0-1.module_el9"), "CVE-2026-3") == nil)
    }

    @Test func theLastAffectedVersionIsNoFix() throws {
        let matcher = try MatchingTests.matcher([
            advisory(
                "osv", "P-1", aliases: ["CVE-2026-1"],
                [statement("PyPI", "x", kind: .language, last: "2.0", scheme: "pypi")])
        ])
        let finding = try matcher.judge(MatchSubject(language("pypi", "x", "2.1"))).findings[0]
        #expect(finding.verdict == .fixed && finding.fixed == nil)
        #expect(
            finding.voices[0].rule == .afterLast && finding.voices[0].upper == "2.0" && finding.voices[0].fixed == nil)
    }

    /// Rows of two layers have nothing to do with each other.
    @Test func layersAreComparedByWhatTheyName() throws {
        let vex = advisory("ubuntu-vex", "CVE-2026-1", [statement("Ubuntu:22.04:LTS", "x", status: .notAffected)])
        let usn = advisory("osv", "USN-1", closes: ["CVE-2026-1"], [statement("Ubuntu:22.04:LTS", "x", below: "2")])
        // Another package moves the rows of the older layer.
        let old = try catalogue([
            usn, advisory("osv", "USN-2", closes: ["CVE-2026-2"], [statement("Ubuntu:22.04:LTS", "a", below: "2")]),
        ])
        let package = deb("x", "1", distribution: "ubuntu-22.04")
        #expect(try Matcher([catalogue([vex]), old]).verdict(package) == .notAffected)
        // And the row of another subject is not this one's: here the binary is cleared, not the source.
        let binary = advisory(
            "ubuntu-vex", "CVE-2026-1", [statement("Ubuntu:22.04:LTS", "y", kind: .binary, status: .notAffected)])
        let layered = try Matcher([catalogue([binary]), catalogue([usn])])
        #expect(try layered.verdict(deb("y", "1", source: "x", distribution: "ubuntu-22.04")) == .affected)
    }
}
