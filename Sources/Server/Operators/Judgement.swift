import Inventory
import JSON
import Store
import Timestamps

/// Whether what a host last reported still is evidence.
///
/// A host that is silent, whose scans fail, or whose package indexes are old, is *unknown*: what it lacked then it may
/// lack still, but that it lacked nothing proves nothing now.
struct Judgement: Sendable {
    /// When it was last seen by any server, as far as is known here.
    let lastSeen: Timestamp?
    /// When, by our clock, the last scan began that found what is held of it; where its agent does not tell (protocol 1),
    /// when it last reported.
    let lastScan: Timestamp?
    /// Its clock less ours, in milliseconds; nil where unknown.
    let clockOffset: Int64?
    /// Not seen for more than three intervals.
    let silent: Bool
    /// Why nothing that the host reported is evidence now; nil where it is.
    let noEvidence: String?
    /// Why what is pending is not known; nil where it is.
    let unknown: String?
    /// What lists show of its facts; nil where there is none or it cannot be read.
    let summary: JSONValue?

    /// Judges a host.
    ///
    /// - Parameter offers: what its offer set says of its own age; nil where that is not stored here.
    init(_ host: HostRecord, _ state: ServerState, offers: OfferFreshness.Verdict?, now: Timestamp) {
        let presence = state.store.directory.presence(host: host.id)
        lastSeen = [host.lastSeen, presence?.lastSeen].compactMap { $0 }.max() ?? host.reportedAt
        clockOffset = presence?.clockOffset ?? host.clockOffset
        let told = [host.scannedAt, presence?.scannedAt].compactMap { $0 }.max()
        lastScan = host.protocolVersion >= 2 ? told ?? host.reportedAt : host.reportedAt
        let quiet = lastSeen.map { now.seconds(since: $0) } ?? now.seconds(since: host.enrolledAt)
        silent = host.status == .active && quiet > 3 * host.interval
        let unscanned = lastScan.map { now.seconds(since: $0) } ?? 0
        noEvidence =
            if host.status != .active {
                "the host is \(host.status.rawValue)"
            } else if host.digests == nil {
                "the host has not reported yet"
            } else if silent {
                "the host is silent since \(lastSeen?.description ?? "its enrolment")"
            } else if unscanned > 3 * host.scanInterval + host.interval {
                "the host was not scanned since \(lastScan?.description ?? "its enrolment")"
            } else {
                nil
            }
        let summary = try? JSONValue(parsing: Array(host.summary.utf8), limits: .message)
        self.summary = summary
        unknown =
            if let noEvidence {
                noEvidence
            } else if let offers {
                offers.unknown(at: now) ?? Self.oldIndexes(summary?["indexesFetched"], clockOffset, now)
            } else {
                "the offers that the host reported are not stored here"
            }
    }

    /// Indexes that were fetched longer ago than this, in seconds, are no evidence that nothing is pending: a week, which
    /// is how long Debian lets an index of its security archive be used (its Valid-Until).
    static let maximumIndexAge: Int64 = 7 * 86_400

    /// Why indexes fetched at that time are no evidence; nil where they are.
    private static func oldIndexes(_ fetched: JSONValue?, _ clockOffset: Int64?, _ now: Timestamp) -> String? {
        guard let time = fetched?["value"]?.string.flatMap({ Timestamp(rfc3339: $0) }) else {
            let why = fetched?["unknown"]?.string ?? "the host has not told it"
            return "when its package indexes were last fetched is not known: \(why)"
        }
        // The host's own clock wrote it.
        let age = now.seconds(since: time) + (clockOffset ?? 0) / 1000
        guard age > maximumIndexAge else { return nil }
        return "its package indexes were last fetched at \(time), \(age / 86_400) days ago"
    }

    /// `{"value": {"total", "security"}}`, or `{"unknown": why, "lastKnown": {…}}`.
    func pending(_ host: HostRecord) -> JSONValue {
        let counts: JSONValue = ["total": .integer(host.pendingCount), "security": .integer(host.securityCount)]
        guard let unknown else { return ["value": counts] }
        return host.digests == nil
            ? ["unknown": .string(unknown)] : ["unknown": .string(unknown), "lastKnown": counts]
    }

    /// A fact of the host, which is unknown where nothing that it reported is evidence now.
    func fact(_ fact: JSONValue?) -> JSONValue {
        if let noEvidence { return ["unknown": .string(noEvidence)] }
        return fact ?? ["unknown": "the host has not reported it"]
    }
}
