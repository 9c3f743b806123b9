public import Access
public import Timestamps

/// A grant that somebody has, as it is stored.
public struct GrantRecord: Hashable, Sendable {
    /// Its name: `g-…`.
    public var id: String
    /// Whose.
    public var user: String
    /// What and where.
    public var grant: Grant
    /// When it was given.
    public var createdAt: Timestamp
    /// By whom.
    public var createdBy: String

    /// A grant with these fields.
    public init(id: String, user: String, grant: Grant, createdAt: Timestamp, createdBy: String) {
        self.id = id
        self.user = user
        self.grant = grant
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}

/// Who has which role where.
public struct Grants {
    let sql: Transaction

    /// Gives a grant; false where the user has the same already.
    public func add(_ record: GrantRecord) throws -> Bool {
        try sql.execute(
            """
            INSERT INTO user_grants (id, user_id, role, organisation, selector, created_at, created_by)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user_id, role, organisation, selector) DO NOTHING
            """, record.id, record.user, record.grant.role.rawValue,
            record.grant.organisation ?? Settings.installation, record.grant.selector.description, record.createdAt,
            record.createdBy) > 0
    }

    /// Takes a grant away; false where the user has no such.
    public func remove(user: String, id: String) throws -> Bool {
        try sql.execute("DELETE FROM user_grants WHERE user_id = ?1 AND id = ?2", user, id) > 0
    }

    /// What somebody has, the oldest first.
    public func list(user: String) throws -> [GrantRecord] {
        try sql.rows(
            """
            SELECT id, user_id, role, organisation, selector, created_at, created_by FROM user_grants
            WHERE user_id = ?1 ORDER BY created_at, id
            """, user, read: Self.read)
    }

    /// How many people who are let in are admins of the installation, over all hosts.
    public func installationAdmins() throws -> Int64 {
        try sql.first(
            """
            SELECT count(*) FROM user_grants g JOIN users u ON u.id = g.user_id
            WHERE g.role = ?1 AND g.organisation = '' AND g.selector = '' AND u.disabled_at IS NULL
            """, Role.admin.rawValue
        ) { row in try row.integer() } ?? 0
    }

    /// The first of the installation's admins, by when they were made; nil where there is none.
    public func firstInstallationAdmin() throws -> String? {
        try sql.first(
            """
            SELECT u.id FROM user_grants g JOIN users u ON u.id = g.user_id
            WHERE g.role = ?1 AND g.organisation = '' AND g.selector = '' AND u.disabled_at IS NULL
            ORDER BY u.created_at, u.id LIMIT 1
            """, Role.admin.rawValue
        ) { row in try row.text() }
    }

    private static func read(_ row: inout SQLRow) throws -> GrantRecord {
        let (id, user, role, organisation) = (try row.text(), try row.text(), try row.text(), try row.text())
        let selector = try row.text()
        guard let role = Role(rawValue: role), let selector = try? LabelSelector(selector) else {
            // A grant of a newer program: it gives nothing here, and must not be taken for a wider one.
            throw StoreError(
                .corrupt, "grant \(id) has a role or selector that this program does not know",
                cure: "start the program that wrote it, or remove the grant")
        }
        return GrantRecord(
            id: id, user: user,
            grant: Grant(role, organisation: organisation.isEmpty ? nil : organisation, selector: selector),
            createdAt: try row.timestamp(), createdBy: try row.text())
    }
}

extension Transaction {
    /// Who has which role where.
    public var grants: Grants { Grants(sql: self) }
}
