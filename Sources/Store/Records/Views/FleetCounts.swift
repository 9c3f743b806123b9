public import Access
public import Timestamps

/// What Today counts: each is what ``HostList`` finds for the same question with the status `active`.
public struct FleetCounts: Hashable, Sendable {
    /// Hosts by status.
    public var statuses: [HostStatus: Int] = [:]
    /// Active hosts with pending security updates, as last reported.
    public var security = 0
    /// How many of these are judged: the rest are known to have lacked them when they last said so.
    public var securityJudged = 0
    /// Active hosts with pending updates, as last reported.
    public var pending = 0
    /// Pending security updates over all active hosts, each host counted.
    public var securityUpdates: Int64 = 0
    /// Active hosts by the verdict on a reboot.
    public var reboot: [RebootState: Int] = [:]
    /// Active hosts not seen for more than three intervals.
    public var silent = 0
    /// Active hosts whose package indexes are no evidence.
    public var stale = 0
    /// Active hosts with packages in a broken state.
    public var broken = 0
    /// Active hosts of which nobody can say whether they have any.
    public var brokenUnknown = 0
    /// Active hosts with something to restart.
    public var restarts = 0
    /// Active hosts of which nobody can say whether they have anything to restart.
    public var restartsUnknown = 0
    /// Active hosts that are judged.
    public var judged = 0
    /// Active hosts that are not, by why.
    public var unjudged: [UnjudgedReason: Int] = [:]
    /// When any host last reported; nil for never.
    public var lastReport: Timestamp?
    /// When any host was last seen; nil for never.
    public var lastSeen: Timestamp?
    /// What was counted.
    public var token = FleetToken(run: 0, change: 0, presence: 0)

    /// Active hosts.
    public var active: Int { statuses[.active] ?? 0 }

    /// Counts of no hosts.
    public init() {}
}

/// Counts an organisation's hosts.
public struct FleetCounting {
    let sql: Transaction

    /// The counts over the hosts within reach, one pass over the fleet in memory.
    public func counts(organisation: String, reach: Reach, now: Timestamp) throws -> FleetCounts {
        try sql.withFleet(organisation) { table in table.counts(reach: reach, now: now.milliseconds) } ?? FleetCounts()
    }

    /// How far the organisation's hosts have changed. Cheap: nothing is counted.
    public func token(organisation: String) throws -> FleetToken {
        try sql.withFleet(organisation) { table in table.token } ?? FleetToken(run: 0, change: 0, presence: 0)
    }
}

extension Transaction {
    /// Counts an organisation's hosts.
    public var fleetCounts: FleetCounting { FleetCounting(sql: self) }
}
