public import Digest
public import JSON
public import Timestamps

/// One host's part of a campaign as the server sees it (rollouts.md, 2.3): driven by the agent's journal, its questions,
/// timers and people. A pure value, kept as ``json``.
///
/// Nothing on the host may begin without a ticket. So a job without one can be ended here and now with its permit returned;
/// a job with one has its permit counted until the agent's journal says how it ended.
public struct HostJob: Hashable, Sendable {
    /// Where a job is.
    public enum State: Hashable, Sendable {
        /// A member of the campaign.
        case planned
        /// In the host's desired state; consumes nothing.
        case offered
        /// A permit is held and a grant signed.
        case granted
        /// The agent has journaled the grant.
        case accepted
        /// It was last heard in this phase.
        case running(JobPhase)
        /// Silent past its deadline, last heard in this phase; the permit stays counted.
        case suspect(JobPhase)
        /// The packages are in, a reboot is not done. Not success, and not the end: it has a timer.
        case awaitingReboot
        /// It ended as its journal says.
        case terminal(JobOutcome)
        /// Silent for too long; the permit stays counted until a person answers for it.
        case lost
        /// Another job took its place before it began.
        case superseded
        /// A person answered for it while it was silent.
        case writtenOff

        /// The state's stable word: `planned`, `running`, `succeeded`, ...
        public var word: String {
            switch self {
            case .planned: "planned"
            case .offered: "offered"
            case .granted: "granted"
            case .accepted: "accepted"
            case .running: "running"
            case .suspect: "suspect"
            case .awaitingReboot: "awaiting-reboot"
            case .terminal(let outcome): outcome.rawValue
            case .lost: "lost"
            case .superseded: "superseded"
            case .writtenOff: "written-off"
            }
        }
        /// One state of every word; which phase makes no difference to what is asked of one.
        public static let ofEachWord: [State] =
            [
                .planned, .offered, .granted, .accepted, .running(.apply), .suspect(.apply), .awaitingReboot, .lost,
                .superseded, .writtenOff,
            ] + JobOutcome.allCases.map(State.terminal)

        /// The words of the states of which that is true: for queries.
        public static func words(where isIncluded: (State) -> Bool) -> Set<String> {
            Set(ofEachWord.filter(isIncluded).map(\.word))
        }

        /// Whether nothing comes after it.
        public var isTerminal: Bool {
            switch self {
            case .terminal, .lost, .superseded, .writtenOff: true
            default: false
            }
        }
        /// Whether the campaign need not wait for it: it has ended, or only a reboot is missing.
        public var isSettled: Bool { isTerminal || self == .awaitingReboot }
        /// Whether a halted campaign still waits for it.
        public var isInFlight: Bool {
            switch self {
            case .granted, .accepted, .running: true
            default: false
            }
        }
        /// Whether the host is not well by it: too many of these halt a campaign.
        public var isUnwell: Bool {
            switch self {
            case .terminal(.failedChanged), .terminal(.rolledBack), .terminal(.rollbackFailed), .terminal(.needsRepair),
                .suspect, .lost:
                true
            default: false
            }
        }
        /// Whether its host is not as it was before, by the host's own word.
        public var hasChangedHost: Bool {
            switch self {
            case .awaitingReboot: true
            case .terminal(let outcome):
                switch outcome {
                case .succeeded, .installedRebootPending, .failedChanged, .rollbackFailed, .needsRepair: true
                case .failedNoChange, .rolledBack, .refused, .expired, .cancelled: false
                }
            default: false
            }
        }
        /// Whether it ended before it began.
        public var neverBegan: Bool {
            switch self {
            case .terminal(.expired), .terminal(.cancelled), .superseded: true
            default: false
            }
        }
        /// Whether the host holds a permit for it, counted as held.
        public var holdsPermit: Bool { isInFlight }
        /// The phase, where the agent is at work.
        public var phase: JobPhase? {
            switch self {
            case .running(let phase), .suspect(let phase): phase
            default: nil
            }
        }
    }
    /// What a job waits for.
    public enum TimerKind: String, CaseIterable, Sendable {
        /// Its last safe start passes without a grant.
        case start
        /// Its window passes without a start.
        case window
        /// The agent is silent in its phase.
        case phase
        /// A suspect one is lost.
        case lost
        /// The missing reboot is not done.
        case reboot
    }
    /// A pending timer; a job has at most one.
    public struct Timer: Hashable, Sendable {
        /// What for.
        public var kind: TimerKind
        /// When.
        public var due: Timestamp
    }
    /// When the host may change, in UTC.
    public struct Window: Hashable, Sendable {
        /// No change before,
        public var notBefore: Timestamp
        /// no start after,
        public var lastSafeStart: Timestamp
        /// only finishing after.
        public var notAfter: Timestamp

        /// A window.
        public init(notBefore: Timestamp, lastSafeStart: Timestamp, notAfter: Timestamp) {
            self.notBefore = notBefore
            self.lastSafeStart = lastSafeStart
            self.notAfter = notAfter
        }
    }

