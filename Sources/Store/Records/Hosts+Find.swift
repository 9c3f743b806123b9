public import Timestamps

extension Hosts {
    /// Hosts whose id begins with that text, at most so many: what a person means by the beginning of an id.
    public func withPrefix(organisation: String, _ prefix: String, limit: Int = 100) throws -> [HostRecord] {
        try sql.rows(
            """
            SELECT \(HostRecord.columns) FROM \(HostRecord.source)
            WHERE hosts.organisation = ?1 AND hosts.id >= ?2 AND hosts.id < ?3 ORDER BY hosts.id LIMIT ?4
            """, organisation, prefix, prefix + "~", limit
        ) { row in try HostRecord(&row) }.filter { $0.id.hasPrefix(prefix) }
    }
}

extension History {
    /// When the host was first seen, by its clock; nil before the first report.
    public func first(organisation: String, host: String) throws -> Timestamp? {
        try sql.first(
            "SELECT min(observed_at) FROM host_states WHERE organisation = ?1 AND host = ?2", organisation, host
        ) { row in try row.optionalTimestamp() } ?? nil
    }
}
