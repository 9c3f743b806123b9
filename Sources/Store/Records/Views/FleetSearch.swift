public import Access

/// A host that a search found.
public struct FoundHost: Hashable, Sendable {
    /// Its id.
    public var id: String
    /// Its name.
    public var hostname: String
    /// Where the text was found.
    public var field: Field
    /// What was found: the name, the id, the label as `name=value`, or the address.
    public var value: String

    /// Where the text was found.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        case name, id, label, address
    }
}

/// A package that a search found.
public struct FoundPackage: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// On how many hosts within reach an update of it waits.
    public var pending: Int
    /// On how many hosts it is installed; nil where it is on none that were
    /// counted, and for whoever sees only some of the hosts.
    public var installed: Int?

    /// A package with these fields.
    public init(name: String, pending: Int, installed: Int?) {
        self.name = name
        self.pending = pending
        self.installed = installed
    }
}

/// What a search found, the best first: equal to the text, then beginning with it, then a word of it beginning with it,
/// then holding it.
public struct SearchResult<Item: Hashable & Sendable>: Hashable, Sendable {
    /// The best, at most as many as were asked for.
    public var items: [Item]
    /// How many there are in all.
    public var total: Int
    /// How many hosts' packages are not counted yet, shortly after a start: their packages may be missing.
    public var uncounted = 0

    init(items: [Item], total: Int) {
        self.items = items
        self.total = total
    }
}

/// Search across an organisation's hosts and the packages on them: substrings, whatever their case (ASCII).
public struct FleetSearch {
    let sql: Transaction

    /// The most bytes of a text that is searched for; more finds nothing.
    public static let longestText = 200
    /// Hosts whose sets are new, and are counted before the answer; the rest is left to ``Store/followFleet()``.
    private static let countedAtOnce = 500
    /// The most items that are returned.
    public static let largestResult = 200

    /// Hosts by name, id, label (`name=value`) or address.
    public func hosts(
        organisation: String, reach: Reach, _ text: String, limit: Int = 20
    ) throws -> SearchResult<FoundHost> {
        let limit = max(1, min(limit, Self.largestResult))
        return try sql.withFleet(organisation) { table in table.searchHosts(text, reach: reach, limit: limit) }
            ?? SearchResult(items: [], total: 0)
    }

    /// Packages by name, that are installed or wait on hosts of this organisation within reach; what only other
    /// organisations have is never found.
    public func packages(
        organisation: String, reach: Reach, _ text: String, limit: Int = 20
    ) throws -> SearchResult<FoundPackage> {
        let limit = max(1, min(limit, Self.largestResult))
        return try sql.caches.fleet.with(organisation, sql) { table, names in
            _ = try FleetIndex.countPackages(Self.countedAtOnce, organisation, &table, &names, sql)
            var result = table.searchPackages(text, reach: reach, limit: limit, names)
            result.uncounted = reach == .all ? table.census.behind.count : 0
            return result
        } ?? SearchResult(items: [], total: 0)
    }
}

extension Transaction {
    /// Search across hosts and packages.
    public var search: FleetSearch { FleetSearch(sql: self) }
}
