public import Digest
public import Timestamps

/// One host's part of a campaign as it is stored. What is JSON here is read and written by those who run campaigns.
public struct JobRecord: Hashable, Sendable {
    /// The job: 32 hexadecimal digits.
    public var id: String
    /// Whose.
    public var organisation: String
    /// Of which campaign.
    public var campaign: String
    /// Which host.
    public var host: String
    /// Which attempt, from 1.
    public var attempt: Int64
    /// Whether it takes the host back.
    public var rollsBack: Bool
    /// The reducer's state, JSON.
    public var state: String
    /// The state's word.
    public var stateWord: String
    /// Grows by 1 with every change of the state.
    public var version: Int64
    /// Whether nothing will happen to it any more.
    public var isTerminal: Bool
    /// Whether it is in its host's desired state.
    public var isListed: Bool
    /// The phase that the host last told of.
    public var phase: String?
    /// How it ended, by the host's own word.
    public var outcome: String?
    /// What happened, or what it waits for, in one sentence.
    public var sentence: String
    /// When the host may change,
    public var notBefore: Timestamp
    /// begin at the latest,
    public var lastSafeStart: Timestamp
    /// and must be done.
    public var notAfter: Timestamp
    /// The grant's fence; nil before it was granted.
    public var fence: Int64?
    /// The grant, JSON; nil before it was granted.
    public var grant: String?
    /// The same, signed; nil before it was.
    public var grantEnvelope: String?
    /// The ordinal of the record that is expected next.
    public var nextEntry: Int64
    /// The digest of the last record; of nothing before the first.
    public var lastDigest: SHA256Digest
    /// How many bytes of log there are.
    public var logSize: Int64
    /// What became of each package, JSON.
    public var packages: String
    /// When the host last said something of the job.
    public var heardAt: Timestamp?
    /// When it was made.
    public var createdAt: Timestamp
    /// When it last changed.
    public var updatedAt: Timestamp

    /// A job with these fields, of which nothing is known yet.
    public init(
        id: String, organisation: String, campaign: String, host: String, attempt: Int64, rollsBack: Bool,
        state: String, stateWord: String, notBefore: Timestamp, lastSafeStart: Timestamp, notAfter: Timestamp,
        createdAt: Timestamp
    ) {
        self.id = id
        self.organisation = organisation
        self.campaign = campaign
        self.host = host
        self.attempt = attempt
        self.rollsBack = rollsBack
        self.state = state
        self.stateWord = stateWord
        self.version = 1
        self.isTerminal = false
        self.isListed = false
        self.sentence = ""
        self.notBefore = notBefore
        self.lastSafeStart = lastSafeStart
        self.notAfter = notAfter
        self.nextEntry = 1
        self.lastDigest = SHA256.hash([])
        self.logSize = 0
        self.packages = "[]"
        self.createdAt = createdAt
        self.updatedAt = createdAt
    }

    static let columns = """
        id, organisation, campaign, host, attempt, rolls_back, state, state_word, version, is_terminal, is_listed, phase,
        outcome, sentence, not_before, last_safe_start, not_after, fence, grant_document, grant_envelope, next_entry,
        last_digest, log_size, packages, heard_at, created_at, updated_at
        """

    init(_ row: inout SQLRow) throws(StoreError) {
        id = try row.text()
        organisation = try row.text()
        campaign = try row.text()
        host = try row.text()
        attempt = try row.integer()
        rollsBack = try row.bool()
        state = try row.text()
        stateWord = try row.text()
        version = try row.integer()
        isTerminal = try row.bool()
        isListed = try row.bool()
        phase = try row.optionalText()
        outcome = try row.optionalText()
        sentence = try row.text()
        notBefore = try row.timestamp()
        lastSafeStart = try row.timestamp()
        notAfter = try row.timestamp()
        fence = try row.optionalInteger()
        grant = try row.optionalText()
        grantEnvelope = try row.optionalText()
        nextEntry = try row.integer()
        lastDigest = try row.digest()
        logSize = try row.integer()
        packages = try row.text()
        heardAt = try row.optionalTimestamp()
        createdAt = try row.timestamp()
        updatedAt = try row.timestamp()
    }
}

