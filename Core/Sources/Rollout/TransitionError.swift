/// An event that a state machine does not take in the state that it is in. Nothing changed; the caller puts it on record.
public struct TransitionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why the event was refused.
    public enum Code: String, Sendable {
        /// No row of the table has this state and this event.
        case unknownTransition = "unknown-transition"
        /// There is such a row, and its guard said no.
        case guardFailed = "guard-failed"
        /// A journal's record does not continue the one before.
        case brokenChain = "broken-chain"
        /// A record of the journal is missing before this one.
        case gap
    }
    /// Why.
    public var code: Code
    /// Whose state machine: `campaign`, `ring`, `job`, `permit`, `agent-job`.
    public var machine: String
    /// The state, by its stable word.
    public var state: String
    /// The event, by its stable word.
    public var event: String
    /// One sentence: what happened and what to do.
    public var reason: String

    /// A refusal.
    public init(_ code: Code, machine: String, state: String, event: String, reason: String) {
        self.code = code
        self.machine = machine
        self.state = state
        self.event = event
        self.reason = reason
    }

    public var description: String { "\(machine) in state \(state) refused \(event): \(reason)" }
}
