import CPostgres
import Glibc

/// One PostgreSQL session with its prepared statements.
package final class PostgreSQLConnection: SQLConnection {
    package let dialect = Dialect.postgreSQL
    private let address: String
    private var handle: OpaquePointer?
    private var statements: [String: String] = [:]

    /// A session that is not yet connected; the address is libpq's URI form.
    package init(address: String) {
        self.address = address
    }

    deinit { close() }

    /// Ends the session.
    package func close() {
        if let handle { PQfinish(handle) }
        handle = nil
        statements = [:]
    }

    /// Whether the session can still be used.
    var isAlive: Bool { handle.map { PQstatus($0) == CONNECTION_OK } ?? false }

    /// Whether a transaction is open.
    var inTransaction: Bool {
        guard let handle else { return false }
        let status = PQtransactionStatus(handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// The server's version: 150018 for 15.18.
    var serverVersion: Int32 { handle.map { PQserverVersion($0) } ?? 0 }

    /// Ends a broken session and makes a new one.
    package func connect() throws(StoreError) {
        close()
        guard let opened = Self.open(address) else {
            throw StoreError(.connection, "libpq has no memory for a connection", cure: "free memory, then try again")
        }
        guard PQstatus(opened) == CONNECTION_OK else {
            let words = trimmed(PQerrorMessage(opened))
            PQfinish(opened)
            throw connectionError(words)
        }
        handle = opened
        // Notices (a table that exists already) are not errors; libpq would print them.
        PQsetNoticeReceiver(opened, { _, _ in }, nil)
        try script(
            """
            SET client_encoding TO 'UTF8'; SET standard_conforming_strings TO on; SET lock_timeout TO '10s';
            SET idle_in_transaction_session_timeout TO '60s'; SET application_name TO 'fettle'
            """)
        // Acknowledged means on disk, whatever the cluster's default; a stronger setting (remote_apply) stays.
        try script(
            """
            SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') IN ('off', 'local');
            SELECT set_config('statement_timeout', '\(Self.statementTimeout)', false)
            FROM pg_settings WHERE name = 'statement_timeout' AND source = 'default'
            """)
    }

    /// How long a statement may take where neither the address (`options=-cstatement_timeout%3D5min`) nor the role,
    /// the database or the cluster says: no request waits longer, and none of the server's own work should.
    static let statementTimeout = "2min"

    /// libpq's parameters (PostgreSQL manual, 34.1.2) where the address does not give them: a server that vanished
    /// without a word is noticed within about half a minute, not when the kernel gives up after many.
    static let defaults = [
        ("connect_timeout", "10"), ("keepalives_idle", "20"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "30000"),
    ]

    private static func open(_ address: String) -> OpaquePointer? {
        // The address comes last and is expanded: what it says overrides what stands before it.
        let parameters = defaults + [("dbname", address)]
        var keywords = parameters.map { UnsafePointer(strdup($0.0)) }
        var values = parameters.map { UnsafePointer(strdup($0.1)) }
        defer { for text in keywords + values { free(UnsafeMutablePointer(mutating: text)) } }
        keywords.append(nil)
        values.append(nil)
        return PQconnectdbParams(keywords, values, 1)
    }

    package func execute(_ sql: String, _ parameters: [SQLValue]) throws(StoreError) -> Int {
        let result = try run(sql, parameters)
        defer { PQclear(result) }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    package func query(_ sql: String, _ parameters: [SQLValue], _ each: (inout SQLRow) throws -> Void) throws {
        let result = try run(sql, parameters)
        defer { PQclear(result) }
        let columns = PQnfields(result)
        for number in 0..<PQntuples(result) {
            var values: [SQLValue] = []
            values.reserveCapacity(Int(columns))
            for column in 0..<columns { values.append(try Self.value(result, number, column, sql)) }
            var row = SQLRow(values)
            try each(&row)
        }
    }

    package func script(_ sql: String) throws(StoreError) {
        guard let handle else { throw closed }
        let result = PQexec(handle, sql)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY else {
            throw failure(result, sql)
        }
    }

    private var closed: StoreError {
        StoreError(.connection, "the connection to PostgreSQL is closed", cure: "try again")
    }

    private func run(_ sql: String, _ parameters: [SQLValue]) throws(StoreError) -> OpaquePointer? {
        guard let handle else { throw closed }
        let name = try prepared(sql, handle)
        var bytes: [[UInt8]?] = []
        var formats: [Int32] = []
        for parameter in parameters {
            switch parameter {
            case .null: bytes.append(nil)
            case .integer(let value): bytes.append(Array(String(value).utf8) + [0])
            case .real(let value): bytes.append(Array(String(value).utf8) + [0])
            case .text(let value):
                guard !value.utf8.contains(0) else { throw nulInText(sql) }
                bytes.append(Array(value.utf8) + [0])
            case .blob(let value): bytes.append(value)
            }
            if case .blob = parameter { formats.append(1) } else { formats.append(0) }
        }
        let lengths = bytes.map { Int32($0?.count ?? 0) }
        let result = withPointers(to: bytes) { pointers in
            // The last 1 asks for binary results.
            PQexecPrepared(handle, name, Int32(bytes.count), pointers, lengths, formats, 1)
        }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else {
            defer { PQclear(result) }
            throw failure(result, sql)
        }
        return result
    }

    private func prepared(_ sql: String, _ handle: OpaquePointer) throws(StoreError) -> String {
        if let name = statements[sql] { return name }
        let name = "s\(statements.count)"
        let result = PQprepare(handle, name, dialect.placeholders(sql), 0, nil)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result, sql) }
        statements[sql] = name
        return name
    }

    private func failure(_ result: OpaquePointer?, _ sql: String) -> StoreError {
        // PG_DIAG_SQLSTATE is the character C.
        guard let state = result.flatMap({ PQresultErrorField($0, 0x43) }).map({ String(cString: $0) }) else {
            return connectionError(trimmed(handle.flatMap { PQerrorMessage($0) }))
        }
        return postgreSQLError(state, trimmed(PQresultErrorMessage(result)), sql)
    }

    private static func value(
        _ result: OpaquePointer?, _ row: Int32, _ column: Int32, _ sql: String
    ) throws(StoreError) -> SQLValue {
        if PQgetisnull(result, row, column) == 1 { return .null }
        let count = Int(PQgetlength(result, row, column))
        let start = PQgetvalue(result, row, column)
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        func integer() -> Int64 {
            // Big-endian two's complement of 2, 4 or 8 bytes.
            var value: Int64 = (bytes.first ?? 0) >= 0x80 ? -1 : 0
            for byte in bytes { value = value << 8 | Int64(byte) }
            return value
        }
        switch PQftype(result, column) {
        case 20, 21, 23: return .integer(integer())
        case 16: return .integer(bytes.first == 1 ? 1 : 0)
        case 701: return .real(Double(bitPattern: UInt64(bitPattern: integer())))
        case 17: return .blob(Array(bytes))
        case 19, 25, 1043, 1042, 705: return .text(String(decoding: bytes, as: UTF8.self))
        case let type:
            throw StoreError(
                .statement, "column \(column + 1) has the type \(type), which the store does not read",
                cure: "cast it to bigint, text or bytea", statement: sql)
        }
    }
}

/// Calls `body` with a pointer to each array; nil for nil.
private func withPointers<R>(to arrays: [[UInt8]?], _ body: ([UnsafePointer<CChar>?]) -> R) -> R {
    // One block for all of them: nested closures would recurse once a parameter.
    let total = arrays.reduce(0) { $0 + max(1, $1?.count ?? 0) }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(1, total)) { block in
        var pointers: [UnsafePointer<CChar>?] = []
        var offset = 0
        for array in arrays {
            guard let array else {
                pointers.append(nil)
                continue
            }
            for (index, byte) in array.enumerated() {
                block.initializeElement(at: offset + index, to: CChar(bitPattern: byte))
            }
            pointers.append(block.baseAddress.map { UnsafePointer($0 + offset) })
            offset += max(1, array.count)
        }
        return body(pointers)
    }
}

