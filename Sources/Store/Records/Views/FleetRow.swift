/// What filters, orders and counts need of one host, without references, so that a pass over 100,000 is a matter of a few
/// milliseconds. Times are milliseconds; ``never`` stands for those that are not known.
struct FleetRow: Equatable {
    static let never = Int64.min

    var enrolledAt: Int64
    /// By any server.
    var lastSeen = FleetRow.never
    /// As the host's check-ins tell it.
    var scannedAt = FleetRow.never
    var reportedAt = FleetRow.never
    /// When the host's indexes were last fetched, by its own clock.
    var indexesFetched = FleetRow.never
    /// Until when the first of them is valid.
    var indexesValidUntil = Int64.max
    /// The host's clock less ours, in milliseconds.
    var clockOffset: Int64 = 0
    var interval: Int32
    var scanInterval: Int32
    var security: Int32 = 0
    var pending: Int32 = 0
    /// Broken packages; -1 for not known.
    var broken: Int32 = -1
    /// Things to restart; -1 for not known.
    var restarts: Int32 = -1
    /// Package indexes; -1 where the offers are not stored.
    var indexes: Int32 = -1
    /// Which operating system, in the table's list.
    var system: Int32 = 0
    /// Which labels, in the table's list.
    var labels: Int32 = 0
    /// Which status, in `HostStatus.allCases`.
    var status: UInt8
    var protocolVersion: UInt8
    /// Whether it has reported at all.
    var reported = false
    /// 1 required, 0 not, -1 not known.
    var reboot: Int8 = -1

    /// The place of `active` in `HostStatus.allCases`.
    static let active: UInt8 = 0

    /// When it was last seen, or reported where no server noted more.
    var seen: Int64 { lastSeen == Self.never ? reportedAt : lastSeen }

    /// When it was last scanned: protocol 1 does not tell, and then it is when it last reported.
    var scanned: Int64 { protocolVersion >= 2 && scannedAt != Self.never ? scannedAt : reportedAt }

    /// Whether it is active and was not seen for more than three intervals.
    func isSilent(_ now: Int64) -> Bool {
        guard status == Self.active else { return false }
        let since = seen == Self.never ? enrolledAt : seen
        return (now - since) / 1000 > 3 * Int64(interval)
    }

    /// Indexes that were fetched longer ago than this, in seconds, are no evidence that nothing is pending: a week, which is
    /// how long Debian lets an index of its security archive be used (its Valid-Until).
    static let maximumIndexAge: Int64 = 7 * 86_400

    /// Why nobody can say that the host lacks nothing; nil where it is judged.
    func unjudged(_ now: Int64) -> UnjudgedReason? {
        hostUnjudged(now) ?? indexesUnjudged(now)
    }

    /// Why nothing that the host reported is evidence; nil where it is.
    func hostUnjudged(_ now: Int64) -> UnjudgedReason? {
        if status != Self.active { return .notActive }
        if !reported { return .notReported }
        if isSilent(now) { return .silent }
        if scanned != Self.never, (now - scanned) / 1000 > 3 * Int64(scanInterval) + Int64(interval) {
            return .notScanned
        }
        return nil
    }

    /// Why its indexes are no evidence, whatever else is true; nil where they are.
    func indexesUnjudged(_ now: Int64) -> UnjudgedReason? {
        if indexes < 0 { return .offersMissing }
        if indexes == 0 { return .noIndexes }
        if indexesValidUntil < now { return .indexesExpired }
        if indexesFetched == Self.never { return .indexesOfUnknownAge }
        // The host's own clock wrote it.
        if (now - indexesFetched) / 1000 + clockOffset / 1000 > Self.maximumIndexAge { return .indexesOld }
        return nil
    }
}

/// What the answers to a query's questions are made of, for one host at one time.
struct FleetVerdict {
    let silent: Bool
    let stale: Bool
    let judged: Bool
    /// 0 required, 1 not required, 2 unknown: places in `RebootState.allCases`.
    let reboot: Int
    /// Positive, zero, or -1 for not known.
    let broken: Int32
    let restarts: Int32

    init(_ row: FleetRow, _ now: Int64) {
        silent = row.isSilent(now)
        let active = row.status == FleetRow.active
        let stale = active && row.reported && row.indexesUnjudged(now) != nil
        self.stale = stale
        let evidence = row.hostUnjudged(now) == nil
        judged = evidence && !stale
        reboot = evidence && row.reboot >= 0 ? (row.reboot == 1 ? 0 : 1) : 2
        broken = evidence ? row.broken : -1
        restarts = evidence ? row.restarts : -1
    }
}
