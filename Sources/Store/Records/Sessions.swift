public import Digest
public import Timestamps

/// Somebody who is logged in with a browser. The secret in their cookie is stored as its digest only.
public struct SessionRecord: Hashable, Sendable {
    /// How they came in.
    public enum Method: String, Sendable {
        /// With a password, and a second factor where they have one.
        case password
        /// With a one-time link that the server's operator made.
        case link
    }

    /// Its name, for lists: `ses-…`. It lets nobody in.
    public var id: String
    /// Whose.
    public var user: String
    /// How they came in.
    public var method: Method
    /// Since when.
    public var createdAt: Timestamp
    /// When it was last used, to the minute.
    public var seenAt: Timestamp
    /// When it ends, however much it is used.
    public var expiresAt: Timestamp
    /// From where they came in.
    public var address: String
    /// What their browser called itself.
    public var agent: String

    /// A session that begins now.
    public init(
        id: String, user: String, method: Method, createdAt: Timestamp, expiresAt: Timestamp, address: String,
        agent: String
    ) {
        self.id = id
        self.user = user
        self.method = method
        self.createdAt = createdAt
        self.seenAt = createdAt
        self.expiresAt = expiresAt
        self.address = address
        self.agent = agent
    }
}

/// Who is logged in.
public struct Sessions {
    let sql: Transaction

    private static let columns = "id, user_id, method, created_at, seen_at, expires_at, address, agent"

    /// Begins a session.
    public func create(_ session: SessionRecord, secretDigest: SHA256Digest) throws {
        try sql.execute(
            """
            INSERT INTO sessions (id, secret_digest, user_id, method, created_at, seen_at, expires_at, address, agent)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """, session.id, secretDigest, session.user, session.method.rawValue, session.createdAt, session.seenAt,
            session.expiresAt, session.address, session.agent)
    }

    /// The session whose secret has that digest.
    public func find(secretDigest: SHA256Digest) throws -> SessionRecord? {
        try sql.first(
            "SELECT \(Self.columns) FROM sessions WHERE secret_digest = ?1", secretDigest, read: Self.read)
    }

    /// Notes a use.
    public func seen(_ id: String, now: Timestamp) throws {
        try sql.execute("UPDATE sessions SET seen_at = ?2 WHERE id = ?1 AND seen_at < ?2", id, now)
    }

    /// Gives a session another secret: the one before lets nobody in any more. False where the session has ended.
    public func renew(_ id: String, secretDigest: SHA256Digest) throws -> Bool {
        try sql.execute("UPDATE sessions SET secret_digest = ?2 WHERE id = ?1", id, secretDigest) > 0
    }

    /// Somebody's sessions, the one used last first.
    public func list(user: String) throws -> [SessionRecord] {
        try sql.rows(
            "SELECT \(Self.columns) FROM sessions WHERE user_id = ?1 ORDER BY seen_at DESC, id", user, read: Self.read)
    }

    /// Ends one of somebody's sessions; false where they have no such.
    public func end(user: String, id: String) throws -> Bool {
        try sql.execute("DELETE FROM sessions WHERE user_id = ?1 AND id = ?2", user, id) > 0
    }

    /// Ends all of somebody's sessions but that one; returns how many.
    @discardableResult
    public func endAll(user: String, except id: String? = nil) throws -> Int {
        try sql.execute("DELETE FROM sessions WHERE user_id = ?1 AND id <> ?2", user, id ?? "")
    }

    /// Ends those of somebody's sessions that came in by a link.
    @discardableResult
    public func endOpenedByLink(user: String) throws -> Int {
        try sql.execute(
            "DELETE FROM sessions WHERE user_id = ?1 AND method = ?2", user, SessionRecord.Method.link.rawValue)
    }

    /// Removes sessions that ended by themselves; returns how many.
    @discardableResult
    public func purge(notSeenSince idle: Timestamp, now: Timestamp) throws -> Int {
        try sql.execute("DELETE FROM sessions WHERE expires_at <= ?2 OR seen_at <= ?1", idle, now)
    }

    private static func read(_ row: inout SQLRow) throws -> SessionRecord {
        let (id, user, method) = (try row.text(), try row.text(), try row.text())
        let (createdAt, seenAt, expiresAt) = (try row.timestamp(), try row.timestamp(), try row.timestamp())
        var session = SessionRecord(
            id: id, user: user, method: SessionRecord.Method(rawValue: method) ?? .password, createdAt: createdAt,
            expiresAt: expiresAt, address: try row.text(), agent: try row.text())
        session.seenAt = seenAt
        return session
    }
}

extension Transaction {
    /// Who is logged in.
    public var sessions: Sessions { Sessions(sql: self) }
}
