public import Timestamps

/// Work that one server at a time does.
public struct Leases {
    let sql: Transaction

    /// Takes a lease that is free or has run out, or goes on with one's own; false where another server holds it.
    ///
    /// Whoever writes under it calls this in the same transaction: of two servers that believe to hold it, one is refused
    /// by the database and tried again.
    ///
    /// - Parameter seconds: how long it is held without being taken again.
    public func take(_ name: String, by holder: String, seconds: Int64, now: Timestamp) throws -> Bool {
        let changed = try sql.execute(
            """
            INSERT INTO leases (name, holder, until_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at
                WHERE leases.holder = excluded.holder OR leases.until_at <= ?4
            """, name, holder, now.adding(seconds: seconds), now)
        return changed > 0
    }

    /// Gives a lease back, so that another server need not wait for its end.
    public func give(back name: String, by holder: String) throws {
        try sql.execute("DELETE FROM leases WHERE name = ?1 AND holder = ?2", name, holder)
    }

    /// Who holds a lease; nil where nobody does.
    public func holder(_ name: String, now: Timestamp) throws -> String? {
        try sql.first("SELECT holder FROM leases WHERE name = ?1 AND until_at > ?2", name, now) { row in try row.text()
        }
    }
}

extension Transaction {
    /// Work that one server at a time does.
    public var leases: Leases { Leases(sql: self) }
}
