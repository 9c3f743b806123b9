public import Timestamps

/// The server's database: SQLite in a file, or PostgreSQL.
///
/// Everything in it is reached through transactions: ``read(_:)`` over a snapshot and ``write(_:)``, which returns once
/// what was written is on disk. ``directory`` answers what check-ins need from memory.
///
///     let store = try await Store.open("sqlite:var/fettle.db", program: "fettle 0.1", now: now)
///     let host = try await store.write { try $0.hosts.enrol(new, now: now) }
public final class Store: Sendable {
    let engine: any SQLEngine
    let caches: StoreCaches

    /// What check-ins need of each host, in memory.
    public var directory: HostDirectory { caches.directory }

    /// `SQLite 3.40.1` or `PostgreSQL 15.18`.
    public var engineVersion: String { engine.version }

    /// Whether other servers may use the same database, so that ``refreshDirectory()`` must run every few seconds.
    public var isShared: Bool { engine.dialect.wakeUp != nil }

    init(engine: any SQLEngine, caches: StoreCaches) {
        self.engine = engine
        self.caches = caches
    }

    /// Opens a database, brings its schema up to date and loads the ``directory``.
    ///
    /// - Parameters:
    ///   - address: `sqlite:PATH` or libpq's `postgresql://USER@HOST/DATABASE`.
    ///   - program: the program's name and version, noted beside each step of the schema.
    ///   - connections: how many read at once (SQLite), or in all (PostgreSQL).
    ///   - now: noted beside each step of the schema.
    /// - Throws: ``StoreError`` that says what is wrong and what to do.
    public static func open(
        _ address: String, program: String, connections: Int? = nil, now: Timestamp
    ) async throws -> Store {
        try await open(address, program: program, connections: connections, now: now, migrations: Migration.all)
    }

    package static func open(
        _ address: String, program: String, connections: Int? = nil, now: Timestamp, migrations: [Migration]
    ) async throws -> Store {
        let store = try await connect(address, connections: connections)
        do {
            try await Migrator(engine: store.engine, migrations: migrations)
                .migrate(program: program, now: now.milliseconds)
            try await store.bringStampsDown()
            try await store.derivePendingSets()
            if migrations.contains(where: { $0.number == arrivalsMigration.number }) {
                try await store.deriveArrivals()
            }
            try await store.refreshDirectory()
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    /// What ``open(_:program:connections:now:)`` would do to the schema; changes nothing.
    public static func plan(_ address: String) async throws -> MigrationPlan {
        let store = try await connect(address, connections: 1)
        do {
            let plan = try await Migrator(engine: store.engine, migrations: Migration.all).plan()
            await store.close()
            return plan
        } catch {
            await store.close()
            throw error
        }
    }

    private static func connect(_ address: String, connections: Int?) async throws -> Store {
        let caches = StoreCaches()
        if address.hasPrefix("sqlite:") {
            let path = String(address.dropFirst("sqlite:".count))
            guard !path.isEmpty else {
                throw StoreError(.badAddress, "the address \"sqlite:\" names no file", cure: "write sqlite:PATH")
            }
            return Store(
                engine: try SQLiteEngine(path: path, readers: connections ?? 4, caches: caches), caches: caches)
        }
        if address.hasPrefix("postgresql://") || address.hasPrefix("postgres://") {
            let engine = try await PostgreSQLEngine(address: address, sessions: connections ?? 8, caches: caches)
            return Store(engine: engine, caches: caches)
        }
        throw StoreError(
            .badAddress, "\"\(address.prefix { $0 != ":" })…\" is not a database",
            cure: "write sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    }

    /// Runs `body` over one snapshot. On PostgreSQL it may run again after a lost connection.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await engine.read(body)
    }

    /// Runs `body` in a serializable transaction and returns once it is on disk; a throwing `body` leaves no trace.
    ///
    /// `body` may run more than once, so it must have no effects outside the transaction.
    public func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await engine.write(body)
    }

    /// Calls `observer` after each commit with the number of writes that it carried: more than one where SQLite's
    /// writer gathered them. One observer; it is called on the writer's thread and must be quick.
    public func observeCommits(_ observer: @escaping @Sendable (Int) -> Void) {
        caches.commits.observe(observer)
    }

    /// Waits for what was submitted, writes the last-seen times that are still in memory, and closes.
    public func close() async {
        try? await flushPresence()
        await engine.close()
    }

    /// Bytes that the database takes; nil where the engine does not tell.
    public func databaseBytes() async -> Int64? {
        await engine.sizeBytes()
    }

    /// Whether the database still answers: for readiness probes.
    public func check() async throws {
        try await engine.read { transaction in
            _ = try transaction.first("SELECT count(*) FROM schema_migrations") { row in try row.integer() }
        }
    }
}
