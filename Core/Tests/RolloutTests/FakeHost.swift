import Digest
import JSON
import Rollout
import Timestamps

let zero = Timestamp(seconds: 1_800_000_000)
let jobName = HostJob.id(campaign: "c1", host: "h1", attempt: 1)
let windowOfTests = HostJob.Window(
    notBefore: zero.adding(seconds: 100), lastSafeStart: zero.adding(seconds: 3700),
    notAfter: zero.adding(seconds: 7300))

func order(_ actions: JobActions, rollsBack: Bool = false, lastFence: Int64 = 6) -> AgentOrder {
    AgentOrder(
        job: jobName, attempt: 1, plan: SHA256.hash([1]), actions: actions, rollsBack: rollsBack, window: windowOfTests,
        lastFence: lastFence)
}

/// A host that answers each effect at once, and can go down around each write of the journal.
struct FakeHost {
    enum Down: Equatable {
        case before, after
    }
    var job: AgentJob
    var order: AgentOrder
    var now = zero
    var boot = 1
    var journal: [JobEntry] = []
    /// What was done, in order.
    var done: [String] = []
    /// What the packages are: 0 as before, `steps` at the goal.
    var applied = 0
    var steps = 2
    var broken = false
    /// Steps that leave the packages half way.
    var failing: Set<Int> = []
    var repairs = true
    var unwell = false
    var unequal = false
    var rebootsNeeded = 1
    var rebootWorks = true
    var rollbackWorks = true
    var scriptCodes: [String: Int64] = [:]
    /// At which write of the journal it goes down.
    var crash: (write: Int, down: Down)?
    var writes = 0
    var crashes = 0
    var outcome: JobOutcome?
    var effectLimit = 400

    init(_ order: AgentOrder) throws {
        self.order = order
        job = try AgentJob(order: order, bootID: "boot1")
    }

    mutating func run(_ events: [(String, AgentJob.Event)] = []) throws {
        var queue = try job.handle(.start, now: now)
        while outcome == nil {
            effectLimit -= 1
            guard effectLimit > 0 else { return }
            guard !queue.isEmpty else { return }
            let effect = queue.removeFirst()
            if case .journal(let entry) = effect {
                writes += 1
                now = now.adding(seconds: 1)
                let isCrash = crash?.write == writes
                if isCrash, crash?.down == .before {
                    queue = try restart(newBoot: false)
                    continue
                }
                journal.append(entry)
                if isCrash { queue = try restart(newBoot: false) }
                continue
            }
            let name = "\(effect)"
            if let event = events.first(where: { name.hasPrefix($0.0) })?.1, !done.contains("event \(event.word)") {
                done.append("event \(event.word)")
                let news = try job.handle(event, now: now)
                for case .journal(let entry) in news { journal.append(entry) }
                let rest = news.filter { if case .journal = $0 { false } else { true } }
                if !rest.isEmpty {
                    queue = rest
                    continue
                }
            }
            if let event = perform(effect) {
                queue += try job.handle(event, now: now)
            } else if case .reboot = effect {
                queue = rebootWorks ? try restart(newBoot: true) : try job.handle(.rebootFailed(reason: "no"), now: now)
            }
        }
    }

    /// Whether nobody can tell if a reboot is needed.
    var rebootUnknown = false
    var rollbackNeedsReboot = false
    var allowsReboot = true

    mutating func restart(newBoot: Bool) throws -> [AgentJob.Effect] {
        if !newBoot { crashes += 1 } else { boot += 1 }
        job = try AgentJob(order: order, replaying: journal, bootID: "boot\(boot)")
        return journal.isEmpty ? try job.handle(.start, now: now) : try job.resume(now: now)
    }

    var packages: PackagesState { broken ? .mixed : applied == 0 ? .pre : applied == steps ? .goal : .mixed }

    mutating func perform(_ effect: AgentJob.Effect) -> AgentJob.Event? {
        switch effect {
        case .journal: return nil
        case .prefetch: return .prefetched([:])
        case .wait(let until):
            now = max(now, until)
            return .time
        case .claim: return .granted(AgentGrant(fence: 7, window: windowOfTests, allowsReboot: allowsReboot))
        case .confirm: return .ticket(nonce: "n\(done.count)", expires: now.adding(seconds: 900))
        case .preflight: return .preflight(passed: true, reason: "", detail: [:])
        case .runScript(let kind, let index):
            done.append("run \(kind) \(index)")
            return .scriptEnded(exitCode: scriptCodes["\(kind) \(index)"] ?? 0, detail: [:])
        case .undoScript(let kind, let index):
            done.append("undo \(kind) \(index)")
            return .scriptEnded(exitCode: 0, detail: [:])
        case .stopServices:
            done.append("stop")
            return .servicesStopped(failed: [])
        case .snapshot: return .snapshotMade(id: "s1", kind: "btrfs")
        case .readPreState:
            return .preState(pre: SHA256.hash([2]), goal: SHA256.hash([3]), steps: steps, detail: [:])
        case .apply(let step):
            done.append("apply \(step)")
            if failing.contains(step) {
                broken = true
                return .applied(succeeded: false, reason: "postinst failed", detail: [:])
            }
            applied = step + 1
            return .applied(succeeded: true, reason: "", detail: [:])
        case .examine: return .examined(packages)
        case .repair:
            done.append("repair")
            if repairs {
                broken = false
                applied = steps
            }
            return .examined(packages)
        case .restartServices(let all):
            done.append(all ? "restart all" : "start stopped")
            return .servicesRestarted(failed: [])
        case .judgeReboot:
            return .rebootVerdict(needed: rebootUnknown ? nil : boot <= rebootsNeeded, reason: "kernel", detail: [:])
        case .reboot:
            done.append("reboot")
            return nil
        case .checkHealth(let at):
            now = max(now, at)
            done.append("health boot\(boot)")
            return .health(failing: unwell ? ["web"] : [])
        case .rescan:
            done.append("rescan boot\(boot)")
            return .rescanned(equal: !unequal && packages == .goal, reason: "other files differ", detail: [:])
        case .rollback:
            done.append("rollback")
            if rollbackWorks {
                broken = false
                applied = 0
            }
            return .rolledBack(succeeded: rollbackWorks, needsReboot: rollbackNeedsReboot, reason: "downgraded")
        case .verifyRollback: return .rescanned(equal: packages == .pre, reason: "not as before", detail: [:])
        case .collectOutcome: return .outcomeCollected(packages: [])
        case .finish(let outcome):
            self.outcome = outcome
            return nil
        }
    }
}
