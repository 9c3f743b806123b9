
import Glibc
import JSON
public import Digest
public import Orders
public import Timestamps

/// What this host believes, kept by root in `executor/trust.json`: written before it is acted on.
public final class TrustedOrders: OrderDesk {
    /// The file's name in the executor's folder.
    public static let file = "trust.json"
    public let organisation: String
    public let host: String
    private let folder: DurableFolder
    private var trust: OrderTrust
    private var verifier: OrderVerifier

    /// Opens what the executor's folder remembers.
    public init(_ folder: DurableFolder, organisation: String, host: String) throws {
        self.folder = folder
        self.organisation = organisation
        self.host = host
        trust = try Self.read(folder) ?? OrderTrust()
        verifier = try OrderVerifier(organisation: organisation, host: host, verifier: Ed25519Verifier(), trust: trust)
    }

    public var lastFence: Int64 { trust.lastFence }

    public func time(_ clock: Timestamp) -> Timestamp { trust.now(clock: clock) }

    public func adopt(roles: Envelope, now: Timestamp) throws {
        try verifier.adopt(roles: roles, now: time(now))
        let adopted = verifier.rolesEnvelope
        guard trust.roles != adopted else { return }
        try update { $0.roles = adopted }
    }

    public func release(_ envelope: Envelope, now: Timestamp) throws(OrderRefusal) -> ReleaseDocument {
        try verifier.release(envelope, now: time(now))
    }

    public func grant(
        _ envelope: Envelope, job: String, plan: SHA256Digest, journaled: Int64?, now: Timestamp
    ) throws(OrderRefusal) -> GrantDocument {
        try verifier.grant(
            envelope, job: job, plan: plan, lastFence: journaled.map { $0 - 1 } ?? trust.lastFence, epoch: trust.epoch,
            now: time(now))
    }

    public func ticket(
        _ envelope: Envelope, grant: GrantDocument, nonce: String, now: Timestamp
    ) throws(OrderRefusal) -> TicketDocument {
        try verifier.ticket(envelope, grant: grant, nonce: nonce, now: time(now))
    }

    public func observe(fence: Int64, epoch: Int64) throws {
        guard fence > trust.lastFence || epoch > trust.epoch else { return }
        try update { $0.observe(fence: fence, epoch: epoch) }
    }

    /// Changes the memory on the disk: the executor and a job's process both do, one after the other.
    private func update(_ change: (inout OrderTrust) -> Void) throws {
        let path = folder.path(of: "trust.lock")
        let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw SystemError("open", path) }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw SystemError("lock", path) }
        let stored = try Self.read(folder) ?? OrderTrust()
        var changed = stored
        change(&changed)
        trust = changed
        guard changed != stored else { return }
        CrashPoint.pass("before trust.json")
        try folder.replace(Self.file, with: changed.json.canonicalBytes())
        CrashPoint.pass("after trust.json")
    }

    private static func read(_ folder: DurableFolder) throws -> OrderTrust? {
        guard let bytes = try folder.read(file, limit: 4 << 20) else { return nil }
        return try OrderTrust(json: JSONValue(parsing: bytes, limits: .facts))
    }
}
