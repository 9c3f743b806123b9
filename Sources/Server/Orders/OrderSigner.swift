import Orders
import Rollout
import Timestamps
import Wire

/// Signs what agents act on. Behind it is the signer, a process of its own that checks before it signs.
protocol OrderSigner: Sendable {
    /// Whose signatures the organisation's hosts act on.
    func roles(organisation: String) async throws -> Envelope
    /// Says that a plan was approved; the author's own approval does not count.
    func release(
        plan: Plan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope
    /// Lets one host do one job.
    func grant(_ document: GrantDocument) async throws -> Envelope
    /// Says that a campaign still runs.
    func ticket(_ document: TicketDocument) async throws -> Envelope
}

/// Stands where no signer is set up.
struct MissingSigner: OrderSigner {
    private var refusal: Refusal {
        Refusal(
            .init(
                "no-signer", title: "There is no signer", status: 503,
                detail: "This server has no signer, so no host acts on its orders.", cure: "Start one: fettle signer."))
    }

    func roles(organisation: String) async throws -> Envelope { throw refusal }
    func release(
        plan: Plan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope { throw refusal }
    func grant(_ document: GrantDocument) async throws -> Envelope { throw refusal }
    func ticket(_ document: TicketDocument) async throws -> Envelope { throw refusal }
}
