public import Audit
public import Digest
public import JSON
public import Timestamps

/// A leaf of the audit log as it is stored.
public struct AuditLeaf: Hashable, Sendable {
    /// In the order of the transactions that wrote them.
    public var id: Int64
    /// Whose log.
    public var organisation: String
    /// RFC 6962's leaf hash of ``event``.
    public var hash: SHA256Digest
    /// The canonical JSON that is hashed.
    public var event: [UInt8]
    /// The personal data that the event commits to, as canonical JSON; nil where there are none or they were erased.
    public var personal: [UInt8]?
    /// When it was written.
    public var recordedAt: Timestamp
    /// Its number in the organisation's tree; nil until it has been sequenced, and for the installation's own.
    public var sequence: Int64?
    /// Its number in the installation's tree, which has every leaf; nil until it has been sequenced.
    public var installationSequence: Int64?
    /// Whether the event commits to personal data that are gone.
    public var isErased: Bool {
        personal == nil && (try? AuditEvent(canonical: event))?.personal != nil
    }

    static let columns = "id, organisation, leaf_hash, event, personal, recorded_at, sequence, installation_sequence"

    static func read(_ row: inout SQLRow) throws -> AuditLeaf {
        AuditLeaf(
            id: try row.integer(), organisation: try row.text(), hash: try row.digest(), event: try row.blob(),
            personal: try row.optionalBlob(), recordedAt: try row.timestamp(), sequence: try row.optionalInteger(),
            installationSequence: try row.optionalInteger())
    }
}

/// What was done, by whom, to what: one leaf an effect, written with the effect.
public struct AuditLog {
    let sql: Transaction

    /// The largest event, in bytes of its canonical form: what every reader of it takes.
    public static let maximumEventBytes = 256 << 10

    /// Appends an event.
    ///
    /// - Throws: `AuditError` for one over ``maximumEventBytes``.
    public func append(_ event: AuditEvent, now: Timestamp) throws {
        var personal: [UInt8]?
        var salt: [UInt8]?
        if case .known(let members, let used) = event.personal {
            personal = JSONValue.object(members).canonicalBytes()
            salt = used.bytes
        }
        let bytes = event.canonicalBytes()
        guard bytes.count <= Self.maximumEventBytes else {
            throw AuditError(
                field: "detail",
                reason: "the event has \(bytes.count) bytes, at most \(Self.maximumEventBytes) are kept; say less")
        }
        try sql.execute(
            """
            INSERT INTO audit_leaves
                (organisation, leaf_hash, event, personal, personal_salt, recorded_at, actor, action, subject)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """, event.organisation, MerkleTree.leafHash(bytes), bytes, personal, salt, now, event.actor, event.action,
            event.subject)
    }

    /// Appends an event with these fields; `personal` gets a salt of its own.
    ///
    /// - Parameters:
    ///   - actor: who or what acted: `user:42`, `token:…`, `server`.
    ///   - action: what was done: `host.enrolled`.
    ///   - subject: what it was done to: `host:…`.
    ///   - detail: what else is worth keeping, without personal data.
    ///   - personal: names, addresses and the like, which can be erased later.
    public func append(
        organisation: String, actor: String, action: String, subject: String, detail: JSONValue = [:],
        personal: [String: JSONValue] = [:], now: Timestamp
    ) throws {
        var salted: PersonalData?
        if !personal.isEmpty {
            // Swift's own generator is SystemRandomNumberGenerator: getrandom(2), a cryptographic source.
            var source = SystemRandomNumberGenerator()
            let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &source) }
            if let salt = PersonalDataSalt(bytes: bytes) { salted = .known(personal, salt: salt) }
        }
        try append(
            AuditEvent(
                organisation: organisation, time: now.description, actor: actor, action: action, subject: subject,
                detail: detail, personal: salted), now: now)
    }

    /// Leaves of an organisation, the oldest first, after that id.
    public func list(organisation: String, after id: Int64 = 0, limit: Int = 100) throws -> [AuditLeaf] {
        try sql.rows(
            """
            SELECT \(AuditLeaf.columns) FROM audit_leaves WHERE organisation = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """, organisation, id, limit, read: AuditLeaf.read)
    }

    /// The leaf with that id; nil where there is none.
    public func find(id: Int64) throws -> AuditLeaf? {
        try sql.first("SELECT \(AuditLeaf.columns) FROM audit_leaves WHERE id = ?1", id, read: AuditLeaf.read)
    }

    /// Erases the personal data of one leaf, and their salt; the leaf and its hash stay.
    public func erasePersonal(organisation: String, id: Int64) throws {
        try sql.execute(
            "UPDATE audit_leaves SET personal = NULL, personal_salt = NULL WHERE organisation = ?1 AND id = ?2",
            organisation, id)
    }

    /// Erases the personal data of one leaf and says so in its log; false where it has none.
    ///
    /// - Parameters:
    ///   - actor: who erases them.
    ///   - reason: why; it enters the log, so it must not repeat them.
    public func erase(id: Int64, actor: String, reason: String, now: Timestamp) throws -> Bool {
        guard let leaf = try find(id: id), leaf.personal != nil else { return false }
        try erasePersonal(organisation: leaf.organisation, id: id)
        try append(
            organisation: leaf.organisation, actor: actor, action: "audit.personal-erased", subject: "audit:\(id)",
            detail: ["leaf": .string(leaf.hash.hex), "reason": .string(reason)], now: now)
        return true
    }
}

extension Transaction {
    /// What was done, by whom, to what.
    public var audit: AuditLog { AuditLog(sql: self) }
}
