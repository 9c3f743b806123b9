public import Timestamps

/// Evidence that is asked for on a host before a vulnerability is patched there.
public struct EvidenceRow: Sendable {
    public var host: String
    public var hostname: String
    public var vulnerability: String
    public var packages: [String] = []
    public var since: Timestamp
    /// Whether campaigns leave the host out.
    public var isBlocking = true
    /// The next step: `scope`, `volatile-evidence`, `verdict`; empty where all is done.
    public var next = ""
    public var due: Timestamp?
    /// Whether that is past.
    public var isLate = false
    /// What was done: step, when, by whom, and the digest of what was kept.
    public var records: [(step: String, at: Timestamp, by: String, digest: String)] = []
    /// Who let the host be changed without it; empty where nobody did.
    public var waivedBy = ""
    public var waived: Timestamp?
    /// Why.
    public var reason = ""

    public init(host: String, hostname: String, vulnerability: String, since: Timestamp) {
        self.host = host
        self.hostname = hostname
        self.vulnerability = vulnerability
        self.since = since
    }
}

/// The list of what is held.
public struct EvidenceListModel: Sendable {
    public var rows: [EvidenceRow] = []
    public var total = 0
    /// How many of all keep campaigns away.
    public var blocking = 0
    public var next: String?
    public var gap: RiskGap?
    public var scope = RiskScope()

    public init() {}
}

/// One of them, with the forms of who may note something.
public struct EvidenceModel: Sendable {
    public var row: EvidenceRow
    public var mayRecord = false
    public var mayWaive = false
    public var error = ""

    public init(row: EvidenceRow) { self.row = row }
}
