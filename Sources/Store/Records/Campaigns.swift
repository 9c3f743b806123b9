public import Digest
public import Timestamps

/// A campaign as it is stored. What is JSON here is read and written by those who run campaigns.
public struct CampaignRecord: Hashable, Sendable {
    /// Its id: `c-…`.
    public var id: String
    /// Whose.
    public var organisation: String
    /// What people call it.
    public var title: String
    /// Who made it, as the audit log names them.
    public var author: String
    /// What was asked for, JSON.
    public var draft: String
    /// The reducer's state, JSON.
    public var state: String
    /// The state's word.
    public var stateWord: String
    /// Why it is there, in one sentence; may be empty.
    public var reason: String
    /// Grows by 1 with every change.
    public var version: Int64
    /// The plan's epoch.
    public var epoch: Int64
    /// Whether nothing will happen any more.
    public var isTerminal: Bool
    /// The plan, JSON; nil before it was frozen. Its hosts are rows of their own.
    public var plan: String?
    /// The plan's digest.
    public var planDigest: SHA256Digest?
    /// The signed release document, JSON; nil before it was signed.
    public var release: String?
    /// The signed release document by which hosts are taken back, JSON; nil before it was signed.
    public var rollbackRelease: String?
    /// What is to be said of the plan, JSON.
    public var remarks: String
    /// How many approvals the plan needs.
    public var approvalsRequired: Int64
    /// The campaign that this one takes back; nil for an ordinary one.
    public var rollsBack: String?
    /// When it was made.
    public var createdAt: Timestamp
    /// When it last changed.
    public var updatedAt: Timestamp

    /// A campaign with these fields, in its first version.
    public init(
        id: String, organisation: String, title: String, author: String, draft: String, state: String,
        stateWord: String, epoch: Int64, approvalsRequired: Int64, rollsBack: String? = nil, createdAt: Timestamp
    ) {
        self.id = id
        self.organisation = organisation
        self.title = title
        self.author = author
        self.draft = draft
        self.state = state
        self.stateWord = stateWord
        self.reason = ""
        self.version = 1
        self.epoch = epoch
        self.isTerminal = false
        self.remarks = "{}"
        self.approvalsRequired = approvalsRequired
        self.rollsBack = rollsBack
        self.createdAt = createdAt
        self.updatedAt = createdAt
    }

    static let columns = """
        id, organisation, title, author, draft, state, state_word, reason, version, epoch, is_terminal, plan, plan_digest,
        release_envelope, remarks, approvals_required, rolls_back, created_at, updated_at, rollback_envelope
        """

    init(_ row: inout SQLRow) throws(StoreError) {
        id = try row.text()
        organisation = try row.text()
        title = try row.text()
        author = try row.text()
        draft = try row.text()
        state = try row.text()
        stateWord = try row.text()
        reason = try row.text()
        version = try row.integer()
        epoch = try row.integer()
        isTerminal = try row.bool()
        plan = try row.optionalText()
        planDigest = try row.optionalDigest()
        release = try row.optionalText()
        remarks = try row.text()
        approvalsRequired = try row.integer()
        rollsBack = try row.optionalText()
        createdAt = try row.timestamp()
        updatedAt = try row.timestamp()
        rollbackRelease = try row.optionalText()
    }
}

/// A host of a plan: a snapshot of when it was frozen.
public struct CampaignHost: Hashable, Sendable {
    /// The host.
    public var host: String
    /// Its distribution release, as software sets name it: `debian-12`.
    public var distribution: String
    /// What it had of the plan's packages, JSON: version by `name:architecture`.
    public var previous: String
    /// When it may change,
    public var notBefore: Timestamp
    /// begin at the latest,
    public var lastSafeStart: Timestamp
    /// and must be done.
    public var notAfter: Timestamp

    /// A host with these fields.
    public init(
        host: String, distribution: String, previous: String, notBefore: Timestamp, lastSafeStart: Timestamp,
        notAfter: Timestamp
    ) {
        self.host = host
        self.distribution = distribution
        self.previous = previous
        self.notBefore = notBefore
        self.lastSafeStart = lastSafeStart
        self.notAfter = notAfter
    }

    static let columns = "host, distribution, previous, not_before, last_safe_start, not_after"

    init(_ row: inout SQLRow) throws(StoreError) {
        self.init(
            host: try row.text(), distribution: try row.text(), previous: try row.text(),
            notBefore: try row.timestamp(), lastSafeStart: try row.timestamp(), notAfter: try row.timestamp())
    }
}

