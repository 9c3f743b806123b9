import Inventory
import Timestamps

/// What lists need of a host beside its record, derived from its documents in the transaction of the report.
struct HostSummary: Sendable {
    var organisation: String
    var host: String
    /// The host's change stamp when this was read or written: an older one never replaces a newer one.
    var change: Int64 = 0
    /// The pending set that the host has; nil leaves the one that is known, 0 is none.
    var pendingSet: Int64?
    var reboot: Bool?
    var broken: Int64?
    var restarts: Int64?
    var indexesFetched: Timestamp?
    /// How many package indexes it holds; nil where its offers are not stored.
    var indexes: Int64?
    var indexesValidUntil: Timestamp?
    var addresses: [String] = []
}

/// An update as it waits on hosts.
struct UpdateKey: Hashable, Sendable {
    var name: String
    var architecture: String
    var installed: String
    var candidate: String
    var origin: String
    var security: Bool
    var status: String
}

/// The summaries, one row a host; and the sets of updates that hosts wait for, as they are loaded into memory.
struct HostSummaries {
    let sql: Transaction

    private static let columns = """
        reboot, broken, restarts, indexes_fetched_at, index_count, indexes_valid_until, addresses
        """

    /// Keeps what a report changed of a host, and shows it to lists once the transaction is committed.
    ///
    /// - Parameters:
    ///   - host: as it has become.
    ///   - facts: what new facts say; nil leaves what is known.
    ///   - offers: what new offers say of their indexes; nil leaves what is known.
    ///   - pendingSet: the set that goes with new offers.
    func put(
        _ host: HostRecord, facts: FactsSummary?, offers: OfferIndexes?, pendingSet: Int64?
    ) throws {
        var changed: [String] = []
        if facts != nil { changed += ["reboot", "broken", "restarts", "indexes_fetched_at", "addresses"] }
        if offers != nil { changed += ["index_count", "indexes_valid_until"] }
        if changed.isEmpty { return }
        let stored = try sql.first(
            """
            INSERT INTO host_summaries (organisation, host, \(Self.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (organisation, host) DO UPDATE SET
                \(changed.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            RETURNING \(Self.columns)
            """, host.organisation, host.id, facts?.rebootRequired, facts?.broken, facts?.restarts,
            facts?.indexesFetched, offers?.count, offers?.validUntil, facts?.addresses.joined(separator: " ") ?? ""
        ) { row in
            try Self.read(
                &row,
                HostSummary(organisation: host.organisation, host: host.id, change: host.change, pendingSet: pendingSet)
            )
        }
        guard let stored else { return }
        let fleet = sql.caches.fleet
        sql.onCommit { fleet.enqueue([stored]) }
    }

    /// The summaries of hosts that changed since.
    func changed(since stamp: Int64) throws -> [HostSummary] {
        try sql.rows(
            """
            SELECT h.organisation, h.id, h.change, coalesce(h.pending_set, 0), \(Self.columns)
            FROM hosts h LEFT JOIN host_summaries s ON s.organisation = h.organisation AND s.host = h.id
            WHERE h.change >= ?1 AND h.offers_digest IS NOT NULL
            """, stamp
        ) { row in
            let summary = HostSummary(
                organisation: try row.text(), host: try row.text(), change: try row.integer(),
                pendingSet: try row.integer())
            return try Self.read(&row, summary)
        }
    }

    /// The updates of an organisation's pending sets with these numbers; of all its sets where nil. Ascending.
    func sets(_ organisation: String, _ ids: [Int64]?) throws -> [(id: Int64, updates: [Int64])] {
        let query = "SELECT id, updates FROM pending_sets WHERE organisation = ?1"
        func read(_ row: inout SQLRow) throws -> (id: Int64, updates: [Int64]) {
            (try row.integer(), Self.numbers(try row.text()))
        }
        guard let ids else { return try sql.rows(query, organisation, read: read) }
        return try ids.flatMap { try sql.rows(query + " AND id = ?2", organisation, $0, read: read) }
    }

    /// The updates with these numbers.
    func updates(_ ids: Set<Int64>) throws -> [(id: Int64, key: UpdateKey)] {
        let query =
            "SELECT id, name, architecture, installed, candidate, origin, security, status FROM offered_updates WHERE id "
        func read(_ row: inout SQLRow) throws -> (id: Int64, key: UpdateKey) {
            (
                try row.integer(),
                UpdateKey(
                    name: try row.text(), architecture: try row.text(), installed: try row.text(),
                    candidate: try row.text(), origin: try row.text(), security: try row.bool(),
                    status: try row.text())
            )
        }
        guard let first = ids.min(), let last = ids.max() else { return [] }
        if ids.count > 200 {
            // At a start: one pass over the range is less than a look-up for each.
            return try sql.rows(query + "BETWEEN ?1 AND ?2", first, last, read: read).filter { ids.contains($0.id) }
        }
        return try ids.sorted().flatMap { try sql.rows(query + "= ?1", $0, read: read) }
    }

    /// The numbers of `,3,7,`.
    private static func numbers(_ text: String) -> [Int64] {
        var numbers: [Int64] = []
        var value: Int64 = 0
        var isNumber = false
        for byte in text.utf8 {
            if byte >= 0x30, byte <= 0x39 {
                value = value &* 10 &+ Int64(byte - 0x30)
                isNumber = true
            } else {
                if isNumber { numbers.append(value) }
                (value, isNumber) = (0, false)
            }
        }
        if isNumber { numbers.append(value) }
        return numbers
    }

    private static func read(_ row: inout SQLRow, _ known: HostSummary) throws -> HostSummary {
        var summary = known
        summary.reboot = try row.optionalInteger().map { $0 != 0 }
        summary.broken = try row.optionalInteger()
        summary.restarts = try row.optionalInteger()
        summary.indexesFetched = try row.optionalTimestamp()
        summary.indexes = try row.optionalInteger()
        summary.indexesValidUntil = try row.optionalTimestamp()
        summary.addresses = (try row.optionalText() ?? "").split(separator: " ").map(String.init)
        return summary
    }
}

/// What an offer set says of its package indexes.
struct OfferIndexes: Hashable, Sendable {
    /// How many there are.
    var count: Int64
    /// Until when the first of them is valid; nil where none says.
    var validUntil: Timestamp?

    init(count: Int64, validUntil: Timestamp?) {
        self.count = count
        self.validUntil = validUntil
    }

    init(_ offers: OfferSet) {
        self.init(count: Int64(offers.indexes.count), validUntil: offers.indexes.compactMap(\.validUntil).min())
    }
}
