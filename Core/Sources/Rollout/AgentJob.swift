public import Digest
public import JSON
public import Timestamps

/// A job as the host itself drives it (rollouts.md, 2.4): what the journal says decides what comes next.
///
/// ``handle(_:now:)`` takes the result of the last effect and returns the next ones. They are done in order, and each
/// ``Effect/journal(_:)`` is on the disk before the one after it begins. After a crash, ``init(order:replaying:bootID:)``
/// and ``resume(now:)`` give the effects with which the job goes on: the journal is the only thing that is kept.
/// News from outside (`cancelled`, `vetoed`, `rebootForbidden`, `time`) may come while an effect runs. Where the answer holds
/// more than records for the journal, the running effect is given up and its result is dropped; else it goes on.
/// The shell gives a `now` that is never before the time that signed documents have proved (the trusted floor).
public struct AgentJob: Hashable, Sendable {
    /// Which script.
    public enum ScriptKind: String, Sendable {
        case pre, post
    }
    /// What the shell does next.
    public enum Effect: Hashable, Sendable {
        /// Append this record and sync it; nothing after it may begin before.
        case journal(JobEntry)
        /// Fetch and check every package, new and old; answer `prefetched` or `prefetchFailed`.
        case prefetch
        /// Send `time` at this instant (or earlier: it asks again).
        case wait(until: Timestamp)
        /// Ask for the grant; answer `granted` or `claimDenied`.
        case claim
        /// Draw a nonce and ask for a ticket with it; answer `ticket` or `confirmDenied`.
        case confirm(fence: Int64)
        /// Look whether the host can be changed; answer `preflight`.
        case preflight
        /// Run this script; answer `scriptEnded`.
        case runScript(ScriptKind, index: Int)
        /// Run what takes this script's effect back; answer `scriptEnded`.
        case undoScript(ScriptKind, index: Int)
        /// Stop the plan's services; answer `servicesStopped`.
        case stopServices
        /// Make what can be come back to, or find the one of this job's name; answer `snapshotMade` or `snapshotFailed`.
        case snapshot
        /// Read the packages and what must stay equal, and plan the runs of the package manager; answer `preState`.
        case readPreState
        /// Run the package manager's step; answer `applied`.
        case apply(step: Int)
        /// Compare the packages with the journaled ones; answer `examined`.
        case examine
        /// Mend the package database and go on to the goal; answer `examined`.
        case repair
        /// Start what was stopped and, where `all`, restart what the plan names; answer `servicesRestarted`.
        case restartServices(all: Bool)
        /// Look whether a reboot is needed; answer `rebootVerdict`.
        case judgeReboot
        /// Reboot; the next boot recovers the job. Where nothing happens in time: `rebootFailed`.
        case reboot
        /// Ask every check once, not before this instant; answer `health`.
        case checkHealth(at: Timestamp)
        /// Scan afresh and compare with the goal, and everything else with before; answer `rescanned`.
        case rescan
        /// Bring back what was before: the snapshot, else the old packages; answer `rolledBack`.
        case rollback
        /// Scan afresh and compare with the journaled state before; answer `rescanned`.
        case verifyRollback
        /// Gather each package's from, to and now; answer `outcomeCollected`.
        case collectOutcome
        /// The job has ended.
        case finish(JobOutcome)
    }
    /// What can happen to a job on its host.
    public enum Event: Hashable, Sendable {
        /// The order is new and verified.
        case start
        case prefetched(JSONValue)
        case prefetchFailed(reason: String)
        /// An instant was waited for, or some time has passed.
        case time
        case granted(AgentGrant)
        /// Not now (seconds to wait), or never.
        case claimDenied(retryAfter: Int64?, reason: String)
        /// A verified ticket for the nonce that was drawn.
        case ticket(nonce: String, expires: Timestamp)
        case confirmDenied(retryAfter: Int64?, reason: String)
        /// A check that could not run has failed.
        case preflight(passed: Bool, reason: String, detail: JSONValue)
        /// With 0 it did its work; nil: it was ended at its time limit.
        case scriptEnded(exitCode: Int64?, detail: JSONValue)
        case servicesStopped(failed: [String])
        /// Its name, and what it is (`btrfs`, `overlay`, `hook`, `downgrade`).
        case snapshotMade(id: String, kind: String)
        case snapshotFailed(reason: String)
        /// The digests of before and goal, the number of runs, and what else is worth keeping.
        case preState(pre: SHA256Digest, goal: SHA256Digest, steps: Int, detail: JSONValue)
        case applied(succeeded: Bool, reason: String, detail: JSONValue)
        /// `run` names whom a run of the package manager that has ended by now is to be blamed on; empty for nobody.
        case examined(PackagesState, run: JSONValue = [:])
        case servicesRestarted(failed: [String])
        /// Whether a reboot is needed; nil: that cannot be told.
        case rebootVerdict(needed: Bool?, reason: String, detail: JSONValue)
        case rebootFailed(reason: String)
        /// The names of the checks that did not pass.
        case health(failing: [String])
        case rescanned(equal: Bool, reason: String, detail: JSONValue)
        case rolledBack(succeeded: Bool, needsReboot: Bool, reason: String)
        case outcomeCollected(packages: JSONValue)
        /// The server, or a person on the host, asks for its end.
        case cancelled(reason: String)
        /// The host's veto file forbids this job.
        case vetoed(reason: String)
        /// The host's veto file forbids to reboot.
        case rebootForbidden(reason: String)

