public import Timestamps

/// The right of one job to disturb its host, counted against one budget.
public struct PermitRecord: Hashable, Sendable {
    /// Against which budget: `campaign:…`, `host:…`.
    public var group: String
    /// Whose right.
    public var job: String
    /// Which host it may disturb.
    public var host: String
    /// The grant's fence.
    public var fence: Int64
    /// The state's word; `held` and `suspect` count against the budget.
    public var state: String
    /// Why it left that state, in one sentence; may be empty.
    public var reason: String
    /// When it was taken.
    public var takenAt: Timestamp
    /// When it last changed.
    public var changedAt: Timestamp

    /// A permit that is taken now.
    public init(group: String, job: String, host: String, fence: Int64, state: String, takenAt: Timestamp) {
        self.group = group
        self.job = job
        self.host = host
        self.fence = fence
        self.state = state
        self.reason = ""
        self.takenAt = takenAt
        self.changedAt = takenAt
    }

    static let columns = "budget_group, job, host, fence, state, reason, taken_at, changed_at"

    init(_ row: inout SQLRow) throws(StoreError) {
        self.init(
            group: try row.text(), job: try row.text(), host: try row.text(), fence: try row.integer(),
            state: try row.text(), takenAt: Timestamp(milliseconds: 0))
        reason = try row.text()
        takenAt = try row.timestamp()
        changedAt = try row.timestamp()
    }
}

/// Permits and their budgets. Taking one locks its budget first: two servers cannot overshoot.
public struct Permits {
    let sql: Transaction

    /// The words of the states that count against a budget.
    public static let counted = ["held", "suspect"]

    /// Sets how many permits of a group may be counted at a time. Lowering it takes nothing away from who holds one.
    public func setBudget(organisation: String, group: String, capacity: Int64, now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO budgets (organisation, budget_group, capacity, changed_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (organisation, budget_group) DO UPDATE SET capacity = excluded.capacity,
                changed_at = excluded.changed_at
            """, organisation, group, capacity, now)
    }

    /// A group's budget, locked until the transaction ends; nil where there is none. Lock several in the order of their
    /// names, or two servers wait for each other.
    public func lockedBudget(organisation: String, group: String) throws -> Int64? {
        try sql.first(
            """
            SELECT capacity FROM budgets WHERE organisation = ?1 AND budget_group = ?2 \(sql.dialect.lock)
            """, organisation, group
        ) { row in try row.integer() }
    }

    /// The permits of a group that count against its budget, by job.
    public func counted(organisation: String, group: String) throws -> [PermitRecord] {
        try sql.rows(
            """
            SELECT \(PermitRecord.columns) FROM permits
            WHERE organisation = ?1 AND budget_group = ?2 AND state IN ('held', 'suspect') ORDER BY job
            """, organisation, group
        ) { row in try PermitRecord(&row) }
    }

    /// Every permit of a job, by group.
    public func list(organisation: String, job: String) throws -> [PermitRecord] {
        try sql.rows(
            """
            SELECT \(PermitRecord.columns) FROM permits WHERE organisation = ?1 AND job = ?2 ORDER BY budget_group
            """, organisation, job
        ) { row in try PermitRecord(&row) }
    }

    /// Writes a permit down, new or changed.
    public func put(organisation: String, _ permit: PermitRecord, now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO permits (organisation, \(PermitRecord.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (organisation, budget_group, job) DO UPDATE SET fence = excluded.fence, state = excluded.state,
                reason = excluded.reason, changed_at = excluded.changed_at
            """, organisation, permit.group, permit.job, permit.host, permit.fence, permit.state, permit.reason,
            permit.takenAt, now)
    }

    /// How many permits of a group are in which state.
    public func counts(organisation: String, group: String) throws -> [String: Int64] {
        let rows = try sql.rows(
            """
            SELECT state, count(*) FROM permits WHERE organisation = ?1 AND budget_group = ?2 GROUP BY state
            """, organisation, group
        ) { row in (try row.text(), try row.integer()) }
        return Dictionary(rows, uniquingKeysWith: +)
    }
}

/// The fences of hosts: each grant of a host has a higher one than the last.
public struct Fences {
    let sql: Transaction

    /// The highest fence that was given to a host, or that its agent told of; 0 before the first.
    public func last(organisation: String, host: String) throws -> Int64 {
        try sql.first(
            "SELECT fence FROM host_fences WHERE organisation = ?1 AND host = ?2", organisation, host
        ) { row in try row.integer() } ?? 0
    }

    /// Notes a fence that an agent has seen, so that no grant falls below it: this server may be a restored one.
    ///
    /// - Returns: whether it is above what was known.
    @discardableResult
    public func note(organisation: String, host: String, fence: Int64, now: Timestamp) throws -> Bool {
        guard fence > (try last(organisation: organisation, host: host)) else { return false }
        try set(organisation, host, fence, now)
        return true
    }

    /// The next fence of a host, which is given away with this.
    public func next(organisation: String, host: String, now: Timestamp) throws -> Int64 {
        let (next, overflow) = try last(organisation: organisation, host: host).addingReportingOverflow(1)
        guard !overflow else {
            throw StoreError(
                .corrupt, "the fence of host \(host) cannot grow any more",
                cure: "retire the host and enrol it again: its agent told a fence that no server gave")
        }
        try set(organisation, host, next, now)
        return next
    }

    private func set(_ organisation: String, _ host: String, _ fence: Int64, _ now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO host_fences (organisation, host, fence, changed_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (organisation, host) DO UPDATE SET fence = excluded.fence, changed_at = excluded.changed_at
            """, organisation, host, fence, now)
    }
}

extension Transaction {
    /// Permits and their budgets.
    public var permits: Permits { Permits(sql: self) }

    /// The fences of hosts.
    public var fences: Fences { Fences(sql: self) }
}
