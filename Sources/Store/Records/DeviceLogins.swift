public import Digest
public import Timestamps

/// A program that waits for somebody to let it in from their browser (RFC 8628).
public struct DeviceLoginRecord: Hashable, Sendable {
    /// What the person decided.
    public enum Decision: String, Sendable {
        /// It may act for them.
        case approved
        /// It may not.
        case denied
    }

    /// What the person compares and types: eight letters.
    public var userCode: String
    /// What the program calls the machine that it runs on.
    public var machine: String
    /// From where it asked.
    public var address: String
    /// When it asked.
    public var createdAt: Timestamp
    /// From then on nobody can let it in.
    public var expiresAt: Timestamp
    /// When it last asked for the answer.
    public var polledAt: Timestamp?
    /// The least seconds between two questions for the answer.
    public var pollInterval: Int64
    /// What was decided; nil while nothing was.
    public var decision: Decision?
    /// Who decided.
    public var user: String?

    /// A program that begins to wait.
    public init(
        userCode: String, machine: String, address: String, createdAt: Timestamp, expiresAt: Timestamp,
        pollInterval: Int64
    ) {
        self.userCode = userCode
        self.machine = machine
        self.address = address
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.pollInterval = pollInterval
    }
}

/// Programs that wait to be let in.
public struct DeviceLogins {
    let sql: Transaction

    private static let columns =
        "user_code, machine, address, created_at, expires_at, polled_at, poll_interval, decision, user_id"

    /// Begins a wait; false where the user code is another's.
    public func create(_ login: DeviceLoginRecord, deviceDigest: SHA256Digest) throws -> Bool {
        try sql.execute("DELETE FROM device_logins WHERE expires_at <= ?1", login.createdAt.adding(seconds: -3600))
        return try sql.execute(
            """
            INSERT INTO device_logins (device_digest, user_code, machine, address, created_at, expires_at, poll_interval)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user_code) DO NOTHING
            """, deviceDigest, login.userCode, login.machine, login.address, login.createdAt, login.expiresAt,
            login.pollInterval) > 0
    }

    /// How many wait.
    public func count(now: Timestamp) throws -> Int64 {
        try sql.first("SELECT count(*) FROM device_logins WHERE expires_at > ?1", now) { row in try row.integer() }
            ?? 0
    }

    /// The one with that user code that nobody has decided on.
    public func waiting(userCode: String, now: Timestamp) throws -> DeviceLoginRecord? {
        try sql.first(
            "SELECT \(Self.columns) FROM device_logins WHERE user_code = ?1 AND decision IS NULL AND expires_at > ?2",
            userCode, now, read: Self.read)
    }

    /// Decides; false where nothing with that code waits any more.
    public func decide(
        userCode: String, _ decision: DeviceLoginRecord.Decision, user: String, now: Timestamp
    ) throws -> Bool {
        try sql.execute(
            """
            UPDATE device_logins SET decision = ?2, user_id = ?3
            WHERE user_code = ?1 AND decision IS NULL AND expires_at > ?4
            """, userCode, decision.rawValue, user, now) > 0
    }

    /// The one with that device code.
    public func find(deviceDigest: SHA256Digest) throws -> DeviceLoginRecord? {
        try sql.first(
            "SELECT \(Self.columns) FROM device_logins WHERE device_digest = ?1", deviceDigest, read: Self.read)
    }

    /// Notes a question for the answer, and how long the next one has to wait.
    public func polled(deviceDigest: SHA256Digest, interval: Int64, now: Timestamp) throws {
        try sql.execute(
            "UPDATE device_logins SET polled_at = ?2, poll_interval = ?3 WHERE device_digest = ?1", deviceDigest, now,
            interval)
    }

    /// Ends a wait; false where it was over. Of racing questions one gets the answer.
    public func finish(deviceDigest: SHA256Digest) throws -> Bool {
        try sql.execute("DELETE FROM device_logins WHERE device_digest = ?1", deviceDigest) > 0
    }

    /// Removes what somebody approved and no program has fetched.
    public func removeApproved(user: String) throws {
        try sql.execute(
            "DELETE FROM device_logins WHERE user_id = ?1 AND decision = ?2", user,
            DeviceLoginRecord.Decision.approved.rawValue)
    }

    private static func read(_ row: inout SQLRow) throws -> DeviceLoginRecord {
        let (code, machine, address) = (try row.text(), try row.text(), try row.text())
        let (createdAt, expiresAt) = (try row.timestamp(), try row.timestamp())
        let polledAt = try row.optionalTimestamp()
        var login = DeviceLoginRecord(
            userCode: code, machine: machine, address: address, createdAt: createdAt, expiresAt: expiresAt,
            pollInterval: try row.integer())
        login.polledAt = polledAt
        login.decision = try row.optionalText().flatMap(DeviceLoginRecord.Decision.init(rawValue:))
        login.user = try row.optionalText()
        return login
    }
}

extension Transaction {
    /// Programs that wait to be let in.
    public var deviceLogins: DeviceLogins { DeviceLogins(sql: self) }
}
