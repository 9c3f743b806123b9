public import Access

/// An update over all active hosts that wait for it: one package, candidate, origin and kind.
public struct Patch: Hashable, Sendable {
    /// The package.
    public var name: String
    /// What is offered.
    public var candidate: String
    /// Where from, for people; several origins are joined by commas.
    public var origin: String
    /// Whether it is a security update.
    public var security: Bool
    /// How many active hosts wait for it.
    public var hosts: Int
    /// On how many of these the next plain upgrade takes it.
    public var upgradable: Int

    /// A patch with these fields.
    public init(name: String, candidate: String, origin: String, security: Bool, hosts: Int, upgradable: Int) {
        self.name = name
        self.candidate = candidate
        self.origin = origin
        self.security = security
        self.hosts = hosts
        self.upgradable = upgradable
    }
}

/// Which patches to list.
public struct PatchQuery: Hashable, Sendable {
    /// The package's name holds this text, whatever its case (ASCII).
    public var text: String?
    /// Whether it is a security update; nil for both.
    public var security: Bool?

    /// A query that finds every patch.
    public init(text: String? = nil, security: Bool? = nil) {
        self.text = text
        self.security = security
    }
}

/// What a list of patches is sorted by. Equal ones follow by name, candidate, origin.
public enum PatchSort: String, Hashable, Sendable, CaseIterable {
    /// The name.
    case name
    /// How many hosts wait, the most first.
    case hosts
    /// Security updates first, then how many hosts wait, the most first.
    case urgency
}

/// Where a page of patches ends.
public struct PatchCursor: Hashable, Sendable, CustomStringConvertible {
    /// The last patch's value of what is sorted by.
    public var value: Int64
    /// Its name, candidate, origin and kind.
    public var name: String
    /// What is offered.
    public var candidate: String
    /// Where from.
    public var origin: String
    /// Whether it is a security update.
    public var security: Bool

    /// Tab-separated.
    public var description: String { "\(value)\t\(name)\t\(candidate)\t\(security ? 1 : 0)\t\(origin)" }

    init(value: Int64, _ key: PatchKey) {
        self.value = value
        (name, candidate, origin, security) = (key.name, key.candidate, key.origin, key.security)
    }

    /// Reads a ``description``; nil for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: "\t", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, description.utf8.count <= 4096, let value = Int64(parts[0]),
            parts[3] == "0" || parts[3] == "1"
        else { return nil }
        (self.value, name, candidate, security, origin) = (value, parts[1], parts[2], parts[3] == "1", parts[4])
    }
}

/// A page of patches.
public struct PatchPage: Hashable, Sendable {
    /// The patches, in the order asked for.
    public var patches: [Patch]
    /// Where to go on; nil after the last page.
    public var next: PatchCursor?
    /// How many patches the query finds, on all pages.
    public var total: Int
    /// How many of those that the text finds are security updates, whatever ``PatchQuery/security`` says.
    public var security: Int
    /// How many of those that the text finds are not.
    public var other: Int
    /// What the list was made of.
    public var token: FleetToken
}

/// Patches across the hosts of an organisation. Which hosts one waits on, ``HostList`` says with ``HostQuery/patch``.
public struct PatchList {
    let sql: Transaction

    /// The most patches on a page.
    public static let largestPage = 1000

    /// A page of what waits on active hosts within reach.
    public func page(
        organisation: String, reach: Reach, _ query: PatchQuery = PatchQuery(), sort: PatchSort = .urgency,
        after cursor: PatchCursor? = nil, limit: Int = 100
    ) throws -> PatchPage {
        let limit = max(1, min(limit, Self.largestPage))
        return try sql.withFleet(organisation) { table in
            table.patchPage(reach: reach, query, sort, after: cursor, limit: limit)
        }
            ?? PatchPage(
                patches: [], next: nil, total: 0, security: 0, other: 0,
                token: FleetToken(run: 0, change: 0, presence: 0))
    }
}

extension Transaction {
    /// Patches across hosts.
    public var patchList: PatchList { PatchList(sql: self) }
}
