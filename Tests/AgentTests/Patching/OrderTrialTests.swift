import Foundation
import JSON
import Orders
import Rollout
import Testing
import Wire

@testable import Agent

/// What a job believes while it runs, on a throw-away Debian host: who signs, what for, and who else changes the host.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root: it makes hosts")) struct OrderTrialTests {
    private static let packages = ["tb-ok", "tb-conffile"]
    private static let quick = JobActions(
        settleTime: 0, consecutivePasses: 1, reboot: .never, snapshot: .none, stepTimeout: 60)

    private func trial(_ actions: JobActions = quick) throws -> (base: String, trial: JobTrial) {
        let base = try #require(JobTrial.base, "the host's disk could not be made")
        return (base, try JobTrial(Self.packages, actions: actions))
    }

    @Test("An operator's way back brings the host to what it was before the job of that campaign")
    func wayBack() throws {
        var (base, trial) = try trial()
        defer { trial.remove() }
        trial.setup = "echo mine >>/etc/tb-conffile.conf"
        let there = try trial.run(base: base)
        #expect(there.outcome == .succeeded && there.are(Self.packages, at: "1.1"), "\(there.text) \(there.log)")
        trial.attempt = 2
        trial.rollsBack = true
        trial.setup = ""
        let back = try trial.run(base: base)
        #expect(back.outcome == .rolledBack, "\(back.text) \(back.log)")
        #expect(back.are(Self.packages, at: "1.0") && back.audit.isEmpty && back.updates.isEmpty)
        #expect(back.conffile.hasSuffix("mine\n"), "\(back.conffile)")
        // Once more: there is nothing that it could take back wrongly.
        trial.attempt = 3
        let again = try trial.run(base: base)
        #expect(again.are(Self.packages, at: "1.0") && again.audit.isEmpty, "\(again.text)")
    }

    @Test("A way back does not begin while nobody can tell where the packages stand, and goes on once they are known")
    func unknownStanding() throws {
        var (base, trial) = try trial()
        defer { trial.remove() }
        let there = try trial.run(base: base)
        #expect(there.outcome == .succeeded && there.are(Self.packages, at: "1.1"), "\(there.text) \(there.log)")
        trial.attempt = 2
        trial.rollsBack = true
        trial.setup = "mv /var/lib/dpkg/status /var/lib/dpkg/status-away"
        let refused = try trial.run(base: base)
        #expect(refused.outcome == .refused, "\(refused.text) \(refused.log)")
        #expect(refused.text.contains("cannot be told") && refused.text.contains("status-old"), "\(refused.text)")
        #expect(
            refused.entries.contains { $0.detail["checks"]?["code"]?.string == "standing-unknown" }, "\(refused.log)")
        #expect(!refused.entries.contains { $0.phase == .mutateIntent })
        trial.attempt = 3
        trial.setup = "mv /var/lib/dpkg/status-away /var/lib/dpkg/status"
        let back = try trial.run(base: base)
        #expect(back.outcome == .rolledBack && back.are(Self.packages, at: "1.0"), "\(back.text) \(back.log)")
    }

    @Test("Whether a job goes forward or back is in the signed grant: a server that says otherwise changes nothing")
    func direction() throws {
        var (base, trial) = try trial()
        defer { trial.remove() }
        trial.change = { $0.rollsBack = true }
        let forward = try trial.run(base: base)
        #expect(forward.outcome == .refused || forward.outcome == .cancelled, "\(forward.text) \(forward.log)")
        #expect(forward.are(Self.packages, at: "1.0") && !forward.entries.contains { $0.phase == .mutateIntent })
        trial.change = nil
        trial.attempt = 2
        let there = try trial.run(base: base)
        #expect(there.outcome == .succeeded, "\(there.text) \(there.log)")
        trial.attempt = 3
        trial.rollsBack = true
        trial.change = { $0.rollsBack = false }
        let back = try trial.run(base: base)
        #expect(back.outcome == .refused || back.outcome == .cancelled, "\(back.text) \(back.log)")
        #expect(back.are(Self.packages, at: "1.1") && !back.entries.contains { $0.phase == .mutateIntent })
    }

    @Test("Keys that change while a job waits end it; those that change after packages have begun to do not")
    func rotation() throws {
        for hasBegun in [false, true] {
            var (base, trial) = try trial()
            defer { trial.remove() }
            var other = TestSigner()
            other.root = trial.signer.root
            let roles = try other.roles(version: 2)
            let keeper = RoleKeeper(trial.path, roles, after: hasBegun ? "mutate-intent" : "\"prefetch\"")
            trial.watch = { keeper.look($0) }
            if hasBegun { trial.environment = ["FETTLE_CRASH_COUNT=/var/lib/fettle-agent/points"] }
            // Nothing is answered before the keys have changed.
            trial.answer = { question in
                hasBegun || keeper.hasAdopted ? nil : JobAnswer(order: nil, retryAfter: 1, reason: "not yet")
            }
            let end = try trial.run(base: base)
            #expect(keeper.hasAdopted && keeper.problem.isEmpty, "\(keeper.problem)")
            if hasBegun {
                #expect(keeper.hasKilled, "the job's process did not have to start again")
                #expect(end.outcome == .succeeded && end.are(Self.packages, at: "1.1"), "\(end.text) \(end.log)")
            } else {
                #expect(end.outcome == .refused || end.outcome == .cancelled, "\(end.text) \(end.log)")
                #expect(end.are(Self.packages, at: "1.0") && !end.entries.contains { $0.phase == .mutateIntent })
            }
        }
    }

    @Test("A job that finds another one changing the host waits for its turn")
    func turn() throws {
        var (base, trial) = try trial()
        defer { trial.remove() }
        let holder = TurnHolder(trial.path)
        trial.watch = { holder.look($0) }
        let end = try trial.run(base: base)
        #expect(holder.hasReleased && !holder.hasBegunBefore && holder.hasWaited, "\(end.log)")
        #expect(end.outcome == .succeeded && end.are(Self.packages, at: "1.1"), "\(end.text) \(end.log)")
    }

    @Test("A host on a battery that runs low is left as it is, and the job says why")
    func battery() throws {
        var (base, trial) = try trial()
        defer { trial.remove() }
        trial.setup =
            "mkdir -p /sys/class/power_supply/BAT0; cd /sys/class/power_supply/BAT0; echo Battery >type; echo 12 >capacity"
        let end = try trial.run(base: base)
        #expect(end.outcome == .refused, "\(end.text) \(end.log)")
        #expect(end.text.contains("on battery, 12 % full"), "\(end.text)")
        #expect(end.are(Self.packages, at: "1.0") && !end.entries.contains { $0.phase == .mutateIntent })
    }
}

