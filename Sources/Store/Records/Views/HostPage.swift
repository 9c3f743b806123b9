public import Timestamps

/// One host in a list.
public struct HostItem: Hashable, Sendable {
    /// Its id.
    public var id: String
    /// Its name.
    public var hostname: String
    /// Its labels.
    public var labels: [String: String]
    /// Whether it may talk to the server.
    public var status: HostStatus
    /// The operating system; empty before the first report.
    public var operatingSystem: String
    /// How many updates wait, as last reported; nil before the first report. Evidence only where ``unjudged`` is nil.
    public var pending: Int64?
    /// How many of these are security updates.
    public var security: Int64?
    /// Whether it must be restarted.
    public var reboot: RebootState
    /// How many packages are in a broken state; nil where nobody can say.
    public var broken: Int64?
    /// How many things must be restarted; nil where nobody can say.
    public var restarts: Int64?
    /// When it was last seen by any server; nil for never.
    public var lastSeen: Timestamp?
    /// When it was last scanned; nil for never.
    public var lastScan: Timestamp?
    /// When it last reported; nil for never.
    public var lastReport: Timestamp?
    /// Whether it is active and was not seen for more than three intervals.
    public var silent: Bool
    /// Why nobody can say that it lacks nothing; nil where it is judged.
    public var unjudged: UnjudgedReason?
    /// The updates that ``HostQuery/patch`` asked for; empty where it did not.
    public var updates: [WaitingUpdate]
}

/// One update as it waits on a host.
public struct WaitingUpdate: Hashable, Sendable {
    /// The package.
    public var name: String
    /// Its architecture.
    public var architecture: String
    /// What is installed.
    public var installed: String
    /// What is offered.
    public var candidate: String
    /// Where from, for people; several origins are joined by commas.
    public var origin: String
    /// Whether it is a security update.
    public var security: Bool
    /// `upgradable`, `kept-back`, `held`, `phased`, `pinned` or `unknown`.
    public var status: String
}

/// A page of hosts, with what surrounds it.
public struct HostPage: Hashable, Sendable {
    /// The hosts, in the order asked for.
    public var hosts: [HostItem]
    /// Where to go on; nil after the last page.
    public var next: HostCursor?
    /// How many hosts the query finds, on all pages: exact.
    public var total: Int
    /// How many there would be for each further choice.
    public var facets: HostFacets
    /// What the list was made of: another value once anything in it may have changed.
    public var token: FleetToken
}

/// How many hosts a list would show if one question of its query were asked that way and all others as they are; exact,
/// but where a bound is given.
public struct HostFacets: Hashable, Sendable {
    /// By status.
    public var statuses: [HostStatus: Int] = [:]
    /// With pending security updates.
    public var security = 0
    /// With pending updates.
    public var pending = 0
    /// By the verdict on a reboot.
    public var reboot: [RebootState: Int] = [:]
    /// Silent.
    public var silent = 0
    /// With indexes that are no evidence.
    public var stale = 0
    /// With broken packages.
    public var broken = 0
    /// With something to restart.
    public var restarts = 0
    /// Active, but not judged.
    public var unjudged = 0
    /// By operating system: the most frequent ones, at most ``maximumValues``.
    public var operatingSystems: [FacetValue] = []
    /// By label, `name=value`: the most frequent ones among the hosts found, at most ``maximumValues``.
    public var labels: [FacetValue] = []

    /// The most values of operating systems and of labels.
    public static let maximumValues = 50
}

/// A value that hosts have, and how many have it.
public struct FacetValue: Hashable, Sendable {
    /// The value.
    public var value: String
    /// How many hosts.
    public var hosts: Int
}

/// How far an organisation's hosts have changed, as this server knows them: for ETags and live refresh. Two tokens are of
/// equal content only if they are equal; a token of another server, or of another run, never equals.
public struct FleetToken: Hashable, Sendable, CustomStringConvertible {
    /// This run of the server.
    public var run: UInt64
    /// Grows when a host's record, labels, updates or facts change.
    public var change: UInt64
    /// Grows when a host was seen, which changes what lists show of it.
    public var presence: UInt64

    /// Opaque, without characters that an ETag cannot hold.
    public var description: String {
        "\(String(run, radix: 36)).\(String(change, radix: 36)).\(String(presence, radix: 36))"
    }
}
