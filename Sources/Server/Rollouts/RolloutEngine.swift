import Digest
import Orders
import Rollout
import Store
import Timestamps

/// Who asks for something, as the audit log names them, and on which hosts they may.
struct RolloutActor: Sendable {
    /// `user:…` or `operator:socket`.
    var name: String
    /// Whether they may change a host; asked of every host of a plan.
    var mayChange: @Sendable (HostRecord) -> Bool
    /// Whether they may approve what a host is given: to go on after a halt takes it, whatever else they may.
    var mayApprove: @Sendable (HostRecord) -> Bool

    /// Somebody; by default over every host.
    init(
        name: String, mayApprove: @escaping @Sendable (HostRecord) -> Bool = { _ in true },
        mayChange: @escaping @Sendable (HostRecord) -> Bool = { _ in true }
    ) {
        self.name = name
        self.mayApprove = mayApprove
        self.mayChange = mayChange
    }
}

/// Campaigns, from the draft to the proof. Every function is one transaction that writes state, event, audit, outbox and
/// timers together; whoever loses a race reads again.
///
/// What the reducer does not allow is a ``Refusal`` with 409 and a sentence; an unknown id is 404.
///
///     let engine = RolloutEngine(state: state)
///     let draft = try await engine.create(organisation: "default", draft, by: actor)
///     let frozen = try await engine.submit(organisation: "default", draft.summary.id, version: draft.summary.version, by: actor)
struct RolloutEngine: Sendable {
    let state: ServerState
}
