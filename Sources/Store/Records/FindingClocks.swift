import JSON
public import Timestamps

/// A time in which clocks of findings stand still, as it is stored.
public struct StoredPause: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// Whose.
    public var organisation: String
    /// Why, in a word of `SLAPause.Reason`.
    public var reason: String
    /// The host's id; empty for all that ``selector`` selects.
    public var host = ""
    /// A label selector; empty for all hosts.
    public var selector = ""
    /// The vulnerability; empty for all.
    public var vulnerability = ""
    /// Why, in a person's words.
    public var note = ""
    /// From when.
    public var from: Timestamp
    /// Until when; nil while nobody has said.
    public var until: Timestamp?
    /// Who began it: a person, or `server`.
    public var startedBy: String
    /// Who ended it; nil while it runs, or where its end was known from the start.
    public var endedBy: String?

    /// A pause from then on.
    public init(
        id: String, organisation: String, reason: String, from: Timestamp, until: Timestamp? = nil, startedBy: String
    ) {
        self.id = id
        self.organisation = organisation
        self.reason = reason
        self.from = from
        self.until = until
        self.startedBy = startedBy
    }
}

/// A step of taking evidence, as it is stored.
public struct StoredEvidence: Sendable, Hashable {
    /// The host's id.
    public var host: String
    /// The vulnerability.
    public var vulnerability: String
    /// The step, in a word of `EvidenceHold.Step`.
    public var step: String
    /// When.
    public var at: Timestamp
    /// By whom.
    public var by: String
    /// The SHA-256 of what was kept, in hexadecimal digits; may be empty.
    public var digest: String
    /// Why, where the step is ``waived``; else empty.
    public var note = ""

    /// The word in ``step`` of who let the host be changed without evidence.
    public static let waived = "waived"

    /// A step that was done.
    public init(host: String, vulnerability: String, step: String, at: Timestamp, by: String, digest: String) {
        self.host = host
        self.vulnerability = vulnerability
        self.step = step
        self.at = at
        self.by = by
        self.digest = digest
    }
}

/// What stops the clocks of findings, and what has to be done before a host is changed.
public struct FindingClocks {
    let sql: Transaction

    private static let columns = """
        id, organisation, reason, host, selector, vulnerability, note, from_at, until_at, started_by, ended_by
        """

    /// The pauses of an organisation, the latest first.
    public func pauses(organisation: String) throws -> [StoredPause] {
        try sql.rows(
            "SELECT \(Self.columns) FROM sla_pauses WHERE organisation = ?1 ORDER BY from_at DESC, id", organisation,
            read: Self.read)
    }

    /// Those that run for one reason and were begun by somebody.
    public func running(organisation: String, reason: String, startedBy: String) throws -> [StoredPause] {
        try sql.rows(
            """
            SELECT \(Self.columns) FROM sla_pauses
            WHERE organisation = ?1 AND reason = ?2 AND started_by = ?3 AND until_at IS NULL
            """, organisation, reason, startedBy, read: Self.read)
    }

    /// When each host of an organisation was last seen, at whichever server.
    public func presence(organisation: String) throws -> [String: Timestamp] {
        let rows = try sql.rows("SELECT host, last_seen FROM host_presence WHERE organisation = ?1", organisation) {
            row in
            (try row.text(), try row.timestamp())
        }
        return Dictionary(rows, uniquingKeysWith: { first, _ in first })
    }

    /// One; nil where there is none.
    public func pause(organisation: String, id: String) throws -> StoredPause? {
        try sql.first(
            "SELECT \(Self.columns) FROM sla_pauses WHERE organisation = ?1 AND id = ?2", organisation, id,
            read: Self.read)
    }