private func trimmed(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "no message" }
    let text = String(cString: message).split(separator: "\n").joined(separator: "; ")
    return text.isEmpty ? "no message" : text
}

/// A session that could not be made or was lost; the message never holds the password.
private func connectionError(_ words: String) -> StoreError {
    if words.contains("authentication") || words.contains("does not exist") || words.contains("no pg_hba.conf") {
        return StoreError(
            .noAccess, "PostgreSQL refused the login: \(words)",
            cure: "check user, password and database of the address, and the server's pg_hba.conf")
    }
    return StoreError(
        .connection, "PostgreSQL cannot be reached: \(words)",
        cure: "check that it runs and that the address names its host and port")
}

/// The error of an SQLSTATE (PostgreSQL manual, appendix A).
func postgreSQLError(_ state: String, _ words: String, _ sql: String) -> StoreError {
    func error(_ kind: StoreError.Kind, _ what: String, _ cure: String) -> StoreError {
        StoreError(kind, "\(what): \(words)", cure: cure, code: state, statement: sql)
    }
    switch state {
    case "40001", "40P01": return error(.serialization, "racing transactions", "try again")
    case "53200":
        // Mostly the shared table of predicate locks, which racing transactions fill and empty again.
        return error(
            .serialization, "PostgreSQL lacks memory for so many racing transactions",
            "try again; if it stays, raise max_pred_locks_per_transaction")
    case "57014":
        return error(.busy, "a statement took too long", "try again; statement_timeout in the address sets the limit")
    case "23505": return error(.duplicate, "a row was refused", "choose another key")
    case "25006": return error(.readOnly, "the database cannot be written", "name the primary, not a standby")
    case "55P03": return error(.busy, "a lock was not free in time", "try again; see pg_stat_activity for its holder")
    case "42501", "28000", "28P01":
        return error(.noAccess, "PostgreSQL refused", "grant the user what it needs on the database and its schema")
    case "53100": return error(.diskFull, "PostgreSQL's disk is full", "free space on it, then try again")
    case "57P01", "57P02", "57P03": return error(.connection, "PostgreSQL is stopping or starting", "try again")
    default:
        if state.hasPrefix("08") { return error(.connection, "the connection was lost", "try again") }
        if state.hasPrefix("23") {
            return error(.constraint, "a row was refused", "this is a defect of the program; report it")
        }
        if state.hasPrefix("53") {
            return error(.busy, "PostgreSQL lacks resources", "raise its limits (connections, memory), then try again")
        }
        if state.hasPrefix("XX") { return error(.corrupt, "PostgreSQL failed", "check its log and its disk") }
        return error(.statement, "a statement failed", "this is a defect of the program; report it")
    }
}
