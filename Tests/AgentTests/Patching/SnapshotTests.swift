import Foundation
import Inventory
import JSON
import Rollout
import Testing

@testable import Agent

/// What is made before packages change so that a host can come back: a real btrfs, and a command that asks others.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root: it makes hosts")) struct SnapshotTests {
    private static let packages = ["tb-ok", "tb-conffile"]

    private func actions(_ policy: SnapshotPolicy, hook: String? = nil) -> JobActions {
        JobActions(
            settleTime: 0, consecutivePasses: 1, reboot: .never, snapshot: policy, snapshotHook: hook, stepTimeout: 60)
    }

    private func trial(_ actions: JobActions) throws -> (base: String, trial: JobTrial) {
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        return (base, try JobTrial(Self.packages, actions: actions))
    }

    private func snapshot(_ end: JobTrial.End) -> JobEntry? {
        end.entries.last { $0.phase == .snapshot && $0.kind == .result }
    }

    @Test("On btrfs a snapshot of the root is made before anything changes, and a person can take the host back to it")
    func btrfs() throws {
        var (base, trial) = try trial(actions(.required))
        defer { trial.remove() }
        trial.isBtrfs = true
        // Snapshots of jobs that nobody remembers: they must not fill the disk.
        trial.setup =
            "mkdir -m 700 /.fettle-snapshots; for n in 0 1 2 3; do "
            + "btrfs -q subvolume snapshot -r / /.fettle-snapshots/0000000000000000000000000000000$n; done"
        let end = try trial.run(base: base)
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(end.are(Self.packages, at: "1.1"))
        let made = try #require(snapshot(end))
        #expect(made.detail["kind"]?.string == "btrfs")
        #expect(made.detail["id"]?.string == "/.fettle-snapshots/\(trial.job)")
        let begun = try #require(end.entries.first { $0.phase == .mutateIntent })
        #expect(made.ordinal < begun.ordinal)
        #expect(
            end.entries.contains { $0.phase == .prefetch && $0.detail["files"]?["way"]?.string == "btrfs" },
            "the job says before its window what the way back will be")

        let back = try trial.restore(base: base)
        #expect(back.code == 0, "\(back.log)")
        #expect(back.are(Self.packages, at: "1.0") && back.audit.isEmpty, "\(back.packages) \(back.log)")
        let verify = (try? String(contentsOfFile: "\(trial.path)/result/verify", encoding: .utf8)) ?? "?"
        #expect(!verify.contains("tb-"), "\(verify)")
        let kept = (try? String(contentsOfFile: "\(trial.path)/result/snapshots", encoding: .utf8)) ?? ""
        #expect(kept.split(separator: "\n").count == SnapshotMeans.kept && kept.contains(trial.job), "\(kept)")
    }

    @Test("Where packages cannot go back, the job's sentence names the snapshot, and the host comes back by it")
    func lastResort() throws {
        var actions = actions(.best)
        actions.healthChecks = [HealthCheck(name: "never", probe: .command("exit 1"))]
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        // Its old version refuses the data of the new one.
        var trial = try JobTrial(["tb-downbad"], actions: actions)
        defer { trial.remove() }
        trial.isBtrfs = true
        let end = try trial.run(base: base)
        #expect(end.outcome == .rollbackFailed, "\(end.text) \(end.log)")
        #expect(end.text.contains("The snapshot from before is /.fettle-snapshots/\(trial.job)."), "\(end.text)")
        #expect(end.are(["tb-downbad"], at: "1.1"))
        let back = try trial.restore(base: base)
        #expect(back.code == 0 && back.are(["tb-downbad"], at: "1.0") && back.audit.isEmpty, "\(back.log)")
    }

    @Test("Where no snapshot can be made, a plan that requires one changes nothing, and one that does not says so")
    func noMeans() throws {
        var (base, required) = try trial(actions(.required))
        defer { required.remove() }
        var end = try required.run(base: base)
        #expect(end.outcome == .failedNoChange || end.outcome == .refused, "\(end.text)")
        #expect(end.text.contains("requires a snapshot") && end.text.contains("overlay"), "\(end.text)")
        #expect(end.are(Self.packages, at: "1.0") && !end.entries.contains { $0.phase == .mutateIntent })

        let best: JobTrial
        (base, best) = try trial(actions(.best))
        defer { best.remove() }
        end = try best.run(base: base)
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(snapshot(end)?.detail["kind"]?.string == "downgrade")
    }

    @Test("A btrfs that refuses the snapshot is never taken for one that made it")
    func btrfsRefuses() throws {
        let failing = "printf '#!/bin/sh\\necho no space left; exit 1\\n' >/usr/bin/btrfs"
        for policy in [SnapshotPolicy.required, .best] {
            var (base, trial) = try trial(actions(policy))
            defer { trial.remove() }
            trial.isBtrfs = true
            trial.setup = failing
            let end = try trial.run(base: base)
            #expect(end.outcome == (policy == .required ? .refused : .succeeded), "\(end.text) \(end.log)")
            #expect(end.are(Self.packages, at: policy == .required ? "1.0" : "1.1"))
            #expect(!end.entries.contains { $0.detail["kind"]?.string == "btrfs" })
            #expect(end.entries.contains { $0.text.contains("no space left") })
        }
    }

    /// Asks a server beside the host for a snapshot, and waits for what it says.
    private static let hook = """
        echo "$FETTLE_JOB $(dpkg-query -Wf '${Version}' tb-ok)" >/trial/asked.part && mv /trial/asked.part /trial/asked
        while [ ! -e /trial/answer ]; do sleep 0.1; done
        . /trial/answer
        """

    @Test("The plan's command is asked before anything changes, and the job waits for what it answers")
    func hookAnswers() throws {
        var (base, trial) = try trial(actions(.best, hook: Self.hook))
        defer { trial.remove() }
        let server = SnapshotServer(trial.path, "echo calling the hypervisor; echo snapshot-42")
        trial.watch = { server.look($0) }
        let end = try trial.run(base: base)
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(server.asked == "\(trial.job) 1.0", "asked with the old version in")
        #expect(server.hasWaited && !server.hasBegunBefore)
        let made = try #require(snapshot(end))
        #expect(made.detail["kind"]?.string == "hook" && made.detail["id"]?.string == "snapshot-42")
    }

    @Test("A snapshot command that refuses, or does not answer in its time, stops the job before anything changed")
    func hookRefuses() throws {
        for (answer, says) in [("echo the backup is full; exit 3", "the backup is full"), (nil, "time limit")] {
            var actions = actions(.best, hook: Self.hook)
            actions.stepTimeout = 10
            var (base, trial) = try trial(actions)
            defer { trial.remove() }
            let server = SnapshotServer(trial.path, answer)
            trial.watch = { server.look($0) }
            let end = try trial.run(base: base)
            #expect(end.outcome == .refused && end.text.contains(says), "\(end.text) \(end.log)")
            #expect(server.asked != nil && end.are(Self.packages, at: "1.0"))
            #expect(!end.entries.contains { $0.phase == .mutateIntent } && snapshot(end) == nil)
        }
    }

    @Test("The scan says which snapshot a host can make by looking at its file system")
    func facts() throws {
        let temporary = TemporaryFolder()
        let tree = HostTree(root: temporary.path)
        let facts = try #require(tree.snapshots().value)
        #expect(facts.kind == .none && facts.why.contains("/"))
        #expect(HostTree(root: "\(temporary.path)/absent").snapshots().value == nil)
        for value in [Fact.known(facts), .unknown("x"), .known(SnapshotFacts(.btrfs, why: "y"))] {
            var scanned = HostFacts(agentVersion: "x")
            scanned.snapshot = value
            #expect(try HostFacts(parsing: scanned.bytes).snapshot == value)
        }
    }
}

/// What answers the plan's snapshot command, some time after it was asked.
final class SnapshotServer: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var asked: String?
    private(set) var hasWaited = false
    private(set) var hasBegunBefore = false
    private let path: String
    private let answer: String?
    private var looks = 0

    init(_ path: String, _ answer: String?) {
        self.path = path
        self.answer = answer
    }

    func look(_ jobFolder: String) {
        guard !hasWaited, let text = try? String(contentsOfFile: "\(path)/asked", encoding: .utf8) else { return }
        asked = text.split(separator: "\n").first.map(String.init)
        let journal = (try? String(contentsOfFile: "\(jobFolder)/journal", encoding: .utf8)) ?? ""
        hasBegunBefore = hasBegunBefore || journal.contains("mutate-intent")
        looks += 1
        guard looks == 50, let answer else { return }
        try? Data("\(answer)\n".utf8).write(to: URL(fileURLWithPath: "\(path)/answer"), options: .atomic)
        hasWaited = true
    }
}
