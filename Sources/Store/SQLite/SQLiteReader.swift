/// A connection that reads snapshots beside the writer.
actor SQLiteReader {
    private let executor = ConnectionExecutor(label: "fettle.sqlite.reader")
    private let connection: SQLiteConnection
    private let caches: StoreCaches

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String, caches: StoreCaches) throws(StoreError) {
        self.connection = try SQLiteConnection(path: path, readOnly: true)
        self.caches = caches
    }

    /// Runs `body` over one snapshot.
    func read<T: Sendable>(_ body: @Sendable (Transaction) throws -> T) throws -> T {
        try connection.script("BEGIN")
        defer { if connection.inTransaction { try? connection.script("ROLLBACK") } }
        return try body(Transaction(connection, caches: caches))
    }

    /// Closes the connection.
    func close() { connection.close() }
}
