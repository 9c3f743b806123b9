import CSQLite
import Digest
import Foundation
import Inventory
import Store
import Timestamps
import Wire

/// What a fleet's inventory weighs on disk, and how fast it is taken in, through the store itself.
struct StoreBenchmark: Sendable {
    let bench: Bench

    private static let organisation = "default"
    private static let counts = 800...1000
    private static let batch = 200

    func run() async -> [Budget] {
        do { return try await measure() } catch {
            return [Budget(what: "sets of \(bench.hosts) hosts on disk", unit: "MB", note: "\(error)")]
        }
    }

    private func measure() async throws -> [Budget] {
        Progress.step("store: \(bench.hosts) hosts of \(Self.counts.lowerBound) to \(Self.counts.upperBound) packages")
        let fleet = try SyntheticFleet(lists: AptLists())
        let path = bench.scratch + "/store.sqlite"
        let store = try await Store.open("sqlite:" + path, program: "fettle-bench", now: .now)
        try await store.write { transaction in
            try transaction.organisations.create(
                Organisation(id: Self.organisation, name: "Benchmark", createdAt: .now))
        }
        var cpu = 0.0
        var wall = 0.0
        var packages = 0
        var documents = (set: 0, offers: 0, facts: 0)
        var seen: Set<SHA256Digest> = []
        for start in stride(from: 0, to: bench.hosts, by: Self.batch) {
            let hosts = await make(start..<min(start + Self.batch, bench.hosts), fleet)
            for host in hosts {
                packages += host.set.lines.count
                documents.set += host.set.bytes.count
                documents.offers += host.offers.document.bytes.count
                documents.facts += host.facts.count
                seen.insert(host.digests.set)
            }
            let before = (ownCPUSeconds(), ContinuousClock.now)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (offset, host) in hosts.enumerated() {
                    tasks.addTask { try await Self.take(host, number: start + offset, store) }
                }
                try await tasks.waitForAll()
            }
            cpu += ownCPUSeconds() - before.0
            wall += seconds(ContinuousClock.now - before.1)
            Progress.count(start + hosts.count, of: bench.hosts, "hosts")
        }
        guard seen.count == bench.hosts else {
            throw BenchmarkError("\(bench.hosts - seen.count) sets were not distinct")
        }
        await store.close()
        let tables = try TableSizes(path: path)
        return budgets(
            tables, packages: packages, documents, cpu: cpu / Double(bench.hosts),
            rate: Double(bench.hosts) / wall)
    }

    private func budgets(
        _ tables: TableSizes, packages: Int, _ documents: (set: Int, offers: Int, facts: Int), cpu: Double, rate: Double
    ) -> [Budget] {
        let hosts = Double(bench.hosts)
        func megabytes(_ table: String) -> Double { Double(tables.bytes[table] ?? 0) / 1e6 }
        let sets = megabytes("software_sets")
        let interned = megabytes("packages")
        let rest = tables.bytes.filter { $0.value > tables.total / 100 }.sorted { $0.value > $1.value }
        let perHost = tables.total / bench.hosts
        let mean = rounded(Double(packages) / hosts)
        return [
            // The design's budget is for 100,000 hosts x 1,000 packages.
            Budget(
                what: "sets of \(bench.hosts) hosts on disk", figure: sets,
                limit: 120 * hosts / 100_000 * (Double(packages) / hosts / 1000), unit: "MB",
                note:
                    "every set different, \(mean) packages each: \(rounded(sets * 1e6 / Double(packages))) bytes a package on "
                    + "disk, \(rounded(Double(tables.setContent) / Double(packages))) of them content; "
                    + "\(documents.set / 1_000_000) MB as sent; the budget is the design's, scaled by hosts and packages. "
                    + "Besides, \(tables.packages) distinct packages take \(rounded(interned)) MB once, which grows with distinct "
                    + "software, not with hosts"),
            Budget(
                what: "database of \(bench.hosts) hosts", figure: Double(tables.total) / 1e6, unit: "MB",
                note: "\(perHost) bytes a host after one report each; as sent, offers are "
                    + "\(documents.offers / bench.hosts) bytes a host, facts \(documents.facts / bench.hosts). Tables with "
                    + "their indexes: "
                    + rest.map { "\($0.key) \(rounded(Double($0.value) / 1e6)) MB" }.joined(separator: ", ")),
            Budget(
                what: "store, taking in a new host with its documents", figure: cpu * 1e6, unit: "us CPU",
                note:
                    "enrolment, three documents, one report in one transaction, \(Self.batch) at once: \(Int(rate)) hosts a "
                    + "second; SQLite, without HTTP and TLS"),
        ]
    }

    /// Makes hosts on all cores.
    private func make(_ numbers: Range<Int>, _ fleet: SyntheticFleet) async -> [SyntheticHost] {
        await withTaskGroup(of: [(Int, SyntheticHost)].self) { tasks in
            for part in 0..<2 {
                tasks.addTask {
                    numbers.filter { $0 % 2 == part }.map { ($0, fleet.host($0, count: Self.counts)) }
                }
            }
            return await tasks.reduce(into: []) { $0 += $1 }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Enrols a host and takes its first report.
    private static func take(_ host: SyntheticHost, number: Int, _ store: Store) async throws {
        let id = "h-\(number)"
        let digests = DocumentDigests(set: host.digests.set, offers: host.digests.offers, facts: host.digests.facts)
        let summary = FactsSummary(hostname: host.hostname, operatingSystem: "Debian GNU/Linux 12 (bookworm)")
        let outcome = try await store.write { transaction in
            let now = Timestamp.now
            _ = try transaction.hosts.enrol(
                NewHost(
                    id: id, organisation: organisation, hostname: host.hostname,
                    evidence: ["machine-id": host.machineID, "hostname": host.hostname], token: "bench",
                    certificate: HostCertificate(
                        serial: "\(number)", keyDigest: SHA256.hash(Array(id.utf8)), notBefore: now,
                        notAfter: now.adding(seconds: 30 * 86_400), issuedAt: now),
                    exchangeToken: SHA256.hash(Array(id.utf8)), interval: 300, scanInterval: 3600, salt: id,
                    bootID: host.bootID, agentVersion: "0.1.0", protocolVersion: 2), now: now)
            for (name, bytes) in zip(
                digests.names, [host.set.bytes, host.offers.document.bytes, host.facts])
            {
                try transaction.documents.put(organisation: organisation, name, bytes: bytes, now: now)
            }
            return try transaction.reports.accept(
                ReportSubmission(
                    organisation: organisation, host: id, incarnation: "bench",
                    entries: [
                        ReportEntry(sequence: 1, observed: now, bootID: host.bootID, digests: digests, cause: "start")
                    ]), now: now, summarise: { _ in summary })
        }
        guard outcome.accepted == 1 else { throw BenchmarkError("the store did not take the report of host \(number)") }
    }
}

/// Bytes of each table of an SQLite file, its indexes included.
private struct TableSizes {
    var bytes: [String: Int] = [:]
    var total = 0
    /// Bytes of the sets themselves.
    var setContent = 0
    /// Distinct packages.
    var packages = 0

    init(path: String) throws {
        var database: OpaquePointer?
        guard sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, nil) == SQLITE_OK else {
            throw BenchmarkError("\(path) cannot be opened")
        }
        defer { sqlite3_close(database) }
        try Self.each(
            database,
            "SELECT tbl_name, sum(pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY tbl_name"
        ) { bytes[$0] = $1 }
        try Self.each(database, "SELECT '', page_count * page_size FROM pragma_page_count, pragma_page_size") {
            total = $1
        }
        try Self.each(database, "SELECT '', sum(length(packages)) FROM software_sets") { setContent = $1 }
        try Self.each(database, "SELECT '', count(*) FROM packages") { packages = $1 }
    }

    private static func each(_ database: OpaquePointer?, _ sql: String, _ row: (String, Int) -> Void) throws {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK else {
            throw BenchmarkError("SQLite: \(String(cString: sqlite3_errmsg(database)))")
        }
        defer { sqlite3_finalize(statement) }
        while sqlite3_step(statement) == SQLITE_ROW {
            row(String(cString: sqlite3_column_text(statement, 0)), Int(sqlite3_column_int64(statement, 1)))
        }
    }
}
