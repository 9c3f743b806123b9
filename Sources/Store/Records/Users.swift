public import Digest
public import Timestamps

/// Somebody who may come in.
public struct UserRecord: Hashable, Sendable {
    /// Never changed, never used again: `u-…`. The audit log names people by it.
    public var id: String
    /// What they log in with.
    public var name: String
    /// What people call them.
    public var displayName: String
    /// Where they can be written to; empty where nobody said.
    public var email: String
    /// The password's hash with its parameters; nil while none was set.
    public var password: String?
    /// When the password was set.
    public var passwordChangedAt: Timestamp?
    /// The sealed secret of their second factor; nil where it is off.
    public var totpSecret: [UInt8]?
    /// A sealed secret that they have not confirmed yet.
    public var totpPending: [UInt8]?
    /// When somebody shut them out.
    public var disabledAt: Timestamp?
    /// When they were made.
    public var createdAt: Timestamp
    /// By whom.
    public var createdBy: String
    /// When they last came in.
    public var lastLoginAt: Timestamp?
    /// Grows with each change of what people may edit, and of their grants.
    public var version: Int64

    /// A user without a password.
    public init(
        id: String, name: String, displayName: String = "", email: String = "", createdAt: Timestamp, createdBy: String
    ) {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.email = email
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.version = 1
    }
}

/// The people of this installation.
public struct Users {
    let sql: Transaction

    private static let columns = """
        users.id, users.name, display_name, email, password, password_changed_at, totp_secret, totp_pending,
        disabled_at, users.created_at, users.created_by, last_login_at, users.version
        """

    /// Adds somebody; false where the name is taken.
    public func create(_ user: UserRecord) throws -> Bool {
        try sql.execute(
            """
            INSERT INTO users (id, name, display_name, email, password, password_changed_at, totp_last_step, created_at,
                created_by, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9) ON CONFLICT (name) DO NOTHING
            """, user.id, user.name, user.displayName, user.email, user.password, user.passwordChangedAt,
            user.createdAt, user.createdBy, user.version) > 0
    }

    /// The one of that id.
    public func get(_ id: String) throws -> UserRecord? {
        try sql.first("SELECT \(Self.columns) FROM users WHERE id = ?1", id, read: Self.read)
    }

    /// The one who logs in with that name.
    public func named(_ name: String) throws -> UserRecord? {
        try sql.first("SELECT \(Self.columns) FROM users WHERE name = ?1", name, read: Self.read)
    }

    /// People by name, after that one.
    public func list(after name: String = "", limit: Int = 100) throws -> [UserRecord] {
        try sql.rows(
            "SELECT \(Self.columns) FROM users WHERE name > ?1 ORDER BY name LIMIT ?2", name, limit, read: Self.read)
    }

