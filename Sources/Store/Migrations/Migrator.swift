import Digest

/// What opening a database would do, before anything is done.
public struct MigrationPlan: Sendable, CustomStringConvertible {
    /// The engine and its version: `SQLite 3.40.1`.
    public let engine: String
    /// The number of the last step that the database has; 0 for an empty one.
    public let applied: Int
    /// The steps to come, as number and name.
    public let pending: [(number: Int, name: String)]
    /// Bytes that the database takes; nil where the engine does not tell.
    public let databaseBytes: Int64?
    /// Bytes free on its disk; nil where the engine does not tell.
    public let freeBytes: Int64?

    /// What `--dry-run` prints.
    public var description: String {
        var lines = ["database: \(engine), schema \(applied)"]
        if let databaseBytes { lines.append("size: \(databaseBytes / 1024) KiB") }
        if let freeBytes { lines.append("free on its disk: \(freeBytes / 1024) KiB") }
        if pending.isEmpty { lines.append("nothing to migrate") }
        for step in pending { lines.append("to apply: \(step.number) \(step.name)") }
        if applied > 0, !pending.isEmpty {
            lines.append("make a backup first: there are no steps back, the way back is that backup")
        }
        return lines.joined(separator: "\n")
    }
}

/// Brings a database to the program's schema, or says why not before it touches anything.
struct Migrator: Sendable {
    let engine: any SQLEngine
    let migrations: [Migration]

    /// Migrating needs at least this much disk, and twice the database.
    static let leastFreeBytes: Int64 = 64 << 20

    /// Looks without changing anything.
    ///
    /// - Throws: ``StoreError`` for a newer database and for a step that has changed.
    func plan() async throws -> MigrationPlan {
        let applied = try await engine.migrate { [self] in try appliedSteps($0) }
        return MigrationPlan(
            engine: engine.version, applied: applied,
            pending: migrations.dropFirst(applied).map { ($0.number, $0.name) },
            databaseBytes: await engine.sizeBytes(), freeBytes: await engine.freeBytes())
    }

    /// Applies what is pending, each step in a transaction of its own.
    func migrate(program: String, now: Int64) async throws {
        let plan = try await plan()
        if plan.pending.isEmpty { return }
        if let free = plan.freeBytes {
            let needed = max(Self.leastFreeBytes, 2 * (plan.databaseBytes ?? 0))
            guard free >= needed else {
                throw StoreError(
                    .diskFull, "the database's disk has \(free >> 20) MiB free; migrating needs \(needed >> 20) MiB",
                    cure: "free space on it, then start again; nothing was changed")
            }
        }
        try await engine.migrate { [self] connection in
            // Counted again under the lock: another server may have migrated meanwhile.
            for migration in migrations.dropFirst(try appliedSteps(connection)) {
                try connection.script("BEGIN")
                do {
                    try connection.script(connection.dialect.schema(Self.ledger))
                    try connection.script(migration.statements(connection.dialect))
                    _ = try connection.execute(
                        "INSERT INTO schema_migrations (number, name, checksum, applied_at, program) VALUES (?1, ?2, ?3, ?4, ?5)",
                        [
                            .integer(Int64(migration.number)), .text(migration.name),
                            .blob(migration.checksum(connection.dialect).bytes), .integer(now), .text(program),
                        ])
                    try connection.script("COMMIT")
                } catch {
                    try? connection.script("ROLLBACK")
                    throw error
                }
            }
        }
    }

    private static let ledger = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number {integer} PRIMARY KEY,
            name {text} NOT NULL,
            checksum {blob} NOT NULL,
            applied_at {integer} NOT NULL,
            program {text} NOT NULL
        ) {table};
        """

    /// How many steps the database has, each checked against the program's.
    private func appliedSteps(_ connection: any SQLConnection) throws -> Int {
        var hasLedger = false
        let catalogue =
            connection.dialect.name == "sqlite"
            ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
            : "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'"
        try connection.query(catalogue, []) { row in hasLedger = try row.bool() }
        guard hasLedger else { return 0 }
        var applied: [(number: Int, name: String, checksum: [UInt8], program: String)] = []
        try connection.query("SELECT number, name, checksum, program FROM schema_migrations ORDER BY number", []) {
            row in
            applied.append((Int(try row.integer()), try row.text(), try row.blob(), try row.text()))
        }
        for (index, step) in applied.enumerated() {
            guard index < migrations.count else {
                throw StoreError(
                    .newerDatabase,
                    "the database has step \(step.number) (\(step.name)), written by \(step.program); this program knows \(migrations.count)",
                    cure: "start \(step.program) or newer; there are no steps back")
            }
            let expected = migrations[index]
            guard step.number == expected.number, step.checksum == expected.checksum(connection.dialect).bytes else {
                throw StoreError(
                    .changedMigration,
                    "step \(step.number) (\(step.name)) of the database, applied by \(step.program), differs from this program's",
                    cure: "start a released program, or restore a backup made before the database was changed by hand")
            }
        }
        return applied.count
    }
}
