public import Digest
import JSON
public import Timestamps

/// What a job's journal says, folded record by record: the same while it runs and after a crash.
public struct JobProgressOnHost: Hashable, Sendable {
    /// The ordinal of the next record.
    public var nextOrdinal: Int64 = 1
    /// The digest of the last one.
    public var head = JobEntry.origin
    /// The phase of the last one.
    public var phase = JobPhase.received
    /// The boot in which it was written; nil where that could not be read.
    public var bootID: String?
    /// An intent without a result: what was going on.
    public var open: Open?
    /// A step that was begun.
    public struct Open: Hashable, Sendable {
        /// Of which phase.
        public var phase: JobPhase
        /// Which.
        public var step: Int
    }
    /// A script that was begun.
    struct Script: Hashable, Sendable {
        var kind: AgentJob.ScriptKind
        var index: Int
    }

    var isReceived = false
    var isPrefetched = false
    var isWaiting = false
    /// The grant that was journaled.
    public var grant: AgentGrant?
    /// The end of the last ticket that was journaled.
    public var ticketExpires: Timestamp?
    var ticketNonce: String?
    var isPreflighted = false
    var preDone = 0
    var postDone = 0
    var begun: [Script] = []
    var undone: [Script] = []
    var didQuiesce = false
    var isQuiesced = false
    /// The name of what can be come back to.
    public var snapshotID: String?
    var isSnapshotSettled = false
    /// Whether the point of no return is journaled.
    public var hasMutated = false
    var steps = 0
    var applied = 0
    var applyAttempts = 0
    var packages: PackagesState?
    var repairs = 0
    var isRestarted = false
    var restartFailed = false
    /// The last verdict on a reboot, of this boot.
    var rebootNeeded: Bool?
    /// Why it cannot be told whether this boot must end; nil where it can.
    var rebootUnknown: String?
    /// How many reboots it made.
    public var reboots = 0
    var rebootIssues = 0
    /// Why a reboot that is needed is not made.
    public var rebootPending: String?
    /// How many reboots came from elsewhere.
    public var unexpectedReboots = 0
    var isHealthy = false
    var isRescanned = false
    /// Why it failed after the point of no return.
    public var failure: String?
    /// How it ends before the point of no return.
    public var abort: JobOutcome?
    /// Why.
    public var abortReason = ""
    var cleanupFailed: String?
    var rollbacks = 0
    var isRolledBack = false
    /// Whether there was nothing to bring back.
    var rollbackWasNeedless = false
    var rollbackNeedsReboot = false
    var rollbackReboots = 0
    var rollbackRebootIssues = 0
    /// What the host still runs because a reboot after the way back is not allowed.
    var rollbackRebootPending: String?
    var rollbackVerified: Bool?
    var rollbackGaveUp = false
    var notedTooLate = false
    /// Why the package manager's last run failed.
    var applyFailure: String?
    /// How often a crash cut the open step short.
    var resumptions = 0
    /// How it ended.
    public var outcome: JobOutcome?

    init() {}

    /// Whether the open intent is this one.
    func isOpen(_ phase: JobPhase, _ step: Int = 0) -> Bool { open == Open(phase: phase, step: step) }

    mutating func fold(_ entry: JobEntry) {
        nextOrdinal = entry.ordinal + 1
        head = entry.digest
        phase = entry.phase
        if let boot = entry.bootID { bootID = boot }
        switch entry.kind {
        case .intent:
            let next = Open(phase: entry.phase, step: Int(entry.step))
            if next != open { resumptions = 0 }
            open = next
            begin(entry)
        case .result:
            if open?.phase == entry.phase { open = nil }
            resumptions = 0
            end(entry)
        case .note: note(entry)
        }
    }

    private mutating func begin(_ entry: JobEntry) {
        switch entry.phase {
        case .waitWindow: isWaiting = true
        case .preScript where entry.step < AgentJob.undoStep: add(.pre, entry)
        case .postScript where entry.step < AgentJob.undoStep: add(.post, entry)
        case .quiesce: didQuiesce = true
        case .mutateIntent:
            hasMutated = true
            open = nil
            steps = Int(entry.detail["steps"]?.integer ?? 1)
        case .apply:
            applyAttempts += 1
            packages = nil
        case .repair:
            repairs += 1
            packages = nil
        case .reboot: rebootIssues += 1
        case .rollback:
            rollbacks += 1
            packages = nil
        case .rollbackReboot: rollbackRebootIssues += 1
        default: break
        }
    }

    private mutating func add(_ kind: AgentJob.ScriptKind, _ entry: JobEntry) {
        let script = Script(kind: kind, index: Int(entry.step))
        if !begun.contains(script) { begun.append(script) }
    }

