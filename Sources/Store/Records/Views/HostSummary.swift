import Digest
import Inventory
import Timestamps

/// What lists need of a host beside its record, derived from its documents in the transaction of the report.
struct HostSummary: Sendable {
    var organisation: String
    var host: String
    /// The host's change stamp when this was read or written: an older one never replaces a newer one.
    var change: Int64 = 0
    var reboot: Bool?
    var broken: Int64?
    var restarts: Int64?
    var indexesFetched: Timestamp?
    /// How many package indexes it holds; nil where its offers are not stored.
    var indexes: Int64?
    var indexesValidUntil: Timestamp?
    var addresses: [String] = []
    /// The numbers of the updates that wait, ascending.
    var updates: [Int64] = []
    /// The set that its installed packages are counted by.
    var set: SHA256Digest?
}

/// An update as it waits on hosts, interned once an organisation.
struct UpdateKey: Hashable, Sendable {
    var name: String
    var architecture: String
    var installed: String
    var candidate: String
    var origin: String
    var security: Bool
    var status: String
}

/// The summaries, one row a host.
struct HostSummaries {
    let sql: Transaction

    private static let columns = """
        s.organisation, s.host, h.change, s.reboot, s.broken, s.restarts, s.indexes_fetched_at, s.index_count,
        s.indexes_valid_until, s.addresses, s.updates, h.set_digest
        """

    /// Keeps what offers say of a host.
    func put(organisation: String, host: String, offers: OfferSet) throws {
        let origins = offers.indexes.map(\.origin.displayName)
        let ids = try UpdateInterning(sql: sql).ids(
            organisation,
            offers.offers.map { offer in
                UpdateKey(
                    name: offer.name, architecture: offer.architecture, installed: offer.installed,
                    candidate: offer.candidate,
                    origin: Set(offer.origins.map { origins[$0] }).sorted().joined(separator: ", "),
                    security: offer.security, status: offer.status.name)
            })
        try sql.execute(
            """
            INSERT INTO host_summaries (organisation, host, index_count, indexes_valid_until, addresses, updates)
            VALUES (?1, ?2, ?3, ?4, '', ?5)
            ON CONFLICT (organisation, host) DO UPDATE SET index_count = excluded.index_count,
                indexes_valid_until = excluded.indexes_valid_until, updates = excluded.updates
            """, organisation, host, offers.indexes.count, offers.indexes.compactMap(\.validUntil).min(),
            PackageIDs.encode(Array(Set(ids)).sorted()))
    }

    /// Keeps what facts say of a host.
    func put(organisation: String, host: String, facts: FactsSummary) throws {
        try sql.execute(
            """
            INSERT INTO host_summaries (organisation, host, reboot, broken, restarts, indexes_fetched_at, addresses, updates)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (organisation, host) DO UPDATE SET reboot = excluded.reboot, broken = excluded.broken,
                restarts = excluded.restarts, indexes_fetched_at = excluded.indexes_fetched_at,
                addresses = excluded.addresses
            """, organisation, host, facts.rebootRequired, facts.broken, facts.restarts, facts.indexesFetched,
            facts.addresses.joined(separator: " "), [UInt8]())
    }

    /// Shows the summary to lists once the transaction is committed; after the host's own change.
    func publish(organisation: String, host: String) throws {
        let summary = try sql.first(
            """
            SELECT \(Self.columns) FROM host_summaries s JOIN hosts h ON h.organisation = s.organisation AND h.id = s.host
            WHERE s.organisation = ?1 AND s.host = ?2
            """, organisation, host, read: Self.read)
        guard let summary else { return }
        let fleet = sql.caches.fleet
        sql.onCommit { fleet.enqueue([summary]) }
    }

    /// The summaries of hosts that changed since.
    func changed(since stamp: Int64) throws -> [HostSummary] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM host_summaries s JOIN hosts h ON h.organisation = s.organisation AND h.id = s.host
            WHERE h.change >= ?1
            """, stamp, read: Self.read)
    }

    private static func read(_ row: inout SQLRow) throws -> HostSummary {
        var summary = HostSummary(organisation: try row.text(), host: try row.text(), change: try row.integer())
        summary.reboot = try row.optionalInteger().map { $0 != 0 }
        summary.broken = try row.optionalInteger()
        summary.restarts = try row.optionalInteger()
        summary.indexesFetched = try row.optionalTimestamp()
        summary.indexes = try row.optionalInteger()
        summary.indexesValidUntil = try row.optionalTimestamp()
        summary.addresses = try row.text().split(separator: " ").map(String.init)
        guard let updates = PackageIDs.decode(try row.blob()) else {
            throw StoreError(
                .corrupt, "the updates of host \(summary.host) are not ascending numbers",
                cure: "delete its row of host_summaries; its next report brings it back")
        }
        summary.updates = updates
        summary.set = try row.optionalDigest()
        return summary
    }
}