/// How many hosts' latest jobs of a campaign are in one state.
public struct LatestJobCount: Hashable, Sendable {
    /// The state's word.
    public var stateWord: String
    /// Whether they take their hosts back.
    public var rollsBack: Bool
    /// How many.
    public var count: Int64
}

/// The jobs, with their journals and logs. A change names the version that it saw: of racing ones one wins.
public struct Jobs {
    let sql: Transaction

    /// Keeps a new job.
    public func insert(_ job: JobRecord) throws {
        try sql.execute(
            """
            INSERT INTO jobs (\(JobRecord.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
                ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)
            """, job.id, job.organisation, job.campaign, job.host, job.attempt, job.rollsBack, job.state,
            job.stateWord, job.version, job.isTerminal, job.isListed, job.phase, job.outcome, job.sentence,
            job.notBefore,
            job.lastSafeStart, job.notAfter, job.fence, job.grant, job.grantEnvelope, job.nextEntry, job.lastDigest,
            job.logSize,
            job.packages, job.heardAt, job.createdAt, job.updatedAt)
    }

    /// The job of that id; nil where the organisation has none.
    public func show(organisation: String, id: String) throws -> JobRecord? {
        try sql.first("SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND id = ?2", organisation, id) {
            row in try JobRecord(&row)
        }
    }

    /// Writes a changed record over the version that it was read in; its version grows by 1.
    ///
    /// - Returns: the record as it is now; nil where somebody else changed it meanwhile.
    public func update(_ job: JobRecord, now: Timestamp) throws -> JobRecord? {
        var next = job
        next.version += 1
        next.updatedAt = now
        let changed = try sql.execute(
            """
            UPDATE jobs SET state = ?4, state_word = ?5, version = ?6, is_terminal = ?7, phase = ?8, outcome = ?9,
                sentence = ?10, not_before = ?11, last_safe_start = ?12, not_after = ?13, fence = ?14,
                grant_document = ?15, grant_envelope = ?16, next_entry = ?17, last_digest = ?18, log_size = ?19,
                packages = ?20, heard_at = ?21, updated_at = ?22, is_listed = ?23
            WHERE organisation = ?1 AND id = ?2 AND version = ?3
            """, job.organisation, job.id, job.version, next.state, next.stateWord, next.version, next.isTerminal,
            next.phase, next.outcome, next.sentence, next.notBefore, next.lastSafeStart, next.notAfter, next.fence,
            next.grant, next.grantEnvelope, next.nextEntry, next.lastDigest, next.logSize, next.packages, next.heardAt,
            next.updatedAt,
            next.isListed)
        return changed > 0 ? next : nil
    }

    /// The jobs in a host's desired state, the oldest first.
    public func listed(organisation: String, host: String) throws -> [JobRecord] {
        try sql.rows(
            """
            SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND host = ?2 AND is_listed = 1
            ORDER BY created_at, id LIMIT 100
            """, organisation, host
        ) { row in try JobRecord(&row) }
    }

    /// The newest jobs of a host, the newest first.
    public func newest(organisation: String, host: String, limit: Int = 100) throws -> [JobRecord] {
        try sql.rows(
            """
            SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND host = ?2
            ORDER BY created_at DESC, attempt DESC, id LIMIT ?3
            """, organisation, host, limit
        ) { row in try JobRecord(&row) }
    }

    /// Jobs that owe a reboot although their campaign has ended or was halted, by id and organisation.
    public func awaitingReboot(limit: Int = 1000) throws -> [(organisation: String, id: String)] {
        try sql.rows(
            """
            SELECT j.organisation, j.id FROM jobs j JOIN campaigns c ON c.organisation = j.organisation AND c.id = j.campaign
            WHERE j.state_word = 'awaiting-reboot'
                AND (c.is_terminal = 1 OR c.state_word = 'halted')
            ORDER BY j.created_at, j.id LIMIT ?1
            """, limit
        ) { row in (try row.text(), try row.text()) }
    }

