import Foundation
import Inventory
import PackageManagers
import Testing
import Timestamps

/// The parts of a change, each on a real root.
@Suite struct ChangeTests {
    @Test func anOrderThatIsNoneIsRefused() throws {
        let change = AptChange(root: ChangeRoot(path: "/nonexistent", enter: ["/nonexistent"]), folder: "/nonexistent")
        for (name, architecture, version) in [
            ("-oDebug::x=1", "all", "1.0"), ("tb-ok", "all", "1.0 -o"), ("tb/ok", "all", "1"), ("TB", "all", "1"),
            ("tb-ok", "-a", "1.0"), ("", "all", "1"), ("tb-ok", "all", ""), ("tb-ok", "all", "1=2"),
            ("tb-ok", "all", "../1"),
        ] {
            let plan = change.plan([PackageGoal(name: name, architecture: architecture, version: version)])
            #expect(plan.refusal?.code == .badOrder, "\(name) \(architecture) \(version)")
        }
        #expect(change.plan(goals("a=1", "a=2")).refusal?.code == .badOrder)
        #expect(
            change.plan((0...5000).map { PackageGoal(name: "p\($0)", architecture: "all", version: "1") }).refusal?.code
                == .badOrder)
        #expect(change.plan(goals("tb-ok=1.1")).refusal?.code == .broken)
    }

    @Test func filesAreCheckedByDigestWhereverTheyComeFrom() throws {
        let held = try HeldRoot()
        let packages = held.path("\(HeldRoot.folder)/packages")
        let change = held.change
        // The order's digest is another than the index's.
        let other = PackageGoal(
            name: "tb-ok", architecture: "all", version: "1.1", sha256: String(repeating: "ab", count: 32))
        #expect(change.plan([other]).refusal?.code == .otherFile)

        let plan = change.plan(goals("tb-ok=1.1"))
        let digest = try #require(plan.steps.first?.sha256)
        #expect(change.plan([PackageGoal(name: "tb-ok", architecture: "all", version: "1.1", sha256: digest)]) == plan)
        #expect(try change.kept() == nil)
        let first = try change.prefetch(plan)
        #expect(first.new.map(\.version) == ["1.1"] && first.old.map(\.version) == ["1.0"])
        #expect(first.hasWayBack)
        #expect(try change.kept() == first)
        let new = "\(packages)/\(first.new[0].file)"
        #expect(try tool(["sha256sum", new]).hasPrefix(digest))

        // Altered after it was fetched: neither kept nor run with; fetched anew.
        try held.sh("echo x >>\(HeldRoot.folder)/packages/\(first.new[0].file)")
        #expect(throws: AptChangeError.self) { try change.kept() }
        #expect(throws: AptChangeError.self) { try change.start(.apply, plan: plan, number: 1) }
        #expect(try held.dpkg("tb-ok") == "1.0 installed")
        #expect(try change.prefetch(plan) == first)
        // A part is gone on with, and a damaged one is fetched again from its beginning. The downloader is not root.
        let deb = first.new[0].file
        for part in ["head -c 500 /tmp/\(deb)", "head -c 500 /dev/zero"] {
            try held.sh(
                """
                mv \(HeldRoot.folder)/packages/\(deb) /tmp; mkdir -p /var/cache/apt/fettle
                \(part) >/var/cache/apt/fettle/\(deb); chown _apt /var/cache/apt/fettle/*
                """)
            #expect(try change.prefetch(plan) == first)
        }
        #expect(try held.sh("ls /var/cache/apt") == "archives\npkgcache.bin\nsrcpkgcache.bin\n")
        var status = stat()
        #expect(stat(new, &status) == 0 && status.st_uid == 0)

        // apt's own cache serves without a network, by digest only.
        try held.sh(
            "cd /var/cache/apt/archives; apt-get -qq download tb-multi-a=1.1 tb-multi-b=1.1 tb-multi-c=1.1; ip link set lo down; echo x >>tb-multi-c_1.1_all.deb; rm -f tb-multi-b_1.0_all.deb"
        )
        let cached = try change.prefetch(change.plan(goals("tb-multi-a=1.1", "tb-multi-b=1.1", "tb-multi-c=1.1")))
        #expect(cached.new.map(\.name) == ["tb-multi-a", "tb-multi-b"])
        #expect(cached.missing.map(\.package) == ["tb-multi-c:all"])
        #expect(cached.old.map(\.name) == ["tb-multi-a", "tb-multi-c"])
        #expect(cached.noWayBack.map(\.package) == ["tb-multi-b:all"])
        #expect(cached.message.contains("tb-multi-c:all 1.1 could not be fetched"), "\(cached.message)")
        #expect(throws: AptChangeError.self) { try change.prefetch(plan, limits: PrefetchLimits(bytes: 10)) }
    }

    @Test func theWayBackIsOnlyToVersionsThatTheOrderNames() throws {
        let held = try HeldRoot()
        let goal = PackageGoal(name: "tb-ok", architecture: "all", version: "1.1", previous: ["0.9"])
        let plan = held.change.plan([goal])
        let prefetch = try held.change.prefetch(plan)
        #expect(prefetch.isComplete && prefetch.noWayBack.map(\.package) == ["tb-ok:all"])
        let run = try held.change.start(.apply, plan: plan, number: 1)
        #expect(held.change.wait(for: run, seconds: 60).isSuccess)
        let report = try held.change.rollBack(plan, firstNumber: 2, seconds: 60)
        #expect(!report.isDone && report.standing == .goal)
        #expect(report.parts.isEmpty)
        #expect(try held.dpkg("tb-ok") == "1.1 installed")
    }

    @Test func whatAChangeBroughtGoesAwayWithIt() throws {
        let held = try HeldRoot()
        let before = try held.change.state()
        let plan = held.change.plan(goals("tb-twostep=1.1", "tb-twostep-data=1.1", "tb-conffile=1.1"))
        _ = try held.change.prefetch(plan)
        let run = try held.change.start(.apply, plan: plan, number: 1)
        #expect(held.change.wait(for: run, seconds: 60).isSuccess)
        let changed = try held.change.state()
        #expect(changed.differences(from: before, outside: plan) == [])
        #expect(changed.packages["tb-twostep-data:all"]?.isAutomatic == true)
        let report = try held.change.rollBack(plan, firstNumber: 2, seconds: 60)
        #expect(report.isDone, "\(report.message)")
        #expect(report.parts.map(\.run.kind) == [.rollBack])
        #expect(try held.dpkg("tb-twostep-data") == "")
        // To the byte: versions, marks and configuration files.
        #expect(try held.change.state().differences(from: before, outside: AptPlan()) == [])
    }

    /// What came on top and needs the newer version keeps a host that is well from going back by force.
    @Test func aHostThatIsWellIsNotForcedBack() throws {
        let held = try HeldRoot()
        let plan = held.change.plan(goals("tb-ok=1.1"))
        _ = try held.change.prefetch(plan)
        let run = try held.change.start(.apply, plan: plan, number: 1)
        #expect(held.change.wait(for: run, seconds: 60).isSuccess)
        try held.change.rehearseWayBack(plan)
        try held.sh(
            """
            mkdir -p /tmp/needs/DEBIAN
            printf 'Package: tb-needs\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDepends: tb-ok (>= 1.1)\\nDescription: t\\n' >/tmp/needs/DEBIAN/control
            dpkg-deb --build /tmp/needs /tmp/needs.deb >/dev/null; dpkg -i /tmp/needs.deb >/dev/null
            """)
        let no = #expect(throws: AptChangeError.self) { try held.change.rehearseWayBack(plan) }
        #expect(no?.description.contains("nothing was changed") == true, "\(String(describing: no))")
        let report = try held.change.rollBack(plan, mayForce: false, firstNumber: 2, seconds: 60)
        #expect(!report.isDone && report.standing == .goal && report.parts.isEmpty, "\(report.message)")
        #expect(try held.dpkg("tb-ok") == "1.1 installed")
        #expect(held.change.audit() == [])
        try held.sh("dpkg --purge tb-needs >/dev/null")
        #expect(try held.change.rollBack(plan, mayForce: false, firstNumber: 3, seconds: 60).isDone)
        #expect(try held.dpkg("tb-ok") == "1.0 installed")
    }

    @Test func everythingElseIsComparedAndFound() throws {
        let held = try HeldRoot()
        let plan = held.change.plan(goals("tb-ok=1.1"))
        let before = try held.change.state()
        #expect(try HostState(json: before.json) == before)
        #expect(before.configuration.count > 10)
        #expect(before.units.value == nil)
        #expect(try held.change.state().differences(from: before, outside: plan) == [])
        try held.sh(
            """
            apt-get -qq -y install tb-multi-a=1.1 tb-multi-b=1.1 tb-multi-c=1.1 tb-twostep=1.1 >/dev/null
            apt-mark -qq hold tb-ok; apt-mark -qq auto tb-slow; echo x >>/etc/tb-conffile.conf; rm /etc/debian_version
            touch /var/lib/dpkg/updates/0001
            """)
        let found = try held.change.state().differences(from: before, outside: plan).map {
            "\($0.subject.rawValue) \($0.name)"
        }
        #expect(
            Set(found) == [
                "package tb-multi-a:all", "package tb-multi-b:all", "package tb-multi-c:all", "package tb-twostep:all",
                "package tb-twostep-data:all", "package tb-ok:all", "package tb-slow:all", "database dpkg",
                "configuration /etc/tb-conffile.conf", "configuration /etc/debian_version",
            ])
        #expect(held.change.alteredFiles(of: ["tb-conffile"]) == ["/etc/tb-conffile.conf"])
        guard case .broken = try held.change.standing(of: plan) else {
            Issue.record("an unmerged journal counts as whole")
            return
        }
    }

    /// A way back long after: what came since outside of the plan is expected, the plan's own packages are not.
    @Test func whatCameSinceIsNoPartOfTheWayBack() {
        func state(_ versions: [String: String], _ files: [String: String]) -> HostState {
            HostState(
                packages: versions.mapValues {
                    HostState.Package(
                        version: $0, state: "installed", want: "install", needsReinstall: false, isAutomatic: false)
                }, hasJournal: false, configuration: files,
                configurationOwners: ["/etc/a": "a:all", "/etc/b": "b:all"], units: .unknown("none"))
        }
        let step = PackageStep(name: "a", architecture: "all", kind: .upgrade, from: "1", to: "2")
        let plan = AptPlan(steps: [step])
        let before = state(["a:all": "1", "b:all": "1", "c:all": "1"], ["/etc/a": "1", "/etc/b": "1"])
        let now = state(["a:all": "2", "b:all": "2", "d:all": "1"], ["/etc/a": "2", "/etc/b": "2"])
        let expected = before.withOthers(of: now, outside: plan)
        #expect(expected.packages.mapValues(\.version) == ["a:all": "1", "b:all": "2", "d:all": "1"])
        #expect(expected.configuration == ["/etc/a": "1", "/etc/b": "2"])
    }

    @Test func unitsThatLoseTheirPlaceAreFound() {
        func state(_ units: Fact<[String: HostState.Unit]>) -> HostState {
            HostState(packages: [:], hasJournal: false, configuration: [:], configurationOwners: [:], units: units)
        }
        let idle = HostState.Unit(file: "static", active: "active")
        let instance = HostState.Unit(file: "", active: "active")
        let before = state(
            .known([
                "hostnamed.service": idle, "user@0.service": instance, "vpn@x.service": instance, "dbus.service": idle,
                "a.service": .init(file: "enabled", active: "active"),
                "b.service": .init(file: "enabled", active: "active"),
                "c.service": .init(file: "static", active: "inactive"),
                "d.timer": .init(file: "disabled", active: "inactive"),
                "e.service": .init(file: "masked", active: "inactive"),
                "f.service": .init(file: "enabled", active: "active"),
                "g.service": .init(file: "enabled", active: "active"),
            ]))
        let now = state(
            .known([
                "hostnamed.service": .init(file: "static", active: "inactive"),
                "dbus.service": .init(file: "static", active: "failed"),
                "a.service": .init(file: "enabled", active: "failed"),
                "b.service": .init(file: "disabled", active: "active"),
                "c.service": .init(file: "static", active: "active"),
                "d.timer": .init(file: "enabled", active: "active"),
                "f.service": .init(file: "enabled", active: "inactive"),
                "g.service": .init(file: "enabled", active: "failed"),
            ]))
        let found = now.differences(from: before, outside: AptPlan(), allowing: ["f.service", "g.service"])
        #expect(
            found.map(\.name) == ["a.service", "b.service", "dbus.service", "e.service", "g.service", "vpn@x.service"])
        #expect(state(.unknown("gone")).differences(from: before, outside: AptPlan()).map(\.subject) == [.unit])
        #expect(now.differences(from: state(.unknown("no systemd")), outside: AptPlan()) == [])
    }

    @Test func preflightSaysNoForEachReason() throws {
        let held = try HeldRoot()
        let change = held.change
        let plan = change.plan(goals("tb-ok=1.1"))
        func objections(
            _ requirements: PreflightRequirements = PreflightRequirements(), at time: Timestamp = now
        ) -> [PreflightFact] { change.preflight(plan, requirements: requirements, now: time).objections }
        #expect(change.preflight(plan, now: now).facts.map(\.name) == PreflightFact.Name.allCases)
        #expect(objections().map(\.text) == [])
        #expect(objections(PreflightRequirements(spareBytes: 1 << 50)).map(\.name) == [.space])
        #expect(objections(PreflightRequirements(memoryBytes: 1 << 50)).map(\.name) == [.memory])
        #expect(objections(at: Timestamp(seconds: now.seconds + 30 * 86_400)).map(\.name) == [.indexes])
        try held.sh("apt-mark -qq hold tb-ok")
        #expect(objections().map(\.name) == [.holds])
        try held.sh("apt-mark -qq unhold tb-ok; touch /run/reboot-required")
        #expect(objections().map(\.name) == [.reboot])
        #expect(objections(PreflightRequirements(refusesPendingReboot: false)).isEmpty)
        try held.sh(
            "rm /run/reboot-required; mkdir -p /sys/class/power_supply/BAT0; cd /sys/class/power_supply/BAT0; echo Battery >type; echo 12 >capacity"
        )
        #expect(objections().map(\.text) == ["the host is on battery, 12 % full, less than 30 %; plug it in"])
        try held.sh("rm /sys/class/power_supply/BAT0/capacity")
        #expect(objections().map(\.verdict) == [.unknown])
        try held.sh("mkdir /sys/class/power_supply/AC; cd /sys/class/power_supply/AC; echo Mains >type; echo 1 >online")
        #expect(objections().isEmpty)
        try held.sh("apt-get -y install tb-failpost=1.1 >/dev/null 2>&1 || true")
        #expect(objections().map(\.name) == [.packages])
        try held.sh(
            "dpkg -i /dev/null 2>/dev/null || true; apt-get -qq -y --allow-downgrades install tb-failpost=1.0 >/dev/null; touch /var/lib/dpkg/updates/0000"
        )
        #expect(objections().map(\.name) == [.journal])
        try held.sh("rm /var/lib/dpkg/updates/0000; rm -r /var/lib/apt/lists; mkdir /var/lib/apt/lists")
        #expect(objections().map(\.name) == [.indexes])
        #expect(objections().map(\.verdict) == [.unknown])
        try held.sh("mv /var/lib/dpkg/status /var/lib/dpkg/gone")
        #expect(Set(objections().map(\.name)).isSuperset(of: [.packages, .journal, .holds, .indexes]))
        #expect(objections().allSatisfy { $0.verdict == .unknown })
    }

    @Test func aNewKernelNeedsRoomInBoot() throws {
        let held = try HeldRoot()
        let plan = held.change.plan(goals("linux-image-tb=1.1", "linux-image-99.1.1-tb=1.1"))
        #expect(plan.steps.map(\.kind) == [.install, .upgrade])
        func space(_ order: AptPlan) throws -> PreflightFact {
            let facts = held.change.preflight(
                order, requirements: PreflightRequirements(spareBytes: 4 << 20), now: now
            ).facts
            return try #require(facts.first { $0.name == .space })
        }
        // Two more ramdisks of 20 MiB: the new kernel's, and one that is built anew beside the old.
        try held.sh(
            "mount -t tmpfs -o size=60m boot /boot; cd /boot; truncate -s 8M vmlinuz-1; head -c 20M /dev/zero >initrd.img-1"
        )
        #expect(try space(plan).text.contains("/boot has 40 MiB free, and 60 MiB are needed; remove an old kernel"))
        #expect(try space(held.change.plan(goals("tb-ok=1.1"))).verdict == .yes)
        try held.sh("mount -o remount,size=100m /boot")
        #expect(try space(plan).verdict == .yes)
    }

    /// The real thing: Debian's own pending updates, from apt's cache, without a network.
    @Test func realPendingUpdatesGoInExactly() throws {
        let held = try HeldRoot("minimal", size: "1500m")
        let scan = try Apt.scan(root: held.root.path, resolver: .none, now: now)
        let wanted = try #require(scan.offers.value).offers.filter { $0.status == .upgradable }.map {
            PackageGoal(name: $0.name, architecture: $0.architecture, version: $0.candidate)
        }
        let trial = try Trial(held, wanted, seconds: 300)
        #expect(trial.ending == .done, "\(trial.message)")
        #expect(trial.plan.steps.count == wanted.count && !wanted.isEmpty)
        #expect(trial.differences == [])
        for goal in wanted { #expect(try held.dpkg("\(goal.name)") == "\(goal.version) installed") }
        #expect(held.change.audit() == [])
    }
}
