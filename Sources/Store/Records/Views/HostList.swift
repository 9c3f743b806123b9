public import Access
public import Timestamps

/// Lists of hosts: any filter, six orders, exact totals and facets.
///
/// Answered from the fleet in memory (``FleetTable``) in one pass, so that the time depends on the number of hosts alone,
/// whatever is asked: a table of so many optional filters has no index that serves them all.
public struct HostList {
    let sql: Transaction

    /// The most hosts on a page.
    public static let largestPage = 1000

    /// A page of the hosts that are within reach and that the query finds. An organisation that does not exist has none.
    ///
    /// - Parameters:
    ///   - reach: of whoever asks; hosts beyond it are neither shown nor counted.
    ///   - limit: 1 to ``largestPage``.
    ///   - now: judges silence and age.
    public func page(
        organisation: String, reach: Reach, _ query: HostQuery = HostQuery(), order: HostOrder = HostOrder(),
        after cursor: HostCursor? = nil, limit: Int = 100, now: Timestamp
    ) throws -> HostPage {
        let limit = max(1, min(limit, Self.largestPage))
        return try sql.withFleet(organisation) { table in
            table.page(reach: reach, query, order, after: cursor, limit: limit, now: now.milliseconds)
        }
            ?? HostPage(
                hosts: [], next: nil, total: 0, facets: HostFacets(), token: FleetToken(run: 0, change: 0, presence: 0))
    }

    /// One host as lists show it; nil where the organisation has none of that id, or it is beyond reach.
    public func item(organisation: String, reach: Reach, id: String, now: Timestamp) throws -> HostItem? {
        try sql.withFleet(organisation) { table in table.item(id, reach: reach, now: now.milliseconds) } ?? nil
    }
}

extension Transaction {
    /// Lists of hosts.
    public var hostList: HostList { HostList(sql: self) }
}
