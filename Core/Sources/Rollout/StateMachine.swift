/// What has a stable word, for the audit log and for refusals.
protocol Worded {
    /// The word; it never changes.
    var word: String { get }
}

extension Worded where Self: RawRepresentable, RawValue == String {
    var word: String { rawValue }
}

/// What takes events, and refuses those that do not fit its state with a ``TransitionError`` that names both.
protocol StateMachine {
    /// Where it can be.
    associatedtype State: Equatable, Worded
    /// What can happen to it.
    associatedtype Event: Worded
    /// Whose refusals they are: `campaign`, `ring`, `job`, `permit`, `agent-job`.
    static var machine: String { get }
    /// Where it is.
    var state: State { get }
}

extension StateMachine {
    /// Refuses an event outside of the states in which it is taken.
    func require(_ states: [State], _ event: Event) throws(TransitionError) {
        guard states.contains(state) else {
            throw refusal(
                .unknownTransition, event,
                "it is taken only in \(states.map(\.word).joined(separator: ", ")); nothing was changed")
        }
    }

    /// Refuses an event whose guard does not hold.
    func check(_ holds: Bool, _ event: Event, _ reason: String) throws(TransitionError) {
        if !holds { throw refusal(.guardFailed, event, reason) }
    }

    /// A refusal of an event, with the reason and what to do.
    func refusal(_ code: TransitionError.Code, _ event: Event, _ reason: String) -> TransitionError {
        refusal(code, event.word, reason)
    }

    /// A refusal of what is no event (`resume`, `replay`), by its word.
    func refusal(_ code: TransitionError.Code, _ word: String, _ reason: String) -> TransitionError {
        TransitionError(code, machine: Self.machine, state: state.word, event: word, reason: reason)
    }
}

extension Campaign: StateMachine {
    static var machine: String { "campaign" }
}
extension Campaign.State: Worded {}
extension Campaign.Event: Worded {}

extension Ring: StateMachine {
    static var machine: String { "ring" }
}
extension Ring.State: Worded {}
extension Ring.Event: Worded {}

extension HostJob: StateMachine {
    static var machine: String { "job" }
}
extension HostJob.State: Worded {}
extension HostJob.Event: Worded {}

extension Permit: StateMachine {
    static var machine: String { "permit" }
}
extension Permit.State: Worded {}
extension Permit.Event: Worded {}

extension AgentJob: StateMachine {
    static var machine: String { "agent-job" }
    /// The phase of the last record.
    var state: JobPhase { progress.phase }
}
extension AgentJob.Event: Worded {}
extension JobPhase: Worded {}
