/// An update that one host waits for.
public struct PendingUpdate: Hashable, Sendable {
    /// The host.
    public var host: String
    /// The host's name.
    public var hostname: String
    /// The package.
    public var name: String
    /// Its architecture.
    public var architecture: String
    /// What is installed.
    public var installed: String
    /// What the host's repositories offer.
    public var candidate: String
    /// Where from, for people: `Debian-Security bookworm-security/main`; several are joined by commas.
    public var origin: String
    /// Whether it is a security update.
    public var security: Bool
    /// `upgradable`, `kept-back`, `held`, `phased`, `pinned` or `unknown`.
    public var status: String
    /// Why it is not simply installed; empty where it is.
    public var reason: String
}

/// An update over all hosts that wait for it.
public struct PendingPackage: Hashable, Sendable {
    /// The package.
    public var name: String
    /// What is offered.
    public var candidate: String
    /// Whether it is a security update on any of them.
    public var security: Bool
    /// How many hosts wait for it.
    public var hosts: Int64
    /// On how many of these the next plain upgrade takes it.
    public var upgradable: Int64
    /// Where from, on one of them.
    public var origin: String
}

/// What waits to be installed, as each host's own package manager sees it.
public struct PendingUpdates {
    let sql: Transaction

    /// What one host waits for, by name.
    public func list(organisation: String, host: String) throws -> [PendingUpdate] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM hosts h JOIN pending_sets s ON s.id = h.pending_set
            CROSS JOIN \(sql.dialect.pendingNumbers) JOIN offered_updates u ON u.id = n.value
            WHERE h.organisation = ?1 AND h.id = ?2 ORDER BY u.name, u.architecture LIMIT 10000
            """, organisation, host, read: Self.read)
    }

    /// Who waits for a package, by host name; `candidate` nil for any version.
    public func hosts(
        organisation: String, name: String, candidate: String? = nil, limit: Int = 1000
    ) throws -> [PendingUpdate] {
        // From the few updates of that name to the sets that hold one, without unpacking any set.
        try sql.rows(
            """
            SELECT \(Self.columns) FROM offered_updates u
            JOIN pending_sets s ON s.organisation = ?1 AND \(sql.dialect.position("s.updates", "',' || u.id || ','")) > 0
            JOIN hosts h ON h.organisation = ?1 AND h.pending_set = s.id
            WHERE u.name = ?2 AND (?3 = '' OR u.candidate = ?3)
            ORDER BY h.hostname, h.id, u.name, u.architecture LIMIT ?4
            """, organisation, name, candidate ?? "", limit, read: Self.read)
    }

    /// Updates over active hosts, by name and candidate: a page of them, after that key.
    public func packages(
        organisation: String, securityOnly: Bool = false, nameContains: String? = nil,
        after key: (name: String, candidate: String)? = nil, limit: Int = 100
    ) throws -> [PendingPackage] {
        var conditions: [String] = []
        var parameters: [SQLValue] = [.text(organisation)]
        if securityOnly { conditions.append("u.security = 1") }
        if let nameContains {
            parameters.append(.text(nameContains))
            conditions.append(sql.dialect.contains("u.name", "?\(parameters.count)"))
        }
        if let key {
            parameters += [.text(key.name), .text(key.candidate)]
            conditions.append("(u.name, u.candidate) > (?\(parameters.count - 1), ?\(parameters.count))")
        }
        parameters.append(.integer(Int64(max(1, min(limit, 1000)))))
        // Hosts are counted once a set, each set is unpacked once, and only sums by number meet the updates' texts.
        let page = try sql.rows(
            """
            WITH waiting AS (
                SELECT pending_set, count(*) AS hosts FROM hosts
                WHERE organisation = ?1 AND status = 'active' AND pending_set IS NOT NULL GROUP BY pending_set
            ), counted AS (
                SELECT n.value AS id, sum(w.hosts) AS hosts FROM waiting w JOIN pending_sets s ON s.id = w.pending_set
                CROSS JOIN \(sql.dialect.pendingNumbers) GROUP BY n.value
            )
            SELECT u.name, u.candidate, max(u.security), CAST(sum(c.hosts) AS BIGINT),
                CAST(sum(CASE WHEN u.status = 'upgradable' THEN c.hosts ELSE 0 END) AS BIGINT), min(u.origin),
                CASE WHEN min(u.architecture) = max(u.architecture) THEN 0 ELSE 1 END
            FROM counted c JOIN offered_updates u ON u.id = c.id
            \(conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND "))
            GROUP BY u.name, u.candidate ORDER BY u.name, u.candidate LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in
            let package = PendingPackage(
                name: try row.text(), candidate: try row.text(), security: try row.bool(), hosts: try row.integer(),
                upgradable: try row.integer(), origin: try row.text())
            return (package, try row.bool())
        }
        // A host has a package at most once an architecture: only where there are several may sums count it twice.
        return try page.map { package, isOfSeveralArchitectures in
            guard isOfSeveralArchitectures else { return package }
            var package = package
            (package.hosts, package.upgradable) = try countOnce(organisation, package, securityOnly: securityOnly)
            return package
        }
    }

    private func countOnce(
        _ organisation: String, _ package: PendingPackage, securityOnly: Bool
    ) throws -> (hosts: Int64, upgradable: Int64) {
        try sql.first(
            """
            SELECT count(*), coalesce(sum(x.upgradable), 0) FROM (
                SELECT s.id, max(CASE WHEN u.status = 'upgradable' THEN 1 ELSE 0 END) AS upgradable
                FROM offered_updates u JOIN pending_sets s ON s.organisation = ?1
                    AND \(sql.dialect.position("s.updates", "',' || u.id || ','")) > 0
                WHERE u.name = ?2 AND u.candidate = ?3 AND u.security >= ?4 GROUP BY s.id
            ) x JOIN hosts h ON h.organisation = ?1 AND h.pending_set = x.id AND h.status = 'active'
            """, organisation, package.name, package.candidate, securityOnly
        ) { row in (try row.integer(), try row.integer()) } ?? (0, 0)
    }

    private static let columns = """
        h.id, h.hostname, u.name, u.architecture, u.installed, u.candidate, u.origin, u.security, u.status, u.reason
        """

    private static func read(_ row: inout SQLRow) throws -> PendingUpdate {
        PendingUpdate(
            host: try row.text(), hostname: try row.text(), name: try row.text(), architecture: try row.text(),
            installed: try row.text(), candidate: try row.text(), origin: try row.text(), security: try row.bool(),
            status: try row.text(), reason: try row.text())
    }
}

extension Transaction {
    /// What waits to be installed.
    public var pendingUpdates: PendingUpdates { PendingUpdates(sql: self) }
}
