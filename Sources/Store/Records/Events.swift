public import JSON
public import Timestamps

/// Something that happened, as pages and feeds show it. Unlike audit leaves, events are retired by month.
public struct StoredEvent: Hashable, Sendable {
    /// Grows with time; not without gaps.
    public var id: Int64
    /// Whose.
    public var organisation: String
    /// When.
    public var occurredAt: Timestamp
    /// What: `host.enrolled`.
    public var kind: String
    /// To what: `host:…`.
    public var subject: String
    /// The rest, canonical JSON.
    public var payload: String
}

/// What happened.
public struct Events {
    let sql: Transaction

    /// Keeps an event, and an outbox row for whoever is to be told.
    public func record(
        organisation: String, kind: String, subject: String, payload: JSONValue = [:], now: Timestamp
    ) throws {
        let text = String(decoding: payload.canonicalBytes(), as: UTF8.self)
        try sql.execute(
            """
            INSERT INTO events (organisation, month, occurred_at, kind, subject, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """, organisation, Self.month(now), now, kind, subject, text)
        try sql.outbox.put(organisation: organisation, topic: kind, subject: subject, payload: text, now: now)
    }

    /// Events of an organisation, the newest first, before that id.
    public func list(organisation: String, before id: Int64 = .max, limit: Int = 100) throws -> [StoredEvent] {
        try sql.rows(
            """
            SELECT id, organisation, occurred_at, kind, subject, payload FROM events
            WHERE organisation = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3
            """, organisation, id, limit
        ) { row in
            StoredEvent(
                id: try row.integer(), organisation: try row.text(), occurredAt: try row.timestamp(),
                kind: try row.text(), subject: try row.text(), payload: try row.text())
        }
    }

    /// Removes the events of all months before the one of `time`; returns how many.
    @discardableResult
    public func retire(before time: Timestamp) throws -> Int {
        try sql.execute("DELETE FROM events WHERE month < ?1", Self.month(time))
    }

    /// The month that partitions: 202611.
    static func month(_ time: Timestamp) -> Int64 {
        let days = time.seconds >= 0 ? time.seconds / 86_400 : (time.seconds - 86_399) / 86_400
        let date = CivilDate(daysSinceEpoch: Int(days))
        return Int64(date.year * 100 + date.month)
    }
}

extension Transaction {
    /// What happened.
    public var events: Events { Events(sql: self) }
}
