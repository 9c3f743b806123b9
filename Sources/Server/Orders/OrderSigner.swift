import Orders
import Rollout
import Timestamps

/// Signs what agents act on. Behind it is the signer, a process of its own that checks before it signs.
protocol OrderSigner: Sendable {
    /// Whose signatures the organisation's hosts act on.
    func roles(organisation: String) async throws -> Envelope
    /// Says that a plan was approved.
    func release(
        plan: Plan, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope
    /// Lets one host do one job.
    func grant(_ document: GrantDocument) async throws -> Envelope
    /// Says that a campaign still runs.
    func ticket(_ document: TicketDocument) async throws -> Envelope
}
