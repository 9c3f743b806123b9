public import Timestamps

/// Which leaves are asked for; what is nil does not count.
public struct AuditFilter: Hashable, Sendable {
    /// Who or what acted.
    public var actor: String?
    /// What was done.
    public var action: String?
    /// What it was done to.
    public var subject: String?
    /// Written then or later.
    public var since: Timestamp?
    /// Written before then.
    public var until: Timestamp?
    /// Whether the newest come first.
    public var newestFirst = false

    /// A filter that lets everything through.
    public init() {}
}

/// A place in a list of leaves, which are in the order of their times.
public struct AuditPageKey: Hashable, Sendable {
    /// When the leaf was written.
    public var recordedAt: Timestamp
    /// Its id.
    public var id: Int64

    /// The place of the leaf with that time and id.
    public init(recordedAt: Timestamp, id: Int64) {
        self.recordedAt = recordedAt
        self.id = id
    }
}

extension AuditLog {
    /// Leaves in the order of their times, after a place.
    ///
    /// - Parameters:
    ///   - organisation: whose; `AuditEvent.installation` for those that belong to none, nil for all.
    public func search(
        organisation: String?, _ filter: AuditFilter = AuditFilter(), after key: AuditPageKey? = nil, limit: Int = 100
    ) throws -> [AuditLeaf] {
        if let organisation { return try page(organisation, filter, key, limit) }
        // Each index begins with the organisation, and there are far fewer of those than leaves.
        let organisations = try sql.rows("SELECT id FROM organisations ORDER BY id") { row in try row.text() }
        let leaves = try organisations.flatMap { try page($0, filter, key, limit) }.sorted { left, right in
            let isEarlier = (left.recordedAt, left.id) < (right.recordedAt, right.id)
            return isEarlier != filter.newestFirst
        }
        return Array(leaves.prefix(limit))
    }

    private func page(
        _ organisation: String, _ filter: AuditFilter, _ key: AuditPageKey?, _ limit: Int
    ) throws -> [AuditLeaf] {
        var conditions = ["organisation = ?1"]
        var parameters: [SQLValue] = [.text(organisation)]
        func add(_ condition: String, _ values: SQLValue...) {
            var condition = condition
            for value in values {
                parameters.append(value)
                if let place = condition.firstIndex(of: "#") {
                    condition.replaceSubrange(place...place, with: "?\(parameters.count)")
                }
            }
            conditions.append(condition)
        }
        if let actor = filter.actor { add("actor = #", .text(actor)) }
        if let action = filter.action { add("action = #", .text(action)) }
        if let subject = filter.subject { add("subject = #", .text(subject)) }
        if let since = filter.since { add("recorded_at >= #", since.sqlValue) }
        if let until = filter.until { add("recorded_at < #", until.sqlValue) }
        if let key {
            add("(recorded_at, id) \(filter.newestFirst ? "<" : ">") (#, #)", key.recordedAt.sqlValue, .integer(key.id))
        }
        parameters.append(.integer(Int64(limit)))
        let order = filter.newestFirst ? "recorded_at DESC, id DESC" : "recorded_at, id"
        return try sql.rows(
            """
            SELECT \(AuditLeaf.columns) FROM audit_leaves WHERE \(conditions.joined(separator: " AND "))
            ORDER BY \(order) LIMIT ?\(parameters.count)
            """, list: parameters, read: AuditLeaf.read)
    }
}
