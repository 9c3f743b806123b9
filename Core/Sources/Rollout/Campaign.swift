public import Digest
public import JSON
public import Timestamps

/// One rollout of a release set to a frozen list of hosts: the state machine of rollouts.md 2.1, with one ring or several
/// (``rings``).
///
/// A pure value: ``handle(_:now:)`` takes an event and returns what is to be done; the store keeps ``json``, the events,
/// the audit leaves and the timer in one transaction.
public struct Campaign: Hashable, Sendable {
    /// Where a campaign is.
    public enum State: String, CaseIterable, Sendable {
        case draft, freezing
        case awaitingApproval = "awaiting-approval"
        /// Approved; its release is signed and offered, its window has not begun.
        case scheduled
        case running
        /// No new permits; what runs is finished.
        case paused
        /// No new permits, unstarted grants revoked; waits for what runs.
        case halting
        case halted
        case rollingBack = "rolling-back"
        case rolledBack = "rolled-back"
        case rollbackIncomplete = "rollback-incomplete"
        /// All jobs have ended; the hosts are scanned again.
        case verifying
        case completed
        case completedWithExceptions = "completed-with-exceptions"
        case rejected, cancelling, cancelled, expired
        case closedFailed = "closed-failed"

        /// Whether nothing comes after it, unless a person wants back what a released campaign has changed.
        public var isTerminal: Bool {
            switch self {
            case .rolledBack, .rollbackIncomplete, .completed, .completedWithExceptions, .rejected, .cancelled,
                .expired,
                .closedFailed:
                true
            default: false
            }
        }
        /// Whether a person may want back what a released campaign has changed: it stands still, or has ended. The way back of
        /// the others began already, or nothing did.
        public var mayRollBack: Bool {
            switch self {
            case .halted, .verifying, .completed, .completedWithExceptions, .closedFailed, .cancelled,
                .rollbackIncomplete:
                true
            default: false
            }
        }
        /// Whether a host may be given a permit.
        public var mayGrant: Bool { self == .running || self == .rollingBack }
    }

    /// What a campaign waits for; each has at most one timer, whose row names this kind.
    public enum TimerKind: String, CaseIterable, Sendable {
        /// Nobody approved: 14 days, or until the window ends.
        case approval
        /// The window begins, or the release is asked for again while it is not signed.
        case start
        /// The window of the last host ends.
        case end
        /// Not every host was scanned again: 24 hours.
        case verification
        /// Not every host is back: 24 hours, from when their orders were signed on.
        case rollback
        /// Hosts that were away during their ring have had their time.
        case tail
    }
    /// A pending timer.
    public struct Timer: Hashable, Sendable {
        /// What for.
        public var kind: TimerKind
        /// When.
        public var due: Timestamp
    }
    /// One person's yes to one plan.
    public struct Approval: Hashable, Sendable {
        /// The person.
        public var person: String
        /// When.
        public var time: Timestamp
    }

