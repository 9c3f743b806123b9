/// What a closure given to ``Store/read(_:)`` or ``Store/write(_:)`` works with.
///
/// Repositories hang off it: `transaction.hosts`, `transaction.documents`… It must not leave the closure. On
/// PostgreSQL a closure runs again when racing transactions made it fail, so it must have no effects of its own.
public final class Transaction {
    private let connection: any SQLConnection
    let caches: StoreCaches
    private(set) var afterCommit: [@Sendable () -> Void] = []

    /// The first statement that failed. From then on nothing runs and nothing is kept, even where the closure went on:
    /// PostgreSQL would refuse what follows, and SQLite might run it outside the transaction.
    private(set) var failure: StoreError?

    init(_ connection: any SQLConnection, caches: StoreCaches) {
        self.connection = connection
        self.caches = caches
    }

    var dialect: Dialect { connection.dialect }

    /// Runs `action` once what this transaction did is on disk; never when it is rolled back.
    package func onCommit(_ action: @escaping @Sendable () -> Void) {
        afterCommit.append(action)
    }

    /// Runs a statement and returns how many rows it changed.
    @discardableResult
    package func execute(_ sql: String, _ parameters: (any SQLRepresentable)?...) throws(StoreError) -> Int {
        try execute(sql, list: parameters.map { $0?.sqlValue ?? .null })
    }

    /// Runs a statement whose parameters are gathered in a list.
    @discardableResult
    package func execute(_ sql: String, list parameters: [SQLValue]) throws(StoreError) -> Int {
        if let failure { throw failure }
        do { return try connection.execute(sql, parameters) } catch {
            failure = error
            throw error
        }
    }

    /// The rows of a statement, each made a value by `read`.
    package func rows<T>(
        _ sql: String, _ parameters: (any SQLRepresentable)?..., read: (inout SQLRow) throws -> T
    ) throws -> [T] {
        try rows(sql, list: parameters.map { $0?.sqlValue ?? .null }, read: read)
    }

    /// The rows of a statement whose parameters are gathered in a list.
    package func rows<T>(_ sql: String, list parameters: [SQLValue], read: (inout SQLRow) throws -> T) throws -> [T] {
        if let failure { throw failure }
        var result: [T] = []
        do {
            try connection.query(sql, parameters) { row in result.append(try read(&row)) }
        } catch {
            if let error = error as? StoreError { failure = error }
            throw error
        }
        return result
    }

    /// The first row of a statement; nil where there is none.
    package func first<T>(
        _ sql: String, _ parameters: (any SQLRepresentable)?..., read: (inout SQLRow) throws -> T
    ) throws -> T? {
        try rows(sql, list: parameters.map { $0?.sqlValue ?? .null }, read: read).first
    }
}