/// Has the host believe other keys from a certain moment of a job on; past the point of no return the process is killed,
/// so that the next one has to judge the orders anew.
final class RoleKeeper: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var hasAdopted = false
    private(set) var hasKilled = false
    private(set) var problem = ""
    private let path: String
    private let roles: Envelope
    private let moment: String

    init(_ path: String, _ roles: Envelope, after moment: String) {
        self.path = path
        self.roles = roles
        self.moment = moment
    }

    func look(_ jobFolder: String) {
        guard !hasAdopted,
            let journal = try? String(contentsOfFile: "\(jobFolder)/journal", encoding: .utf8),
            journal.contains(moment)
        else { return }
        do {
            try TrustedOrders(DurableFolder("\(path)/state/executor"), organisation: "org", host: JobTrial.host)
                .adopt(roles: roles)
        } catch {
            problem = "\(error)"
        }
        hasAdopted = true
        guard moment == "mutate-intent" else { return }
        for name in (try? HostTree.names(in: "/proc")) ?? [] {
            guard let pid = pid_t(name), let place = try? HostTree.target(of: "/proc/\(name)/root"),
                place == "\(path)/root",
                let words = try? HostTree.contents(of: "/proc/\(name)/cmdline", limit: 65_536),
                String(decoding: words, as: UTF8.self).contains("fettle-agent\0run\0--job")
            else { continue }
            kill(pid, SIGKILL)
            hasKilled = true
        }
    }
}

/// Holds the turn to change the host for a while, as another job's process would.
final class TurnHolder: @unchecked Sendable {
    // Used by the one thread that runs the trial.
    private(set) var hasWaited = false
    private(set) var hasBegunBefore = false
    private(set) var hasReleased = false
    private let path: String
    private var turn: HostTurn?
    private var looks = 0

    init(_ path: String) { self.path = path }

    func look(_ jobFolder: String) {
        guard !hasReleased else { return }
        if turn == nil { turn = try? HostTurn(DurableFolder("\(path)/state/executor")) }
        let journal = (try? String(contentsOfFile: "\(jobFolder)/journal", encoding: .utf8)) ?? ""
        hasBegunBefore = hasBegunBefore || journal.contains("mutate-intent")
        // It has its permit: nothing else is in its way.
        hasWaited = hasWaited || FileManager.default.fileExists(atPath: "\(jobFolder)/claim.json")
        if hasWaited { looks += 1 }
        guard looks == 100 else { return }
        turn = nil
        hasReleased = true
    }
}