    /// Where the campaign is.
    public internal(set) var state = State.draft
    /// Grows when the plan is edited or its approvals were refused; the plan's digest covers it.
    public internal(set) var epoch: Int64 = 1
    /// Who made the plan, and may not approve it.
    public internal(set) var author: String
    /// Everybody else who made or changed the draft of this epoch: no more may they.
    public internal(set) var coauthors: [String] = []
    /// How many approvals the organisation asks for, or the signer where it has asked for more; 0 is its explicit choice.
    public internal(set) var approvalsRequired: Int64
    /// The plan that is up for approval, or approved.
    public internal(set) var planDigest: SHA256Digest?
    /// The valid approvals of ``planDigest``, in the order of time.
    public internal(set) var approvals: [Approval] = []
    /// Who, without any approval, released a campaign of an organisation that asks for none.
    public internal(set) var releasedBy: String?
    /// Whether the signer has signed the release.
    public internal(set) var isSigned = false
    /// Whether the signer has signed the release that only takes hosts back.
    public internal(set) var isRollbackSigned = false
    /// The earliest start of a host's window.
    public internal(set) var startsAt: Timestamp?
    /// The latest end of a host's window.
    public internal(set) var endsAt: Timestamp?
    /// Why it was last halted, paused or cancelled.
    public internal(set) var reason: String?
    /// How often it was halted.
    public internal(set) var halts: Int64 = 0
    /// Who wants it to go on after a halt.
    public internal(set) var resumeApprovals: [Approval] = []
    /// How many hosts were not well when people let it go on after its last halt: these halt it no more.
    public internal(set) var acceptedUnwell: Int64 = 0
    /// What it waits for.
    public internal(set) var timer: Timer?
    /// Its rings, the first first; empty where there is a single one, and the campaign's own state says all.
    public internal(set) var rings: [Ring] = []
    /// Kinds of hosts of which the first ring has none, by name: every go names them.
    public internal(set) var untestedStrata: [String] = []
    /// Whether hosts that were away during their ring get their jobs now.
    public internal(set) var isTailOpen = false
    /// What makes it an emergency; nil for an ordinary one.
    public let emergency: Emergency?
    /// The campaign whose place it takes; it begins at the first ring like any other.
    public let supersedes: String?
    /// The campaign that took its place.
    public internal(set) var supersededBy: String?
    /// The ways back that people began.
    public internal(set) var rollbacks: [RollbackRun] = []

    /// A draft. An emergency asks for two approvals at least, whatever the organisation's number is.
    public init(
        author: String, approvalsRequired: Int64, emergency: Emergency? = nil, supersedes: String? = nil
    ) {
        self.author = author
        self.approvalsRequired = max(0, approvalsRequired, emergency?.approvers ?? 0)
        self.emergency = emergency
        self.supersedes = supersedes
    }

    /// How many people besides the author may have a hand in one plan.
    public static let maximumCoauthors = 64
    /// Seconds within which a plan must be approved.
    public static let approvalTime: Int64 = 14 * 86_400
    /// Seconds after which an unsigned release is asked for again once the window has begun.
    public static let signingRetry: Int64 = 60
    /// Seconds within which every host must have been scanned again.
    public static let verificationTime: Int64 = 86_400
    /// Seconds within which every host must be back.
    public static let rollbackTime: Int64 = 86_400
    /// Seconds that hosts which were away have after the last ring.
    public static let tailTime: Int64 = 14 * 86_400
    /// The most ways back that are kept on record.
    public static let maximumRollbacks = 64

    /// What the signer can be asked to sign of a campaign.
    public enum Signature: Hashable, Sendable {
        /// The release of the approved plan.
        case release
        /// A release of the same plan that only takes hosts back.
        case rollback
    }
    /// What the signer has still to sign; nil for nothing.
    public var pendingSignature: Signature? {
        switch state {
        case .scheduled, .paused: isSigned ? nil : .release
        case .rollingBack: isRollbackSigned ? nil : .rollback
        default: nil
        }
    }