    /// People with a grant in that organisation itself, by name, after that one.
    public func list(organisation: String, after name: String = "", limit: Int = 100) throws -> [UserRecord] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM users WHERE name > ?2
            AND EXISTS (SELECT 1 FROM user_grants WHERE user_id = users.id AND organisation = ?1)
            ORDER BY name LIMIT ?3
            """, organisation, name, limit, read: Self.read)
    }

    /// Changes what people may edit; false where `version` is no longer the user's, or there is none.
    public func update(
        _ id: String, displayName: String, email: String, disabledAt: Timestamp?, version: Int64
    ) throws -> Bool {
        try sql.execute(
            """
            UPDATE users SET display_name = ?2, email = ?3, disabled_at = ?4, version = version + 1
            WHERE id = ?1 AND version = ?5
            """, id, displayName, email, disabledAt, version) > 0
    }

    /// Marks that something of the user's changed elsewhere, such as a grant.
    public func touch(_ id: String) throws {
        try sql.execute("UPDATE users SET version = version + 1 WHERE id = ?1", id)
    }

    /// Sets the password's hash. `isUpgrade` keeps the time of change: the same password under better parameters.
    public func setPassword(_ id: String, _ hash: String, isUpgrade: Bool = false, now: Timestamp) throws {
        if isUpgrade {
            try sql.execute("UPDATE users SET password = ?2 WHERE id = ?1", id, hash)
        } else {
            try sql.execute(
                "UPDATE users SET password = ?2, password_changed_at = ?3, version = version + 1 WHERE id = ?1", id,
                hash, now)
        }
    }

    /// Notes that they came in.
    public func loggedIn(_ id: String, now: Timestamp) throws {
        try sql.execute("UPDATE users SET last_login_at = ?2 WHERE id = ?1", id, now)
    }

    // MARK: Second factor

    /// Keeps a sealed secret that is yet to be confirmed.
    public func proposeTOTP(_ id: String, _ sealed: [UInt8]) throws {
        try sql.execute("UPDATE users SET totp_pending = ?2 WHERE id = ?1", id, sealed)
    }

    /// Turns the proposed secret on; the code of `step` has been used with it.
    public func confirmTOTP(_ id: String, step: Int64) throws -> Bool {
        try sql.execute(
            """
            UPDATE users SET totp_secret = totp_pending, totp_pending = NULL, totp_last_step = ?2, version = version + 1
            WHERE id = ?1 AND totp_pending IS NOT NULL
            """, id, step) > 0
    }

    /// Turns the second factor off, with its recovery codes.
    public func removeTOTP(_ id: String) throws {
        try sql.execute(
            "UPDATE users SET totp_secret = NULL, totp_pending = NULL, version = version + 1 WHERE id = ?1", id)
        try sql.execute("DELETE FROM recovery_codes WHERE user_id = ?1", id)
    }

    /// Takes the code of a step; false where that one or a later one was used before. Of racing logins one wins.
    public func useTOTP(_ id: String, step: Int64) throws -> Bool {
        try sql.execute("UPDATE users SET totp_last_step = ?2 WHERE id = ?1 AND totp_last_step < ?2", id, step) > 0
    }

    /// Replaces all recovery codes.
    public func setRecoveryCodes(_ id: String, _ digests: [SHA256Digest]) throws {
        try sql.execute("DELETE FROM recovery_codes WHERE user_id = ?1", id)
        for digest in digests {
            try sql.execute("INSERT INTO recovery_codes (user_id, digest) VALUES (?1, ?2)", id, digest)
        }
    }

    /// Takes a recovery code; false where there is none such, or it was used.
    public func useRecoveryCode(_ id: String, _ digest: SHA256Digest, now: Timestamp) throws -> Bool {
        try sql.execute(
            "UPDATE recovery_codes SET used_at = ?3 WHERE user_id = ?1 AND digest = ?2 AND used_at IS NULL", id,
            digest, now) > 0
    }

    /// How many recovery codes are left.
    public func recoveryCodesLeft(_ id: String) throws -> Int64 {
        try sql.first("SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used_at IS NULL", id) { row in
            try row.integer()
        } ?? 0
    }

    /// Removes somebody with everything that lets them in; false where there is none such.
    public func remove(_ id: String) throws -> Bool {
        for table in ["recovery_codes", "sessions", "api_tokens", "login_links", "device_logins", "user_grants"] {
            try sql.execute("DELETE FROM \(table) WHERE user_id = ?1", id)
        }
        return try sql.execute("DELETE FROM users WHERE id = ?1", id) > 0
    }

    private static func read(_ row: inout SQLRow) throws -> UserRecord {
        let (id, name, displayName, email) = (try row.text(), try row.text(), try row.text(), try row.text())
        let password = try row.optionalText()
        let passwordChangedAt = try row.optionalTimestamp()
        let (secret, pending) = (try row.optionalBlob(), try row.optionalBlob())
        let disabledAt = try row.optionalTimestamp()
        var user = UserRecord(
            id: id, name: name, displayName: displayName, email: email, createdAt: try row.timestamp(),
            createdBy: try row.text())
        user.password = password
        user.passwordChangedAt = passwordChangedAt
        user.totpSecret = secret
        user.totpPending = pending
        user.disabledAt = disabledAt
        user.lastLoginAt = try row.optionalTimestamp()
        user.version = try row.integer()
        return user
    }
}

extension Transaction {
    /// The people of this installation.
    public var users: Users { Users(sql: self) }
}
