public import Timestamps

/// A message that was decided in a transaction and is to be delivered after it, at least once.
public struct OutboxMessage: Hashable, Sendable {
    /// In the order of writing.
    public var id: Int64
    /// Whose.
    public var organisation: String
    /// Who cares: `host.enrolled`.
    public var topic: String
    /// About what.
    public var subject: String
    /// Canonical JSON.
    public var payload: String
    /// How often it has been claimed before.
    public var attempts: Int64
}

/// Messages to deliver.
public struct Outbox {
    let sql: Transaction

    /// Adds a message, and wakes other servers once it is committed.
    public func put(organisation: String, topic: String, subject: String, payload: String, now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO outbox (organisation, topic, subject, payload, created_at, due_at, attempts)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)
            """, organisation, topic, subject, payload, now)
        if let wakeUp = sql.dialect.wakeUp { try sql.execute(wakeUp, topic) }
    }

    /// Claims due messages for `lease` seconds; racing servers claim different ones.
    public func claim(by server: String, limit: Int, lease: Int64, now: Timestamp) throws -> [OutboxMessage] {
        let ids = try sql.rows(
            """
            SELECT id FROM outbox WHERE done_at IS NULL AND due_at <= ?1 AND (claimed_until IS NULL OR claimed_until <= ?1)
            ORDER BY due_at, id LIMIT ?2 \(sql.dialect.claim)
            """, now, limit
        ) { row in try row.integer() }
        var messages: [OutboxMessage] = []
        for id in ids {
            messages += try sql.rows(
                """
                UPDATE outbox SET claimed_until = ?2, claimed_by = ?3, attempts = attempts + 1 WHERE id = ?1
                RETURNING id, organisation, topic, subject, payload, attempts - 1
                """, id, now.adding(seconds: lease), server
            ) { row in
                OutboxMessage(
                    id: try row.integer(), organisation: try row.text(), topic: try row.text(),
                    subject: try row.text(), payload: try row.text(), attempts: try row.integer())
            }
        }
        return messages
    }

    /// Marks a message delivered.
    public func finish(_ id: Int64, now: Timestamp) throws {
        try sql.execute("UPDATE outbox SET done_at = ?2, claimed_until = NULL WHERE id = ?1", id, now)
    }

    /// Gives a message back, to be tried again from `due` on.
    public func postpone(_ id: Int64, until due: Timestamp) throws {
        try sql.execute("UPDATE outbox SET due_at = ?2, claimed_until = NULL WHERE id = ?1", id, due)
    }

    /// Removes messages delivered before that time; returns how many.
    @discardableResult
    public func purge(before time: Timestamp) throws -> Int {
        try sql.execute("DELETE FROM outbox WHERE done_at IS NOT NULL AND done_at < ?1", time)
    }
}

extension Transaction {
    /// Messages to deliver.
    public var outbox: Outbox { Outbox(sql: self) }
}
