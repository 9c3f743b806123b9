public import Digest
public import Timestamps

/// What is known of a request with that key.
public enum IdempotencyState: Hashable, Sendable {
    /// It is new; it is in work from now on, until ``IdempotencyKeys/finish(principal:key:status:answer:)``.
    case new
    /// The same request is in work, or its server broke off in the middle of it.
    case inWork
    /// The key was used for another request.
    case otherRequest
    /// It was answered.
    case answered(status: Int64, answer: [UInt8])
}

/// Requests that are to be done once, by whoever sent them.
public struct IdempotencyKeys {
    let sql: Transaction

    /// Seconds for which a key is remembered.
    public static let lifetime: Int64 = 86_400

    /// Looks a request up, and notes it where it is new. Of racing requests one is ``IdempotencyState/new``.
    public func begin(
        principal: String, key: String, fingerprint: SHA256Digest, now: Timestamp
    ) throws -> IdempotencyState {
        try sql.execute(
            "DELETE FROM idempotency_keys WHERE principal = ?1 AND key = ?2 AND created_at <= ?3", principal, key,
            now.adding(seconds: -Self.lifetime))
        let made = try sql.execute(
            """
            INSERT INTO idempotency_keys (principal, key, fingerprint, created_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (principal, key) DO NOTHING
            """, principal, key, fingerprint, now)
        if made > 0 { return .new }
        let found = try sql.first(
            "SELECT fingerprint, status, answer FROM idempotency_keys WHERE principal = ?1 AND key = ?2", principal, key
        ) { row in (try row.digest(), try row.optionalInteger(), try row.optionalBlob()) }
        guard let (known, status, answer) = found else { return .inWork }
        if known != fingerprint { return .otherRequest }
        guard let status, let answer else { return .inWork }
        return .answered(status: status, answer: answer)
    }

    /// Keeps the answer.
    public func finish(principal: String, key: String, status: Int64, answer: [UInt8]) throws {
        try sql.execute(
            "UPDATE idempotency_keys SET status = ?3, answer = ?4 WHERE principal = ?1 AND key = ?2", principal, key,
            status, answer)
    }

    /// Forgets a request that did nothing, so that it can be sent again.
    public func forget(principal: String, key: String) throws {
        try sql.execute(
            "DELETE FROM idempotency_keys WHERE principal = ?1 AND key = ?2 AND status IS NULL", principal, key)
    }

    /// Removes keys that are out of date; returns how many.
    @discardableResult
    public func collect(now: Timestamp) throws -> Int {
        try sql.execute(
            "DELETE FROM idempotency_keys WHERE created_at <= ?1", now.adding(seconds: -Self.lifetime))
    }
}

extension Transaction {
    /// Requests that are to be done once.
    public var idempotencyKeys: IdempotencyKeys { IdempotencyKeys(sql: self) }
}
