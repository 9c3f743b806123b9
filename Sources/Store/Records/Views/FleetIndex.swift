import Digest
import Synchronization
import Timestamps

/// The fleet in memory, an organisation at a time.
///
/// Writers only note which hosts changed; whoever reads catches up first. So a check-in or a report never waits for a list,
/// and a thousand changes between two lists cost their work once. Each server follows the others as its directory does.
final class FleetIndex: Sendable {
    private struct Inbox: Sendable {
        var summaries: [String: HostSummary] = [:]
        var presences: [(host: String, presence: FleetPresence)] = []
    }
    private struct State: Sendable {
        var tables: [String: FleetTable] = [:]
        var organisationOf: [String: String] = [:]
        var names = PackageNames()
        var presenceMark: Int64 = 0
    }

    private let run = UInt64.random(in: 1...UInt64(Int64.max))
    private let directory: HostDirectory
    private let inbox = Mutex(Inbox())
    private let state = Mutex(State())

    init(directory: HostDirectory) {
        self.directory = directory
    }

    /// Notes summaries that are on disk.
    func enqueue(_ summaries: [HostSummary]) {
        inbox.withLock { inbox in
            for summary in summaries {
                var summary = summary
                if let known = inbox.summaries[summary.host] {
                    if known.change > summary.change { continue }
                    summary.pendingSet = summary.pendingSet ?? known.pendingSet
                }
                inbox.summaries[summary.host] = summary
            }
        }
    }

    /// Notes what other servers wrote down of check-ins.
    func enqueue(_ presences: [(host: String, presence: FleetPresence)]) {
        inbox.withLock { $0.presences += presences }
    }

    /// Calls `body` with the table of an organisation, caught up; nil where it has no hosts.
    func with<T: Sendable>(
        _ organisation: String, _ sql: Transaction, _ body: (inout FleetTable, inout PackageNames) throws -> T
    ) throws -> T? {
        try state.withLock { state in
            try catchUp(&state, sql)
            guard var table = state.tables.removeValue(forKey: organisation) else { return nil }
            defer { state.tables[organisation] = table }
            table.arrange()
            return try body(&table, &state.names)
        }
    }

    /// Takes what changed since the last time.
    func catchUp(_ sql: Transaction) throws {
        try state.withLock { state in try catchUp(&state, sql) }
    }

    private func catchUp(_ state: inout State, _ sql: Transaction) throws {
        // Taken before anything is read: the snapshot then knows all of it, unless the transaction began earlier.
        let changed = directory.takeChanged()
        let inbox = inbox.withLock { inbox in
            defer { inbox = Inbox() }
            return inbox
        }
        for (id, host, presence) in changed {
            if let host {
                state.organisationOf[id] = host.organisation
                state.tables[host.organisation, default: FleetTable(run: run)].apply(host, presence)
            } else {
                see(id, presence, &state)
            }
        }
        for (id, presence) in inbox.presences { see(id, presence, &state) }
        if inbox.summaries.isEmpty { return }
        do { try learn(inbox.summaries.values, &state, sql) } catch {
            enqueue(Array(inbox.summaries.values))
            throw error
        }
        var early: [HostSummary] = []
        for summary in inbox.summaries.values {
            let isKnown = state.tables[summary.organisation]?.patches.knows(set: summary.pendingSet ?? 0) ?? false
            guard isKnown, state.tables[summary.organisation]?.apply(summary) == true else {
                // Its host comes with the next change, its set with a younger snapshot.
                early.append(summary)
                continue
            }
        }
        if !early.isEmpty { enqueue(early) }
    }

    private func see(_ id: String, _ presence: FleetPresence, _ state: inout State) {
        guard let organisation = state.organisationOf[id], let number = state.tables[organisation]?.numbers[id] else {
            return
        }
        state.tables[organisation]?.see(Int(number), presence)
    }

    /// Reads pending sets that summaries name and no table knows, and their updates.
    private func learn(
        _ summaries: Dictionary<String, HostSummary>.Values, _ state: inout State, _ sql: Transaction
    ) throws {
        var missing: [String: Set<Int64>] = [:]
        for summary in summaries {
            guard let set = summary.pendingSet, let table = state.tables[summary.organisation],
                !table.patches.knows(set: set)
            else { continue }
            missing[summary.organisation, default: []].insert(set)
        }
        for (organisation, wanted) in missing {
            guard var table = state.tables.removeValue(forKey: organisation) else { continue }
            defer { state.tables[organisation] = table }
            table.patches.forgetSets(besides: table.pendingSets)
            // At a start all of them in one pass, later the few that are new.
            let sets = try HostSummaries(sql: sql).sets(organisation, wanted.count > 500 ? nil : wanted.sorted())
            var unknown: Set<Int64> = []
            for (id, updates) in sets where wanted.contains(id) { unknown.formUnion(table.patches.unknown(updates)) }
            for (id, key) in try HostSummaries(sql: sql).updates(unknown) { table.patches.learn(id, key) }
            for (id, updates) in sets where wanted.contains(id) { table.patches.learn(set: id, updates) }
        }
    }

