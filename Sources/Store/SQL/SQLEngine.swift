/// A database engine: runs closures in transactions, off the cooperative pool.
protocol SQLEngine: Sendable {
    /// How it spells what differs.
    var dialect: Dialect { get }

    /// What it is, for people: `SQLite 3.40.1`.
    var version: String { get }

    /// Runs `body` over one snapshot that it cannot change.
    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T

    /// Runs `body` in a transaction that is serializable beside all others, and returns once it is on disk.
    ///
    /// A throwing `body` leaves no trace. It may run more than once.
    func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T

    /// What a migration needs: a connection outside transactions, with other servers locked out of migrating.
    func migrate<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T

    /// Bytes that the disk below the database has free; nil where they cannot be known.
    func freeBytes() async -> Int64?

    /// Bytes that the database takes; nil where they cannot be known.
    func sizeBytes() async -> Int64?

    /// Waits for what was submitted and closes every connection.
    func close() async
}
