public import Digest
import Glibc
import JSON
public import Orders
import Signatures
public import Timestamps

/// What the executor remembers of the orders it has seen, on disk before anything is done by them.
///
/// It belongs to root, in the executor's folder: the network process can neither read nor turn it back. Its one file is
/// replaced whole. Without it the next roles document is trusted as at enrolment; a damaged one stops all orders.
public struct TrustStore: Sendable {
    /// The file's name in the executor's folder.
    public static let fileName = "trust.json"
    /// What is remembered.
    public private(set) var trust: OrderTrust
    /// What judges by it.
    public private(set) var verifier: OrderVerifier
    private let folder: DurableFolder
    private let owner: Owner

    /// Whose memory it is.
    private struct Owner: Hashable, Sendable {
        var organisation: String
        var host: String
    }

    /// Opens the memory of this host.
    ///
    /// - Parameters:
    ///   - folder: the executor's folder.
    ///   - organisation: the host's organisation.
    ///   - host: the host's id; a memory of another one is refused: the network process cannot have it forgotten by
    ///     naming another host.
    public init(folder: DurableFolder, organisation: String, host: String) throws(TrustStoreError) {
        self.folder = folder
        owner = Owner(organisation: organisation, host: host)
        let path = folder.path(of: Self.fileName)
        let stored: (Owner, OrderTrust)?
        do {
            stored = try Self.read(folder)
        } catch let error as SystemError {
            throw .unreadable("\(error)")
        } catch {
            throw .unreadable("\(path) cannot be understood: \(error)")
        }
        trust = stored?.1 ?? OrderTrust()
        if let other = stored?.0, other != owner {
            throw .unreadable(
                "\(path) was written for host \(other.host) of \(other.organisation), but this is host \(host) of "
                    + "\(organisation)")
        }
        do {
            verifier = try OrderVerifier(
                organisation: organisation, host: host, verifier: Ed25519(), trust: trust)
        } catch {
            throw .unreadable("\(path) holds roles that are not to be believed: \(error)")
        }
    }

    /// Whose memory lies in that folder; nil where there is none.
    static func owner(in folder: DurableFolder) throws -> (organisation: String, host: String)? {
        try read(folder).map { ($0.0.organisation, $0.0.host) }
    }

    /// Forgets everything, as root does before the host enrols anew.
    public static func forget(in folder: DurableFolder) throws(SystemError) {
        try folder.remove(fileName)
        try folder.sync()
    }

    /// The time to judge by: the clock's, never before what a signature has proved to be past.
    public func now(clock: Timestamp) -> Timestamp { trust.now(clock: clock) }

    /// Adopts a roles document. It is on disk when this returns.
    public mutating func adopt(roles: Envelope, clock: Timestamp) throws(TrustStoreError) {
        var next = verifier
        do {
            try next.adopt(roles: roles, now: now(clock: clock))
        } catch {
            throw .refused(error)
        }
        guard next.rolesEnvelope != trust.roles else { return }
        var trust = trust
        trust.roles = next.rolesEnvelope
        try write(trust)
        verifier = next
    }

    /// The approved plan, out of its release document.
    public func release(_ envelope: Envelope, clock: Timestamp) throws(TrustStoreError) -> ReleaseDocument {
        do {
            return try verifier.release(envelope, now: now(clock: clock))
        } catch {
            throw .refused(error)
        }
    }

    /// The right to do one job. Journal it, then call ``accepted(_:)``, and only then act on it.
    public func grant(
        _ envelope: Envelope, job: String, plan: SHA256Digest, clock: Timestamp
    ) throws(TrustStoreError) -> GrantDocument {
        do {
            return try verifier.grant(
                envelope, job: job, plan: plan, lastFence: trust.lastFence, epoch: trust.epoch, now: now(clock: clock))
        } catch {
            throw .refused(error)
        }
    }

    /// Notes that the grant was journaled: no grant with its fence or a lower one is accepted again. After a crash between
    /// journal and this, call it again for what the journal holds.
    public mutating func accepted(_ grant: GrantDocument) throws(TrustStoreError) {
        try accepted(fence: grant.fence, epoch: grant.epoch)
    }

    /// The same for a journal that holds the fence only.
    mutating func accepted(fence: Int64, epoch: Int64?) throws(TrustStoreError) {
        var trust = trust
        trust.observe(fence: fence, epoch: epoch)
        try write(trust)
    }

    /// The proof that a grant still stands. Its time of issue, which answers a question just asked, is the host's new
    /// floor of trusted time, on disk when this returns.
    public mutating func ticket(
        _ envelope: Envelope, grant: GrantDocument, nonce: String, clock: Timestamp
    ) throws(TrustStoreError) -> TicketDocument {
        let document: TicketDocument
        do {
            document = try verifier.ticket(envelope, grant: grant, nonce: nonce, now: now(clock: clock))
        } catch {
            throw .refused(error)
        }
        var trust = trust
        trust.observe(time: document.issued)
        try write(trust)
        return document
    }

    private mutating func write(_ trust: OrderTrust) throws(TrustStoreError) {
        guard trust != self.trust else { return }
        let json: JSONValue = [
            "organisation": .string(owner.organisation), "host": .string(owner.host), "trust": trust.json,
        ]
        do {
            try folder.replace(Self.fileName, with: json.canonicalBytes())
        } catch {
            throw .notWritten(error)
        }
        self.trust = trust
    }

    private static func read(_ folder: DurableFolder) throws -> (Owner, OrderTrust)? {
        guard let bytes = try folder.read(fileName, limit: 1 << 20) else { return nil }
        var status = stat()
        guard lstat(folder.path(of: fileName), &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0
        else {
            throw SystemError(
                "trust (it must belong to this account and be writable by nobody else)", folder.path(of: fileName),
                code: EPERM)
        }
        var object = try JSONObject(JSONValue(parsing: bytes, limits: .message))
        let owner = Owner(
            organisation: try object.string("organisation", maximumBytes: 64),
            host: try object.string("host", maximumBytes: 64))
        let trust = try OrderTrust(json: try object.value("trust"))
        try object.finish()
        return (owner, trust)
    }
}

/// Why an order is not acted on.
public enum TrustStoreError: Error, Sendable, CustomStringConvertible {
    /// The document is not to be believed.
    case refused(OrderRefusal)
    /// The memory cannot be read: no order is believed until somebody has looked.
    case unreadable(String)
    /// The memory cannot be written: nothing may be done by what would be forgotten.
    case notWritten(SystemError)

    /// A stable word for journals and the server.
    public var code: String {
        switch self {
        case .refused(let refusal): refusal.code.rawValue
        case .unreadable: "trust-unreadable"
        case .notWritten: "trust-not-written"
        }
    }

    public var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .unreadable(let why):
            "What this host remembers of orders cannot be read: \(why). Nothing is changed here. If that is no attack, "
                + "enrol again as root (fettle-agent enroll --replace), or remove the file to trust the server anew."
        case .notWritten(let error):
            "What this host must remember of orders cannot be written: \(error) Nothing is changed here until it can."
        }
    }
}
