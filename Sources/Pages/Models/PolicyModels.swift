public import HTML
public import Timestamps

/// A policy object in a list.
public struct PolicyRow: Sendable {
    public var kind: String
    public var name: String
    public var note = ""
    public var digest = ""
    /// The version of all policies since which it is so.
    public var version: Int64
    public var appliedBy = ""
    public var appliedAt: Timestamp
    /// The version from which on it is not; nil while in force.
    public var until: Int64?

    public init(kind: String, name: String, version: Int64, appliedAt: Timestamp) {
        self.kind = kind
        self.name = name
        self.version = version
        self.appliedAt = appliedAt
    }
}

/// All policies in force.
public struct PoliciesModel: Sendable {
    public var rows: [PolicyRow] = []
    /// Only of this kind; empty for all.
    public var kind = ""
    /// How many there are of each kind.
    public var kinds: [(kind: String, count: Int)] = []
    /// 0 before the first.
    public var version: Int64 = 0
    public var digest = ""
    public var appliedBy = ""
    public var appliedAt: Timestamp?
    public var total = 0
    public var next: String?
    public var mayApply = false
    /// What this server cannot read of them.
    public var unreadable: [String] = []

    public init() {}
}

/// One policy object.
public struct PolicyModel: Sendable {
    public var row: PolicyRow
    /// Its canonical form.
    public var yaml = ""
    public var history: [PolicyRow] = []
    /// Of a plan of rings: each ring with its hosts.
    public var rings: [(name: String, hosts: Int)] = []
    /// Kinds of hosts that the first ring does not have.
    public var untested: [String] = []
    /// Whom it applies to, within reach; nil where it is for no hosts by itself, or whoever looks may not see hosts.
    public var hosts: [(id: String, name: String, ring: String)]?
    public var total = 0
    public var next: String?
    public var mayApply = false
    /// The address of the group's calendar; nil for other kinds.
    public var calendar: Location?

    public init(row: PolicyRow) { self.row = row }
}

/// The form that applies policies, with its plan.
public struct PolicyFormModel: Sendable {
    public var text = ""
    public var prunes = false
    /// The version that the plan starts from.
    public var version: Int64 = 0
    /// The plan in lines; nil before it was asked for.
    public var plan: [String]?
    public var errors: [String] = []
    public var warnings: [String] = []
    /// What is wrong with the whole.
    public var problem = ""
    public var maximum = 0

    public init() {}
}

/// When a host may change.
public struct HostWindowsModel: Sendable {
    /// One opening.
    public struct Opening: Sendable {
        /// Local times with the zone.
        public var local: String
        public var opens: Timestamp
        public var shuts: Timestamp
        public var minutes: Int64
        public var lastStart: Timestamp?
        public var windows: String
        public var note: String

        public init(
            local: String, opens: Timestamp, shuts: Timestamp, minutes: Int64, lastStart: Timestamp?, windows: String,
            note: String
        ) {
            self.local = local
            self.opens = opens
            self.shuts = shuts
            self.minutes = minutes
            self.lastStart = lastStart
            self.windows = windows
            self.note = note
        }
    }

    public var openings: [Opening] = []
    /// Why there is none, and what to do.
    public var why = ""
    public var isOpen = false
    public var frozen: [String] = []
    public var zone: String?
    public var site: String?
    public var siteZone: String?
    public var groups: [String] = []
    public var windows: [String] = []
    public var freezes: [String] = []
    /// Whether whoever looks may see policies.
    public var seesPolicies = false

    public init() {}
}
