/// The right to disturb one host, counted against a budget (rollouts.md, 2.6). It has no lease: a silent host keeps it.
public struct Permit: Hashable, Sendable {
    /// Where a permit is.
    public enum State: String, CaseIterable, Sendable {
        case held
        /// The host has proved that it is well, or that it never began.
        case returned
        /// The host is silent or not well; still counted.
        case suspect
        /// A person answers for it.
        case writtenOff = "written-off"
        /// The host is no more.
        case decommissioned

        /// Whether the budget still counts it.
        public var isCounted: Bool { self == .held || self == .suspect }
    }
    /// What can happen to a permit.
    public enum Event: Hashable, Sendable {
        case proven
        case silent
        case heardAgain
        case writeOff(by: String, reason: String)
        case decommission

        /// The event's stable word.
        public var word: String {
            switch self {
            case .proven: "proven"
            case .silent: "silent"
            case .heardAgain: "heard-again"
            case .writeOff: "write-off"
            case .decommission: "decommission"
            }
        }
    }
    /// Where it is.
    public private(set) var state: State

    /// A permit that was just taken, or as the store has it.
    public init(state: State = .held) { self.state = state }

    /// Takes an event.
    public mutating func handle(_ event: Event) throws(TransitionError) {
        switch (state, event) {
        case (.held, .proven), (.suspect, .proven): state = .returned
        case (.held, .silent): state = .suspect
        case (.suspect, .heardAgain): state = .held
        case (.held, .writeOff), (.suspect, .writeOff): state = .writtenOff
        case (.held, .decommission), (.suspect, .decommission): state = .decommissioned
        default:
            throw refusal(
                .unknownTransition, event,
                "a permit that is \(state.rawValue) does not take it; nothing was changed")
        }
    }
}

/// What a budget allows; counted and granted in one transaction.
public enum Budget {
    /// Whether one more host may be disturbed. A lowered limit takes nothing back: it only grants nothing new.
    public static func mayGrant(held: Int64, suspect: Int64, limit: Int64) -> Bool {
        held >= 0 && suspect >= 0 && held + suspect < limit
    }

    /// Whether suspects alone are so many that nothing more is granted until a person has looked: two, or half of the budget
    /// where that is more.
    public static func isHeldBySuspects(suspect: Int64, limit: Int64) -> Bool {
        suspect >= max(2, (limit + 1) / 2)
    }
}
