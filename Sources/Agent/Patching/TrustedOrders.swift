import Digest
import Glibc
import Orders
import Synchronization
import Timestamps

/// What this host believes, for the executor and a job's process at the same time: each asks and changes the memory on
/// the disk, one after the other, so that neither writes over what the other has learned.
final class TrustedOrders: Sendable {
    let organisation: String
    let host: String
    private let folder: DurableFolder
    /// A moment and what was believed then, where time goes on from that although the clock stands behind.
    private let anchor: Mutex<(uptime: Int64, time: Timestamp)?>

    /// The memory in the executor's folder.
    ///
    /// - Parameter isAnchored: whether time counts on from what was believed, by the time since the host started, while the
    ///   clock is behind that: for the process of one job. One that lives for long must believe a clock that is corrected.
    /// - Throws: ``TrustStoreError`` where it cannot be read: then nothing is believed.
    init(
        _ folder: DurableFolder, organisation: String, host: String, isAnchored: Bool = false
    ) throws(TrustStoreError) {
        self.folder = folder
        self.organisation = organisation
        self.host = host
        anchor = Mutex(nil)
        let moment = Moment.now()
        let believed = try store().now(clock: moment.wall)
        if isAnchored { anchor.withLock { $0 = (moment.uptime, believed) } }
    }

    /// The clock, but never behind what was believed and the time that has passed since.
    private var clock: Timestamp {
        let moment = Moment.now()
        return anchor.withLock { anchor in
            guard let anchor else { return moment.wall }
            return max(
                moment.wall, Timestamp(milliseconds: anchor.time.milliseconds + moment.uptime - anchor.uptime))
        }
    }

    /// Time counts on from here: a signed document has just said more of it.
    private func anchorAnew(_ floor: Timestamp) {
        let now = max(clock, floor)
        let uptime = Moment.now().uptime
        anchor.withLock { if $0 != nil { $0 = (uptime, now) } }
    }

    private func store() throws(TrustStoreError) -> TrustStore {
        try TrustStore(folder: folder, organisation: organisation, host: host)
    }

    /// Changes the memory while nobody else can.
    private func change<Result>(
        _ body: (inout TrustStore) throws(TrustStoreError) -> Result
    ) throws(TrustStoreError) -> Result {
        let path = folder.path(of: "trust.lock")
        let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw .notWritten(SystemError("open", path)) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw .notWritten(SystemError("lock", path)) }
        var store = try store()
        let before = store.trust
        CrashPoint.pass("before trust.json")
        let result = try body(&store)
        if store.trust != before { CrashPoint.pass("after trust.json") }
        return result
    }

    /// The highest fence that was ever acted on.
    var lastFence: Int64 { get throws(TrustStoreError) { try store().trust.lastFence } }

    /// The time by which orders are judged: never before what signatures have proved to be past.
    func now() throws(TrustStoreError) -> Timestamp { try store().now(clock: clock) }

    /// Takes on the roles of a desired state.
    func adopt(roles: Envelope) throws(TrustStoreError) {
        try change { store throws(TrustStoreError) in try store.adopt(roles: roles, clock: clock) }
    }

    /// The approved plan.
    ///
    /// - Parameter begun: when the job was taken, where it has begun to change packages: its plan stands, however old its
    ///   document becomes meanwhile.
    func release(_ envelope: Envelope, begun: Timestamp? = nil) throws(TrustStoreError) -> ReleaseDocument {
        let store = try store()
        guard let begun else { return try store.release(envelope, clock: clock) }
        do {
            return try store.verifier.release(envelope, now: begun)
        } catch {
            throw .refused(error)
        }
    }

    /// The right to do one job.
    ///
    /// - Parameter journaled: the fence of the grant that the job's journal names already: that one is no replay.
    func grant(
        _ envelope: Envelope, job: String, plan: SHA256Digest, journaled: Int64? = nil
    ) throws(TrustStoreError) -> GrantDocument {
        let store = try store()
        guard let journaled else {
            return try store.grant(envelope, job: job, plan: plan, clock: clock)
        }
        do {
            return try store.verifier.grant(
                envelope, job: job, plan: plan, lastFence: journaled - 1, epoch: 0,
                now: store.now(clock: clock))
        } catch {
            throw .refused(error)
        }
    }

    /// Notes that a grant was journaled. Called again after a crash between the journal and this memory: it was verified
    /// before it was journaled, and neither its window nor today's keys say anything about that.
    ///
    /// - Parameter epoch: the grant's epoch, where it was just verified.
    func accepted(fence: Int64, epoch: Int64? = nil) throws(TrustStoreError) {
        guard try lastFence < fence else { return }
        try change { store throws(TrustStoreError) in try store.accepted(fence: fence, epoch: epoch) }
    }

    /// The proof that the grant still stands.
    func ticket(
        _ envelope: Envelope, grant: GrantDocument, nonce: String
    ) throws(TrustStoreError) -> TicketDocument {
        let ticket = try change { store throws(TrustStoreError) in
            try store.ticket(envelope, grant: grant, nonce: nonce, clock: clock)
        }
        anchorAnew(ticket.issued)
        return ticket
    }
}
