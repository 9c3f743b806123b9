public import Digest
public import Timestamps

/// One-time links that let somebody in without a password.
public struct LoginLinks {
    let sql: Transaction

    /// Keeps a link; the user's older ones let nobody in any more.
    ///
    /// - Parameter standsInForCode: whether whoever comes by it needs no second factor.
    public func create(
        user: String, codeDigest: SHA256Digest, expiresAt: Timestamp, standsInForCode: Bool, now: Timestamp
    ) throws {
        try sql.execute("DELETE FROM login_links WHERE user_id = ?1 OR expires_at <= ?2", user, now)
        try sql.execute(
            """
            INSERT INTO login_links (code_digest, user_id, created_at, expires_at, stands_in_for_code)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """, codeDigest, user, now, expiresAt, standsInForCode)
    }

    /// Removes somebody's links: none made until now lets anybody in.
    public func removeAll(user: String) throws {
        try sql.execute("DELETE FROM login_links WHERE user_id = ?1", user)
    }

    /// Whom a link would let in; it stays as it is.
    public func user(codeDigest: SHA256Digest, now: Timestamp) throws -> String? {
        try sql.first(
            "SELECT user_id FROM login_links WHERE code_digest = ?1 AND expires_at > ?2", codeDigest, now
        ) { row in try row.text() }
    }

    /// Uses a link up; nil where there is none such, or its time is over. Of racing uses one wins.
    public func use(codeDigest: SHA256Digest, now: Timestamp) throws -> (user: String, standsInForCode: Bool)? {
        try sql.first(
            """
            DELETE FROM login_links WHERE code_digest = ?1 AND expires_at > ?2 RETURNING user_id, stands_in_for_code
            """, codeDigest, now
        ) { row in (try row.text(), try row.bool()) }
    }
}

extension Transaction {
    /// One-time links that let somebody in without a password.
    public var loginLinks: LoginLinks { LoginLinks(sql: self) }
}
