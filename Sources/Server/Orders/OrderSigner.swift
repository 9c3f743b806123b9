public import Orders
public import Rollout
public import Timestamps

/// Who signs the orders: the signer's process, wherever it runs. It checks what it signs (docs/orders.md); every refusal is
/// a ``SignerRefusal`` and is to be shown and audited, everything else means that it cannot be reached.
public protocol OrderSigner: Sendable {
    /// The organisation's current roles document. Ask again every few hours: it is renewed, and keys are replaced.
    func roles(organisation: String) async throws -> Envelope
    /// Signs that a plan was approved.
    ///
    /// - Parameters:
    ///   - author: who made the plan, whose own approval does not count.
    ///   - expires: at most 90 days from now; no grant is signed after it.
    func release(
        plan: Plan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope
    /// Signs anew that a plan was approved which was released before; hosts are only taken back by it.
    ///
    /// - Parameters:
    ///   - author, approvals, approvalsRequired: as they were then: a signer that did not keep them yet checks them anew.
    ///   - expires: at most 7 days from now.
    func rollback(
        plan: HostPlan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64,
        expires: Timestamp
    ) async throws -> Envelope
    /// Signs a grant of a released plan. The same grant may be asked for again; another one needs a higher fence, and a
    /// refusal for it says which was the last.
    func grant(_ document: GrantDocument) async throws -> Envelope
    /// Signs a ticket for the host's last grant.
    func ticket(_ document: TicketDocument) async throws -> Envelope
}
