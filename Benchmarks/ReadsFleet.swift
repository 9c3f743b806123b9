import Digest
import Foundation
import Inventory
import Store
import Timestamps

/// A fleet written straight into the tables, to be read: 100,000 hosts in a minute instead of the hour that their reports
/// would take. Every host has 1,000 packages and waits for about 100 updates, and no two have the same ones.
struct ReadsFleet: Sendable {
    /// How many hosts.
    let hosts: Int
    /// Names of this machine's apt lists.
    let names: [String]

    static let organisation = "default"
    /// The fleet's present: everything in it is judged by it.
    static let now = Timestamp(seconds: 1_795_255_200)
    /// Grows when what is written here changes.
    static let edition = 1
    private static let versions = 3
    private static let batch = 1000

    init(hosts: Int) throws {
        self.hosts = hosts
        var seen: Set<String> = []
        var generator = SplitMix64(state: 7)
        names = Array(
            try AptLists().packages().map(\.name).filter { seen.insert($0).inserted }.shuffled(using: &generator)
                .prefix(20_000))
        guard names.count > 5000 else {
            throw BenchmarkError("the apt lists hold \(names.count) packages: too few to make a fleet of")
        }
    }

    /// What a database of this fleet is kept under: another schema or fleet makes another.
    var key: String {
        let schema = Migration.all.map { "\($0.number) \($0.schema)" }.joined(separator: "\n")
        let digest = SHA256.hash(Array("\(Self.edition) \(hosts) \(names.count)\n\(schema)".utf8)).hex
        return "fleet-\(hosts)-\(digest.prefix(16))"
    }

    /// Writes the fleet into an empty database.
    func load(_ store: Store) async throws {
        try await store.write { transaction in
            try transaction.organisations.create(
                Organisation(id: Self.organisation, name: "Benchmark", createdAt: Self.now))
            try packages(transaction)
        }
        for start in stride(from: 0, to: hosts, by: Self.batch) {
            let numbers = start..<min(start + Self.batch, hosts)
            try await store.write { transaction in try load(numbers, transaction) }
            Progress.count(numbers.upperBound, of: hosts, "hosts written")
        }
    }

    /// Every package in three versions, and an update of every fourth one from each older version.
    private func packages(_ transaction: Transaction) throws {
        var rows: [[SQLValue]] = []
        for (number, name) in names.enumerated() {
            for version in 0..<Self.versions {
                rows.append([
                    .integer(Int64(number * Self.versions + version + 1)), .text("deb"), .text("debian-12"),
                    .text(name),
                    .text("amd64"), .text("1.\(version)-1"), .text(name), .text("1.\(version)-1"), .text(""), .null,
                ])
            }
        }
        try insert(
            "packages",
            "id, scheme, distribution, name, architecture, version, source, source_version, module, version_key", rows,
            transaction)
        rows = []
        for (number, name) in names.prefix(5000).enumerated() {
            for version in 0..<(Self.versions - 1) {
                let security = number % 5 == 0
                let fields = [
                    name, "amd64", "1.\(version)-1", "1.\(Self.versions - 1)-1",
                    security ? "Debian-Security bookworm-security/main" : "Debian bookworm/main",
                ]
                let status = number % 37 == 0 ? "held" : "upgradable"
                let line = (fields + [security ? "1" : "0", status, ""]).joined(separator: "\t")
                rows.append(
                    [.integer(Int64(number * 2 + version + 1)), SHA256.hash(Array(line.utf8)).sqlValue]
                        + fields.map(SQLValue.text) + [.integer(security ? 1 : 0), .text(status), .text("")])
            }
        }
        try insert(
            "offered_updates",
            "id, digest, name, architecture, installed, candidate, origin, security, status, reason", rows, transaction)
    }

    private struct Rows {
        var assets: [[SQLValue]] = []
        var hosts: [[SQLValue]] = []
        var labels: [[SQLValue]] = []
        var presences: [[SQLValue]] = []
        var summaries: [[SQLValue]] = []
        var sets: [[SQLValue]] = []
        var pending: [[SQLValue]] = []
    }

    private func load(_ numbers: Range<Int>, _ transaction: Transaction) throws {
        var rows = Rows()
        for number in numbers { add(number, &rows) }
        try insert("assets", "organisation, id, kind, created_at", rows.assets, transaction)
        try insert("software_sets", "organisation, digest, packages, package_count, stored_at", rows.sets, transaction)
        try insert(
            "pending_sets", "id, organisation, digest, updates, update_count, security_count", rows.pending, transaction
        )
        try insert(
            "hosts",
            """
            organisation, id, asset, hostname, labels, status, status_reason, enrolled_at, enrolled_with, state_version,
            check_in_interval, scan_interval, phase_salt, scan_request, renew_request, exchange_current,
            exchange_rotated_at, boot_id, agent_version, protocol_version, incarnation, next_report, set_digest,
            offers_digest, facts_digest, observed_at, reported_at, operating_system, summary, pending_count,
            security_count, updated_at, change, pending_set
            """, rows.hosts, transaction)
        try insert("host_labels", "organisation, host, name, value", rows.labels, transaction)
        try insert(
            "host_presence", "organisation, host, last_seen, clock_offset, scanned_at", rows.presences, transaction)
        try insert(
            "host_summaries",
            """
            organisation, host, reboot, broken, restarts, indexes_fetched_at, index_count, indexes_valid_until, addresses
            """, rows.summaries, transaction)
    }

