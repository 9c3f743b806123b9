import CSQLite

/// One SQLite connection with its prepared statements.
package final class SQLiteConnection: SQLConnection {
    package let dialect = Dialect.sqlite
    let path: String
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]

    /// Opens the file; `readOnly` connections never write, not even by mistake.
    package init(path: String, readOnly: Bool) throws(StoreError) {
        self.path = path
        var opened: OpaquePointer?
        let flags =
            SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
            | (readOnly ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        handle = opened
        guard code == SQLITE_OK else {
            let error = sqliteError(code, handle: opened, path: path, statement: nil)
            sqlite3_close_v2(opened)
            handle = nil
            throw error
        }
        sqlite3_busy_timeout(handle, 5000)
        // synchronous=FULL: a commit that was acknowledged survives a power cut.
        try script(
            """
            PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;
            PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864; PRAGMA trusted_schema=OFF;
            """)
        if readOnly { try script("PRAGMA query_only=ON") }
    }

    deinit { close() }

    /// Closes the connection; what comes after fails as closed.
    package func close() {
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        if let handle { sqlite3_close_v2(handle) }
        handle = nil
    }

    /// Whether a transaction is open: SQLite itself ends one when the disk is full or fails.
    var inTransaction: Bool {
        guard let handle else { return false }
        return sqlite3_get_autocommit(handle) == 0
    }

    package func execute(_ sql: String, _ parameters: [SQLValue]) throws(StoreError) -> Int {
        let statement = try bound(sql, parameters)
        defer { sqlite3_reset(statement) }
        var code = sqlite3_step(statement)
        while code == SQLITE_ROW { code = sqlite3_step(statement) }
        guard code == SQLITE_DONE else { throw failure(code, sql) }
        return Int(sqlite3_changes(handle))
    }

    package func query(_ sql: String, _ parameters: [SQLValue], _ each: (inout SQLRow) throws -> Void) throws {
        let statement = try bound(sql, parameters)
        defer { sqlite3_reset(statement) }
        let count = sqlite3_column_count(statement)
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code, sql) }
            var values: [SQLValue] = []
            values.reserveCapacity(Int(count))
            for column in 0..<count { values.append(Self.value(statement, column)) }
            var row = SQLRow(values)
            try each(&row)
        }
    }

    package func script(_ sql: String) throws(StoreError) {
        guard let handle else { throw closed }
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    private var closed: StoreError {
        StoreError(.closed, "the store \(path) is closed", cure: "open it again")
    }

    private func failure(_ code: Int32, _ sql: String) -> StoreError {
        sqliteError(code, handle: handle, path: path, statement: sql)
    }

    private func prepared(_ sql: String) throws(StoreError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        guard let handle else { throw closed }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code, sql) }
        statements[sql] = statement
        return statement
    }

    private func bound(_ sql: String, _ parameters: [SQLValue]) throws(StoreError) -> OpaquePointer {
        let statement = try prepared(sql)
        let transient = fettle_sqlite_transient()
        for (position, parameter) in parameters.enumerated() {
            let index = Int32(position + 1)
            let code: Int32
            switch parameter {
            case .null: code = sqlite3_bind_null(statement, index)
            case .integer(let value): code = sqlite3_bind_int64(statement, index, value)
            case .real(let value): code = sqlite3_bind_double(statement, index, value)
            case .text(let value):
                guard !value.utf8.contains(0) else { throw nulInText(sql) }
                var value = value
                code = value.withUTF8 { bytes in
                    bytes.withMemoryRebound(to: CChar.self) {
                        // The address of an empty string may be nil, which would bind null.
                        $0.baseAddress == nil
                            ? sqlite3_bind_text(statement, index, "", 0, transient)
                            : sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), transient)
                    }
                }
            case .blob(let value):
                code =
                    value.isEmpty
                    ? sqlite3_bind_zeroblob(statement, index, 0)
                    : value.withUnsafeBytes {
                        sqlite3_bind_blob(statement, index, $0.baseAddress, Int32($0.count), transient)
                    }
            }
            guard code == SQLITE_OK else { throw failure(code, sql) }
        }
        return statement
    }

    private static func value(_ statement: OpaquePointer, _ column: Int32) -> SQLValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            guard let text = sqlite3_column_text(statement, column) else { return .text("") }
            let count = Int(sqlite3_column_bytes(statement, column))
            return .text(String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let bytes = sqlite3_column_blob(statement, column) else { return .blob([]) }
            let count = Int(sqlite3_column_bytes(statement, column))
            return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        default: return .null
        }
    }
}

/// Text that holds what PostgreSQL cannot store; refused on both engines alike.
func nulInText(_ sql: String) -> StoreError {
    StoreError(.statement, "a text holds the character NUL", cure: "refuse such input earlier", statement: sql)
}

/// The error of an extended result code (sqlite.org/rescode.html).
func sqliteError(_ code: Int32, handle: OpaquePointer?, path: String, statement: String?) -> StoreError {
    let words = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? "no message"
    let name = "SQLite \(code)"
    func error(_ kind: StoreError.Kind, _ what: String, _ cure: String) -> StoreError {
        StoreError(kind, "\(what): \(words)", cure: cure, code: name, statement: statement)
    }
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED:
        return error(.busy, "the database \(path) is locked by another program", "end that program, then try again")
    case SQLITE_READONLY:
        return error(
            .readOnly, "the database \(path) cannot be written",
            "give the server's user write access to it and its folder")
    case SQLITE_FULL:
        return error(.diskFull, "no space is left for the database \(path)", "free space on its disk, then try again")
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
        return error(
            .noAccess, "the database \(path) cannot be opened",
            "check that its folder exists and that the server's user may read and write it")
    case SQLITE_NOTADB:
        return error(.corrupt, "\(path) is not an SQLite database", "name another file, or restore it from a backup")
    case SQLITE_CORRUPT, SQLITE_IOERR:
        return error(
            .corrupt, "the database \(path) cannot be read or written", "check its disk; restore it from a backup")
    case SQLITE_CONSTRAINT:
        let duplicate = code == constraintUnique || code == constraintPrimaryKey
        return error(
            duplicate ? .duplicate : .constraint, "a row was refused",
            duplicate ? "choose another key" : "this is a defect of the program; report it")
    default:
        return error(.statement, "a statement failed", "this is a defect of the program; report it")
    }
}

// The macros of sqlite3.h that Swift does not import.
private let constraintUnique = SQLITE_CONSTRAINT | (8 << 8)
private let constraintPrimaryKey = SQLITE_CONSTRAINT | (6 << 8)
