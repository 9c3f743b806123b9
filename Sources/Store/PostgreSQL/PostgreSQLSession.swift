/// One session of the pool, on a thread of its own.
actor PostgreSQLSession {
    private let executor = ConnectionExecutor(label: "fettle.postgresql")
    private let connection: PostgreSQLConnection
    private let caches: StoreCaches

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// A session that connects when it is first used, on its own thread.
    init(address: String, caches: StoreCaches) {
        self.connection = PostgreSQLConnection(address: address)
        self.caches = caches
    }

    /// Connects and returns the server's version: 150018 for 15.18.
    func connect() throws(StoreError) -> Int32 {
        try connection.connect()
        return connection.serverVersion
    }

    /// How a transaction went that did not throw.
    enum Outcome<T: Sendable>: Sendable {
        case done(T)
        /// Nothing was kept; the whole of it may be tried again.
        case retry(StoreError)
        /// The connection broke. `uncertain` when the commit had been sent: whether it was kept is not known.
        case broken(StoreError, uncertain: Bool)
    }

    /// Runs `body` in one transaction begun by `begin`.
    func transact<T: Sendable>(_ begin: String, _ body: @Sendable (Transaction) throws -> T) throws -> Outcome<T> {
        if !connection.isAlive {
            do { try connection.connect() } catch {
                if error.kind == .connection { return .broken(error, uncertain: false) }
                throw error
            }
        }
        var committing = false
        do {
            try connection.script(begin)
            let transaction = Transaction(connection, caches: caches)
            let value = try body(transaction)
            // Otherwise COMMIT would roll back without an error.
            if let failure = transaction.failure { throw failure }
            committing = true
            try connection.script("COMMIT")
            for action in transaction.afterCommit { action() }
            return .done(value)
        } catch {
            if connection.inTransaction { try? connection.script("ROLLBACK") }
            guard let error = error as? StoreError else { throw error }
            if !connection.isAlive { return .broken(error, uncertain: committing) }
            switch error.kind {
            case .serialization: return .retry(error)
            case .connection: return .broken(error, uncertain: committing)
            default: throw error
            }
        }
    }

    /// Runs `body` on the connection, outside transactions and without a limit on a statement's time: a migration may
    /// build an index for minutes.
    func exclusively<T: Sendable>(_ body: @Sendable (any SQLConnection) throws -> T) throws -> T {
        if !connection.isAlive { try connection.connect() }
        try connection.script("SET statement_timeout TO 0")
        // Whoever comes next connects anew, with the usual limits.
        defer { connection.close() }
        return try body(connection)
    }

    func close() { connection.close() }
}
