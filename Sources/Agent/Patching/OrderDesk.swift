public import Digest
public import Orders
public import Timestamps

/// Says which orders a host believes, and remembers the newest; one of the host's own keys decides nothing here.
public protocol OrderDesk: AnyObject {
    /// Whose host this is.
    var organisation: String { get }
    /// Which host this is.
    var host: String { get }
    /// The highest fence that was ever acted on.
    var lastFence: Int64 { get }
    /// The time by which orders are judged: never before what signatures have proved to be past.
    func time(_ clock: Timestamp) -> Timestamp
    /// Takes on the roles of a desired state.
    func adopt(roles: Envelope, now: Timestamp) throws
    /// The approved plan.
    func release(_ envelope: Envelope, now: Timestamp) throws(OrderRefusal) -> ReleaseDocument
    /// The right to do one job; `replay` allows the fence that its journal names already.
    func grant(
        _ envelope: Envelope, job: String, plan: SHA256Digest, journaled: Int64?, now: Timestamp
    ) throws(OrderRefusal) -> GrantDocument
    /// The proof that the grant still stands.
    func ticket(
        _ envelope: Envelope, grant: GrantDocument, nonce: String, now: Timestamp
    ) throws(OrderRefusal) -> TicketDocument
    /// Remembers a fence, durably.
    func observe(fence: Int64, epoch: Int64) throws
}
