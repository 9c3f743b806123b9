import CSQLite
import Glibc
import Synchronization

/// SQLite, embedded: one writer with group commit and some readers, in write-ahead mode.
final class SQLiteEngine: SQLEngine {
    let dialect = Dialect.sqlite
    let version: String
    private let path: String
    private let lock: DatabaseLock
    private let writer: SQLiteWriter
    private let readers: [SQLiteReader]
    private let turn = Atomic<Int>(0)

    /// The oldest SQLite that has what the schema uses: strict tables (3.37).
    static let oldest: Int32 = 3_037_000

    /// Opens the file, made where missing, for this process alone.
    init(path: String, readers: Int = 4, caches: StoreCaches) throws(StoreError) {
        guard sqlite3_libversion_number() >= Self.oldest else {
            throw StoreError(
                .engineTooOld, "the SQLite library is \(String(cString: sqlite3_libversion()))",
                cure: "install SQLite 3.37 or newer")
        }
        self.path = path
        self.version = "SQLite \(String(cString: sqlite3_libversion()))"
        self.lock = try DatabaseLock(path: path + ".lock", database: path)
        guard access(path, F_OK) != 0 || access(path, W_OK) == 0 else {
            throw StoreError(
                .readOnly, "the database \(path) cannot be written",
                cure: "give the server's user write access to it and its folder")
        }
        self.writer = try SQLiteWriter(path: path, caches: caches)
        var opened: [SQLiteReader] = []
        for _ in 0..<max(1, readers) { opened.append(try SQLiteReader(path: path, caches: caches)) }
        self.readers = opened
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        let number = turn.add(1, ordering: .relaxed).newValue
        return try await readers[(number & Int.max) % readers.count].read(body)
    }

    func write<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await writer.submit(body)
    }

    func migrate<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        // The lock file already keeps other servers away.
        try await writer.exclusively(body)
    }

    func freeBytes() async -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }

    func sizeBytes() async -> Int64? {
        var total: Int64 = 0
        for suffix in ["", "-wal"] {
            var status = stat()
            if stat(path + suffix, &status) == 0 { total += Int64(status.st_size) }
        }
        return total
    }

    func close() async {
        for reader in readers { await reader.close() }
        await writer.close()
        lock.release()
    }
}

/// Keeps a second server off an embedded database: a lock on a file beside it, which the kernel drops with the process.
final class DatabaseLock: Sendable {
    private let descriptor: Mutex<Int32>

    init(path: String, database: String) throws(StoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            let reason = String(cString: strerror(errno))
            throw StoreError(
                errno == EROFS || errno == EACCES ? .readOnly : .noAccess,
                "the lock \(path) beside the database cannot be made: \(reason)",
                cure: "check that the folder exists and that the server's user may write to it")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            var bytes = [UInt8](repeating: 0, count: 32)
            let count = pread(file, &bytes, bytes.count, 0)
            let owner = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
            Glibc.close(file)
            throw StoreError(
                .lockedByAnotherServer, "another server (process \(owner)) uses the database \(database)",
                cure: "stop that server, or give this one a database of its own")
        }
        let owner = Array(String(getpid()).utf8)
        ftruncate(file, 0)
        _ = pwrite(file, owner, owner.count, 0)
        self.descriptor = Mutex(file)
    }

    deinit { release() }

    func release() {
        descriptor.withLock { file in
            if file >= 0 { Glibc.close(file) }
            file = -1
        }
    }
}