        /// The event's stable word.
        public var word: String {
            switch self {
            case .start: "start"
            case .prefetched: "prefetched"
            case .prefetchFailed: "prefetch-failed"
            case .time: "time"
            case .granted: "granted"
            case .claimDenied: "claim-denied"
            case .ticket: "ticket"
            case .confirmDenied: "confirm-denied"
            case .preflight: "preflight"
            case .scriptEnded: "script-ended"
            case .servicesStopped: "services-stopped"
            case .snapshotMade: "snapshot-made"
            case .snapshotFailed: "snapshot-failed"
            case .preState: "pre-state"
            case .applied: "applied"
            case .examined: "examined"
            case .servicesRestarted: "services-restarted"
            case .rebootVerdict: "reboot-verdict"
            case .rebootFailed: "reboot-failed"
            case .health: "health"
            case .rescanned: "rescanned"
            case .rolledBack: "rolled-back"
            case .outcomeCollected: "outcome-collected"
            case .cancelled: "cancelled"
            case .vetoed: "vetoed"
            case .rebootForbidden: "reboot-forbidden"
            }
        }
    }

    /// What the job waits for: the answer to its last effect.
    enum Pending: Hashable {
        case nothing, prefetch, claim, waitToClaim, confirm, waitToConfirm, preflight, preState, stopServices, snapshot
        case script(ScriptKind, Int)
        case undo(ScriptKind, Int)
        case apply(Int)
        case examine, repair, restart, judgeReboot, reboot, rollbackReboot, rescan, rollback, verifyRollback
        case health(passes: Int64, deadline: Timestamp)
        case collect(JobOutcome)
        case finished
    }

    /// The order.
    public let order: AgentOrder
    /// What the journal says.
    public internal(set) var progress: JobProgressOnHost
    /// The running boot; nil where it cannot be read.
    public internal(set) var bootID: String?
    var pending = Pending.nothing
    /// A wish for the end that waits for the running effect.
    var stopOutcome: JobOutcome?
    var stopReason = ""
    var rebootForbidden: String?

    /// How often a step that a crash cut short is begun again.
    public static let maximumResumptions = 2
    /// Seconds between two rounds of checks.
    public static let healthInterval: Int64 = 5
    /// The journal's step number of a script's undo is its index plus this.
    public static let undoStep: Int64 = 100

    /// A job that has a journal, or (with no entries) a new one: send it `start`.
    /// - Throws: ``TransitionError`` where the entries are not one unbroken chain of this job.
    public init(order: AgentOrder, replaying entries: [JobEntry] = [], bootID: String?) throws(TransitionError) {
        self.order = order
        self.bootID = bootID
        progress = JobProgressOnHost()
        for entry in entries {
            guard entry.job == order.job, entry.ordinal == progress.nextOrdinal, entry.previous == progress.head else {
                throw refusal(
                    .brokenChain, "replay",
                    "record \(entry.ordinal) of the journal does not continue the one before; the host needs a person")
            }
            progress.fold(entry)
        }
    }

    /// The phase of the last record.
    public var phase: JobPhase { progress.phase }
    /// How it ended; nil while it has not.
    public var outcome: JobOutcome? { progress.outcome }
    /// Whether packages may be other than before: from here on nobody ends it but itself.
    public var isPastNoReturn: Bool { progress.hasMutated }

    /// The window that counts.
    var window: HostJob.Window { progress.grant?.window ?? order.window }

    /// Makes the next record, folds it, and returns the effect that keeps it.
    mutating func write(
        _ phase: JobPhase, _ kind: JobEntry.Kind, step: Int = 0, _ text: String, _ detail: [String: JSONValue] = [:],
        now: Timestamp
    ) -> Effect {
        let entry = JobEntry(
            job: order.job, ordinal: progress.nextOrdinal, time: now, bootID: bootID, phase: phase, step: Int64(step),
            kind: kind, text: JobEntry.kept(text), detail: .object(JobEntry.kept(detail)), previous: progress.head)
        progress.fold(entry)
        return .journal(entry)
    }
}
