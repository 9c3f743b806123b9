public import Access
public import Digest
public import Timestamps

/// A token with which a program acts for somebody: everything but its secret.
public struct APITokenRecord: Hashable, Sendable {
    /// The part of the token that names it.
    public var id: String
    /// For whom it acts.
    public var user: String
    /// What it is for, in their words.
    public var name: String
    /// What it is limited to; nil for whatever its owner may do.
    public var scopes: Set<Permission>?
    /// When it was made.
    public var createdAt: Timestamp
    /// By whom.
    public var createdBy: String
    /// From then on it lets nobody in.
    public var expiresAt: Timestamp
    /// When it was last used, to the minute.
    public var lastUsedAt: Timestamp?
    /// When it was revoked.
    public var revokedAt: Timestamp?

    /// A token that nobody has used.
    public init(
        id: String, user: String, name: String, scopes: Set<Permission>?, createdAt: Timestamp, createdBy: String,
        expiresAt: Timestamp
    ) {
        self.id = id
        self.user = user
        self.name = name
        self.scopes = scopes
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.expiresAt = expiresAt
    }
}

/// The tokens of people's programs.
public struct APITokens {
    let sql: Transaction

    private static let columns =
        "id, user_id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at"

    /// Keeps a new token.
    public func create(_ token: APITokenRecord, secretDigest: SHA256Digest) throws {
        try sql.execute(
            """
            INSERT INTO api_tokens (id, secret_digest, user_id, name, scopes, created_at, created_by, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """, token.id, secretDigest, token.user, token.name,
            token.scopes?.map(\.rawValue).sorted().joined(separator: " "), token.createdAt, token.createdBy,
            token.expiresAt)
    }

    /// The token of that id, with the digest of its secret.
    public func get(_ id: String) throws -> (token: APITokenRecord, secretDigest: SHA256Digest)? {
        try sql.first("SELECT secret_digest, \(Self.columns) FROM api_tokens WHERE id = ?1", id) { row in
            let digest = try row.digest()
            return (try Self.read(&row), digest)
        }
    }

    /// Somebody's tokens, the newest first.
    public func list(user: String) throws -> [APITokenRecord] {
        try sql.rows(
            "SELECT \(Self.columns) FROM api_tokens WHERE user_id = ?1 ORDER BY created_at DESC, id", user,
            read: Self.read)
    }

    /// How many of somebody's tokens are in force.
    public func countInForce(user: String, now: Timestamp) throws -> Int64 {
        try sql.first(
            "SELECT count(*) FROM api_tokens WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2", user, now
        ) { row in try row.integer() } ?? 0
    }

    /// Revokes a token; false where there is none such, or it was revoked before.
    public func revoke(_ id: String, now: Timestamp) throws -> Bool {
        try sql.execute("UPDATE api_tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", id, now) > 0
    }

    /// Revokes every token in force that was made with that one, and with those in turn; returns their ids.
    ///
    /// - Parameter maker: what ``APITokenRecord/createdBy`` says of a token that another one made.
    public func revokeMade(with id: String, maker: (String) -> String, now: Timestamp) throws -> [String] {
        var made: [String] = []
        var makers = [id]
        while let next = makers.popLast() {
            // Those revoked before too: what they made is to end as well.
            let children = try sql.rows(
                "SELECT id, revoked_at FROM api_tokens WHERE created_by = ?1 ORDER BY id", maker(next)
            ) { row in (id: try row.text(), revokedAt: try row.optionalTimestamp()) }
            makers += children.map(\.id)
            for child in children where child.revokedAt == nil {
                if try revoke(child.id, now: now) { made.append(child.id) }
            }
        }
        return made
    }

    /// Writes down when tokens were last used.
    public func used(_ times: [String: Timestamp]) throws {
        for (id, time) in times.sorted(by: { $0.key < $1.key }) {
            try sql.execute(
                """
                UPDATE api_tokens SET last_used_at = ?2
                WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)
                """, id, time)
        }
    }

    /// Removes tokens that let nobody in since before that time; returns how many.
    @discardableResult
    public func purge(endedBefore time: Timestamp) throws -> Int {
        try sql.execute("DELETE FROM api_tokens WHERE expires_at < ?1 OR revoked_at < ?1", time)
    }

    private static func read(_ row: inout SQLRow) throws -> APITokenRecord {
        let (id, user, name, scopes) = (try row.text(), try row.text(), try row.text(), try row.optionalText())
        let createdAt = try row.timestamp()
        let createdBy = try row.text()
        var token = APITokenRecord(
            id: id, user: user, name: name,
            // A scope that this program does not know gives nothing.
            scopes: scopes.map { Set($0.split(separator: " ").compactMap { Permission(rawValue: String($0)) }) },
            createdAt: createdAt, createdBy: createdBy, expiresAt: try row.timestamp())
        token.lastUsedAt = try row.optionalTimestamp()
        token.revokedAt = try row.optionalTimestamp()
        return token
    }
}

extension Transaction {
    /// The tokens of people's programs.
    public var apiTokens: APITokens { APITokens(sql: self) }
}
