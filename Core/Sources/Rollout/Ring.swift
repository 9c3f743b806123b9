public import Digest
import JSON
public import Timestamps

/// One ring of a campaign: the state machine of rollouts.md 2.2. Its campaign drives it (``Campaign/Event/ring(_:_:)``).
public struct Ring: Hashable, Sendable {
    /// Where a ring is.
    public enum State: String, CaseIterable, Sendable {
        /// The ring before it has not passed.
        case pending
        /// Waits for its release to be promoted, and for people where it needs any.
        case armed
        /// Its hosts get grants.
        case open
        /// Nobody gets one, for the reasons in ``Ring/holds``; what runs is finished.
        case held
        /// No new grants; waits for what runs.
        case draining
        /// Watched.
        case soaking
        /// Its gate is asked.
        case deciding
        /// The figures do not say; a person decides, and no answer in 72 hours is a no.
        case needsDecision = "needs-decision"
        case passed
        /// It has no hosts.
        case skipped
        case failed

        /// Whether it is under way: its hosts are changed, watched or judged.
        public var isActive: Bool {
            switch self {
            case .open, .held, .draining, .soaking, .deciding, .needsDecision: true
            default: false
            }
        }
        /// Whether the next ring may come after it.
        public var isBehind: Bool { self == .passed || self == .skipped }
    }
    /// Why nobody of a ring gets a grant.
    public enum Hold: String, CaseIterable, Hashable, Sendable, Comparable {
        /// A person paused the campaign.
        case pause
        /// The campaign was halted.
        case halt
        case freeze
        /// A budget is used up by others.
        case budget
        /// What it depends on is not healthy.
        case dependency
        /// So many hosts are silent that a person must look.
        case suspects

        /// By name.
        public static func < (left: Hold, right: Hold) -> Bool { left.rawValue < right.rawValue }
    }
    /// What a ring waits for; each has at most one timer.
    public enum TimerKind: String, CaseIterable, Sendable {
        /// It has taken too long: what is left goes to the tail.
        case cutoff
        /// It was watched long enough.
        case soak
        /// Nobody has decided: 72 hours.
        case decision
    }
    /// A pending timer.
    public struct Timer: Hashable, Sendable {
        /// What for.
        public var kind: TimerKind
        /// When.
        public var due: Timestamp
    }
    /// What can happen to a ring.
    public enum Event: Hashable, Sendable {
        /// The release of that plan is in this ring's view, and the baseline is captured: so many failures of so many hosts.
        case promoted(plan: SHA256Digest, baselineFailures: Int64, baselineTried: Int64)
        /// A person lets the ring open.
        case approve(by: String)
        /// Nobody of it gets a grant for now,
        case hold(Hold)
        /// and that reason is gone.
        case unhold(Hold)
        /// No member is left that could be given a grant.
        case exhausted
        /// No permit is outstanding except those of silent hosts, which count as failures.
        case drained
        /// The gate has spoken.
        case judged(RingJudgement)
        /// A person says go where the figures do not.
        case promote(by: String, reason: String)
        /// A person says no.
        case refuse(by: String, reason: String)
        /// What was said go to is found to be bad.
        case withdraw(by: String, reason: String)
        /// The pending timer fired.
        case timer(TimerKind)

        /// The event's stable word, for the audit log.
        public var word: String {
            switch self {
            case .promoted: "promoted"
            case .approve: "approve"
            case .hold: "hold"
            case .unhold: "unhold"
            case .exhausted: "exhausted"
            case .drained: "drained"
            case .judged: "judged"
            case .promote: "promote"
            case .refuse: "refuse"
            case .withdraw: "withdraw"
            case .timer(let kind): "timer-\(kind.rawValue)"
            }
        }
    }
    /// What is to be done for a ring, with the campaign's state in one transaction, or through the outbox.
    public enum Effect: Hashable, Sendable {
        /// Put the frozen release into the ring's view and capture the baseline; answer `promoted`. Nothing is resolved anew.
        case promote
        /// Give its hosts their jobs, and a new attempt to those whose job a halt took back.
        case offerJobs
        /// Take back every job of it that has no permit: those hosts are for the tail.
        case withdrawOffers
        /// Ask the gate; answer `judged`.
        case judge
        /// Replace the ring's timer.
        case setTimer(TimerKind, Timestamp)
        /// Remove it.
        case cancelTimer
        /// A person is needed; why.
        case alert(String)
    }

