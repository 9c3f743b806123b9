import Digest
import Foundation
import JSON
import Rollout
import Testing
import Wire

@testable import Agent

/// Jobs on a throw-away Debian host: real apt, real dpkg, the agent as it is shipped.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root: it makes hosts")) struct JobTrialTests {
    private static let quick = JobActions(
        restartsStaleServices: true, settleTime: 0, consecutivePasses: 1, reboot: .never, snapshot: .best,
        stepTimeout: 60)

    private func run(
        _ packages: [String], _ actions: JobActions, _ change: (inout JobTrial) -> Void = { _ in }
    ) throws -> JobTrial.End {
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        var trial = try JobTrial(packages, actions: actions)
        defer { if getenv("FETTLE_KEEP_TRIALS") == nil { trial.remove() } }
        change(&trial)
        return try trial.run(base: base)
    }

    @Test("A job brings exactly the approved versions, runs its scripts, and proves it")
    func succeeds() throws {
        var actions = Self.quick
        actions.preScripts = [PlannedScript(name: "before", text: "#!/bin/sh\necho hello; echo ran >>/var/log/once\n")]
        actions.healthChecks = [HealthCheck(name: "version", probe: .command("grep -q 1.1 /usr/share/tb-ok/version"))]
        let end = try run(["tb-ok", "tb-conffile"], actions)
        #expect(end.code == 0 && end.damage == nil, "\(end.log)")
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok", "tb-conffile"], at: "1.1"))
        #expect(end.once == 1 && end.audit.isEmpty && end.updates.isEmpty)
        let results = end.entries.last?.detail["packages"]?.array ?? []
        #expect(
            results.count == 2
                && results.allSatisfy { $0["result"]?.string == "upgraded" && $0["now"]?.string == "1.1" })
    }

    @Test("A failed health check takes the packages back, and proves that")
    func rollsBack() throws {
        var actions = Self.quick
        actions.healthChecks = [HealthCheck(name: "never", probe: .command("echo broken; exit 1"))]
        let end = try run(["tb-ok", "tb-conffile"], actions)
        #expect(end.outcome == .rolledBack, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok", "tb-conffile"], at: "1.0") && end.audit.isEmpty)
        #expect(end.text.contains("never"))
    }

    @Test("A package whose script fails is taken back")
    func failingPackage() throws {
        let end = try run(["tb-ok", "tb-failpost"], Self.quick)
        #expect(end.outcome == .rolledBack, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok", "tb-failpost"], at: "1.0") && end.audit.isEmpty && end.updates.isEmpty)
    }

    @Test("A package that hangs is ended at its limit, and taken back")
    func hangingPackage() throws {
        var actions = Self.quick
        actions.stepTimeout = 10
        let end = try run(["tb-ok", "tb-hang"], actions)
        #expect(end.outcome == .rolledBack, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok", "tb-hang"], at: "1.0") && end.audit.isEmpty && end.updates.isEmpty)
    }

    @Test("A job reboots once, and the boot id proves it")
    func reboots() throws {
        var actions = Self.quick
        actions.reboot = .always
        let end = try run(["tb-ok"], actions)
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(Set(end.entries.compactMap(\.bootID)).count == 2)
        #expect(end.entries.last?.detail["boots"]?.integer == 2)
    }

    /// What the host does as it boots: from its second boot to that one it asks for another reboot, as a package's service may.
    private static func askingAgain(until boot: Int) -> String {
        """
        cat >/etc/rc.local <<'END'
        #!/bin/sh
        echo boot >>/var/log/boots
        boots=$(wc -l </var/log/boots)
        if [ $boots -ge 2 ] && [ $boots -le \(boot) ]; then
            touch /run/reboot-required
            echo tb-reboot >>/run/reboot-required.pkgs
        fi
        END
        chmod 755 /etc/rc.local
        """
    }

    @Test("A package that asks again after the first reboot gets a second one within the job")
    func rebootsTwice() throws {
        var actions = Self.quick
        actions.reboot = .whenNeeded
        actions.maximumReboots = 3
        let end = try run(["tb-reboot"], actions) { $0.setup = Self.askingAgain(until: 2) }
        #expect(end.outcome == .succeeded, "\(end.text) \(end.log)")
        #expect(end.are(["tb-reboot"], at: "1.1"))
        #expect(Set(end.entries.compactMap(\.bootID)).count == 3, "each boot is proved by its own id")
        #expect(end.entries.count { $0.phase == .reboot && $0.kind == .intent } == 2)
        #expect(end.entries.last?.detail["boots"]?.integer == 3)
    }

    @Test("A package that asks for ever ends at the limit, as installed with its reboot pending")
    func rebootsEndAtTheLimit() throws {
        var actions = Self.quick
        actions.reboot = .whenNeeded
        actions.maximumReboots = 2
        let end = try run(["tb-reboot"], actions) { $0.setup = Self.askingAgain(until: 99) }
        #expect(end.outcome == .installedRebootPending, "\(end.text) \(end.log)")
        #expect(end.text.contains("2 reboots are the most of this plan"), "\(end.text)")
        #expect(end.are(["tb-reboot"], at: "1.1"))
        #expect(Set(end.entries.compactMap(\.bootID)).count == 3)
        #expect(end.entries.count { $0.phase == .reboot && $0.kind == .intent } == 2)
    }

    @Test("Without a permit to reboot the job ends as installed, reboot pending")
    func mayNotReboot() throws {
        var actions = Self.quick
        actions.reboot = .always
        let end = try run(["tb-ok"], actions) { $0.allowsReboot = false }
        #expect(end.outcome == .installedRebootPending, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok"], at: "1.1") && Set(end.entries.compactMap(\.bootID)).count == 1)
    }

    @Test("An order that would touch something else changes nothing")
    func outsideOrder() throws {
        let end = try run(["tb-twostep"], Self.quick)
        #expect(end.outcome == .failedNoChange, "\(end.text) \(end.log)")
        #expect(end.are(["tb-twostep"], at: "1.0"))
    }

    @Test("A server that says no ends the job with nothing changed")
    func denied() throws {
        let end = try run(["tb-ok"], Self.quick) { trial in
            trial.answer = { question in
                question.kind == .confirm ? JobAnswer(order: nil, reason: "the campaign was halted") : nil
            }
        }
        #expect(end.outcome == .cancelled && end.text.contains("halted"), "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok"], at: "1.0"))
    }

    @Test("A grant that is signed by another key changes nothing")
    func forged() throws {
        let other = TestSigner()
        let end = try run(["tb-ok"], Self.quick) { trial in
            let plan = try? trial.plan()
            trial.answer = { question in
                guard let plan, question.kind == .claim else { return nil }
                let now = Moment.now().wall
                let grant = GrantSample.grant(question, plan: plan, now: now)
                return (try? other.sign(grant, other.director)).map { JobAnswer(order: $0) }
            }
        }
        #expect(end.outcome == .cancelled || end.outcome == .refused, "\(end.text) \(end.log)")
        #expect(end.are(["tb-ok"], at: "1.0"))
        #expect(!end.entries.contains { $0.phase == .mutateIntent })
    }

    @Test(
        "dpkg that is killed, or loses its power, while it works ends as old, new or flagged",
        arguments: ["--unpack", "--configure"], [false, true])
    func killedPackageManager(_ phase: String, _ isPowerCut: Bool) throws {
        let killer = Killer(phase, isPowerCut: isPowerCut)
        let end = try run(["tb-big", "tb-ok", "tb-conffile", "tb-slow"], Self.quick) { trial in
            let root = "\(trial.path)/root"
            trial.watch = { _ in killer.look(root) }
        }
        #expect(killer.hasKilled, "dpkg was not seen at \(phase)")
        try end.expectTruth(["tb-big", "tb-ok", "tb-conffile", "tb-slow"])
    }

    @Test(
        "A disk that is full keeps the agent from doing what it could not journal; once there is room the job ends",
        arguments: ["\"wait-window\"", "mutate-intent", "\"health\""])
    func fullDisk(_ moment: String) throws {
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        var actions = Self.quick
        // The checks take so long that the disk is full before the job has ended.
        actions.healthChecks = [HealthCheck(name: "slow", probe: .command("sleep 1"))]
        actions.consecutivePasses = 3
        var trial = try JobTrial(["tb-ok", "tb-conffile"], actions: actions, stateSize: "48m")
        defer { trial.remove() }
        let filler = DiskFiller("\(trial.path)/state/fill", after: moment)
        trial.watch = { filler.look($0) }
        let end = try trial.run(base: base)
        #expect(filler.hasFilled && filler.hasMadeRoom)
        try end.expectTruth(["tb-ok", "tb-conffile"])
        print("full disk after \(moment): \(end.outcome?.rawValue ?? "no end")")
    }

    @Test("A damaged journal is flagged, never skipped")
    func damaged() throws {
        let base = try #require(JobTrial.base)
        var trial = try JobTrial(["tb-ok"], actions: Self.quick)
        defer { trial.remove() }
        // The process dies at its snapshot; long before, while it waits for its ticket, a byte has changed.
        trial.environment = ["FETTLE_CRASH_COUNT=/var/lib/fettle-agent/points", "FETTLE_CRASH_AT=34"]
        let box = DamageOnce()
        trial.watch = { box.damage("\($0)/journal") }
        let end = try trial.run(base: base)
        #expect(box.isDone)
        #expect(end.outcome == .needsRepair && end.text.contains("damaged"), "\(end.text) \(end.log)")
        #expect(FileManager.default.fileExists(atPath: "\(trial.jobFolder)/journal.damaged"))
    }
}

