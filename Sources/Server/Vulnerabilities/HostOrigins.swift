import Store
import Timestamps

/// Where the packages of one organisation's hosts came from, as ``FleetJudge`` follows it: read once for each report, and
/// written down by whichever server writes verdicts.
struct HostOrigins: Sendable {
    /// How many hosts one transaction takes.
    private static let batch = 50

    /// What is known of each host, by id.
    private var known: [String: PackageOrigins.Known]
    /// Hosts of which something else is known than what is written down.
    private var unwritten: Set<String> = []

    init(_ known: [String: PackageOrigins.Known] = [:]) { self.known = known }

    /// The changes with the hosts' origin sets.
    mutating func added(
        to changes: [Verdicts.ChangedHost], _ organisation: String, _ store: Store, _ now: Timestamp
    ) async throws -> [Verdicts.ChangedHost] {
        var changes = changes
        for start in stride(from: 0, to: changes.count, by: Self.batch) {
            let range = start..<min(start + Self.batch, changes.count)
            try await read(changes[range].compactMap(\.host).filter(isNew), organisation, store, now)
            for index in range {
                guard let host = changes[index].host else { continue }
                // Of a host whose documents are gone nothing new is known.
                changes[index].host?.origins = known[host.id]?.originSet ?? 0
            }
        }
        return changes
    }

    private func isNew(_ host: Verdicts.Host) -> Bool {
        guard let set = host.set, let offers = host.offers else { return false }
        return known[host.id].map { $0.set != set || $0.offers != offers } ?? true
    }

    private mutating func read(
        _ hosts: [Verdicts.Host], _ organisation: String, _ store: Store, _ now: Timestamp
    ) async throws {
        guard !hosts.isEmpty else { return }
        let before = known
        let readings = try await store.read { sql in
            try hosts.compactMap { host in
                try sql.packageOrigins.read(organisation: organisation, host, since: before[host.id]).map {
                    (host.id, $0)
                }
            }
        }
        // Hosts that are built alike have the same; most have none.
        let foreign = Set(readings.map(\.1.foreign)).filter { !$0.isEmpty }
        let numbers =
            foreign.isEmpty
            ? [:]
            : try await store.write { sql in
                Dictionary(
                    try foreign.map { ($0, try sql.packageOrigins.intern(organisation: organisation, $0, now: now)) },
                    uniquingKeysWith: { first, _ in first })
            }
        for (host, reading) in readings {
            var new = reading.known
            new.originSet = numbers[reading.foreign] ?? 0
            known[host] = new
            unwritten.insert(host)
        }
    }

    /// Writes down what is not.
    mutating func record(_ organisation: String, _ store: Store) async throws {
        guard !unwritten.isEmpty else { return }
        let hosts = unwritten.sorted()
        let known = known
        for start in stride(from: 0, to: hosts.count, by: Self.batch) {
            let part = hosts[start..<min(start + Self.batch, hosts.count)]
            try await store.write { sql in
                for host in part {
                    guard let known = known[host] else { continue }
                    try sql.packageOrigins.record(organisation: organisation, host: host, known)
                }
            }
            unwritten.subtract(part)
        }
    }
}
