public import HTML
public import Timestamps

/// Why nothing can be said of vulnerabilities: never to be mistaken for "there are none".
public enum RiskGap: Error, Hashable {
    /// No feeds are there.
    case noFeeds
    /// Feeds are there and cannot be used; why, as far as it may be told.
    case unreadable(String)
    /// Feeds are there, and hosts are being judged by them.
    case judging
}

/// How soon something is due.
public enum DueBand: String, Sendable, Hashable, CaseIterable {
    case overdue
    case threeDays = "3-days"
    case twoWeeks = "14-days"
    case twoMonths = "60-days"
    case later
    case noDate = "no-date"

    var title: String {
        switch self {
        case .overdue: "Overdue"
        case .threeDays: "Due within 3 days"
        case .twoWeeks: "Due within 14 days"
        case .twoMonths: "Due within 60 days"
        case .later: "Due later"
        case .noDate: "No date"
        }
    }

    var tone: Tone {
        switch self {
        case .overdue, .threeDays: .critical
        case .twoWeeks: .warning
        case .twoMonths: .info
        case .later, .noDate: .neutral
        }
    }
}

/// What closes a finding.
public enum Closing: String, Sendable, Hashable, CaseIterable {
    /// The host's own repositories offer the fix.
    case installable
    /// There is a fix; the host's repositories do not offer it.
    case fixable
    /// Nobody knows of a fix.
    case none
}

/// A vulnerability in a list.
public struct VulnerabilityRow: Sendable {
    public var id: String
    public var summary = ""
    /// `critical` to `none`, or `unknown`.
    public var severity = "unknown"
    /// `CVSS 3.1 9.8`; empty where nobody has scored it.
    public var score = ""
    /// EPSS, 0 to 1.
    public var epss: Double?
    /// Since when it stands in CISA's catalogue.
    public var knownExploited: Timestamp?
    /// Whether that catalogue is known, so that not being in it says something.
    public var isExploitationKnown = true
    public var hosts = 0
    public var band = DueBand.noDate
    public var due: Timestamp?
    /// What set the date, in one sentence.
    public var deadline = ""
    /// What makes it likely to be exploited, in one sentence.
    public var why = ""
    public var closing = Closing.none
    /// The packages that have it, a few.
    public var packages: [String] = []
    /// Until when an accepted risk holds, where it holds on every host that has it.
    public var exceptedUntil: Timestamp?

    public init(id: String) { self.id = id }
}

/// What the list of vulnerabilities asks, as it stands in the address.
public struct VulnerabilitiesQuery: Sendable, Hashable {
    /// Names in the order in which they stand in the address.
    public static let names = ["q", "severity", "exploited", "due", "closing", "labels", "after"]
    /// The values that were given.
    public var values: [String: String]

    public init(_ values: [String: String] = [:]) {
        self.values = values.filter { Self.names.contains($0.key) && !$0.value.isEmpty }
    }

    public subscript(name: String) -> String? { values[name] }

    /// Whether it asks anything.
    public var isNarrowed: Bool { values.keys.contains { $0 != "after" } }

    /// The address with some values set or, where nil, taken away; always the first page.
    public func location(_ context: PageContext, _ changes: [String: String?] = [:]) -> Location {
        location("vulnerabilities", context, changes)
    }

    /// The same as a file.
    func file(_ context: PageContext) -> Location { location("vulnerabilities.csv", context, [:]) }

    private func location(_ path: String, _ context: PageContext, _ changes: [String: String?]) -> Location {
        var values = values
        values["after"] = nil
        for (name, value) in changes { values[name] = value }
        return context.to(path, query: Self.names.compactMap { name in values[name].map { (name, $0) } })
    }
}

/// How much was looked at, beside every list of what was found.
public struct RiskScope: Sendable {
    /// Active hosts within reach.
    public var hosts = 0
    /// Those of which nothing is known.
    public var unjudged = 0
    /// Different packages that no feed speaks of: nobody knows what they have.
    public var unknownPackages = 0
    /// When it was judged.
    public var asOf: Timestamp?
    /// The policy that sets dates.
    public var policy = ""

    public init() {}
}

/// What the list of vulnerabilities shows.
public struct VulnerabilitiesModel: Sendable {
    public var query: VulnerabilitiesQuery
    public var gap: RiskGap?
    public var rows: [VulnerabilityRow] = []
    /// How many there are on all pages.
    public var total = 0
    /// How many there are without any filter, and of which bands.
    public var all = 0
    public var bands: [(band: DueBand, count: Int)] = []
    public var exploited = 0
    public var next: String?
    public var scope = RiskScope()
    /// Something of the query that could not be read.
    public var problem: String?
    /// Whether they may see exceptions.
    public var seesExceptions = false

