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
    /// Its number in the organisation's tree; nil until it has been sequenced.
    public var sequence: Int64?
}

/// What was done, by whom, to what: one leaf an effect, written with the effect.
public struct AuditLog {
    let sql: Transaction

    /// Appends an event.
    public func append(_ event: AuditEvent, now: Timestamp) throws {
        var personal: [UInt8]?
        var salt: [UInt8]?
        if case .known(let members, let used) = event.personal {
            personal = JSONValue.object(members).canonicalBytes()
            salt = used.bytes
        }
        try sql.execute(
            """
            INSERT INTO audit_leaves (organisation, leaf_hash, event, personal, personal_salt, recorded_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """, event.organisation, event.leafHash(), event.canonicalBytes(), personal, salt, now)
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
            let bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
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
            SELECT id, organisation, leaf_hash, event, personal, recorded_at, sequence FROM audit_leaves
            WHERE organisation = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """, organisation, id, limit
        ) { row in
            AuditLeaf(
                id: try row.integer(), organisation: try row.text(), hash: try row.digest(), event: try row.blob(),
                personal: try row.optionalBlob(), recordedAt: try row.timestamp(), sequence: try row.optionalInteger())
        }
    }

    /// Erases the personal data of one leaf, and their salt; the leaf and its hash stay.
    public func erasePersonal(organisation: String, id: Int64) throws {
        try sql.execute(
            "UPDATE audit_leaves SET personal = NULL, personal_salt = NULL WHERE organisation = ?1 AND id = ?2",
            organisation, id)
    }
}

extension Transaction {
    /// What was done, by whom, to what.
    public var audit: AuditLog { AuditLog(sql: self) }
}
