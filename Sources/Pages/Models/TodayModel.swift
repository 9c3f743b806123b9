public import HTML
public import Timestamps

/// What Today shows.
public struct TodayModel: Sendable {
    /// Something to do, with how many hosts it concerns.
    public struct Work: Sendable {
        /// What it is about.
        public enum Kind: String, Sendable, CaseIterable {
            case security, reboot, silent, stale, broken, restarts
        }
        public var kind: Kind
        public var count: Int
        /// Of how many more nobody can say.
        public var unknown: Int
        public var location: Location

        public init(_ kind: Kind, count: Int, unknown: Int = 0, location: Location) {
            self.kind = kind
            self.count = count
            self.unknown = unknown
            self.location = location
        }
    }

    /// In the order they are to be done.
    public var work: [Work] = []
    /// Active hosts.
    public var active = 0
    /// Active hosts with fresh evidence that lack nothing.
    public var current = 0
    /// Active hosts with fresh evidence that lack only updates that are not of security.
    public var others = 0
    /// Active hosts with fresh evidence that lack security updates.
    public var lacking = 0
    /// Active hosts that were not judged, by why.
    public var unjudged: [(why: String, count: Int)] = []
    /// Hosts that may not talk to the server, by status.
    public var inactive: [(status: String, count: Int, location: Location)] = []
    /// Where each share of the fleet is listed.
    public var currentLocation = Location()
    public var othersLocation = Location()
    public var lackingLocation = Location()
    public var unjudgedLocation = Location()
    /// The patches that close most.
    public var patches: [PatchRow] = []
    /// How many security patches there are in all.
    public var patchCount = 0
    /// What to do first by the work queue, and how much of it is due; nil where it is not worked out here.
    public var queue: (gap: RiskGap?, rows: [QueueRow], total: Int)?
    /// The hosts that lack most.
    public var hosts: [HostRow] = []
    /// Campaigns that wait for somebody; nil for who may not see campaigns.
    public var campaigns: [CampaignRow]?
    /// What was done last; nil for who may not see it.
    public var activity: [ActivityRow]?
    /// When any host was last seen.
    public var lastSeen: Timestamp?
    /// Set until the first host has reported.
    public var firstRun: FirstRun?

    public init() {}

    var unjudgedCount: Int { unjudged.reduce(0) { $0 + $1.count } }
}

/// What an empty installation has to do first.
public struct FirstRun: Sendable {
    /// Whether the person has set a password.
    public var hasPassword: Bool
    /// Whether an enrolment token was made.
    public var hasToken: Bool
    /// Whether a host was enrolled.
    public var hasHost: Bool
    /// Whether they may make enrolment tokens.
    public var mayEnrol: Bool

    public init(hasPassword: Bool, hasToken: Bool, hasHost: Bool, mayEnrol: Bool) {
        self.hasPassword = hasPassword
        self.hasToken = hasToken
        self.hasHost = hasHost
        self.mayEnrol = mayEnrol
    }
}

/// A host in a list.
public struct HostRow: Sendable {
    public var id: String
    public var name: String
    public var labels: [(name: String, value: String)] = []
    /// `active`, `quarantined`, `revoked`, `retired`.
    public var status = "active"
    public var operatingSystem = ""
    public var agent = ""
    /// Updates that wait as last reported; nil before the first report.
    public var pending: Int?
    public var security: Int?
    /// Whether it must be restarted; nil where nobody can say.
    public var reboot: Bool?
    public var broken: Int?
    public var restarts: Int?
    public var isSilent = false
    /// Why nobody can say that it lacks nothing; nil where it is judged.
    public var unjudged: String?
    public var lastSeen: Timestamp?
    public var lastScan: Timestamp?

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// A patch in a list.
public struct PatchRow: Sendable {
    public var name: String
    public var candidate: String
    public var origin: String
    public var isSecurity: Bool
    /// How many hosts wait for it.
    public var hosts: Int
    /// On how many of these the next plain upgrade takes it.
    public var upgradable: Int

    public init(name: String, candidate: String, origin: String, isSecurity: Bool, hosts: Int, upgradable: Int) {
        self.name = name
        self.candidate = candidate
        self.origin = origin
        self.isSecurity = isSecurity
        self.hosts = hosts
        self.upgradable = upgradable
    }
}

/// An act in the audit log.
public struct ActivityRow: Sendable {
    public var sequence: Int64?
    public var id: Int64
    public var time: Timestamp
    /// Who, as the log names them.
    public var actor: String
    /// Who, as people name them.
    public var actorName: String
    public var action: String
    public var subject: String
    /// Where the subject is shown, if it still is.
    public var location: Location?
    /// What else was said, in a few words.
    public var detail: String

    public init(
        id: Int64, sequence: Int64?, time: Timestamp, actor: String, actorName: String, action: String,
        subject: String, location: Location? = nil, detail: String = ""
    ) {
        self.id = id
        self.sequence = sequence
        self.time = time
        self.actor = actor
        self.actorName = actorName
        self.action = action
        self.subject = subject
        self.location = location
        self.detail = detail
    }
}
