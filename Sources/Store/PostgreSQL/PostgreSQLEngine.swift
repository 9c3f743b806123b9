/// PostgreSQL: any number of servers beside each other, each with a pool of sessions.
final class PostgreSQLEngine: SQLEngine {
    let dialect = Dialect.postgreSQL
    let version: String
    private let pool: SessionPool
    private let gate = WriteGate()
    private let commits: CommitObserver

    /// The oldest PostgreSQL that has what the store uses: `pg_current_xact_id` and partitions with defaults (13).
    static let oldest: Int32 = 130_000

    /// How often at least, and for how long at least, a transaction that lost a race is tried again. Only other
    /// servers can make it lose again and again, so that both must be used up.
    static let attempts = 20
    static let patience = Duration.seconds(15)

    /// Connects a session to learn of bad addresses at once; the others follow when needed.
    init(address: String, sessions: Int = 8, caches: StoreCaches) async throws {
        let first = PostgreSQLSession(address: address, caches: caches)
        commits = caches.commits
        let number = try await first.connect()
        guard number >= Self.oldest else {
            throw StoreError(
                .engineTooOld, "the server is PostgreSQL \(number / 10_000)", cure: "use PostgreSQL 13 or newer")
        }
        version = "PostgreSQL \(number / 10_000).\(number % 10_000)"
        pool = SessionPool(first: first, limit: max(1, sessions)) {
            PostgreSQLSession(address: address, caches: caches)
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", repeatable: true, body)
    }

    func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await run("BEGIN ISOLATION LEVEL SERIALIZABLE", repeatable: false, body)
    }

    private func run<T: Sendable>(
        _ begin: String, repeatable: Bool, _ body: @Sendable (Transaction) throws -> T
    ) async throws -> T {
        var attempt = 0
        let start = ContinuousClock.now
        while true {
            attempt += 1
            // Who lost a race runs alone in this server the next time: only other servers can make it lose again.
            let passage: WriteGate.Passage? = repeatable ? nil : (attempt == 1 ? .shared : .exclusive)
            if let passage { await gate.enter(passage) }
            let outcome: Result<PostgreSQLSession.Outcome<T>, any Error>
            do {
                let session = try await pool.take()
                do { outcome = .success(try await session.transact(begin, body)) } catch { outcome = .failure(error) }
                await pool.give(session)
            } catch {
                outcome = .failure(error)
            }
            if let passage { await gate.leave(passage) }
            switch try outcome.get() {
            case .done(let value):
                if !repeatable { commits.carried(1) }
                return value
            case .retry(let error):
                guard attempt < Self.attempts || ContinuousClock.now - start < Self.patience else { throw error }
                // At once the first time, then full jitter over a window that doubles from 4 ms to a quarter of a second.
                guard attempt > 1 else { continue }
                let window = min(250_000, 1000 << min(attempt, 10))
                try await Task.sleep(for: .microseconds(Int.random(in: 0...window)))
            case .broken(let error, let uncertain):
                // A commit whose answer was lost may have been kept: only the caller knows whether to repeat it.
                guard repeatable || !uncertain, attempt < 6 else { throw error }
                let window = min(4_000, 50 << attempt)
                try await Task.sleep(for: .milliseconds(Int.random(in: window / 2...window)))
            }
        }
    }

    /// The advisory lock under which one server at a time migrates a schema ("fett" in ASCII, and the schema's name).
    static let migrationLock = "1717924980, hashtext(current_schema()::text)"

    func migrate<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        let session = try await pool.take()
        do {
            let result = try await session.exclusively { connection in
                var locked = false
                try connection.query("SELECT pg_try_advisory_lock(\(Self.migrationLock))", []) { row in
                    locked = try row.bool()
                }
                guard locked else {
                    throw StoreError(
                        .lockedByAnotherServer, "another server migrates this database",
                        cure: "wait until it has started, then start this one")
                }
                defer { try? connection.script("SELECT pg_advisory_unlock(\(Self.migrationLock))") }
                return try body(connection)
            }
            await pool.give(session)
            return result
        } catch {
            await pool.give(session)
            throw error
        }
    }

    func freeBytes() async -> Int64? {
        // The disk belongs to another machine; PostgreSQL does not tell.
        nil
    }

    func sizeBytes() async -> Int64? {
        try? await read { transaction in
            try transaction.first("SELECT pg_database_size(current_database())") { row in try row.integer() }
        }
    }

    func close() async {
        await pool.close()
    }
}

/// Hands sessions to one transaction at a time each; whoever finds none waits in line.
actor SessionPool {
    private var idle: [PostgreSQLSession]
    private var count = 1
    private let limit: Int
    private let make: @Sendable () -> PostgreSQLSession
    private var waiting: [CheckedContinuation<PostgreSQLSession, any Error>] = []
    private var head = 0
    private var closed = false

    init(
        first: PostgreSQLSession, limit: Int, make: @escaping @Sendable () -> PostgreSQLSession
    ) {
        self.idle = [first]
        self.limit = limit
        self.make = make
    }

    func take() async throws -> PostgreSQLSession {
        guard !closed else { throw StoreError(.closed, "the store is closed", cure: "open it again") }
        if let session = idle.popLast() { return session }
        if count < limit {
            count += 1
            return make()
        }
        return try await withCheckedThrowingContinuation { waiting.append($0) }
    }

    func give(_ session: PostgreSQLSession) async {
        if head < waiting.count {
            let next = waiting[head]
            head += 1
            if head > 64, head * 2 > waiting.count {
                waiting.removeFirst(head)
                head = 0
            }
            next.resume(returning: session)
        } else if closed {
            await session.close()
        } else {
            idle.append(session)
        }
    }

    func close() async {
        closed = true
        for session in idle { await session.close() }
        idle = []
    }
}