    public init(query: VulnerabilitiesQuery) { self.query = query }
}

/// A package on a host that has a vulnerability, or of which nobody can say.
public struct PlaceRow: Sendable {
    public var host: String
    public var hostname: String
    public var package: String
    public var version: String
    /// `open`, `overdue`, `accepted`, `unknown`, `closed-by-reboot`, `dormant`, `in-name-alone`.
    public var state = "open"
    /// The version that closes it.
    public var fixed: String?
    public var closing = Closing.none
    public var band = DueBand.noDate
    public var due: Timestamp?
    /// What set the date, in one sentence.
    public var deadline = ""
    /// The patch that closes it here.
    public var patch: (id: String, name: String)?
    /// Until when an accepted risk holds.
    public var exceptedUntil: Timestamp?

    public init(host: String, hostname: String, package: String, version: String) {
        self.host = host
        self.hostname = hostname
        self.package = package
        self.version = version
    }
}

/// What one record says of a package.
public struct VoiceRow: Sendable {
    public var source: String
    public var record: String
    public var stream = ""
    public var verdict: String
    /// By which rule, and between which bounds, in words.
    public var rule = ""
    public var version = ""
    public var fixed: String?
    /// What the source will do; empty where it does not say.
    public var plan = ""
    public var modified: Timestamp?
    public var feedDate: Timestamp?
    /// Why it did not decide; empty where it did.
    public var overruled = ""

    public init(source: String, record: String, verdict: String) {
        self.source = source
        self.record = record
        self.verdict = verdict
    }
}

/// Everyone who speaks of a vulnerability in one package, who decided first.
public struct Testimony: Sendable {
    /// `openssl 3.0.17-1`, and binaries of the same source that the same is told of.
    public var packages: [String]
    public var isWeak = false
    public var isDisputed = false
    /// Why the verdict is what it is where no voice decided it.
    public var reason = ""
    public var voices: [VoiceRow]

    public init(packages: [String], voices: [VoiceRow]) {
        self.packages = packages
        self.voices = voices
    }
}

/// A CVSS vector in words.
public struct VectorRow: Sendable {
    /// `CVSS 3.1`.
    public var name: String
    public var vector: String
    /// `9.8`.
    public var score: String
    public var severity: String
    /// Whose word it is.
    public var source: String
    public var metrics: [(name: String, value: String)] = []

    public init(name: String, vector: String, score: String, severity: String, source: String) {
        self.name = name
        self.vector = vector
        self.score = score
        self.severity = severity
        self.source = source
    }
}

/// A change of a verdict.
public struct VerdictChangeRow: Sendable {
    public var package: String
    public var before: String
    public var after: String
    public var at: Timestamp

    public init(package: String, before: String, after: String, at: Timestamp) {
        self.package = package
        self.before = before
        self.after = after
        self.at = at
    }
}

/// A patch in the work queue.
public struct QueueRow: Sendable {
    public var id: String
    /// `openssl 3.0.18-1`.
    public var name: String
    public var place = 0
    public var band = DueBand.noDate
    public var due: Timestamp?
    public var hosts = 0
    /// The vulnerabilities that it closes, the riskiest first.
    public var closes: [String] = []
    /// How many of them are known to be exploited.
    public var exploited = 0
    public var benefit = 0.0
    public var cost = 0.0
    public var needsReboot = false
    public var isEvidenceFirst = false
    /// Why it has this rank, in one sentence.
    public var why = ""
    /// When it is done at the pace that was named, and whether that is late; nil where no pace was, or it never is.
    public var done: Timestamp?
    public var isLate = false

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// What a pace of work comes to.
public struct PaceModel: Sendable {
    /// Units of work a week.
    public var perWeek: Int
    /// Patches with a date that are done by it, and that are not.
    public var inTime = 0
    public var late = 0
    /// The first of the queue that is late.
    public var firstLate: (id: String, name: String)?
    /// When the whole queue is done; nil where that is not foreseen.
    public var finished: Timestamp?

    public init(perWeek: Int) { self.perWeek = perWeek }
}

/// A choice of few patches that cut much risk.
public struct SelectionModel: Sendable {
    /// At most so many were asked for.
    public var count = 5
    /// The patches with the share of all risk that is gone with each and those before it.
    public var choices: [(id: String, name: String, share: Double)] = []
    /// The share of the best possible choice that is reached at least.
    public var quality = 1.0

