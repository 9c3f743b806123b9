import Access
import Inventory
import JSON
import Rollout
import Testing
import Timestamps

@testable import Server

/// Selections made exact: one version a package and distribution, or a sentence that names host and package.
@Suite struct PlanFreezingTests {
    private func host(
        _ name: String, _ installed: [String: String], _ offers: [(String, String)] = [], security: Bool = true,
        status: OfferStatus = .upgradable, distribution: String = "debian-12"
    ) -> FreezingHost {
        FreezingHost(
            id: "h-\(name)", name: name,
            installed: Dictionary(uniqueKeysWithValues: installed.map { ("\($0.key):amd64", $0.value) }),
            distribution: distribution,
            offers: offers.map {
                Offer(
                    name: $0.0, architecture: "amd64", installed: installed[$0.0] ?? "", candidate: $0.1, origins: [],
                    security: security, status: status)
            })
    }

    @Test func hostsWithDifferentOldVersionsShareOneTarget() {
        let frozen = PlanFreezing.freeze(
            .security,
            over: [
                host("a", ["openssl": "3.0.15", "bash": "5"], [("openssl", "3.0.18")]),
                host("b", ["openssl": "3.0.16"], [("openssl", "3.0.18")]), host("c", ["openssl": "3.0.18"]),
                host("d", ["bash": "5"]),
            ])
        #expect(frozen.errors.isEmpty)
        #expect(
            frozen.targets == [
                ReleaseTarget(
                    distribution: "debian-12",
                    packages: [
                        ReleasePackage(
                            name: "openssl", architecture: "amd64", version: "3.0.18", previous: ["3.0.15", "3.0.16"])
                    ])
            ])
        #expect(frozen.hosts.keys.sorted() == ["h-a", "h-b"])
        #expect(frozen.hosts["h-a"]?.previous == ["openssl:amd64": "3.0.15"])
        #expect(frozen.notes.filter { $0.contains("nothing to change") }.count == 2)
    }

    @Test func disagreementNamesHostsAndPackage() {
        let frozen = PlanFreezing.freeze(
            .security,
            over: [
                host("a", ["openssl": "3.0.15"], [("openssl", "3.0.17")]),
                host("b", ["openssl": "3.0.15"], [("openssl", "3.0.18")]),
            ])
        #expect(frozen.targets.isEmpty)
        let error = frozen.errors.first ?? ""
        for word in ["a", "b", "openssl:amd64", "3.0.17", "3.0.18"] { #expect(error.contains(word), "\(error)") }
        // Different releases of the distribution have versions of their own.
        let apart = PlanFreezing.freeze(
            .security,
            over: [
                host("a", ["openssl": "3.0.15"], [("openssl", "3.0.17")]),
                host("b", ["openssl": "3.5.1"], [("openssl", "3.5.4")], distribution: "debian-13"),
            ])
        #expect(apart.errors.isEmpty)
        #expect(apart.targets.map(\.distribution) == ["debian-12", "debian-13"])
    }

    @Test func whatFitsNowhereIsAnErrorThatSaysWhere() {
        let older = PlanFreezing.freeze(
            .security,
            over: [host("a", ["openssl": "3.0.15"], [("openssl", "3.0.18")]), host("stale", ["openssl": "3.0.16"])])
        #expect(older.errors.first?.contains("stale: openssl:amd64 is at 3.0.16") == true, "\(older.errors)")
        let newer = PlanFreezing.freeze(
            .security,
            over: [host("a", ["openssl": "3.0.15"], [("openssl", "3.0.18")]), host("ahead", ["openssl": "1:0.1"])])
        #expect(newer.errors.first?.contains("ahead: openssl:amd64 is at 1:0.1 already, above") == true)
        #expect(
            PlanFreezing.freeze(.named(["nano"]), over: [host("a", ["bash": "5"])]).errors.first?.contains("nano")
                == true)
        #expect(PlanFreezing.freeze(.security, over: [host("a", ["bash": "5"])]).errors.count == 1)
        let exact = PlanFreezing.freeze(
            .exact([ExactPackage(name: "openssl", version: "3.0.17")]),
            over: [host("a", ["openssl": "3.0.15"], [("openssl", "3.0.18")])])
        #expect(exact.errors.first?.contains("offer openssl:amd64 3.0.18, not 3.0.17") == true, "\(exact.errors)")
    }

    @Test func holdsStopWhoNamesThePackageAndWarnWhoDoesNot() {
        let held = [host("a", ["vim": "1"], [("vim", "2")], status: .held)]
        #expect(PlanFreezing.freeze(.named(["vim"]), over: held).errors.first?.contains("is held") == true)
        let all = PlanFreezing.freeze(.everything, over: held)
        #expect(all.errors.isEmpty)
        #expect(all.notes.first?.contains("will be refused") == true)
        let kept = PlanFreezing.freeze(
            .everything, over: [host("a", ["vim": "1"], [("vim", "2")], status: .keptBack("needs libx"))])
        #expect(kept.notes.first?.contains("needs libx") == true)
    }

    @Test func whatKeptBackPackagesNeedIsNamedInThePlan() {
        var kept = host("a", ["linux-image": "1"], [("linux-image", "2")], status: .keptBack("needs linux-image-2"))
        kept.additions = [Addition(name: "linux-image-2", architecture: "amd64", version: "2")]
        let frozen = PlanFreezing.freeze(.security, over: [kept])
        #expect(frozen.errors.isEmpty)
        #expect(
            frozen.targets.first?.packages.map { "\($0.id) \($0.isAddition)" } == [
                "linux-image-2:amd64 true", "linux-image:amd64 false",
            ])
        // Where nothing in the plan is kept back, nothing is added.
        var plain = host("b", ["vim": "1"], [("vim", "2")])
        plain.additions = kept.additions
        #expect(PlanFreezing.freeze(.security, over: [plain]).targets.first?.packages.count == 1)
        var other = kept
        other.id = "h-c"
        other.name = "c"
        other.additions[0].version = "3"
        let apart = PlanFreezing.freeze(.security, over: [kept, other])
        #expect(apart.errors.first?.contains("linux-image-2:amd64") == true)
        #expect(apart.targets.isEmpty)
    }

    @Test func onlySecurityIsSecurity() {
        let hosts = [host("a", ["vim": "1"], [("vim", "2")], security: false)]
        #expect(!PlanFreezing.freeze(.security, over: hosts).errors.isEmpty)
        #expect(PlanFreezing.freeze(.everything, over: hosts).targets.count == 1)
    }

    @Test func draftsAreReadAsTheyWereWritten() throws {
        let drafts = [
            CampaignDraft(
                title: "a", packages: .security, hosts: .ids(["h-1"]),
                window: PlannedWindow(start: "2026-11-21T22:00", minutes: 60, zone: "Europe/Berlin")),
            CampaignDraft(
                title: "b",
                packages: .exact([
                    ExactPackage(name: "x", architecture: "amd64", version: "1"), ExactPackage(name: "y", version: "2"),
                ]), hosts: .labels(try .init("site=berlin,!canary")),
                window: PlannedWindow(start: "2026-11-21T22:00", minutes: 60, zone: "host"), budget: 7),
        ]
        for draft in drafts { #expect(try CampaignDraft(json: draft.json) == draft) }
    }

    @Test func windowsFollowTheClocksOfTheirZone() throws {
        func occurrence(_ start: String, _ zone: String, minutes: Int64 = 120) throws -> PlanWindows.Occurrence {
            try PlanWindows().occurrence(
                of: PlannedWindow(start: start, minutes: minutes, zone: zone), in: zone, JobActions())
        }
        #expect(try occurrence("2026-11-21T22:00", "Europe/Berlin").start.description == "2026-11-21T21:00:00Z")
        #expect(try occurrence("2026-07-01T22:00", "Europe/Berlin").start.description == "2026-07-01T20:00:00Z")
        #expect(try occurrence("2026-11-21T22:00", "UTC").end.description == "2026-11-22T00:00:00Z")
        // 2026-03-29 02:30 is not on the clocks of Berlin, 2026-10-25 02:30 is there twice.
        #expect(try !occurrence("2026-03-29T02:30", "Europe/Berlin").note.isEmpty)
        #expect(try occurrence("2026-10-25T02:30", "Europe/Berlin").start.description == "2026-10-25T00:30:00Z")
        for (start, zone, minutes) in [
            ("2026-11-21T22:00", "Europe/Nowhere", 120), ("2026-11-21T22:00", "../../etc/passwd", 120),
            ("2026-13-21T22:00", "UTC", 120), ("2026-11-21T22:00", "UTC", 10),
        ] {
            #expect(throws: PlanWindowError.self) { try occurrence(start, zone, minutes: Int64(minutes)) }
        }
    }
}
