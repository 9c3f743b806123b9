import Digest
import Synchronization
import Timestamps

extension PackageArrivals {
    /// What a host's reports tell of what came to it and went.
    struct History: Sendable {
        /// How many reports were read: with another one it is to be read again.
        var reports: Int64
        /// By source.
        var arrivals: [String: Arrival]
    }

    /// Whether a host's reports of before this was kept have been read. Until then nothing is noted of it: what it reports
    /// meanwhile is read with the rest, and its findings count from its beginning, which is the stricter date.
    func isRead(organisation: String, host: String) throws -> Bool {
        try sql.first(
            "SELECT arrivals_read FROM hosts WHERE organisation = ?1 AND id = ?2", organisation, host
        ) { row in try row.integer() } != 0
    }

    /// Reads a host's reports for what came. What lies before the oldest report that the server has, or between two of which
    /// a set is gone, cannot be told: such a package counts as there from the beginning.
    ///
    /// - Parameter difference: what differs between two sets of an organisation.
    func history(
        organisation: String, host: String,
        _ difference: (String, SHA256Digest, SHA256Digest) throws -> Difference
    ) throws -> History {
        let states = try sql.rows(
            """
            SELECT set_digest, observed_at, recorded_at FROM host_states WHERE organisation = ?1 AND host = ?2
            ORDER BY recorded_at, observed_at, sequence
            """, organisation, host
        ) { row in (set: try row.digest(), at: min(try row.timestamp(), try row.timestamp())) }
        var history = History(reports: Int64(states.count), arrivals: [:])
        for (before, after) in zip(states, states.dropFirst()) where before.set != after.set {
            let steps: [(source: String, isComing: Bool)]
            do {
                steps = try difference(organisation, before.set, after.set).steps
            } catch let error as StoreError where error.kind == .corrupt {
                // As where one is gone. Whoever judges the host says that it cannot be read; here it must hold up nobody else.
                steps = []
            }
            for (source, isComing) in steps {
                history.arrivals[source] = Self.step(history.arrivals[source], isComing: isComing, at: after.at)
            }
        }
        return history
    }

    /// Keeps what a host's reports tell, unless it was done meanwhile or the host has reported since.
    ///
    /// - Returns: whether the host is read now.
    @discardableResult
    func settle(organisation: String, host: String, _ history: History) throws -> Bool {
        if try isRead(organisation: organisation, host: host) { return true }
        let reports = try sql.first(
            "SELECT count(*) FROM host_states WHERE organisation = ?1 AND host = ?2", organisation, host
        ) { row in try row.integer() }
        guard reports == history.reports else { return false }
        try sql.execute(
            "DELETE FROM package_arrivals WHERE organisation = ?1 AND host = ?2", organisation, host)
        for (source, arrival) in history.arrivals.sorted(by: { $0.key < $1.key }) {
            try put(arrival, organisation, host, source)
        }
        // Whoever follows changes reads the host again; one to which nothing came stays as it was judged.
        let stamp = history.arrivals.isEmpty ? "" : ", change = \(sql.dialect.changeStamp)"
        try sql.execute(
            "UPDATE hosts SET arrivals_read = 1\(stamp) WHERE organisation = ?1 AND id = ?2", organisation, host)
        return true
    }
}

/// Reads what came to hosts from the reports of a database that was filled before that was kept: behind a running server, a few
/// hosts at a time. What was read stays read when the server stops.
///
/// Reports are read outside of the writer, and hosts alike are compared once: ten thousand that were upgraded from the same
/// image to the same are one comparison.
public actor ArrivalsBacklog {
    private let store: Store
    private let differences = KnownDifferences()
    private var last = (organisation: "", host: "")

    /// The backlog of a store.
    public init(_ store: Store) { self.store = store }

    /// How many comparisons of two sets are kept.
    package var comparisons: Int { differences.count }

    /// How many hosts are still to be read.
    public func remaining() async throws -> Int64 {
        try await store.read { sql in
            try sql.first("SELECT count(*) FROM hosts WHERE arrivals_read = 0") { row in try row.integer() } ?? 0
        }
    }

    /// Reads the next hosts.
    ///
    /// - Returns: how many were read; nil where none is left.
    public func step(hosts limit: Int = 20) async throws -> Int? {
        let (start, differences) = (last, differences)
        let found = try await store.read { sql in
            let hosts = try sql.rows(
                """
                SELECT organisation, id FROM hosts
                WHERE arrivals_read = 0 AND (organisation > ?1 OR (organisation = ?1 AND id > ?2))
                ORDER BY organisation, id LIMIT \(limit)
                """, start.organisation, start.host
            ) { row in (organisation: try row.text(), id: try row.text()) }
            return try hosts.map { host in
                let arrivals = sql.packageArrivals
                return (
                    organisation: host.organisation, id: host.id,
                    history: try arrivals.history(organisation: host.organisation, host: host.id) {
                        organisation, old, new in
                        try differences.between(organisation, old, new) {
                            try arrivals.difference(organisation, old, new)
                        }
                    }
                )
            }
        }
        guard let end = found.last else {
            // Those that reported while they were read come again.
            guard start != ("", "") else { return nil }
            last = ("", "")
            return try await remaining() == 0 ? nil : 0
        }
        let read = try await store.write { sql in
            try found.count { host in
                try sql.packageArrivals.settle(organisation: host.organisation, host: host.id, host.history)
            }
        }
        last = (end.organisation, end.id)
        return read
    }
}

/// What differs between sets that were compared before. At most ``maximum`` names are kept; then it begins anew.
final class KnownDifferences: Sendable {
    private struct Pair: Hashable {
        var organisation: String
        var old: SHA256Digest
        var new: SHA256Digest
    }

    /// The most names of all, each comparison counted as one more.
    static let maximum = 200_000

    private let kept = Mutex<(known: [Pair: PackageArrivals.Difference], names: Int)>(([:], 0))

    /// How many comparisons are kept.
    var count: Int { kept.withLock { $0.known.count } }

    func between(
        _ organisation: String, _ old: SHA256Digest, _ new: SHA256Digest,
        _ make: () throws -> PackageArrivals.Difference
    ) rethrows -> PackageArrivals.Difference {
        let pair = Pair(organisation: organisation, old: old, new: new)
        if let found = kept.withLock({ $0.known[pair] }) { return found }
        let difference = try make()
        let names = difference.come.count + difference.gone.count + 1
        kept.withLock { kept in
            if kept.names + names > Self.maximum { kept = ([:], 0) }
            kept.known[pair] = difference
            kept.names += names
        }
        return difference
    }
}
