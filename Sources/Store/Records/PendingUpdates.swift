import Digest
import Inventory

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
        try select("p.organisation = ?1 AND p.host = ?2", [.text(organisation), .text(host)], limit: 10_000)
    }

    /// Who waits for a package, by host name; `candidate` nil for any version.
    public func hosts(
        organisation: String, name: String, candidate: String? = nil, limit: Int = 1000
    ) throws
        -> [PendingUpdate]
    {
        var parameters: [SQLValue] = [.text(organisation), .text(name)]
        if let candidate { parameters.append(.text(candidate)) }
        return try select(
            "p.organisation = ?1 AND p.name = ?2" + (candidate == nil ? "" : " AND p.candidate = ?3"), parameters,
            limit: limit)
    }

    /// Updates over active hosts, by name and candidate: a page of them, after that key.
    ///
    /// - Parameters:
    ///   - security: whether they are security updates; nil for all.
    ///   - hosts: only on these hosts; nil for all.
    public func packages(
        organisation: String, security: Bool? = nil, nameContains: String? = nil, hosts: Set<String>? = nil,
        after key: (name: String, candidate: String)? = nil, limit: Int = 100
    ) throws -> [PendingPackage] {
        var conditions = ["p.organisation = ?1", "h.status = 'active'"]
        var parameters: [SQLValue] = [.text(organisation)]
        if let security { conditions.append("p.security = \(security ? 1 : 0)") }
        if let hosts {
            // A JSON array is one parameter whatever its length.
            let list = "[" + hosts.sorted().map { "\"\($0)\"" }.joined(separator: ",") + "]"
            parameters.append(.text(list))
            conditions.append("p.host IN (\(sql.dialect.elements("?\(parameters.count)")))")
        }
        if let nameContains {
            parameters.append(.text(nameContains))
            conditions.append(sql.dialect.contains("p.name", "?\(parameters.count)"))
        }
        if let key {
            parameters += [.text(key.name), .text(key.candidate)]
            conditions.append("(p.name, p.candidate) > (?\(parameters.count - 1), ?\(parameters.count))")
        }
        parameters.append(.integer(Int64(max(1, min(limit, 1000)))))
        return try sql.rows(
            """
            SELECT p.name, p.candidate, max(p.security), count(DISTINCT p.host),
                count(DISTINCT CASE WHEN p.status = 'upgradable' THEN p.host END), min(p.origin)
            FROM pending_updates p JOIN hosts h ON h.organisation = p.organisation AND h.id = p.host
            WHERE \(conditions.joined(separator: " AND "))
            GROUP BY p.name, p.candidate ORDER BY p.name, p.candidate LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in
            PendingPackage(
                name: try row.text(), candidate: try row.text(), security: try row.bool(), hosts: try row.integer(),
                upgradable: try row.integer(), origin: try row.text())
        }
    }

    /// Replaces what a host waits for by what its offers say.
    func replace(
        organisation: String, host: String, offers digest: SHA256Digest
    ) throws -> (pending: Int64, security: Int64) {
        guard let offers = try sql.documents.offerSet(organisation: organisation, digest) else { return (0, 0) }
        try sql.execute("DELETE FROM pending_updates WHERE organisation = ?1 AND host = ?2", organisation, host)
        for offer in offers.offers {
            let origin = Set(offer.origins.map { offers.indexes[$0].origin.displayName }).sorted()
            try sql.execute(
                """
                INSERT INTO pending_updates (organisation, host, name, architecture, installed, candidate, origin, security,
                    status, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                """, organisation, host, offer.name, offer.architecture, offer.installed, offer.candidate,
                origin.joined(separator: ", "), offer.security, offer.status.name, offer.status.reason)
        }
        return (Int64(offers.offers.count), Int64(offers.offers.count { $0.security }))
    }

    private func select(_ condition: String, _ parameters: [SQLValue], limit: Int) throws -> [PendingUpdate] {
        try sql.rows(
            """
            SELECT p.host, h.hostname, p.name, p.architecture, p.installed, p.candidate, p.origin, p.security, p.status,
                p.reason FROM pending_updates p JOIN hosts h ON h.organisation = p.organisation AND h.id = p.host
            WHERE \(condition) ORDER BY h.hostname, p.host, p.name, p.architecture LIMIT ?\(parameters.count + 1)
            """, list: parameters + [.integer(Int64(limit))]
        ) { row in
            PendingUpdate(
                host: try row.text(), hostname: try row.text(), name: try row.text(), architecture: try row.text(),
                installed: try row.text(), candidate: try row.text(), origin: try row.text(), security: try row.bool(),
                status: try row.text(), reason: try row.text())
        }
    }
}

extension Transaction {
    /// What waits to be installed.
    public var pendingUpdates: PendingUpdates { PendingUpdates(sql: self) }
}