    /// Begins a pause. What a person begins is in the audit log; that a host is away is no act.
    public func begin(_ pause: StoredPause, isAudited: Bool = true, now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO sla_pauses (\(Self.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """, pause.id, pause.organisation, pause.reason, pause.host, pause.selector, pause.vulnerability,
            pause.note,
            pause.from, pause.until, pause.startedBy, pause.endedBy)
        guard isAudited else { return }
        try sql.audit.append(
            organisation: pause.organisation, actor: pause.startedBy, action: "pause.begun",
            subject: "pause:\(pause.id)",
            detail: [
                "reason": .string(pause.reason), "host": .string(pause.host), "selector": .string(pause.selector),
                "vulnerability": .string(pause.vulnerability), "note": .string(pause.note),
                "from": .string(pause.from.description),
                "until": pause.until.map { .string($0.description) } ?? .null,
            ], now: now)
    }

    /// Ends a pause that runs; false where it had ended.
    public func end(
        organisation: String, id: String, at time: Timestamp, by actor: String, isAudited: Bool = true, now: Timestamp
    ) throws -> Bool {
        let changed = try sql.execute(
            """
            UPDATE sla_pauses SET until_at = ?3, ended_by = ?4
            WHERE organisation = ?1 AND id = ?2 AND (until_at IS NULL OR until_at > ?3)
            """, organisation, id, time, actor)
        guard changed > 0 else { return false }
        if isAudited {
            try sql.audit.append(
                organisation: organisation, actor: actor, action: "pause.ended", subject: "pause:\(id)", now: now)
        }
        return true
    }

    /// The steps of evidence of an organisation.
    public func evidence(organisation: String) throws -> [StoredEvidence] {
        try sql.rows(
            """
            SELECT host, vulnerability, step, recorded_at, recorded_by, digest, note FROM evidence_records
            WHERE organisation = ?1 ORDER BY recorded_at
            """, organisation
        ) { row in
            var evidence = StoredEvidence(
                host: try row.text(), vulnerability: try row.text(), step: try row.text(), at: try row.timestamp(),
                by: try row.text(), digest: try row.text())
            evidence.note = try row.text()
            return evidence
        }
    }

    /// Keeps that a step was done, in the audit log too; false where it was kept before. A waiver takes the place of an older
    /// one, which was of an emergency before; the audit log has both.
    ///
    /// - Parameter since: from when evidence is asked for: a step that was noted before that is of another state of the host, and
    ///   gives way.
    public func record(
        _ evidence: StoredEvidence, organisation: String, since: Timestamp = Timestamp(milliseconds: 0)
    ) throws -> Bool {
        let changed = try sql.execute(
            """
            INSERT INTO evidence_records
                (organisation, host, vulnerability, step, recorded_at, recorded_by, digest, note)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (organisation, host, vulnerability, step) DO UPDATE SET
                recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by, note = excluded.note,
                digest = excluded.digest
            WHERE evidence_records.recorded_at < excluded.recorded_at
                AND (evidence_records.step = '\(StoredEvidence.waived)' OR evidence_records.recorded_at < ?9)
            """, organisation, evidence.host, evidence.vulnerability, evidence.step, evidence.at, evidence.by,
            evidence.digest, evidence.note, since)
        guard changed > 0 else { return false }
        var detail: [String: JSONValue] = ["vulnerability": .string(evidence.vulnerability)]
        let isWaived = evidence.step == StoredEvidence.waived
        if isWaived {
            detail["reason"] = .string(evidence.note)
        } else {
            (detail["step"], detail["digest"]) = (.string(evidence.step), .string(evidence.digest))
        }
        try sql.audit.append(
            organisation: organisation, actor: evidence.by, action: isWaived ? "evidence.waived" : "evidence.recorded",
            subject: "host:\(evidence.host)", detail: .object(detail), now: evidence.at)
        return true
    }

    private static func read(_ row: inout SQLRow) throws -> StoredPause {
        let id = try row.text()
        let organisation = try row.text()
        let reason = try row.text()
        let (host, selector, vulnerability) = (try row.text(), try row.text(), try row.text())
        let note = try row.text()
        var pause = StoredPause(
            id: id, organisation: organisation, reason: reason, from: try row.timestamp(),
            until: try row.optionalTimestamp(), startedBy: try row.text())
        pause.endedBy = try row.optionalText()
        (pause.host, pause.selector, pause.vulnerability, pause.note) = (host, selector, vulnerability, note)
        return pause
    }
}

extension Transaction {
    /// What stops the clocks of findings.
    public var findingClocks: FindingClocks { FindingClocks(sql: self) }
}
