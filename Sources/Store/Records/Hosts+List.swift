public import Timestamps

/// Which hosts to list.
public struct HostFilter: Hashable, Sendable {
    /// Only with this status; nil for all.
    public var status: HostStatus?
    /// Only whose name holds this text, whatever its case (ASCII); nil for all.
    public var nameContains: String?
    /// Only with all of these labels.
    public var labels: [String: String]
    /// Only last seen before then, or never; nil for all.
    public var notSeenSince: Timestamp?
    /// Only with security updates to install.
    public var securityOnly: Bool
    /// Only with updates to install.
    public var pendingOnly: Bool

    /// A filter; without arguments, every host.
    public init(
        status: HostStatus? = nil, nameContains: String? = nil, labels: [String: String] = [:],
        notSeenSince: Timestamp? = nil, securityOnly: Bool = false, pendingOnly: Bool = false
    ) {
        self.status = status
        self.nameContains = nameContains
        self.labels = labels
        self.notSeenSince = notSeenSince
        self.securityOnly = securityOnly
        self.pendingOnly = pendingOnly
    }
}

/// Where a page of hosts ends: hand it back for the next one.
public struct HostPageKey: Hashable, Sendable {
    /// The last host's name.
    public var hostname: String
    /// The last host's id.
    public var id: String

    /// The key after that host.
    public init(hostname: String, id: String) {
        self.hostname = hostname
        self.id = id
    }
}

extension Hosts {
    /// The most hosts on a page.
    public static let largestPage = 1000

    /// A page of hosts by name and id. Keyset pagination: hosts that come or go do not shift the pages.
    ///
    /// - Returns: the hosts, and where to go on; nil after the last page.
    public func list(
        organisation: String, filter: HostFilter = HostFilter(), after key: HostPageKey? = nil, limit: Int = 100
    ) throws -> (hosts: [HostRecord], next: HostPageKey?) {
        let limit = max(1, min(limit, Self.largestPage))
        var (conditions, parameters) = self.conditions(organisation, filter)
        if let key {
            parameters += [.text(key.hostname), .text(key.id)]
            conditions.append("(hostname, hosts.id) > (?\(parameters.count - 1), ?\(parameters.count))")
        }
        parameters.append(.integer(Int64(limit + 1)))
        var hosts = try sql.rows(
            """
            SELECT \(HostRecord.columns) FROM \(HostRecord.source) WHERE \(conditions.joined(separator: " AND "))
            ORDER BY hostname, hosts.id LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in try HostRecord(&row) }
        guard hosts.count > limit else { return (hosts, nil) }
        hosts.removeLast()
        return (hosts, hosts.last.map { HostPageKey(hostname: $0.hostname, id: $0.id) })
    }

    /// How many hosts the filter finds.
    public func count(organisation: String, filter: HostFilter = HostFilter()) throws -> Int64 {
        let (conditions, parameters) = self.conditions(organisation, filter)
        return try sql.rows(
            "SELECT count(*) FROM \(HostRecord.source) WHERE \(conditions.joined(separator: " AND "))", list: parameters
        ) { row in try row.integer() }.first ?? 0
    }

    /// The hosts that a person may mean by `text`: by id, else by exact name.
    public func named(organisation: String, _ text: String) throws -> [HostRecord] {
        if let host = try show(organisation: organisation, id: text) { return [host] }
        return try sql.rows(
            """
            SELECT \(HostRecord.columns) FROM \(HostRecord.source) WHERE hosts.organisation = ?1 AND hostname = ?2
            ORDER BY enrolled_at DESC, hosts.id
            """, organisation, text
        ) { row in try HostRecord(&row) }
    }

    private func conditions(_ organisation: String, _ filter: HostFilter) -> ([String], [SQLValue]) {
        var conditions = ["hosts.organisation = ?1"]
        var parameters: [SQLValue] = [.text(organisation)]
        func parameter(_ value: any SQLRepresentable) -> String {
            parameters.append(value.sqlValue)
            return "?\(parameters.count)"
        }
        if let status = filter.status { conditions.append("status = \(parameter(status.rawValue))") }
        if let text = filter.nameContains {
            conditions.append(sql.dialect.contains("hostname", parameter(text)))
        }
        for (name, value) in filter.labels.sorted(by: { $0.key < $1.key }) {
            conditions.append(
                """
                EXISTS (SELECT 1 FROM host_labels l WHERE l.organisation = hosts.organisation
                    AND l.name = \(parameter(name)) AND l.value = \(parameter(value)) AND l.host = hosts.id)
                """)
        }
        if let time = filter.notSeenSince {
            conditions.append("(last_seen IS NULL OR last_seen < \(parameter(time)))")
        }
        if filter.securityOnly { conditions.append("security_count > 0") }
        if filter.pendingOnly { conditions.append("pending_count > 0") }
        return (conditions, parameters)
    }
}