    /// The jobs that ended with a package held back (`"result":"held-back"` in their lists), the newest first.
    ///
    /// - Parameters:
    ///   - campaign: only of this one.
    ///   - host: only of this one.
    public func heldBack(
        organisation: String, campaign: String? = nil, host: String? = nil, limit: Int
    ) throws -> [JobRecord] {
        var parameters: [SQLValue] = [.text(organisation), .text("%\"result\":\"held-back\"%")]
        var conditions = ""
        for (column, value) in [("campaign", campaign), ("host", host)] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions += " AND \(column) = ?\(parameters.count)"
        }
        parameters.append(.integer(Int64(limit)))
        return try sql.rows(
            """
            SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND rolls_back = 0 AND packages LIKE ?2
                \(conditions) ORDER BY created_at DESC, id LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in try JobRecord(&row) }
    }

    /// The jobs of a campaign, by host and attempt.
    public func list(organisation: String, campaign: String) throws -> [JobRecord] {
        try sql.rows(
            """
            SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND campaign = ?2 ORDER BY host, attempt
            """, organisation, campaign
        ) { row in try JobRecord(&row) }
    }

    /// A page of a campaign's jobs with their hosts' names: the latest attempt of each host, by host name, after that job.
    public func page(
        organisation: String, campaign: String, stateWord: String? = nil, after job: String? = nil, limit: Int
    ) throws -> [(job: JobRecord, hostname: String)] {
        var parameters: [SQLValue] = [.text(organisation), .text(campaign)]
        var conditions = [
            "j.organisation = ?1", "j.campaign = ?2",
            Self.isLatest,
        ]
        if let stateWord {
            parameters.append(.text(stateWord))
            conditions.append("j.state_word = ?\(parameters.count)")
        }
        if let job, let last = try show(organisation: organisation, id: job) {
            let name = try sql.hosts.show(organisation: organisation, id: last.host)?.hostname ?? ""
            parameters += [.text(name), .text(last.host)]
            conditions.append("(h.hostname, h.id) > (?\(parameters.count - 1), ?\(parameters.count))")
        }
        parameters.append(.integer(Int64(max(1, min(limit, 1001)))))
        return try sql.rows(
            """
            SELECT h.hostname, \(Self.qualifiedColumns) FROM jobs j
            JOIN hosts h ON h.organisation = j.organisation AND h.id = j.host
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY h.hostname, h.id LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in
            let name = try row.text()
            return (try JobRecord(&row), name)
        }
    }

    /// How many hosts' latest jobs of a campaign are in which state.
    public func counts(organisation: String, campaign: String) throws -> [String: Int64] {
        Dictionary(
            try latestCounts(organisation: organisation, campaign: campaign).map { ($0.stateWord, $0.count) },
            uniquingKeysWith: +)
    }

    /// The same, those that take their hosts back apart.
    public func latestCounts(organisation: String, campaign: String) throws -> [LatestJobCount] {
        try sql.rows(
            """
            SELECT j.state_word, j.rolls_back, count(*) FROM jobs j
            WHERE j.organisation = ?1 AND j.campaign = ?2 AND \(Self.isLatest) GROUP BY j.state_word, j.rolls_back
            """, organisation, campaign
        ) { row in
            LatestJobCount(stateWord: try row.text(), rollsBack: try row.bool(), count: try row.integer())
        }
    }

    /// The latest job of a host in a campaign; nil where it has none.
    public func latest(organisation: String, campaign: String, host: String) throws -> JobRecord? {
        try sql.first(
            """
            SELECT \(JobRecord.columns) FROM jobs WHERE organisation = ?1 AND campaign = ?2 AND host = ?3
            ORDER BY attempt DESC LIMIT 1
            """, organisation, campaign, host
        ) { row in try JobRecord(&row) }
    }

    /// The latest jobs of a campaign's hosts that are in one of these states, by host, after that host.
    public func latest(
        organisation: String, campaign: String, words: Set<String>, after host: String? = nil, limit: Int? = nil
    ) throws -> [JobRecord] {
        guard !words.isEmpty else { return [] }
        var parameters: [SQLValue] = [.text(organisation), .text(campaign)]
        func add(_ value: SQLValue) -> String {
            parameters.append(value)
            return "?\(parameters.count)"
        }
        let list = words.sorted().map { add(.text($0)) }.joined(separator: ", ")
        let after = host.map { " AND j.host > \(add(.text($0)))" } ?? ""
        let end = limit.map { " LIMIT \(add(.integer(Int64($0))))" } ?? ""
        return try sql.rows(
            """
            SELECT \(Self.qualifiedColumns) FROM jobs j WHERE j.organisation = ?1 AND j.campaign = ?2
                AND j.state_word IN (\(list))\(after) AND \(Self.isLatest) ORDER BY j.host\(end)
            """, list: parameters
        ) { row in try JobRecord(&row) }
    }

    /// The latest jobs, not ended or with a counted permit, of a campaign's hosts that are no more.
    public func ofRetiredHosts(organisation: String, campaign: String) throws -> [JobRecord] {
        try sql.rows(
            """
            SELECT \(Self.qualifiedColumns) FROM jobs j
            JOIN hosts h ON h.organisation = j.organisation AND h.id = j.host AND h.status = 'retired'
            WHERE j.organisation = ?1 AND j.campaign = ?2 AND \(Self.isLatest) AND (j.is_terminal = 0
                OR EXISTS (SELECT 1 FROM permits p WHERE p.organisation = j.organisation AND p.job = j.id
                    AND p.state IN ('held', 'suspect')))
            ORDER BY j.host LIMIT 1000
            """, organisation, campaign
        ) { row in try JobRecord(&row) }
    }

    private static let isLatest = """
        j.attempt = (SELECT max(o.attempt) FROM jobs o WHERE o.organisation = j.organisation
            AND o.campaign = j.campaign AND o.host = j.host)
        """

    private static let qualifiedColumns =
        JobRecord.columns.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { "j.\($0)" }
        .joined(separator: ", ")

    /// A number that differs whenever a job of the campaign has changed.
    public func stamp(organisation: String, campaign: String) throws -> Int64 {
        try sql.first(
            "SELECT CAST(coalesce(sum(version), 0) AS BIGINT) FROM jobs WHERE organisation = ?1 AND campaign = ?2",
            organisation, campaign
        ) { row in try row.integer() } ?? 0
    }

    /// Campaigns that have changed hosts after that one did, or are about to, and that were not taken back there, each with
    /// one such host. Those whose jobs were given up are ``laterGivenUp(organisation:campaign:after:limit:)``.
    public func laterChanges(organisation: String, campaign: String) throws -> [(campaign: String, host: String)] {
        try sql.rows(
            """
            SELECT j.campaign, min(j.host) FROM jobs o JOIN jobs j ON j.organisation = o.organisation AND j.host = o.host
            WHERE \(Self.isLater) AND j.state_word IN ('running', 'suspect', 'awaiting-reboot', 'succeeded',
                'installed-reboot-pending', 'failed-changed', 'rollback-failed', 'needs-repair')
            GROUP BY j.campaign ORDER BY j.campaign
            """, organisation, campaign
        ) { row in (try row.text(), try row.text()) }
    }

    /// The jobs of other campaigns that came after that one's and were given up before their hosts, which are still there,
    /// said how they ended, by campaign and job. Whether they can have begun is in their state.
    ///
    /// - Parameters:
    ///   - last: the last one of the page before; nil for the first page.
    ///   - limit: the most that are returned; as many mean that there may be more.
    public func laterGivenUp(
        organisation: String, campaign: String, after last: JobRecord? = nil, limit: Int
    ) throws -> [JobRecord] {
        try sql.rows(
            """
            SELECT DISTINCT \(Self.qualifiedColumns) FROM jobs o
            JOIN jobs j ON j.organisation = o.organisation AND j.host = o.host
            JOIN hosts h ON h.organisation = j.organisation AND h.id = j.host AND h.status <> 'retired'
            WHERE \(Self.isLater) AND j.state_word IN ('lost', 'written-off') AND (j.campaign, j.id) > (?3, ?4)
            ORDER BY j.campaign, j.id LIMIT ?5
            """, organisation, campaign, last?.campaign ?? "", last?.id ?? "", limit
        ) { row in try JobRecord(&row) }
    }

    /// A job `j` of another campaign changed the host after the job `o` of this one: grants of a host are used one at a time
    /// and their fences only rise, so they say who came later, whenever the jobs were made.
    private static let isLater = """
        o.organisation = ?1 AND o.campaign = ?2 AND o.rolls_back = 0 AND j.campaign <> ?2 AND j.rolls_back = 0
            AND o.state_word IN ('running', 'suspect', 'awaiting-reboot', 'succeeded', 'installed-reboot-pending',
                'failed-changed', 'rollback-failed', 'needs-repair', 'lost', 'written-off')
            AND (j.fence > o.fence OR ((j.fence IS NULL OR o.fence IS NULL) AND j.created_at >= o.created_at))
            AND NOT EXISTS (SELECT 1 FROM jobs b WHERE b.organisation = j.organisation AND b.campaign = j.campaign
                AND b.host = j.host AND b.rolls_back = 1 AND b.state_word = 'rolled-back')
        """

    // MARK: - Journals and logs

    /// Appends a record of a job's journal.
    ///
    /// - Parameter content: the record's canonical JSON, whose SHA-256 is `digest`.
    public func append(
        organisation: String, job: String, ordinal: Int64, digest: SHA256Digest, content: String, now: Timestamp
    ) throws {
        try sql.execute(
            """
            INSERT INTO job_entries (organisation, job, ordinal, digest, content, received_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """, organisation, job, ordinal, digest, content, now)
    }

    /// Records of a job's journal, from that ordinal on, as they were sent.
    public func entries(
        organisation: String, job: String, from ordinal: Int64 = 1, limit: Int = 1000
    ) throws -> [String] {
        try sql.rows(
            """
            SELECT content FROM job_entries WHERE organisation = ?1 AND job = ?2 AND ordinal >= ?3
            ORDER BY ordinal LIMIT ?4
            """, organisation, job, ordinal, limit
        ) { row in try row.text() }
    }

    /// The digest of one record; nil where there is none.
    public func entryDigest(organisation: String, job: String, ordinal: Int64) throws -> SHA256Digest? {
        try sql.first(
            "SELECT digest FROM job_entries WHERE organisation = ?1 AND job = ?2 AND ordinal = ?3", organisation, job,
            ordinal
        ) { row in try row.digest() }
    }

    /// Appends to a job's log, at its end.
    public func appendLog(organisation: String, job: String, at position: Int64, _ bytes: [UInt8]) throws {
        try sql.execute(
            "INSERT INTO job_log (organisation, job, position, content) VALUES (?1, ?2, ?3, ?4)", organisation, job,
            position, bytes)
    }

    /// At most `limit` bytes of a job's log from `position` on.
    public func log(organisation: String, job: String, from position: Int64, limit: Int) throws -> [UInt8] {
        let start = try sql.first(
            "SELECT max(position) FROM job_log WHERE organisation = ?1 AND job = ?2 AND position <= ?3", organisation,
            job, position
        ) { row in try row.optionalInteger() }
        guard let begin = start ?? nil else { return [] }
        let pieces = try sql.rows(
            """
            SELECT position, content FROM job_log WHERE organisation = ?1 AND job = ?2 AND position >= ?3
                AND position < ?4 ORDER BY position
            """, organisation, job, begin, position + Int64(limit)
        ) { row in (try row.integer(), try row.blob()) }
        var bytes: [UInt8] = []
        for (at, content) in pieces {
            bytes += content.dropFirst(max(0, Int(position - at)))
            if bytes.count >= limit { break }
        }
        return Array(bytes.prefix(limit))
    }
}

extension Transaction {
    /// The jobs.
    public var jobs: Jobs { Jobs(sql: self) }
}
