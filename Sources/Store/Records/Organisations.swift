public import Timestamps

/// An organisation: its hosts, sets, tokens and log are its own.
public struct Organisation: Hashable, Sendable {
    /// Chosen by the operator, never changed: `default`.
    public var id: String
    /// What people call it.
    public var name: String
    /// When it was made.
    public var createdAt: Timestamp

    /// An organisation with these fields.
    public init(id: String, name: String, createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
    }
}

/// The organisations of this installation.
public struct Organisations {
    let sql: Transaction

    /// Makes an organisation unless it exists; returns whether it is new.
    @discardableResult
    public func create(_ organisation: Organisation) throws -> Bool {
        try sql.execute(
            "INSERT INTO organisations (id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            organisation.id, organisation.name, organisation.createdAt) > 0
    }

    /// All of them, by id.
    public func list() throws -> [Organisation] {
        try sql.rows("SELECT id, name, created_at FROM organisations WHERE id <> '' ORDER BY id") { row in
            Organisation(id: try row.text(), name: try row.text(), createdAt: try row.timestamp())
        }
    }
}

extension Transaction {
    /// The organisations of this installation.
    public var organisations: Organisations { Organisations(sql: self) }
}
