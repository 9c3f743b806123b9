public import HTML
public import Timestamps

/// An accepted risk.
public struct ExceptionRow: Sendable {
    public var id: String
    public var vulnerability: String
    /// `requested`, `active`, `expired`, `reopened`, `revoked`, `incomplete`.
    public var state: String
    /// How it stands, in a sentence.
    public var sentence = ""
    /// Where it holds: a host's name, labels, or all hosts.
    public var place = ""
    /// Empty for all packages.
    public var package = ""
    public var owner = ""
    public var reason = ""
    public var control = ""
    public var requestedBy = ""
    public var requestedAt: Timestamp
    public var expires: Timestamp
    public var approvedBy = ""
    public var approvedAt: Timestamp?
    public var coversExploitation = false

    public init(id: String, vulnerability: String, state: String, requestedAt: Timestamp, expires: Timestamp) {
        self.id = id
        self.vulnerability = vulnerability
        self.state = state
        self.requestedAt = requestedAt
        self.expires = expires
    }
}

/// The list of accepted risks.
public struct ExceptionsModel: Sendable {
    public var rows: [ExceptionRow] = []
    /// Only in this state; empty for all.
    public var state = ""
    /// How many there are in each state.
    public var states: [(state: String, count: Int)] = []
    public var total = 0
    public var next: String?
    public var mayWrite = false

    public init() {}
}

/// One accepted risk, with what may be decided on it.
public struct ExceptionModel: Sendable {
    public var row: ExceptionRow
    /// Whether whoever looks may approve it: it waits, and is not their own.
    public var mayApprove = false
    /// Whether they may end it.
    public var mayRevoke = false
    /// Whether they may refuse it, and not end it otherwise.
    public var mayReject = false
    /// Since when the vulnerability is known to be exploited.
    public var knownExploited: Timestamp?
    public var error = ""

    public init(row: ExceptionRow) { self.row = row }
}

/// The form that asks for an exception.
public struct ExceptionFormModel: Sendable {
    public var values: [String: String] = [:]
    public var errors: [String: String] = [:]
    /// What is wrong with the whole.
    public var problem = ""

    public init() {}
}
