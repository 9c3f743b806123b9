import JSON
import Store
import Synchronization
import Timestamps

/// How the fleet is, counted over all hosts every now and then: for metrics, the server's status, and beside every list
/// that would otherwise hide who was not judged.
final class FleetCensus: Sendable {
    /// What was counted.
    struct Counts: Sendable {
        /// Active hosts.
        var active = 0
        /// Active hosts not seen for more than three intervals.
        var silent = 0
        /// Active hosts that are seen and have reported, but whose scans or indexes are too old to be evidence.
        var stale = 0
        /// Active hosts whose pending updates are not known, for whatever reason: silent and stale ones, those that have
        /// not reported yet, and those whose documents cannot be read.
        var unjudged = 0
        /// Since the active host was seen that was seen longest ago.
        var oldestSeconds = 0.0

        static func + (left: Counts, right: Counts) -> Counts {
            Counts(
                active: left.active + right.active, silent: left.silent + right.silent, stale: left.stale + right.stale,
                unjudged: left.unjudged + right.unjudged, oldestSeconds: max(left.oldestSeconds, right.oldestSeconds))
        }

        /// As the operator API shows them, beside a list of hosts' patches.
        func json(asOf time: Timestamp) -> JSONValue {
            [
                "active": .integer(Int64(active)), "unjudged": .integer(Int64(unjudged)),
                "silent": .integer(Int64(silent)), "stale": .integer(Int64(stale)), "asOf": .string(time.description),
            ]
        }
    }

    /// A count of all hosts.
    struct Census: Sendable {
        /// When it was made.
        var time: Timestamp
        /// By organisation.
        var organisations: [String: Counts] = [:]

        /// The counts of one organisation, or of all.
        func counts(_ organisation: String?) -> Counts {
            if let organisation { return organisations[organisation] ?? Counts() }
            return organisations.values.reduce(Counts(), +)
        }
    }

    private struct State {
        var census: Census?
        var next = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// A fleet of at most so many hosts is counted anew whenever somebody asks: that takes milliseconds.
    private static let small = 2000

    /// The last census; nil before the first.
    var last: Census? { state.withLock { $0.census } }

    /// How many hosts there are of each status now.
    static func statuses(_ server: ServerState) -> [String: Int] {
        var counts: [String: Int] = [:]
        for status in HostStatus.allCases { counts[status.rawValue] = 0 }
        for (status, count) in server.store.directory.counts() { counts[status.rawValue] = count }
        return counts
    }

    /// A census that is new enough to be shown: of now where the fleet is small, else of some seconds ago.
    func current(_ server: ServerState) async throws -> Census {
        let isSmall = server.store.directory.counts().values.reduce(0, +) <= Self.small
        if !isSmall, let census = state.withLock({ $0.next > .now ? $0.census : nil }) { return census }
        return try await refresh(server)
    }

    /// Counts again, unless it was done a short while ago: at most a fiftieth of the time goes into it.
    func refreshIfDue(_ server: ServerState) async throws {
        guard state.withLock({ $0.next <= .now }) else { return }
        _ = try await refresh(server)
    }

    private func refresh(_ server: ServerState) async throws -> Census {
        let start = ContinuousClock.now
        // Should it fail, not at once again.
        state.withLock { $0.next = start + .seconds(10) }
        let census = try await count(server)
        let now = ContinuousClock.now
        state.withLock { state in
            state.census = census
            state.next = now + max(.seconds(10), (now - start) * 50)
        }
        return census
    }

    private func count(_ server: ServerState) async throws -> Census {
        let now = server.clock.now()
        return try await server.store.read { transaction in
            var census = Census(time: now)
            for organisation in try transaction.organisations.list() {
                var counts = Counts()
                var key: HostPageKey?
                repeat {
                    let page = try transaction.hosts.list(
                        organisation: organisation.id, filter: HostFilter(status: .active), after: key,
                        limit: Hosts.largestPage)
                    for host in page.hosts {
                        let offers = try server.freshness.verdict(host, transaction)
                        counts.add(host, Judgement(host, server, offers: offers, now: now), offers, now)
                    }
                    key = page.next
                } while key != nil
                census.organisations[organisation.id] = counts
            }
            return census
        }
    }
}

extension FleetCensus.Counts {
    /// Counts an active host.
    fileprivate mutating func add(
        _ host: HostRecord, _ judgement: Judgement, _ offers: OfferFreshness.Verdict?, _ now: Timestamp
    ) {
        active += 1
        if judgement.unknown != nil {
            unjudged += 1
            if judgement.silent { silent += 1 } else if let offers, offers.damage == nil { stale += 1 }
        }
        if let seen = judgement.lastSeen { oldestSeconds = max(oldestSeconds, Double(now.seconds(since: seen))) }
    }
}
