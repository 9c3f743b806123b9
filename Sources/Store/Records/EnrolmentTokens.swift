public import Digest
import JSON
public import Timestamps

/// A token as the server keeps it: everything but the secret.
public struct EnrolmentTokenRecord: Hashable, Sendable {
    /// Its public name.
    public var id: String
    /// Whose hosts it enrols.
    public var organisation: String
    /// What it is for, in the words of whoever made it.
    public var note: String
    /// The labels that its hosts are born with.
    public var labels: [String: String]
    /// When it was made.
    public var createdAt: Timestamp
    /// By whom.
    public var createdBy: String
    /// From then on it enrols no more.
    public var expiresAt: Timestamp
    /// How many hosts it was made for.
    public var usesTotal: Int64
    /// How many it can still enrol.
    public var usesLeft: Int64
    /// When it last enrolled one.
    public var lastUsedAt: Timestamp?
    /// When it was revoked.
    public var revokedAt: Timestamp?

    /// A token that nobody has used.
    public init(
        id: String, organisation: String, note: String = "", labels: [String: String] = [:], createdAt: Timestamp,
        createdBy: String, expiresAt: Timestamp, uses: Int64 = 1
    ) {
        self.id = id
        self.organisation = organisation
        self.note = note
        self.labels = labels
        self.createdAt = createdAt
        self.createdBy = createdBy
        self.expiresAt = expiresAt
        self.usesTotal = uses
        self.usesLeft = uses
    }
}

/// Why a token enrols nobody.
public enum TokenRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// No such token, or another secret: told apart to nobody.
    case unknown
    /// Its time is over.
    case expired(Timestamp)
    /// It has enrolled as many hosts as it was made for.
    case spent
    /// It was revoked.
    case revoked(Timestamp)

    public var description: String {
        switch self {
        case .unknown: "the token is not one of this server's; make one with \"fettle tokens create\""
        case .expired(let time): "the token expired at \(time); make one with \"fettle tokens create\""
        case .spent: "the token has enrolled all the hosts it was made for; make one with \"fettle tokens create\""
        case .revoked(let time): "the token was revoked at \(time); make one with \"fettle tokens create\""
        }
    }
}

/// The tokens that let hosts in.
public struct EnrolmentTokens {
    let sql: Transaction

    private static let columns = """
        id, organisation, note, labels, created_at, created_by, expires_at, uses_total, uses_left, last_used_at, revoked_at
        """

    /// Keeps a new token, and in the audit log that it was made.
    public func create(_ token: EnrolmentTokenRecord, secretDigest: SHA256Digest) throws {
        try sql.execute(
            """
            INSERT INTO enrolment_tokens (organisation, id, secret_digest, note, labels, created_at, created_by, expires_at,
                uses_total, uses_left) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """, token.organisation, token.id, secretDigest, token.note, Labels.text(token.labels), token.createdAt,
            token.createdBy, token.expiresAt, token.usesTotal, token.usesLeft)
        try sql.audit.append(
            organisation: token.organisation, actor: token.createdBy, action: "token.created",
            subject: "token:\(token.id)",
            detail: ["uses": .integer(token.usesTotal), "expires": .string(token.expiresAt.description)],
            now: token.createdAt)
    }

    /// The tokens of an organisation, the newest first.
    public func list(organisation: String) throws -> [EnrolmentTokenRecord] {
        try sql.rows(
            "SELECT \(Self.columns) FROM enrolment_tokens WHERE organisation = ?1 ORDER BY created_at DESC, id",
            organisation, read: Self.read)
    }

    /// Takes one use of the token. Of racing hosts, as many win as it has uses left.
    ///
    /// - Throws: ``TokenRefusal``.
    public func consume(id: String, secretDigest: SHA256Digest, now: Timestamp) throws -> EnrolmentTokenRecord {
        let taken = try sql.first(
            """
            UPDATE enrolment_tokens SET uses_left = uses_left - 1, last_used_at = ?3
            WHERE id = ?1 AND secret_digest = ?2 AND uses_left > 0 AND expires_at > ?3 AND revoked_at IS NULL
            RETURNING \(Self.columns)
            """, id, secretDigest, now, read: Self.read)
        if let taken { return taken }
        let known = try sql.first(
            "SELECT \(Self.columns) FROM enrolment_tokens WHERE id = ?1 AND secret_digest = ?2", id, secretDigest,
            read: Self.read)
        guard let known else { throw TokenRefusal.unknown }
        if let revokedAt = known.revokedAt { throw TokenRefusal.revoked(revokedAt) }
        if known.expiresAt <= now { throw TokenRefusal.expired(known.expiresAt) }
        throw TokenRefusal.spent
    }

    /// Revokes a token; returns false where the organisation has no such token, or it was revoked before.
    public func revoke(organisation: String, id: String, actor: String, now: Timestamp) throws -> Bool {
        let changed = try sql.execute(
            """
            UPDATE enrolment_tokens SET revoked_at = ?3 WHERE organisation = ?1 AND id = ?2 AND revoked_at IS NULL
            """, organisation, id, now)
        guard changed > 0 else { return false }
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "token.revoked", subject: "token:\(id)", now: now)
        return true
    }

    private static func read(_ row: inout SQLRow) throws -> EnrolmentTokenRecord {
        let id = try row.text()
        let organisation = try row.text()
        let note = try row.text()
        let labels = try Labels.parse(row.text())
        let createdAt = try row.timestamp()
        let createdBy = try row.text()
        var token = EnrolmentTokenRecord(
            id: id, organisation: organisation, note: note, labels: labels, createdAt: createdAt,
            createdBy: createdBy, expiresAt: try row.timestamp())
        token.usesTotal = try row.integer()
        token.usesLeft = try row.integer()
        token.lastUsedAt = try row.optionalTimestamp()
        token.revokedAt = try row.optionalTimestamp()
        return token
    }
}

extension Transaction {
    /// The tokens that let hosts in.
    public var tokens: EnrolmentTokens { EnrolmentTokens(sql: self) }
}