    /// What the plan says of it.
    public let rules: RingRules
    /// Where it is.
    public internal(set) var state = State.pending
    /// Why nobody gets a grant, sorted; empty unless it is held, or will be once it opens.
    public internal(set) var holds: [Hold] = []
    /// Whether its release was promoted.
    public internal(set) var isPromoted = false
    /// The baseline that was captured then.
    public internal(set) var baselineFailures: Int64 = 0
    /// Of so many hosts.
    public internal(set) var baselineTried: Int64 = 0
    /// Who let it open.
    public internal(set) var approvals: [Campaign.Approval] = []
    /// When it was opened first.
    public internal(set) var openedAt: Timestamp?
    /// When its soak began.
    public internal(set) var soakingSince: Timestamp?
    /// What its gate, or a person, said last.
    public internal(set) var judgement: RingJudgement?
    /// Whether that go was taken back.
    public internal(set) var isWithdrawn = false
    /// So many failures were accepted by the people who let it go on after a halt.
    public internal(set) var acceptedFailures: Int64 = 0
    /// What it waits for.
    public internal(set) var timer: Timer?

    /// Seconds within which a person must decide.
    public static let decisionTime: Int64 = 72 * 3600

    /// A ring that has not begun.
    public init(_ rules: RingRules) {
        self.rules = rules
    }

    /// Whether its gate, or a person, has said go, and nobody took it back.
    public var isGo: Bool { state == .passed && judgement?.decision == .go && !isWithdrawn }

    /// The state as JSON.
    var json: JSONValue {
        var fields = rules.fields
        fields["state"] = .string(state.rawValue)
        if !holds.isEmpty { fields["holds"] = .array(holds.map { .string($0.rawValue) }) }
        if isPromoted {
            fields["baseline"] = ["failures": .integer(baselineFailures), "tried": .integer(baselineTried)]
        }
        if !approvals.isEmpty { fields["approvedBy"] = Campaign.list(approvals) }
        if let openedAt { fields["openedAt"] = .string(openedAt.description) }
        if let soakingSince { fields["soakingSince"] = .string(soakingSince.description) }
        if let judgement { fields["judgement"] = judgement.json }
        if isWithdrawn { fields["withdrawn"] = true }
        if acceptedFailures > 0 { fields["acceptedFailures"] = .integer(acceptedFailures) }
        if let timer {
            fields["timer"] = ["kind": .string(timer.kind.rawValue), "due": .string(timer.due.description)]
        }
        return .object(fields)
    }

    init(_ object: JSONObject) throws(JSONError) {
        var object = object
        rules = try RingRules(reading: &object)
        state = try object.word("state")
        if object.unreadKeys.contains("holds") {
            for word in try object.strings("holds", maximumCount: 16, maximumBytes: 16) {
                guard let hold = Hold(rawValue: word) else {
                    throw JSONError(
                        .outOfBounds, pointer: object.pointer(to: "holds"), reason: "\"\(word)\" is no reason to hold")
                }
                holds.append(hold)
            }
        }
        if var baseline = try object.optionalObject("baseline") {
            isPromoted = true
            baselineFailures = try baseline.integer("failures", in: 0...Int64.max)
            baselineTried = try baseline.integer("tried", in: 0...Int64.max)
            try baseline.finish()
        }
        if object.unreadKeys.contains("approvedBy") {
            approvals = try Campaign.approvals(object.objects("approvedBy", maximumCount: 64))
        }
        openedAt = try object.optionalInstant("openedAt")
        soakingSince = try object.optionalInstant("soakingSince")
        if let one = try object.optionalObject("judgement") { judgement = try RingJudgement(one) }
        isWithdrawn = try object.optionalBool("withdrawn") ?? false
        acceptedFailures = try object.optionalInteger("acceptedFailures", in: 0...Int64.max) ?? 0
        if var one = try object.optionalObject("timer") {
            timer = Timer(kind: try one.word("kind"), due: try one.instant("due"))
            try one.finish()
        }
        try object.finish()
    }
}
