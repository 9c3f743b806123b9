public import Access

/// Which hosts of an organisation a list shows. Everything that is set must hold; what is empty or nil asks for nothing.
///
/// Questions of evidence (``reboot``, ``broken``, ``restarts``) are answered as ``HostItem`` shows them: of a host that is
/// not judged they are unknown, neither yes nor no.
public struct HostQuery: Hashable, Sendable {
    /// The name or the id holds this text, whatever its case (ASCII).
    public var text: String?
    /// The status is one of these.
    public var statuses: Set<HostStatus> = []
    /// The labels are selected by this.
    public var selector: LabelSelector?
    /// Whether security updates are pending, as the host last reported.
    public var security: Bool?
    /// Whether any updates are pending, as the host last reported.
    public var pending: Bool?
    /// The verdict on a reboot is one of these.
    public var reboot: Set<RebootState> = []
    /// Whether an active host was not seen for more than three intervals.
    public var silent: Bool?
    /// Whether an active host's package indexes are no evidence: there are none, they are expired or old, or their age is
    /// not known.
    public var stale: Bool?
    /// Whether packages are in a broken state.
    public var broken: Bool?
    /// Whether something must be restarted.
    public var restarts: Bool?
    /// Whether an active host is judged at all: false finds those of whom nobody can say that they lack nothing.
    public var judged: Bool?
    /// The operating system is one of these.
    public var operatingSystems: Set<String> = []
    /// This waits on the host.
    public var patch: PatchFilter?

    /// A query that finds every host.
    public init() {}
}

/// An update that waits, named as far as one cares.
public struct PatchFilter: Hashable, Sendable {
    /// The package.
    public var name: String
    /// The version that is offered; nil for any.
    public var candidate: String?
    /// Where from, as ``Patch/origin``; nil for any.
    public var origin: String?
    /// Whether it is a security update; nil for both.
    public var security: Bool?

    /// An update of that package.
    public init(name: String, candidate: String? = nil, origin: String? = nil, security: Bool? = nil) {
        self.name = name
        self.candidate = candidate
        self.origin = origin
        self.security = security
    }
}

/// Whether a host must be restarted.
public enum RebootState: String, Hashable, Sendable, CaseIterable {
    /// It must.
    case required
    /// It was looked for and need not.
    case notRequired = "not-required"
    /// Nobody can say: the host is not judged, or could not find out.
    case unknown
}

/// What a list of hosts is sorted by. Equal hosts follow by name and id.
public enum HostSort: String, Hashable, Sendable, CaseIterable {
    /// The name, then the id.
    case name
    /// How many security updates wait.
    case security
    /// How many updates wait.
    case pending
    /// When it was last seen; never comes before all times.
    case lastSeen = "last-seen"
    /// When it was last scanned; never comes before all times.
    case lastScan = "last-scan"
    /// Not required, unknown, required.
    case reboot
}

/// The order of a list of hosts.
public struct HostOrder: Hashable, Sendable {
    /// What by.
    public var sort: HostSort
    /// The greatest first. Names and ids of equal hosts are ascending all the same, but where the name is what is sorted by.
    public var descending: Bool

    /// That order.
    public init(_ sort: HostSort = .name, descending: Bool = false) {
        self.sort = sort
        self.descending = descending
    }
}

/// Where a page ends: hand it back for the next one. Hosts that come or go meanwhile shift nothing; one whose value
/// changed meanwhile (it was seen again) may be met twice or not at all.
public struct HostCursor: Hashable, Sendable, CustomStringConvertible {
    /// The last host's value of what is sorted by; 0 for names.
    public var value: Int64
    /// The last host's name.
    public var hostname: String
    /// The last host's id.
    public var id: String

    /// The end after that host.
    public init(value: Int64, hostname: String, id: String) {
        self.value = value
        self.hostname = hostname
        self.id = id
    }

    /// `VALUE ID NAME`: an id has no blanks.
    public var description: String { "\(value) \(id) \(hostname)" }

    /// Reads a ``description``; nil for anything else.
    public init?(_ description: String) {
        let parts = description.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, description.utf8.count <= 1024, let value = Int64(parts[0]) else { return nil }
        self.init(value: value, hostname: String(parts[2]), id: String(parts[1]))
    }
}
