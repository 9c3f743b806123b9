import JSON
public import Timestamps

/// An accepted risk as it is stored. What it is worth at an instant is `RiskException.standing` of Priority.
public struct StoredException: Sendable, Hashable {
    /// How an exception ended by itself.
    public enum End: String, Sendable, Hashable, CaseIterable {
        /// Its time was over.
        case expired
        /// The vulnerability became known to be exploited.
        case knownExploited = "known-exploited"
    }

    /// Its id.
    public var id: String
    /// Whose.
    public var organisation: String
    /// Any id of the vulnerability.
    public var vulnerability: String
    /// The host's id that it holds for; empty for all that ``selector`` selects.
    public var host = ""
    /// A label selector; empty for all hosts.
    public var selector = ""
    /// The name of a package or of its source; empty for all.
    public var package = ""
    /// Who answers for it.
    public var owner: String
    /// Why.
    public var reason: String
    /// What stands in for the patch.
    public var compensatingControl: String
    /// Who asked for it.
    public var requestedBy: String
    /// When.
    public var requestedAt: Timestamp
    /// When it ends.
    public var expires: Timestamp
    /// Who approved it; nil while nobody has.
    public var approvedBy: String?
    /// When.
    public var approvedAt: Timestamp?
    /// Whether whoever approved it knew that the vulnerability is being exploited.
    public var coversExploitation = false
    /// Who revoked it; nil while nobody has.
    public var revokedBy: String?
    /// When.
    public var revokedAt: Timestamp?
    /// Why; empty where it was not revoked.
    public var revocationReason = ""
    /// How it ended by itself; nil while it has not.
    public var ended: End?
    /// When.
    public var endedAt: Timestamp?

    /// One that somebody asks for.
    public init(
        id: String, organisation: String, vulnerability: String, owner: String, reason: String,
        compensatingControl: String, requestedBy: String, requestedAt: Timestamp, expires: Timestamp
    ) {
        self.id = id
        self.organisation = organisation
        self.vulnerability = vulnerability
        self.owner = owner
        self.reason = reason
        self.compensatingControl = compensatingControl
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
        self.expires = expires
    }

    /// Whether nothing has ended it yet.
    public var isOpen: Bool { revokedAt == nil && ended == nil }
}

/// Accepted risks: every change is in the audit log.
public struct RiskExceptions {
    let sql: Transaction

    private static let columns = """
        id, organisation, vulnerability, host, selector, package, owner, reason, compensating_control, requested_by,
        requested_at, expires_at, approved_by, approved_at, covers_exploitation, revoked_by, revoked_at,
        revocation_reason, ended_as, ended_at
        """

    /// Keeps what somebody asks for.
    public func create(_ exception: StoredException) throws {
        try sql.execute(
            """
            INSERT INTO risk_exceptions (organisation, id, vulnerability, host, selector, package, owner, reason,
                compensating_control, requested_by, requested_at, expires_at, covers_exploitation, revocation_reason, ended_as)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, '', '')
            """, exception.organisation, exception.id, exception.vulnerability, exception.host, exception.selector,
            exception.package, exception.owner, exception.reason, exception.compensatingControl, exception.requestedBy,
            exception.requestedAt, exception.expires)
        try note(
            "requested", exception.organisation, exception.id, exception.requestedBy,
            [
                "vulnerability": .string(exception.vulnerability), "host": .string(exception.host),
                "selector": .string(exception.selector), "package": .string(exception.package),
                "owner": .string(exception.owner), "reason": .string(exception.reason),
                "compensatingControl": .string(exception.compensatingControl),
                "expires": .string(exception.expires.description),
            ], exception.requestedAt)
    }