    public init() {}
}

/// The work queue.
public struct QueueModel: Sendable {
    public var gap: RiskGap?
    public var rows: [QueueRow] = []
    public var total = 0
    public var next: String?
    public var bands: [(band: DueBand, count: Int)] = []
    public var selection = SelectionModel()
    /// How much can be done, in units of installing one patch on one host; nil where no line is asked for.
    public var capacity: Int?
    /// How many of the queue fit into that.
    public var fitting = 0
    /// What a pace comes to; nil where none was named.
    public var pace: PaceModel?
    public var scope = RiskScope()
    /// Vulnerabilities of hosts that no offered patch closes.
    public var notClosed = 0
    public var mayPatch = false

    public init() {}
}

/// Where one patch goes.
public struct PatchPlaceRow: Sendable {
    public var host: String
    public var hostname: String
    public var steps: [StepRow] = []
    /// How many vulnerabilities it closes there.
    public var closes = 0
    /// How many of the same packages stay open all the same.
    public var leaves = 0
    public var due: Timestamp?
    public var band = DueBand.noDate
    /// `none`, `restart` or `reboot`.
    public var cost = "none"

    public init(host: String, hostname: String) {
        self.host = host
        self.hostname = hostname
    }
}

/// One patch of the queue.
public struct RankedPatchModel: Sendable {
    public var row: QueueRow
    /// Why it has this rank, in full.
    public var full: [String] = []
    /// What it closes.
    public var vulnerabilities: [VulnerabilityRow] = []
    /// Where it waits.
    public var places: [PatchPlaceRow] = []
    public var placesTotal = 0
    /// Whether ``places`` begin with the earliest date; else they are by name.
    public var areByDate = false
    public var next: String?
    /// On how many hosts each of the four facts holds: a fix exists, it is offered, it is installed, and a fresh scan with
    /// nothing left to restart proves it.
    public var fixable = 0
    public var installable = 0
    public var installed = 0
    public var verified = 0
    /// Whether nothing is to be installed: what is installed takes effect with a boot.
    public var isReboot = false
    /// The form of a campaign with it; nil for who may not plan one.
    public var campaign: Location?
    /// Whether the form names hosts, and not only the packages.
    public var campaignNamesHosts = true

    public init(row: QueueRow) { self.row = row }
}

/// One vulnerability.
public struct VulnerabilityModel: Sendable {
    public var row: VulnerabilityRow
    public var aliases: [String] = []
    /// What an advisory tells at length.
    public var details = ""
    /// Who disputes it, and what was withdrawn, in a sentence; empty where nobody doubts it.
    public var doubts = ""
    public var published: Timestamp?
    /// Whether a host within reach has it.
    public var isHit = false
    public var places: [PlaceRow] = []
    public var placesTotal = 0
    /// Places of which nobody can say.
    public var unknownPlaces = 0
    public var next: String?
    public var testimonies: [Testimony] = []
    /// Packages beyond those that are shown.
    public var moreTestimonies = 0
    /// What the decision table was asked, answered and concluded; empty where no host has it.
    public var decision: [(question: String, answer: String, because: String?)] = []
    public var outcome = ""
    /// Every term of the score.
    public var explanation: [String] = []
    public var vectors: [VectorRow] = []
    public var weaknesses: [(id: String, name: String)] = []
    public var references: [(kind: String, url: String)] = []
    /// How many there are beyond those that are shown.
    public var moreReferences = 0
    public var changes: [VerdictChangeRow] = []
    /// The patches that close it, by rank.
    public var patches: [QueueRow] = []
    public var scope = RiskScope()
    /// The form of a campaign with what closes it; nil where nothing does, or they may not plan one.
    public var campaign: Location?
    /// The form that asks to accept the risk; nil for who may not ask.
    public var exception: Location?

    public init(row: VulnerabilityRow) { self.row = row }
}

/// A finding on a host's page.
public struct HostFindingRow: Sendable {
    public var row: VulnerabilityRow
    public var package: String
    public var version: String
    public var fixed: String?
    /// As ``PlaceRow/state``.
    public var state = "open"

    public init(row: VulnerabilityRow, package: String, version: String) {
        self.row = row
        self.package = package
        self.version = version
    }
}

/// What is known of a host's vulnerabilities.
public struct HostFindings: Sendable {
    public var gap: RiskGap?
    /// The host has not reported its packages, or they cannot be read: nothing is known.
    public var isUnjudged = false
    public var rows: [HostFindingRow] = []
    public var total = 0
    public var next: String?
    public var unknownPackages = 0

    public init() {}
}

/// Packages of which no feed says anything.
public struct UnknownPackagesModel: Sendable {
    public var gap: RiskGap?
    public var rows: [(package: String, version: String, hosts: Int, why: String)] = []
    public var total = 0
    public var next: String?

    public init() {}
}