    // MARK: - What is installed

    /// Counts the packages of at most so many hosts that are behind; returns how many are left.
    func countPackages(_ limit: Int, _ sql: Transaction) throws -> Int {
        try state.withLock { state in
            try catchUp(&state, sql)
            var left = limit
            var behind = 0
            for organisation in state.tables.keys {
                if left > 0 {
                    guard var table = state.tables.removeValue(forKey: organisation) else { continue }
                    defer { state.tables[organisation] = table }
                    left -= try Self.countPackages(left, organisation, &table, &state.names, sql)
                    behind += table.census.behind.count
                } else {
                    behind += state.tables[organisation]?.census.behind.count ?? 0
                }
            }
            return behind
        }
    }

    /// Counts the packages of at most so many hosts of one organisation; returns how many there were.
    static func countPackages(
        _ limit: Int, _ organisation: String, _ table: inout FleetTable, _ names: inout PackageNames, _ sql: Transaction
    ) throws -> Int {
        let due = table.census.due(limit)
        for (host, old, new) in due {
            let before = try Self.names(organisation, old, &names, sql)
            let after = try Self.names(organisation, new, &names, sql)
            // A set that is not stored (any more) counts as nothing.
            table.census.count(host, old: before, new: after, as: new)
        }
        return due.count
    }

    private static func names(
        _ organisation: String, _ digest: SHA256Digest?, _ names: inout PackageNames, _ sql: Transaction
    ) throws -> [Int32] {
        guard let digest else { return [] }
        let stored = try sql.first(
            "SELECT packages FROM software_sets WHERE organisation = ?1 AND digest = ?2", organisation, digest
        ) { row in try row.blob() }
        guard let stored, let ids = PackageIDs.decode(stored) else { return [] }
        var found = names.names(of: ids)
        if found.unknown.isEmpty { return found.names }
        let learned = try sql.rows("SELECT id, name FROM packages WHERE id > ?1", names.last) { row in
            (try row.integer(), try row.text())
        }
        for (id, name) in learned { names.learn(id, name) }
        found = names.names(of: ids)
        for id in found.unknown {
            // Interned by another server with a lower number, but later.
            let name = try sql.first("SELECT name FROM packages WHERE id = ?1", id) { row in try row.text() }
            if let name { names.learn(id, name) }
        }
        return names.names(of: ids).names
    }

    // MARK: - Other servers' check-ins

    /// From when on presences are read again.
    var presenceMark: Int64 { state.withLock { $0.presenceMark } }

    func setPresenceMark(_ time: Int64) {
        state.withLock { $0.presenceMark = max($0.presenceMark, time) }
    }
}

extension Transaction {
    /// Calls `body` with the hosts of an organisation in memory; nil where it has none.
    func withFleet<T: Sendable>(_ organisation: String, _ body: (inout FleetTable) throws -> T) throws -> T? {
        try caches.fleet.with(organisation, self) { table, _ in try body(&table) }
    }
}

extension Store {
    /// Brings the fleet in memory up to date, so that the next list need not: what other servers saw, what is installed.
    /// Call it every 30 seconds.
    public func followFleet() async throws {
        let fleet = caches.fleet
        if isShared {
            let mark = fleet.presenceMark
            let presences = try await read { transaction in
                try transaction.rows(
                    "SELECT host, last_seen, clock_offset, scanned_at FROM host_presence WHERE last_seen >= ?1", mark
                ) { row in
                    let host = try row.text()
                    let seen = try row.integer()
                    let presence = FleetPresence(
                        lastSeen: seen, clockOffset: try row.optionalInteger(), scannedAt: try row.optionalInteger())
                    return (host: host, presence: presence)
                }
            }
            fleet.enqueue(presences)
            // What another server holds in memory for a while is older than what is written down already.
            if let last = presences.map(\.presence.lastSeen).max() { fleet.setPresenceMark(last - 120_000) }
        }
        while try await read({ transaction in try fleet.countPackages(500, transaction) }) > 0 {
            try Task.checkCancellation()
        }
    }

    /// Reads what lists need of hosts that changed since; part of ``refreshDirectory()``.
    func refreshFleet(since stamp: Int64) async throws {
        let fleet = caches.fleet
        let summaries = try await read { transaction in
            try HostSummaries(sql: transaction).changed(since: stamp)
        }
        fleet.enqueue(summaries)
        try await read { transaction in try fleet.catchUp(transaction) }
    }
}
