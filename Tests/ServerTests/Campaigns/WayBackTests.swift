import Inventory
import Rollout
import Testing

@testable import Server

/// What a plan says of each host's way back, before anybody approves it.
@Suite struct WayBackTests {
    private func words(
        _ policy: SnapshotPolicy, _ snapshot: Fact<SnapshotFacts>?, hook: String? = nil, rollsBack: Bool = true
    ) -> String {
        let facts = snapshot.map { value in
            var facts = HostFacts(agentVersion: "x")
            facts.snapshot = value
            return facts
        }
        return PlannedHosts.wayBack(JobActions(snapshot: policy, snapshotHook: hook, rollsBack: rollsBack), facts)
    }

    @Test("A host's own means are named, with what was found there")
    func means() {
        let btrfs = Fact.known(SnapshotFacts(.btrfs, why: "/ is a btrfs subvolume"))
        let none = Fact.known(SnapshotFacts(.none, why: "the file system of / is ext4, not btrfs"))
        #expect(words(.best, btrfs) == "The old packages, and a btrfs snapshot (/ is a btrfs subvolume).")
        #expect(words(.best, none) == "The old packages; no snapshot: the file system of / is ext4, not btrfs.")
        #expect(words(.required, btrfs).contains("btrfs snapshot"))
        #expect(words(.required, none).hasPrefix("It will refuse: the plan requires a snapshot"))
        #expect(words(.none, btrfs) == "The old packages.")
    }

    @Test("What nobody has looked for is not known, and never a yes")
    func unknown() {
        for snapshot in [nil, .notLookedFor] as [Fact<SnapshotFacts>?] {
            #expect(words(.best, snapshot).contains("not known (was not looked for)"))
            #expect(words(.required, snapshot).hasPrefix("Not known: the plan requires a snapshot"))
        }
    }

    @Test("A command is asked wherever it is, and a plan without a way back says so")
    func others() {
        let btrfs = Fact.known(SnapshotFacts(.btrfs, why: "x"))
        #expect(words(.best, btrfs, hook: "backup").contains("command is asked for a snapshot first"))
        #expect(words(.best, btrfs, rollsBack: false).hasPrefix("None"))
    }
}