/// Somebody's yes to a plan.
public struct ApprovalRecord: Hashable, Sendable {
    /// Who, as the audit log names them.
    public var approver: String
    /// Of which epoch of the campaign.
    public var epoch: Int64
    /// Over which plan.
    public var planDigest: SHA256Digest
    /// When.
    public var approvedAt: Timestamp
    /// The key they signed with; nil where they did not.
    public var keyID: String?
    /// Their signature; nil where they did not sign.
    public var signature: [UInt8]?

    /// An approval with these fields.
    public init(
        approver: String, epoch: Int64, planDigest: SHA256Digest, approvedAt: Timestamp, keyID: String? = nil,
        signature: [UInt8]? = nil
    ) {
        self.approver = approver
        self.epoch = epoch
        self.planDigest = planDigest
        self.approvedAt = approvedAt
        self.keyID = keyID
        self.signature = signature
    }
}

/// The campaigns. A change names the version that it saw: of racing ones one wins.
public struct Campaigns {
    let sql: Transaction

    /// Keeps a new campaign.
    public func insert(_ record: CampaignRecord) throws {
        try sql.execute(
            """
            INSERT INTO campaigns (\(CampaignRecord.columns)) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
            """, record.id, record.organisation, record.title, record.author, record.draft, record.state,
            record.stateWord, record.reason, record.version, record.epoch, record.isTerminal, record.plan,
            record.planDigest, record.release, record.remarks, record.approvalsRequired, record.rollsBack,
            record.createdAt, record.updatedAt, record.rollbackRelease)
    }

    /// The campaign of that id; nil where the organisation has none.
    public func show(organisation: String, id: String) throws -> CampaignRecord? {
        try sql.first(
            "SELECT \(CampaignRecord.columns) FROM campaigns WHERE organisation = ?1 AND id = ?2", organisation, id
        ) { row in try CampaignRecord(&row) }
    }

    /// Writes a changed record over the version that it was read in; its version grows by 1.
    ///
    /// - Returns: the record as it is now; nil where somebody else changed it meanwhile.
    public func update(_ record: CampaignRecord, now: Timestamp) throws -> CampaignRecord? {
        var next = record
        next.version += 1
        next.updatedAt = now
        let changed = try sql.execute(
            """
            UPDATE campaigns SET title = ?4, draft = ?5, state = ?6, state_word = ?7, reason = ?8, version = ?9,
                epoch = ?10, is_terminal = ?11, plan = ?12, plan_digest = ?13, release_envelope = ?14, remarks = ?15,
                approvals_required = ?16, updated_at = ?17, rollback_envelope = ?18
            WHERE organisation = ?1 AND id = ?2 AND version = ?3
            """, record.organisation, record.id, record.version, next.title, next.draft, next.state, next.stateWord,
            next.reason, next.version, next.epoch, next.isTerminal, next.plan, next.planDigest, next.release,
            next.remarks, next.approvalsRequired, next.updatedAt, next.rollbackRelease)
        return changed > 0 ? next : nil
    }