/// Changes a byte in the first line of a journal, once it has five.
final class DamageOnce: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var isDone = false

    func damage(_ path: String) {
        guard !isDone, var bytes = try? Data(contentsOf: URL(fileURLWithPath: path)),
            bytes.count(where: { $0 == 0x0A }) >= 5
        else { return }
        bytes[40] ^= 1
        let file = FileHandle(forWritingAtPath: path)
        file?.write(bytes.prefix(41))
        try? file?.close()
        isDone = true
    }
}

/// Fills a disk from a certain moment of a job on, and makes room again two seconds later.
final class DiskFiller: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var hasFilled = false
    private(set) var hasMadeRoom = false
    private let file: String
    private let moment: String
    private var until: Int64 = 0

    init(_ file: String, after moment: String) {
        self.file = file
        self.moment = moment
    }

    func look(_ jobFolder: String) {
        if hasFilled, !hasMadeRoom, Moment.now().uptime > until {
            unlink(file)
            hasMadeRoom = true
        }
        guard !hasFilled, let journal = try? String(contentsOfFile: "\(jobFolder)/journal", encoding: .utf8),
            journal.contains(moment)
        else { return }
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
        let block = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        close(descriptor)
        hasFilled = true
        until = Moment.now().uptime + 2000
    }
}