    /// A few in a hundred are silent, stale, broken, quarantined, to be restarted; every third lacks security updates.
    private func add(_ number: Int, _ rows: inout Rows) {
        // Mixed first: neighbours' numbers would be each other's, one step on.
        var seed = SplitMix64(state: UInt64(number))
        var random = SplitMix64(state: seed.next())
        func chance(_ percent: Int) -> Bool { random.below(100) < percent }
        let organisation = SQLValue.text(Self.organisation)
        let id = SQLValue.text("h-\(number)")
        let role = ["web", "db", "cache", "queue", "build", "mail", "edge", "ci"][number % 8]
        let site = ["berlin", "paris", "oslo", "lyon", "rome", "bern"][number / 8 % 6]
        let labels = ["env": number % 5 == 0 ? "test" : "prod", "role": role, "site": site, "rack": "r\(number % 200)"]
        let now = Self.now
        let seen = now.adding(seconds: -Int64(chance(3) ? 5000 + random.below(500_000) : random.below(600)))
        let reported = now.adding(seconds: -Int64(random.below(80_000)))
        let fetched = now.adding(seconds: -Int64(chance(4) ? 900_000 : random.below(86_400)))

        // A thousand packages: of the common ones nearly all, the rest its own.
        var packages: Set<Int64> = []
        for package in 0..<600 where !chance(2) {
            packages.insert(Int64(package * Self.versions + random.below(3) + 1))
        }
        while packages.count < 1000 {
            packages.insert(Int64((600 + random.below(names.count - 600)) * Self.versions + random.below(3) + 1))
        }
        let encoded = PackageIDs.encode(packages.sorted())
        let digest = SHA256.hash(encoded).sqlValue
        rows.sets.append([organisation, digest, .blob(encoded), .integer(1000), now.sqlValue])

        // Up to date or up to two hundred updates behind, the usual ones first.
        let target = chance(20) ? 0 : 50 + random.below(150)
        var updates: Set<Int64> = []
        while updates.count < target {
            let package = chance(70) ? random.below(300) : random.below(5000)
            updates.insert(Int64(package * 2 + random.below(2) + 1))
        }
        let patched = chance(60)
        if patched { updates = updates.filter { ($0 - 1) / 2 % 5 != 0 } }
        let sorted = updates.sorted()
        let security = Int64(sorted.count { ($0 - 1) / 2 % 5 == 0 })
        let text = sorted.isEmpty ? "" : "," + sorted.map(String.init).joined(separator: ",") + ","
        rows.pending.append([
            .integer(Int64(number + 1)), organisation, SHA256.hash(Array("\(number) \(text)".utf8)).sqlValue,
            .text(text),
            .integer(Int64(sorted.count)), .integer(security),
        ])

        let labelText = labels.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
        let status = chance(2) ? (chance(50) ? "quarantined" : "retired") : "active"
        let system = ["Debian GNU/Linux 12 (bookworm)", "Ubuntu 24.04 LTS", "Debian GNU/Linux 11 (bullseye)"]
        rows.assets.append([organisation, .text("a-\(number)"), .text("host"), now.sqlValue])
        rows.hosts.append([
            organisation, id, .text("a-\(number)"), .text("\(role)-\(number).\(site).example.org"),
            .text("{\(labelText)}"), .text(status), .text(""), now.adding(seconds: -9_000_000).sqlValue, .text("bench"),
            .integer(1), .integer(300), .integer(86_400), .text("s"), .integer(0), .integer(0), digest, now.sqlValue,
            .text("boot-\(number)"), .text("0.1.0"), .integer(2), .text("i"), .integer(2), digest, digest, digest,
            reported.sqlValue, reported.sqlValue, .text(system[min(2, random.below(5))]), .text("{}"),
            .integer(Int64(sorted.count)), .integer(security), now.sqlValue, .integer(1), .integer(Int64(number + 1)),
        ])
        for (name, value) in labels { rows.labels.append([organisation, id, .text(name), .text(value)]) }
        rows.presences.append([organisation, id, seen.sqlValue, .integer(Int64(random.below(2000))), seen.sqlValue])
        rows.summaries.append([
            organisation, id, chance(3) ? .null : .integer(chance(12) ? 1 : 0), .integer(chance(2) ? 1 : 0),
            .integer(chance(15) ? 4 : 0), fetched.sqlValue, .integer(chance(1) ? 0 : 4),
            now.adding(seconds: chance(2) ? -60 : 600_000).sqlValue,
            .text("10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"),
        ])
    }

    /// Many rows in a statement: fewer round trips.
    private func insert(
        _ table: String, _ columns: String, _ rows: [[SQLValue]], _ transaction: Transaction
    ) throws {
        for start in stride(from: 0, to: rows.count, by: 40) {
            let part = rows[start..<min(start + 40, rows.count)]
            let width = part.first?.count ?? 0
            let places = part.indices.map { row in
                "(" + (1...width).map { "?\((row - start) * width + $0)" }.joined(separator: ", ") + ")"
            }
            try transaction.execute(
                "INSERT INTO \(table) (\(columns)) VALUES \(places.joined(separator: ", "))", list: part.flatMap { $0 })
        }
    }
}
