/// Why the store could not do something: what happened, where, and what to do next.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What programs can tell apart.
    public enum Kind: Hashable, Sendable {
        /// The address is not `sqlite:PATH` or `postgresql://…`.
        case badAddress
        /// The engine is older than what the store needs.
        case engineTooOld
        /// Another server has the database, or migrates it.
        case lockedByAnotherServer
        /// The database was written by a newer program.
        case newerDatabase
        /// A migration that was applied differs from the program's.
        case changedMigration
        /// The database has not been migrated to this program's schema.
        case notMigrated
        /// The database cannot be written.
        case readOnly
        /// The disk is full, or too full to migrate.
        case diskFull
        /// The path cannot be opened, or the login was refused.
        case noAccess
        /// The connection was lost or could not be made.
        case connection
        /// A lock was not free in time.
        case busy
        /// Racing transactions; the whole transaction can be tried again.
        case serialization
        /// A row with that key exists.
        case duplicate
        /// Another constraint of the schema.
        case constraint
        /// The stored data contradict themselves.
        case corrupt
        /// A statement failed: a defect of the program.
        case statement
        /// The store was closed.
        case closed
    }

    /// The kind.
    public let kind: Kind
    /// What happened and where.
    public let message: String
    /// What to do next.
    public let cure: String
    /// PostgreSQL's SQLSTATE or SQLite's extended result code.
    public let code: String?
    /// The statement, where one failed.
    public let statement: String?

    package init(_ kind: Kind, _ message: String, cure: String, code: String? = nil, statement: String? = nil) {
        self.kind = kind
        self.message = message
        self.cure = cure
        self.code = code
        self.statement = statement
    }

    /// What happened and what to do next, in one line.
    public var description: String {
        var text = message
        if let code { text += " (\(code))" }
        if kind == .statement, let statement { text += " in: \(statement.prefix(300))" }
        return "\(text). \(cure.prefix(1).uppercased())\(cure.dropFirst())."
    }
}