/// Kills dpkg, or process 1 of its host, the first time it is seen at that part of its work.
final class Killer: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var hasKilled = false
    private let phase: String
    private let isPowerCut: Bool

    init(_ phase: String, isPowerCut: Bool) {
        self.phase = phase
        self.isPowerCut = isPowerCut
    }

    func look(_ root: String) {
        guard !hasKilled else { return }
        var first: pid_t?
        var dpkg: pid_t?
        for name in (try? HostTree.names(in: "/proc")) ?? [] {
            guard let pid = pid_t(name), let place = try? HostTree.target(of: "/proc/\(name)/root"), place == root,
                let words = try? HostTree.contents(of: "/proc/\(name)/cmdline", limit: 65_536)
            else { continue }
            first = min(first ?? pid, pid)
            let line = words.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            if line.first?.hasSuffix("dpkg") == true, line.contains(phase) { dpkg = pid }
        }
        guard let dpkg, let first else { return }
        kill(isPowerCut ? first : dpkg, SIGKILL)
        hasKilled = true
    }
}

extension JobTrial.End {
    /// Every end is old, new or flagged; dpkg agrees with what the journal says; nothing that may run once ran twice.
    ///
    /// - Parameter isWayBack: whether it is an operator's way back: what it left alone is new then.
    func expectTruth(
        _ names: [String], isWayBack: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(damage == nil && code == 0, "\(log)", sourceLocation: sourceLocation)
        #expect(once <= 1, "the script ran \(once) times", sourceLocation: sourceLocation)
        let outcome = try #require(outcome, "the job has not ended: \(log)", sourceLocation: sourceLocation)
        let isOld = are(names, at: "1.0") && audit.isEmpty && updates.isEmpty
        let isNew = are(names, at: "1.1") && audit.isEmpty && updates.isEmpty
        switch outcome {
        case .succeeded, .installedRebootPending:
            #expect(isNew, "\(outcome) but not new: \(log)", sourceLocation: sourceLocation)
        case .failedNoChange, .refused, .expired, .cancelled:
            #expect(isWayBack ? isNew : isOld, "\(outcome) but changed: \(log)", sourceLocation: sourceLocation)
        case .rolledBack:
            #expect(isOld, "\(outcome) but not old: \(log)", sourceLocation: sourceLocation)
        case .failedChanged, .rollbackFailed, .needsRepair: break
        }
        // Every record names the one before, and none is there twice.
        #expect(entries.map(\.ordinal) == (1...Int64(entries.count)).map { $0 }, sourceLocation: sourceLocation)
    }

    /// `old`, `new` or `flagged`.
    var kind: String {
        switch outcome {
        case .succeeded?, .installedRebootPending?: "new"
        case .failedNoChange?, .rolledBack?, .refused?, .expired?, .cancelled?: "old"
        case .failedChanged?, .rollbackFailed?, .needsRepair?: "flagged"
        case nil: "not ended"
        }
    }
}
