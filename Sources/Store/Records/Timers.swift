public import Timestamps

/// Something that is due at a time, kept as a row so that it survives a restart.
public struct StoredTimer: Hashable, Sendable {
    /// Whose.
    public var organisation: String
    /// What is to happen.
    public var kind: String
    /// To what.
    public var subject: String
    /// The version of the subject that set it; a fired timer of an older version means nothing.
    public var version: Int64
    /// When.
    public var dueAt: Timestamp
    /// Canonical JSON.
    public var payload: String

    /// A timer with these fields.
    public init(
        organisation: String, kind: String, subject: String, version: Int64, dueAt: Timestamp, payload: String = "{}"
    ) {
        self.organisation = organisation
        self.kind = kind
        self.subject = subject
        self.version = version
        self.dueAt = dueAt
        self.payload = payload
    }
}

/// What is due when.
public struct Timers {
    let sql: Transaction

    /// Sets a timer; one of the same kind and subject is replaced.
    public func set(_ timer: StoredTimer) throws {
        try sql.execute(
            """
            INSERT INTO timers (organisation, kind, subject, version, due_at, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (organisation, kind, subject) DO UPDATE SET version = excluded.version, due_at = excluded.due_at,
                payload = excluded.payload, claimed_until = NULL, claimed_by = NULL
            """, timer.organisation, timer.kind, timer.subject, timer.version, timer.dueAt, timer.payload)
    }

    /// The timer of that kind and subject; nil where none is set.
    public func show(organisation: String, kind: String, subject: String) throws -> StoredTimer? {
        try sql.first(
            """
            SELECT version, due_at, payload FROM timers WHERE organisation = ?1 AND kind = ?2 AND subject = ?3
            """, organisation, kind, subject
        ) { row in
            StoredTimer(
                organisation: organisation, kind: kind, subject: subject, version: try row.integer(),
                dueAt: try row.timestamp(), payload: try row.text())
        }
    }

    /// Removes a timer; nothing happens where there is none.
    public func cancel(organisation: String, kind: String, subject: String) throws {
        try sql.execute(
            "DELETE FROM timers WHERE organisation = ?1 AND kind = ?2 AND subject = ?3", organisation, kind, subject)
    }

    /// Whether any timer is due that nobody has claimed.
    public func isDue(now: Timestamp) throws -> Bool {
        try sql.first(
            """
            SELECT kind FROM timers WHERE due_at <= ?1 AND (claimed_until IS NULL OR claimed_until <= ?1) LIMIT 1
            """, now
        ) { row in try row.text() } != nil
    }

    /// Claims due timers for `lease` seconds; racing servers claim different ones. Whoever handled one cancels it.
    public func claim(by server: String, limit: Int, lease: Int64, now: Timestamp) throws -> [StoredTimer] {
        let due = try sql.rows(
            """
            SELECT organisation, kind, subject, version, due_at, payload FROM timers
            WHERE due_at <= ?1 AND (claimed_until IS NULL OR claimed_until <= ?1) ORDER BY due_at LIMIT ?2
            \(sql.dialect.claim)
            """, now, limit
        ) { row in
            StoredTimer(
                organisation: try row.text(), kind: try row.text(), subject: try row.text(),
                version: try row.integer(), dueAt: try row.timestamp(), payload: try row.text())
        }
        for timer in due {
            try sql.execute(
                """
                UPDATE timers SET claimed_until = ?4, claimed_by = ?5
                WHERE organisation = ?1 AND kind = ?2 AND subject = ?3
                """, timer.organisation, timer.kind, timer.subject, now.adding(seconds: lease), server)
        }
        return due
    }
}

extension Transaction {
    /// What is due when.
    public var timers: Timers { Timers(sql: self) }
}