    private mutating func end(_ entry: JobEntry) {
        let isGood = entry.detail["ok"]?.bool ?? true
        switch entry.phase {
        case .received: isReceived = true
        case .prefetch: isPrefetched = isGood
        case .waitWindow:
            if let grant = AgentGrant(journaled: entry.detail) { self.grant = grant }
        case .confirm:
            ticketNonce = entry.detail["nonce"]?.string
            ticketExpires = entry.detail["expires"]?.string.flatMap(Timestamp.init(rfc3339:))
        case .preflight: isPreflighted = isGood
        case .preScript: endScript(.pre, entry, isGood)
        case .postScript: endScript(.post, entry, isGood)
        case .quiesce: isQuiesced = isGood
        case .snapshot:
            isSnapshotSettled = true
            snapshotID = entry.detail["id"]?.string
        case .apply:
            if isGood {
                applied = Int(entry.step) + 1
                applyAttempts = 0
            } else {
                applyFailure = entry.text
            }
        case .repair: look(entry)
        case .restart:
            isRestarted = true
            restartFailed = !isGood
            if !isGood { cleanupFailed = entry.text }
        case .reboot:
            reboots += 1
            rebootIssues = 0
            booted()
        case .postBoot:
            rebootNeeded = entry.detail["needed"]?.bool
            rebootUnknown = entry.detail["rebootUnknown"]?.bool == true ? entry.text : nil
        case .health: isHealthy = isGood
        case .rescan: isRescanned = isGood
        case .rollback:
            isRolledBack = isGood
            rollbackNeedsReboot = entry.detail["needsReboot"]?.bool ?? false
            rollbackVerified = nil
        case .rollbackReboot:
            rollbackReboots += 1
            rollbackNeedsReboot = false
            booted()
        case .rollbackVerify: rollbackVerified = isGood
        case .commit: outcome = entry.detail["outcome"]?.string.flatMap(JobOutcome.init(rawValue:))
        case .mutateIntent: break
        }
    }

    private mutating func endScript(_ kind: AgentJob.ScriptKind, _ entry: JobEntry, _ isGood: Bool) {
        if entry.step >= AgentJob.undoStep {
            undone.append(Script(kind: kind, index: Int(entry.step - AgentJob.undoStep)))
            if !isGood { cleanupFailed = entry.text }
        } else if isGood {
            if kind == .pre { preDone = Int(entry.step) + 1 } else { postDone = Int(entry.step) + 1 }
        }
    }

    private mutating func note(_ entry: JobEntry) {
        let detail = entry.detail
        if let word = detail["abort"]?.string {
            abort = JobOutcome(rawValue: word) ?? .failedNoChange
            abortReason = entry.text
            open = nil
            isRestarted = false
        }
        if detail["failed"]?.bool == true {
            failure = entry.text
            open = nil
            isRestarted = false
        }
        if detail["unexpectedReboot"]?.bool == true {
            unexpectedReboots += 1
            booted()
        }
        look(entry)
        if detail["resumed"]?.bool == true { resumptions += 1 }
        if let needed = detail["rebootNeeded"]?.bool {
            rebootNeeded = needed
            rebootUnknown = detail["rebootUnknown"]?.bool == true ? entry.text : nil
        }
        if let text = detail["rollbackRebootPending"]?.string {
            rollbackRebootPending = text
            rollbackNeedsReboot = false
        }
        if let reason = detail["rebootPending"]?.string {
            rebootPending = reason
            open = nil
        }
        if detail["rollbackNeedless"]?.bool == true {
            isRolledBack = true
            rollbackWasNeedless = true
        }
        if detail["rollbackVoid"]?.bool == true {
            isRolledBack = false
            rollbackWasNeedless = false
            rollbackVerified = nil
        }
        if detail["rollbackGaveUp"]?.bool == true {
            rollbackGaveUp = true
            open = nil
        }
        if detail["tooLate"]?.bool == true { notedTooLate = true }
    }

    private mutating func look(_ entry: JobEntry) {
        guard let word = entry.detail["packages"]?.string else { return }
        packages = PackagesState(rawValue: word) ?? .mixed
        if packages == .goal { applied = steps }
        if open?.phase == .apply || open?.phase == .repair { open = nil }
    }

    /// What was found out before this boot says nothing about it.
    private mutating func booted() {
        isHealthy = false
        isRescanned = false
        rebootNeeded = nil
        rebootUnknown = nil
        rollbackVerified = nil
    }
}

extension AgentGrant {
    init?(journaled detail: JSONValue) {
        func time(_ key: String) -> Timestamp? { detail[key]?.string.flatMap(Timestamp.init(rfc3339:)) }
        guard let fence = detail["fence"]?.integer, let notBefore = time("notBefore"),
            let lastSafeStart = time("lastSafeStart"), let notAfter = time("notAfter"),
            let allowsReboot = detail["allowsReboot"]?.bool
        else { return nil }
        self.init(
            fence: fence,
            window: .init(notBefore: notBefore, lastSafeStart: lastSafeStart, notAfter: notAfter),
            allowsReboot: allowsReboot)
    }

    var detail: [String: JSONValue] {
        [
            "fence": .integer(fence), "notBefore": .string(window.notBefore.description),
            "lastSafeStart": .string(window.lastSafeStart.description),
            "notAfter": .string(window.notAfter.description), "allowsReboot": .bool(allowsReboot),
        ]
    }
}
