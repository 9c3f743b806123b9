public import Timestamps

/// A package that is to blame for how a job ended on its host.
public struct HeldBackRecord: Hashable, Sendable {
    /// Where.
    public var host: String
    /// In which job.
    public var job: String
    /// In which campaign.
    public var campaign: String
    /// `name:architecture`.
    public var package: String
    /// The version that failed.
    public var version: String
    /// How the job ended, by the host's own word.
    public var outcome: String
    /// What happened, as the agent said it.
    public var what: String
    /// Whether it hung and was ended at its time limit.
    public var isHung: Bool
    /// When the server heard of the job's end; later news of the job do not move it.
    public var receivedAt: Timestamp

    /// A record with these fields.
    public init(
        host: String, job: String, campaign: String, package: String, version: String, outcome: String, what: String,
        isHung: Bool, receivedAt: Timestamp
    ) {
        self.host = host
        self.job = job
        self.campaign = campaign
        self.package = package
        self.version = version
        self.outcome = outcome
        self.what = what
        self.isHung = isHung
        self.receivedAt = receivedAt
    }
}

/// What failed or hung on which host.
public struct HeldBackPackages {
    let sql: Transaction

    /// Keeps a package to blame; one that is known of that job stays as it is.
    public func insert(organisation: String, _ one: HeldBackRecord) throws {
        try sql.execute(
            """
            INSERT INTO held_back (organisation, host, job, package, version, campaign, outcome, what, is_hung, received_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (organisation, host, job, package) DO NOTHING
            """, organisation, one.host, one.job, one.package, one.version, one.campaign, one.outcome, one.what,
            one.isHung, one.receivedAt)
    }

    /// What is held back, the newest first.
    ///
    /// - Parameters:
    ///   - campaign: only of this one.
    ///   - host: only of this one.
    public func list(
        organisation: String, campaign: String? = nil, host: String? = nil, limit: Int
    ) throws -> [HeldBackRecord] {
        var parameters: [SQLValue] = [.text(organisation)]
        var conditions = ""
        for (column, value) in [("campaign", campaign), ("host", host)] {
            guard let value else { continue }
            parameters.append(.text(value))
            conditions += " AND \(column) = ?\(parameters.count)"
        }
        parameters.append(.integer(Int64(limit)))
        return try sql.rows(
            """
            SELECT host, job, campaign, package, version, outcome, what, is_hung, received_at FROM held_back
            WHERE organisation = ?1\(conditions) ORDER BY received_at DESC, job, package LIMIT ?\(parameters.count)
            """, list: parameters
        ) { row in
            HeldBackRecord(
                host: try row.text(), job: try row.text(), campaign: try row.text(), package: try row.text(),
                version: try row.text(), outcome: try row.text(), what: try row.text(), isHung: try row.bool(),
                receivedAt: try row.timestamp())
        }
    }
}

extension Transaction {
    /// What failed or hung on which host.
    public var heldBack: HeldBackPackages { HeldBackPackages(sql: self) }
}
