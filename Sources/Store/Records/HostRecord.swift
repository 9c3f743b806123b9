public import Digest
public import Timestamps

/// Whether a host may talk to the server.
public enum HostStatus: String, Hashable, Sendable, CaseIterable {
    /// It may.
    case active
    /// Two machines seem to use its identity, or an operator is not sure of it: it may not until released.
    case quarantined
    /// Its certificates are void; it must enrol again.
    case revoked
    /// The machine is gone.
    case retired
}

/// A host as it stands.
public struct HostRecord: Hashable, Sendable {
    /// Its id, chosen by the server.
    public var id: String
    /// Its organisation.
    public var organisation: String
    /// The asset it runs on.
    public var asset: String
    /// The name it gave itself last.
    public var hostname: String
    /// What operators call it.
    public var labels: [String: String]
    /// Whether it may talk to the server.
    public var status: HostStatus
    /// Why, where it may not.
    public var statusReason: String
    /// When it enrolled.
    public var enrolledAt: Timestamp
    /// The token it enrolled with.
    public var enrolledWith: String
    /// The desired state's version; grows with every change.
    public var stateVersion: Int64
    /// Seconds between check-ins.
    public var interval: Int64
    /// Seconds between scans.
    public var scanInterval: Int64
    /// Spreads hosts over the interval.
    public var salt: String
    /// Asks for a scan when it grows.
    public var scanRequest: Int64
    /// Asks for a renewal when it grows.
    public var renewRequest: Int64
    /// SHA-256 of the exchange token that is to be presented.
    public var exchangeCurrent: SHA256Digest
    /// Of the one before, valid until the current one is first used.
    public var exchangePrevious: SHA256Digest?
    /// When the token last changed.
    public var exchangeRotatedAt: Timestamp
    /// The last boot it told of.
    public var bootID: String?
    /// Its agent's version.
    public var agentVersion: String
    /// The protocol it speaks.
    public var protocolVersion: Int64
    /// The life of its report queue; empty before the first report.
    public var incarnation: String
    /// The number of the report to come.
    public var nextReport: Int64
    /// What it last reported; nil before the first report.
    public var digests: DocumentDigests?
    /// When, by its own clock.
    public var observedAt: Timestamp?
    /// When that reached us.
    public var reportedAt: Timestamp?
    /// The operating system, for lists; empty before the first report.
    public var operatingSystem: String
    /// A summary of the facts that the server makes of each new facts document: JSON, `{}` before the first.
    public var summary: String
    /// How many packages wait for an update.
    public var pendingCount: Int64
    /// How many of these are security updates.
    public var securityCount: Int64
    /// When the record last changed.
    public var updatedAt: Timestamp
    /// Stamps the change, for other servers.
    public var change: Int64
    /// From when on an open job makes it check in often; nil where it has none.
    public var jobsFrom: Timestamp?
    /// When it last checked in, as far as it was written down; nil before the first time.
    public var lastSeen: Timestamp?
    /// Its clock less ours, in milliseconds, at the last check-in; nil where unknown.
    public var clockOffset: Int64?
    /// When, by our clock, its last scan began that found what it last reported, as far as it was written down; nil where
    /// it has not told so.
    public var scannedAt: Timestamp?

    private static let own = """
        hosts.id, hosts.organisation, asset, hostname, labels, status, status_reason, enrolled_at, enrolled_with,
        state_version, check_in_interval, scan_interval, phase_salt, scan_request, renew_request, exchange_current,
        exchange_previous, exchange_rotated_at, boot_id, agent_version, protocol_version, incarnation, next_report,
        set_digest, offers_digest, facts_digest, observed_at, reported_at, operating_system, summary, pending_count,
        security_count, updated_at, change, jobs_from
        """

    /// The columns of ``source``.
    static let columns = own + ", last_seen, clock_offset, scanned_at"

    /// The same as a changed row of `hosts` returns them.
    static let returned =
        own
        + ["last_seen", "clock_offset", "scanned_at"].map { column in
            """
            , (SELECT \(column) FROM host_presence p WHERE p.organisation = hosts.organisation AND p.host = hosts.id)
            """
        }.joined()

    static let source = """
        hosts LEFT JOIN host_presence ON host_presence.organisation = hosts.organisation AND host_presence.host = hosts.id
        """

    init(_ row: inout SQLRow) throws(StoreError) {
        id = try row.text()
        organisation = try row.text()
        asset = try row.text()
        hostname = try row.text()
        labels = try Labels.parse(row.text())
        let statusName = try row.text()
        guard let status = HostStatus(rawValue: statusName) else {
            throw StoreError(
                .corrupt, "host \(id) has the status \"\(statusName)\"", cure: "restore the database from a backup")
        }
        self.status = status
        statusReason = try row.text()
        enrolledAt = try row.timestamp()
        enrolledWith = try row.text()
        stateVersion = try row.integer()
        interval = try row.integer()
        scanInterval = try row.integer()
        salt = try row.text()
        scanRequest = try row.integer()
        renewRequest = try row.integer()
        exchangeCurrent = try row.digest()
        exchangePrevious = try row.optionalDigest()
        exchangeRotatedAt = try row.timestamp()
        bootID = try row.optionalText()
        agentVersion = try row.text()
        protocolVersion = try row.integer()
        incarnation = try row.text()
        nextReport = try row.integer()
        let set = try row.optionalDigest()
        let offers = try row.optionalDigest()
        let facts = try row.optionalDigest()
        if let set, let offers, let facts { digests = DocumentDigests(set: set, offers: offers, facts: facts) }
        observedAt = try row.optionalTimestamp()
        reportedAt = try row.optionalTimestamp()
        operatingSystem = try row.text()
        summary = try row.text()
        pendingCount = try row.integer()
        securityCount = try row.integer()
        updatedAt = try row.timestamp()
        change = try row.integer()
        jobsFrom = try row.optionalTimestamp()
        lastSeen = try row.optionalTimestamp()
        clockOffset = try row.optionalInteger()
        scannedAt = try row.optionalTimestamp()
    }
}

/// Why something cannot be done to a host.
public enum HostError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The organisation has no such host.
    case unknown(String)
    /// The host may not talk to the server.
    case notActive(String, HostStatus, reason: String)

    public var description: String {
        switch self {
        case .unknown(let id): "there is no host \(id); \"fettle hosts list\" shows them"
        case .notActive(let id, let status, let reason):
            "host \(id) is \(status.rawValue)\(reason.isEmpty ? "" : ": \(reason)"); \"fettle hosts show \(id)\" says more"
        }
    }
}