    /// All of an organisation, the newest first.
    public func list(organisation: String) throws -> [StoredException] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM risk_exceptions WHERE organisation = ?1 ORDER BY requested_at DESC, id
            """, organisation, read: Self.read)
    }

    /// Those that may hold: approved, and not ended.
    public func approved(organisation: String) throws -> [StoredException] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM risk_exceptions WHERE organisation = ?1 AND approved_at IS NOT NULL
                AND revoked_at IS NULL AND ended_as = '' ORDER BY approved_at, id
            """, organisation, read: Self.read)
    }

    /// Those that nothing has ended, of every organisation.
    public func open() throws -> [StoredException] {
        try sql.rows(
            "SELECT \(Self.columns) FROM risk_exceptions WHERE revoked_at IS NULL AND ended_as = '' ORDER BY organisation, id",
            read: Self.read)
    }

    /// One; nil where there is none.
    public func find(organisation: String, id: String) throws -> StoredException? {
        try sql.first(
            "SELECT \(Self.columns) FROM risk_exceptions WHERE organisation = ?1 AND id = ?2", organisation, id,
            read: Self.read)
    }

    /// Approves one that nobody has approved, and that has not ended; false where that is not so.
    public func approve(
        organisation: String, id: String, by approver: String, coversExploitation: Bool, now: Timestamp
    ) throws -> Bool {
        let changed = try sql.execute(
            """
            UPDATE risk_exceptions SET approved_by = ?3, approved_at = ?4, covers_exploitation = ?5
            WHERE organisation = ?1 AND id = ?2 AND approved_at IS NULL AND revoked_at IS NULL AND ended_as = ''
                AND expires_at > ?4 AND requested_by <> ?3 AND owner <> ?3
            """, organisation, id, approver, now, coversExploitation)
        guard changed > 0 else { return false }
        try note("approved", organisation, id, approver, ["coversExploitation": .bool(coversExploitation)], now)
        return true
    }

    /// Ends one for a reason; false where it had ended.
    public func revoke(
        organisation: String, id: String, by actor: String, reason: String, now: Timestamp
    ) throws -> Bool {
        let changed = try sql.execute(
            """
            UPDATE risk_exceptions SET revoked_by = ?3, revoked_at = ?4, revocation_reason = ?5
            WHERE organisation = ?1 AND id = ?2 AND revoked_at IS NULL AND ended_as = ''
            """, organisation, id, actor, now, reason)
        guard changed > 0 else { return false }
        try note("revoked", organisation, id, actor, ["reason": .string(reason)], now)
        return true
    }

    /// Notes that one has ended by itself; false where it had ended before.
    public func end(
        organisation: String, id: String, as end: StoredException.End, why: String, now: Timestamp
    ) throws -> Bool {
        let changed = try sql.execute(
            """
            UPDATE risk_exceptions SET ended_as = ?3, ended_at = ?4
            WHERE organisation = ?1 AND id = ?2 AND revoked_at IS NULL AND ended_as = ''
            """, organisation, id, end.rawValue, now)
        guard changed > 0 else { return false }
        try note(
            end == .expired ? "expired" : "reopened", organisation, id, "server", ["why": .string(why)], now)
        return true
    }

    /// The audit record and the event of a change.
    private func note(
        _ verb: String, _ organisation: String, _ id: String, _ actor: String, _ detail: JSONValue, _ now: Timestamp
    ) throws {
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "exception.\(verb)", subject: "exception:\(id)",
            detail: detail, now: now)
        try sql.events.record(
            organisation: organisation, kind: "exception.\(verb)", subject: "exception:\(id)", payload: detail, now: now
        )
    }

    private static func read(_ row: inout SQLRow) throws -> StoredException {
        let id = try row.text()
        let organisation = try row.text()
        let vulnerability = try row.text()
        let (host, selector, package) = (try row.text(), try row.text(), try row.text())
        var exception = StoredException(
            id: id, organisation: organisation, vulnerability: vulnerability, owner: try row.text(),
            reason: try row.text(), compensatingControl: try row.text(), requestedBy: try row.text(),
            requestedAt: try row.timestamp(), expires: try row.timestamp())
        (exception.host, exception.selector, exception.package) = (host, selector, package)
        exception.approvedBy = try row.optionalText()
        exception.approvedAt = try row.optionalTimestamp()
        exception.coversExploitation = try row.bool()
        exception.revokedBy = try row.optionalText()
        exception.revokedAt = try row.optionalTimestamp()
        exception.revocationReason = try row.text()
        exception.ended = StoredException.End(rawValue: try row.text())
        exception.endedAt = try row.optionalTimestamp()
        return exception
    }
}

extension Transaction {
    /// Accepted risks.
    public var exceptions: RiskExceptions { RiskExceptions(sql: self) }
}