    /// The state as JSON, for the store.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "state": .string(state.rawValue), "epoch": .integer(epoch), "author": .string(author),
            "approvalsRequired": .integer(approvalsRequired), "approvals": Self.list(approvals),
            "signed": .bool(isSigned), "halts": .integer(halts), "resumeApprovals": Self.list(resumeApprovals),
        ]
        if let planDigest { fields["plan"] = .string(planDigest.hex) }
        if isRollbackSigned { fields["rollbackSigned"] = true }
        if let releasedBy { fields["releasedBy"] = .string(releasedBy) }
        if let startsAt { fields["startsAt"] = .string(startsAt.description) }
        if let endsAt { fields["endsAt"] = .string(endsAt.description) }
        if let reason { fields["reason"] = .string(reason) }
        if !coauthors.isEmpty { fields["coauthors"] = .array(coauthors.map(JSONValue.string)) }
        if acceptedUnwell > 0 { fields["acceptedUnwell"] = .integer(acceptedUnwell) }
        if let timer {
            fields["timer"] = ["kind": .string(timer.kind.rawValue), "due": .string(timer.due.description)]
        }
        if hasRings { fields["rings"] = .array(rings.map(\.json)) }
        if !untestedStrata.isEmpty { fields["untested"] = .array(untestedStrata.map(JSONValue.string)) }
        if isTailOpen { fields["tailOpen"] = true }
        if let emergency { fields["emergency"] = emergency.json }
        if let supersedes { fields["supersedes"] = .string(supersedes) }
        if let supersededBy { fields["supersededBy"] = .string(supersededBy) }
        if !rollbacks.isEmpty {
            fields["rollbacks"] = .array(
                rollbacks.map { run in
                    var fields: [String: JSONValue] = [
                        "number": .integer(run.number), "by": .string(run.by), "reason": .string(run.reason),
                    ]
                    if let failed = run.failed { fields["failed"] = .integer(failed) }
                    return .object(fields)
                })
        }
        return .object(fields)
    }

    static func list(_ approvals: [Approval]) -> JSONValue {
        .array(approvals.map { ["person": .string($0.person), "time": .string($0.time.description)] })
    }

    static func approvals(_ objects: [JSONObject]) throws(JSONError) -> [Approval] {
        var approvals: [Approval] = []
        for var one in objects {
            approvals.append(
                Approval(person: try one.string("person", maximumBytes: 256), time: try one.instant("time")))
            try one.finish()
        }
        return approvals
    }

    /// Reads ``json``, also of a server that knew no rings.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        author = try object.string("author", maximumBytes: 256)
        approvalsRequired = try object.integer("approvalsRequired", in: 0...16)
        state = try object.word("state")
        epoch = try object.integer("epoch", in: 1...Int64.max)
        approvals = try Self.approvals(object.objects("approvals", maximumCount: 64))
        resumeApprovals = try Self.approvals(object.objects("resumeApprovals", maximumCount: 64))
        isSigned = try object.bool("signed")
        isRollbackSigned = try object.optionalBool("rollbackSigned") ?? false
        halts = try object.integer("halts", in: 0...Int64.max)
        planDigest = try object.optionalDigest("plan")
        releasedBy = try object.optionalString("releasedBy", maximumBytes: 256)
        startsAt = try object.optionalInstant("startsAt")
        endsAt = try object.optionalInstant("endsAt")
        reason = try object.optionalString("reason", maximumBytes: 4096)
        if object.unreadKeys.contains("coauthors") {
            coauthors = try object.strings("coauthors", maximumCount: Self.maximumCoauthors, maximumBytes: 256)
        }
        acceptedUnwell = try object.optionalInteger("acceptedUnwell", in: 0...Int64.max) ?? 0
        if var one = try object.optionalObject("timer") {
            timer = Timer(kind: try one.word("kind"), due: try one.instant("due"))
            try one.finish()
        }
        if object.unreadKeys.contains("rings") {
            for ring in try object.objects("rings", maximumCount: RingRules.maximumCount) {
                rings.append(try Ring(ring))
            }
        }
        if object.unreadKeys.contains("untested") {
            untestedStrata = try object.strings(
                "untested", maximumCount: Self.maximumUntested, maximumBytes: 1024)
        }
        isTailOpen = try object.optionalBool("tailOpen") ?? false
        emergency = try object.optionalObject("emergency").map { one throws(JSONError) in try Emergency(one) }
        supersedes = try object.optionalString("supersedes", maximumBytes: 64)
        supersededBy = try object.optionalString("supersededBy", maximumBytes: 64)
        if object.unreadKeys.contains("rollbacks") {
            for var one in try object.objects("rollbacks", maximumCount: Self.maximumRollbacks) {
                rollbacks.append(
                    RollbackRun(
                        number: try one.integer("number", in: 1...Int64.max),
                        by: try one.string("by", maximumBytes: 256),
                        reason: try one.string("reason", maximumBytes: 4096),
                        failed: try one.optionalInteger("failed", in: 0...Int64.max)))
                try one.finish()
            }
        }
        try object.finish()
    }

    /// The most kinds of untested hosts that are kept by name.
    public static let maximumUntested = 100
}