    /// Its name: 32 hexadecimal digits.
    public let id: String
    /// Which attempt of the host, from 1.
    public let attempt: Int64
    /// Whether it takes the host back to what it was before the campaign's earlier attempt.
    public let rollsBack: Bool
    /// How long the server waits in each phase.
    public let timeouts: JobTimeouts
    /// The index of its host's ring; nil in a campaign without rings, and for the way back.
    public let ring: Int64?
    /// The batch of its ring that its grant made it a member of (``BatchRamp``); nil where there is none.
    public internal(set) var batch: Int64?
    /// Where it is.
    public internal(set) var state = State.planned
    /// When the host may change; nil before it is offered.
    public internal(set) var window: Window?
    /// The fence of its grant.
    public internal(set) var fence: Int64?
    /// When its last ticket ends; nil where none was issued.
    public internal(set) var ticketExpires: Timestamp?
    /// Whether its end was asked for.
    public internal(set) var isCancelRequested = false
    /// The ordinal of the journal's record that comes next.
    public internal(set) var expectedEntry: Int64 = 1
    /// The digest of the last record.
    public internal(set) var head = JobEntry.origin
    /// The phase of the last record.
    public internal(set) var lastPhase: JobPhase?
    /// Whether the journal has the record of the point of no return.
    public internal(set) var hasMutated = false
    /// Whether the journal has its last record.
    public internal(set) var isJournalClosed = false
    /// How often the host booted without having been told to while the job ran.
    public internal(set) var unexpectedReboots: Int64 = 0
    /// Where its permit is; nil where it has none.
    public internal(set) var permit: Permit?
    /// What it waits for.
    public internal(set) var timer: Timer?

    /// A planned job.
    public init(
        id: String, attempt: Int64, rollsBack: Bool = false, timeouts: JobTimeouts, ring: Int64? = nil
    ) {
        self.ring = ring
        self.id = id
        self.attempt = attempt
        self.rollsBack = rollsBack
        self.timeouts = timeouts
    }

    /// The name of a job: the first 32 hexadecimal digits of SHA-256 over campaign, host and attempt, one a line.
    public static func id(campaign: String, host: String, attempt: Int64) -> String {
        String(SHA256.hash(Array("\(campaign)\n\(host)\n\(attempt)".utf8)).hex.prefix(32))
    }

    /// The state as JSON, for the store.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(id), "attempt": .integer(attempt), "rollBack": .bool(rollsBack), "timeouts": timeouts.json,
            "state": .string(state.word), "cancelRequested": .bool(isCancelRequested),
            "expectedEntry": .integer(expectedEntry), "head": .string(head.hex), "mutated": .bool(hasMutated),
            "journalClosed": .bool(isJournalClosed), "unexpectedReboots": .integer(unexpectedReboots),
        ]
        if let phase = state.phase { fields["statePhase"] = .string(phase.rawValue) }
        if let window {
            fields["window"] = [
                "notBefore": .string(window.notBefore.description),
                "lastSafeStart": .string(window.lastSafeStart.description),
                "notAfter": .string(window.notAfter.description),
            ]
        }
        if let ring { fields["ring"] = .integer(ring) }
        if let batch { fields["batch"] = .integer(batch) }
        if let fence { fields["fence"] = .integer(fence) }
        if let ticketExpires { fields["ticketExpires"] = .string(ticketExpires.description) }
        if let lastPhase { fields["lastPhase"] = .string(lastPhase.rawValue) }
        if let permit { fields["permit"] = .string(permit.state.rawValue) }
        if let timer {
            fields["timer"] = ["kind": .string(timer.kind.rawValue), "due": .string(timer.due.description)]
        }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        id = try object.string("id", maximumBytes: 64)
        attempt = try object.integer("attempt", in: 1...1_000_000)
        rollsBack = try object.bool("rollBack")
        timeouts = try JobTimeouts(object.object("timeouts"))
        let word = try object.string("state", maximumBytes: 64)
        let phase: JobPhase? = try object.optionalWord("statePhase")
        switch (word, phase) {
        case ("planned", nil): state = .planned
        case ("offered", nil): state = .offered
        case ("granted", nil): state = .granted
        case ("accepted", nil): state = .accepted
        case ("running", let phase?): state = .running(phase)
        case ("suspect", let phase?): state = .suspect(phase)
        case ("awaiting-reboot", nil): state = .awaitingReboot
        case ("lost", nil): state = .lost
        case ("superseded", nil): state = .superseded
        case ("written-off", nil): state = .writtenOff
        default:
            guard phase == nil, let outcome = JobOutcome(rawValue: word) else {
                throw JSONError(
                    .outOfBounds, pointer: object.pointer(to: "state"), reason: "\"\(word)\" is no state of a job")
            }
            state = .terminal(outcome)
        }
        isCancelRequested = try object.bool("cancelRequested")
        expectedEntry = try object.integer("expectedEntry", in: 1...1_000_001)
        head = try object.digest("head")
        hasMutated = try object.bool("mutated")
        isJournalClosed = try object.bool("journalClosed")
        unexpectedReboots = try object.integer("unexpectedReboots", in: 0...1_000_000)
        if var one = try object.optionalObject("window") {
            window = Window(
                notBefore: try one.instant("notBefore"), lastSafeStart: try one.instant("lastSafeStart"),
                notAfter: try one.instant("notAfter"))
            try one.finish()
        }
        ring = try object.optionalInteger("ring", in: 0...Int64(RingRules.maximumCount))
        batch = try object.optionalInteger("batch", in: 1...Int64.max)
        fence = try object.optionalInteger("fence", in: 1...Int64.max)
        ticketExpires = try object.optionalInstant("ticketExpires")
        lastPhase = try object.optionalWord("lastPhase")
        if let word: Permit.State = try object.optionalWord("permit") { permit = Permit(state: word) }
        if var one = try object.optionalObject("timer") {
            timer = Timer(kind: try one.word("kind"), due: try one.instant("due"))
            try one.finish()
        }
        try object.finish()
    }
}
