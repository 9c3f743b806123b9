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

    /// Whether there is one of that id.
    public func exists(_ id: String) throws -> Bool { try show(id) != nil }

    /// The organisation of that id; nil where there is none.
    public func show(_ id: String) throws -> Organisation? {
        try sql.first("SELECT id, name, created_at FROM organisations WHERE id = ?1 AND id <> ''", id) { row in
            Organisation(id: try row.text(), name: try row.text(), createdAt: try row.timestamp())
        }
    }

    /// Changes what people call it.
    public func rename(_ id: String, _ name: String) throws {
        try sql.execute("UPDATE organisations SET name = ?2 WHERE id = ?1", id, name)
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