    /// Campaigns, the newest first, after that id.
    ///
    /// - Parameters:
    ///   - open: only those that have not ended.
    ///   - host: only those whose plan has that host.
    public func list(
        organisation: String, open: Bool = false, host: String? = nil, after id: String? = nil, limit: Int = 100
    ) throws -> [CampaignRecord] {
        var conditions = ["organisation = ?1"]
        var parameters: [SQLValue] = [.text(organisation)]
        if open { conditions.append("is_terminal = 0") }
        if let host {
            parameters.append(.text(host))
            conditions.append(
                """
                id IN (SELECT h.campaign FROM campaign_hosts h WHERE h.organisation = ?1 AND h.host = ?\(parameters.count))
                """)
        }
        if let id, let last = try show(organisation: organisation, id: id) {
            parameters += [last.createdAt.sqlValue, .text(last.id)]
            conditions.append("(created_at, id) < (?\(parameters.count - 1), ?\(parameters.count))")
        }
        parameters.append(.integer(Int64(max(1, min(limit, 1001)))))
        return try sql.rows(
            """
            SELECT \(CampaignRecord.columns) FROM campaigns WHERE \(conditions.joined(separator: " AND "))
            ORDER BY created_at DESC, id DESC LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in try CampaignRecord(&row) }
    }

    /// Every campaign of the installation in one of these states, for whoever looks after them.
    public func inStates(_ words: Set<String>) throws -> [(organisation: String, id: String)] {
        try sql.rows("SELECT organisation, id, state_word FROM campaigns WHERE is_terminal = 0 ORDER BY created_at, id")
        {
            row in (try row.text(), try row.text(), try row.text())
        }.filter { words.contains($0.2) }.map { ($0.0, $0.1) }
    }

    /// Replaces the plan's list of hosts.
    public func setHosts(organisation: String, campaign: String, _ hosts: [CampaignHost]) throws {
        try sql.execute(
            "DELETE FROM campaign_hosts WHERE organisation = ?1 AND campaign = ?2", organisation, campaign)
        try addHosts(organisation: organisation, campaign: campaign, hosts)
    }

    /// Removes some of the plan's hosts, the first by id.
    ///
    /// - Returns: how many those were.
    public func removeHosts(organisation: String, campaign: String, limit: Int) throws -> Int {
        try sql.execute(
            """
            DELETE FROM campaign_hosts WHERE organisation = ?1 AND campaign = ?2 AND host IN (
                SELECT c.host FROM campaign_hosts c WHERE c.organisation = ?1 AND c.campaign = ?2
                ORDER BY c.host LIMIT ?3)
            """, organisation, campaign, limit)
    }

    /// Adds hosts to the plan's list.
    public func addHosts(organisation: String, campaign: String, _ hosts: [CampaignHost]) throws {
        for host in hosts {
            try sql.execute(
                """
                INSERT INTO campaign_hosts (organisation, campaign, \(CampaignHost.columns))
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                """, organisation, campaign, host.host, host.distribution, host.previous, host.notBefore,
                host.lastSafeStart, host.notAfter)
        }
    }

    /// The plan's hosts, by id.
    public func hosts(organisation: String, campaign: String) throws -> [CampaignHost] {
        try sql.rows(
            """
            SELECT \(CampaignHost.columns) FROM campaign_hosts WHERE organisation = ?1 AND campaign = ?2 ORDER BY host
            """, organisation, campaign
        ) { row in try CampaignHost(&row) }
    }

    /// The plan's hosts by id, those after that one.
    public func hosts(
        organisation: String, campaign: String, after host: String?, limit: Int
    ) throws -> [CampaignHost] {
        try sql.rows(
            """
            SELECT \(CampaignHost.columns) FROM campaign_hosts WHERE organisation = ?1 AND campaign = ?2 AND host > ?3
            ORDER BY host LIMIT ?4
            """, organisation, campaign, host ?? "", limit
        ) { row in try CampaignHost(&row) }
    }

    /// The plan's hosts that check in often for their jobs' sake, by id, those after that one.
    public func hurriedHosts(
        organisation: String, campaign: String, after host: String? = nil, limit: Int = Int(Int32.max)
    ) throws -> [String] {
        try sql.rows(
            """
            SELECT c.host FROM campaign_hosts c JOIN hosts h ON h.organisation = c.organisation AND h.id = c.host
            WHERE c.organisation = ?1 AND c.campaign = ?2 AND h.jobs_from IS NOT NULL AND c.host > ?3
            ORDER BY c.host LIMIT ?4
            """, organisation, campaign, host ?? "", limit
        ) { row in try row.text() }
    }

    /// How many hosts the plan has.
    public func hostCount(organisation: String, campaign: String) throws -> Int64 {
        try sql.first(
            "SELECT count(*) FROM campaign_hosts WHERE organisation = ?1 AND campaign = ?2", organisation, campaign
        ) { row in try row.integer() } ?? 0
    }

    /// One host of the plan; nil where it is none of them.
    public func host(organisation: String, campaign: String, host: String) throws -> CampaignHost? {
        try sql.first(
            """
            SELECT \(CampaignHost.columns) FROM campaign_hosts
            WHERE organisation = ?1 AND campaign = ?2 AND host = ?3
            """, organisation, campaign, host
        ) { row in try CampaignHost(&row) }
    }

    /// Keeps an approval; false where the same person has approved this epoch already.
    public func approve(organisation: String, campaign: String, _ approval: ApprovalRecord) throws -> Bool {
        try sql.execute(
            """
            INSERT INTO campaign_approvals (organisation, campaign, epoch, approver, plan_digest, approved_at, key_id,
                signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (organisation, campaign, epoch, approver) DO NOTHING
            """, organisation, campaign, approval.epoch, approval.approver, approval.planDigest, approval.approvedAt,
            approval.keyID, approval.signature) > 0
    }

    /// Every approval, void ones included, the oldest first.
    public func approvals(organisation: String, campaign: String) throws -> [ApprovalRecord] {
        try sql.rows(
            """
            SELECT approver, epoch, plan_digest, approved_at, key_id, signature FROM campaign_approvals
            WHERE organisation = ?1 AND campaign = ?2 ORDER BY approved_at, approver
            """, organisation, campaign
        ) { row in
            ApprovalRecord(
                approver: try row.text(), epoch: try row.integer(), planDigest: try row.digest(),
                approvedAt: try row.timestamp(), keyID: try row.optionalText(), signature: try row.optionalBlob())
        }
    }
}

extension Transaction {
    /// The campaigns.
    public var campaigns: Campaigns { Campaigns(sql: self) }
}
