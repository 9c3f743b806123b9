public import HTML
public import Inventory
public import Timestamps

/// The parts of a host's page.
public enum HostTab: String, Sendable, CaseIterable {
    case overview, vulnerabilities, updates, packages, windows, timeline, facts

    var title: String {
        switch self {
        case .overview: "Overview"
        case .vulnerabilities: "Vulnerabilities"
        case .updates: "Updates"
        case .packages: "Packages"
        case .windows: "Windows"
        case .timeline: "Timeline"
        case .facts: "Facts"
        }
    }
}

/// What a host's page shows.
public struct HostModel: Sendable {
    public var row: HostRow
    public var tab: HostTab
    public var organisation = ""
    public var statusReason = ""
    public var enrolledAt: Timestamp
    public var enrolledWith = ""
    public var interval: Int64 = 0
    public var protocolVersion: Int64 = 0
    /// The certificate in force.
    public var certificate: (serial: String, notAfter: Timestamp)?
    /// What the host last reported of itself; nil before its first report.
    public var facts: HostFacts?
    public var indexes: [IndexRow] = []
    public var updates: [UpdateRow] = []
    public var packages: [PackageRow] = []
    public var packageCount = 0
    /// What the packages are filtered by.
    public var packageQuery = ""
    public var timeline: [TimelineRow] = []
    public var timelineNext: String?
    /// What it is exposed to: the few most pressing, or a page of all; nil where that is not shown.
    public var findings: HostFindings?
    /// When it may change; nil on other tabs.
    public var windows: HostWindowsModel?
    /// Hosts that may be the same machine.
    public var duplicates: [(id: String, name: String, status: String)] = []
    /// Its parts of campaigns, the newest first; nil for who may not see campaigns.
    public var jobs: [JobRow]?
    public var mayOperate = false
    public var mayManage = false
    /// Whether they may plan a campaign for it.
    public var mayPatch = false

    public init(row: HostRow, tab: HostTab, enrolledAt: Timestamp) {
        self.row = row
        self.tab = tab
        self.enrolledAt = enrolledAt
    }
}

/// A package index of a host.
public struct IndexRow: Sendable {
    public var name: String
    public var site: String
    public var isSecurity: Bool
    public var released: Timestamp?
    public var validUntil: Timestamp?

    public init(name: String, site: String, isSecurity: Bool, released: Timestamp?, validUntil: Timestamp?) {
        self.name = name
        self.site = site
        self.isSecurity = isSecurity
        self.released = released
        self.validUntil = validUntil
    }
}

/// An update that waits on a host.
public struct UpdateRow: Sendable {
    public var name: String
    public var architecture: String
    public var installed: String
    public var candidate: String
    public var origin: String
    public var isSecurity: Bool
    /// `upgradable`, `kept-back`, `held`, `phased`, `pinned`, `unknown`.
    public var status: String
    /// Why it is not taken.
    public var reason: String

    public init(
        name: String, architecture: String, installed: String, candidate: String, origin: String, isSecurity: Bool,
        status: String, reason: String
    ) {
        self.name = name
        self.architecture = architecture
        self.installed = installed
        self.candidate = candidate
        self.origin = origin
        self.isSecurity = isSecurity
        self.status = status
        self.reason = reason
    }
}

/// A package that is installed on a host.
public struct PackageRow: Sendable {
    public var name: String
    public var version: String
    public var architecture: String
    public var source: String
    /// What is offered above it.
    public var candidate: String?
    public var isSecurity: Bool

    public init(
        name: String, version: String, architecture: String, source: String, candidate: String?, isSecurity: Bool
    ) {
        self.name = name
        self.version = version
        self.architecture = architecture
        self.source = source
        self.candidate = candidate
        self.isSecurity = isSecurity
    }
}

/// Something that happened to a host.
public struct TimelineRow: Sendable {
    /// What kind of thing.
    public enum Kind: Sendable {
        case report, boot, event, act
    }
    public var kind: Kind
    public var time: Timestamp
    public var title: String
    public var detail: String
    /// What changed of its packages: shown as a list.
    public var changes: [(sign: String, name: String, versions: String)]

    public init(
        _ kind: Kind, time: Timestamp, title: String, detail: String = "",
        changes: [(sign: String, name: String, versions: String)] = []
    ) {
        self.kind = kind
        self.time = time
        self.title = title
        self.detail = detail
        self.changes = changes
    }
}

/// A decision that is asked for once more before it is done.
public struct ConfirmModel: Sendable {
    public var title: String
    public var question: String
    /// What it does and does not do.
    public var consequences: [String]
    /// The button.
    public var verb: String
    public var isDangerous: Bool
    public var action: Location
    public var back: Location
    /// What must be typed to go on; nil for nothing.
    public var typed: String?
    /// Whether a reason is asked for.
    public var asksReason: Bool
    /// What else the form carries.
    public var fields: [(name: String, value: String)]

    public init(
        title: String, question: String, consequences: [String], verb: String, isDangerous: Bool, action: Location,
        back: Location, typed: String? = nil, asksReason: Bool = false, fields: [(name: String, value: String)] = []
    ) {
        self.title = title
        self.question = question
        self.consequences = consequences
        self.verb = verb
        self.isDangerous = isDangerous
        self.action = action
        self.back = back
        self.typed = typed
        self.asksReason = asksReason
        self.fields = fields
    }
}
