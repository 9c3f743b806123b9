import Digest
import Inventory
import JSON
import Store
import Synchronization
import Timestamps

/// Whether what a host last reported still is evidence.
///
/// A host that is silent, or whose package indexes have expired, is *unknown*: what it lacked then it may lack still,
/// but that it lacked nothing proves nothing now.
struct Judgement: Sendable {
    /// When it was last seen by any server, as far as is known here.
    let lastSeen: Timestamp?
    /// Not seen for more than three intervals.
    let silent: Bool
    /// Why what is pending is not known; nil where it is.
    let unknown: String?

    init(_ host: HostRecord, _ state: ServerState, offers: OfferFreshness.Verdict?, now: Timestamp) {
        let here = state.store.directory.lastSeen(host: host.id)
        lastSeen = [host.lastSeen, here].compactMap { $0 }.max() ?? host.reportedAt
        let quiet = lastSeen.map { now.seconds(since: $0) } ?? now.seconds(since: host.enrolledAt)
        silent = host.status == .active && quiet > 3 * host.interval
        unknown =
            if host.status != .active {
                "the host is \(host.status.rawValue)"
            } else if host.digests == nil {
                "the host has not reported yet"
            } else if silent {
                "the host is silent since \(lastSeen?.description ?? "its enrolment")"
            } else if let offers {
                offers.unknown(at: now)
            } else {
                "the offers that the host reported are not stored here"
            }
    }

    /// `{"value": {"total", "security"}}`, or `{"unknown": why, "lastKnown": {…}}`.
    func pending(_ host: HostRecord) -> JSONValue {
        let counts: JSONValue = ["total": .integer(host.pendingCount), "security": .integer(host.securityCount)]
        guard let unknown else { return ["value": counts] }
        return host.digests == nil
            ? ["unknown": .string(unknown)] : ["unknown": .string(unknown), "lastKnown": counts]
    }

    /// A fact of the host, which is unknown where the host is not judged for being away.
    func fact(_ fact: JSONValue?, _ host: HostRecord) -> JSONValue {
        if host.status == .active, !silent, let fact { return fact }
        return ["unknown": .string(unknown ?? "the host has not reported it")]
    }
}

/// How fresh the offers of each offer set are; read once per set, for many hosts share one.
final class OfferFreshness: Sendable {
    /// What one offer set says of its own age.
    struct Verdict: Sendable {
        /// The indexes that say until when they are valid.
        let expiries: [(name: String, validUntil: Timestamp)]
        /// Whether there is any index at all.
        let isEmpty: Bool

        /// Why offers from these indexes are not evidence at that time; nil where they are.
        func unknown(at now: Timestamp) -> String? {
            if isEmpty { return "the host holds no package index" }
            let expired = expiries.filter { $0.validUntil < now }
            guard let first = expired.first else { return nil }
            let more = expired.count > 1 ? " and \(expired.count - 1) more" : ""
            return "the index of \(first.name)\(more) expired at \(first.validUntil)"
        }
    }

    private struct Key: Hashable {
        let organisation: String
        let digest: SHA256Digest
    }

    private let known = Mutex<[Key: Verdict]>([:])
    private static let maximum = 20_000

    /// The verdict on a host's offers; nil where it has none.
    func verdict(_ host: HostRecord, _ transaction: Transaction) throws -> Verdict? {
        guard let digest = host.digests?.offers else { return nil }
        let key = Key(organisation: host.organisation, digest: digest)
        if let verdict = known.withLock({ $0[key] }) { return verdict }
        guard let offers = try transaction.documents.offerSet(organisation: host.organisation, digest) else {
            return nil
        }
        let verdict = Verdict(
            expiries: offers.indexes.compactMap { index in
                index.validUntil.map { (index.origin.displayName, $0) }
            }, isEmpty: offers.indexes.isEmpty)
        known.withLock { known in
            if known.count >= Self.maximum { known.removeAll() }
            known[key] = verdict
        }
        return verdict
    }
}

/// How the fleet is, counted over all hosts every now and then: for metrics and the server's status.
final class FleetCensus: Sendable {
    /// What was counted.
    struct Counts: Sendable {
        var byStatus: [String: Int] = [:]
        /// Active hosts not seen for more than three intervals.
        var silent = 0
        /// Active hosts whose pending updates are not known.
        var unjudged = 0
        /// Since the active host was seen that was seen longest ago.
        var oldestSeconds = 0.0
    }

    private struct State {
        var counts = Counts()
        var next = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// The counts of the last census, with the statuses of now.
    func counts(_ server: ServerState) -> Counts {
        var counts = state.withLock { $0.counts }
        for status in HostStatus.allCases { counts.byStatus[status.rawValue] = 0 }
        for (status, count) in server.store.directory.counts() { counts.byStatus[status.rawValue] = count }
        return counts
    }

    /// Counts again, unless it was done a short while ago: at most a fiftieth of the time goes into it.
    func refreshIfDue(_ server: ServerState) async {
        guard state.withLock({ $0.next <= .now }) else { return }
        let start = ContinuousClock.now
        let counts = try? await count(server)
        let duration = ContinuousClock.now - start
        state.withLock { state in
            if let counts { state.counts = counts }
            state.next = .now + max(.seconds(10), duration * 50)
        }
    }

    /// Counts now.
    func count(_ server: ServerState) async throws -> Counts {
        let now = server.clock.now()
        return try await server.store.read { transaction in
            var counts = Counts()
            for organisation in try transaction.organisations.list() {
                var key: HostPageKey?
                repeat {
                    let page = try transaction.hosts.list(
                        organisation: organisation.id, filter: HostFilter(status: .active), after: key,
                        limit: Hosts.largestPage)
                    for host in page.hosts {
                        let judgement = Judgement(
                            host, server, offers: try server.freshness.verdict(host, transaction), now: now)
                        if judgement.silent { counts.silent += 1 }
                        if judgement.unknown != nil { counts.unjudged += 1 }
                        if let seen = judgement.lastSeen {
                            counts.oldestSeconds = max(counts.oldestSeconds, Double(now.seconds(since: seen)))
                        }
                    }
                    key = page.next
                } while key != nil
            }
            return counts
        }
    }
}
