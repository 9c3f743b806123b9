public import HTML
public import Timestamps

/// A campaign in a list.
public struct CampaignRow: Sendable {
    public var id: String
    public var title: String
    /// The state's word: `awaiting-approval`.
    public var state: String
    /// Why it is there; empty where the word says it all.
    public var reason = ""
    /// What happens next, in one sentence.
    public var next = ""
    /// Who made it, as people name them.
    public var author = ""
    /// Its window, in the words it was planned with: `2026-11-21 22:00, 120 min, Europe/Berlin`.
    public var window = ""
    public var hosts = 0
    /// Hosts whose part succeeded.
    public var succeeded = 0
    /// Hosts whose part ended otherwise, or that need a person.
    public var troubled = 0
    public var approvalsRequired = 1
    public var approvalsGiven = 0
    public var updated: Timestamp
    public var hasEnded = false
    /// Whether it waits for somebody.
    public var needsPerson = false

    public init(id: String, title: String, state: String, updated: Timestamp) {
        self.id = id
        self.title = title
        self.state = state
        self.updated = updated
    }
}

/// The list of campaigns.
public struct CampaignsModel: Sendable {
    public var rows: [CampaignRow] = []
    /// Whether those that have ended are shown too.
    public var showsAll = false
    public var next: String?
    public var mayWrite = false
    /// How many approvals the organisation asks for.
    public var approvalsRequired = 1

    public init() {}
}

/// One package's step on a host.
public struct StepRow: Sendable {
    public var package: String
    /// Empty where it is not known.
    public var from: String
    public var to: String
    /// What the rescan found; empty before.
    public var now = ""
    /// `upgraded`, `unchanged`, `failed`, `rolled-back`; empty before.
    public var result = ""
    public var message = ""
    /// What it is blamed for; empty where it is not to blame.
    public var heldBack = ""

    public init(package: String, from: String, to: String) {
        self.package = package
        self.from = from
        self.to = to
    }
}

/// A host's part of a campaign, in a list.
public struct JobRow: Sendable {
    /// Empty before the host has a job.
    public var id = ""
    public var campaign = ""
    public var campaignTitle = ""
    public var host: String
    public var hostname: String
    public var attempt = 1
    public var rollsBack = false
    public var state = "planned"
    /// `apply`, `reboot`, …; empty before the first.
    public var phase = ""
    public var percent: Int?
    public var activity = ""
    /// What happened, or what it waits for.
    public var sentence = ""
    public var needsPerson = false
    public var hasEnded = false
    public var lastHeard: Timestamp?
    /// What changes there.
    public var steps: [StepRow] = []
    /// Whether a reboot is to be expected.
    public var reboot = ""
    /// What it comes back by when it fails.
    public var wayBack = ""

    public init(host: String, hostname: String) {
        self.host = host
        self.hostname = hostname
    }
}

/// Somebody's word on a plan.
public struct ApprovalRow: Sendable {
    public var approver: String
    public var time: Timestamp
    public var isSigned: Bool
    /// Whether it is for the present plan.
    public var counts: Bool

    public init(approver: String, time: Timestamp, isSigned: Bool, counts: Bool) {
        self.approver = approver
        self.time = time
        self.isSigned = isSigned
        self.counts = counts
    }
}

/// What a plan brings to one distribution release.
public struct TargetRow: Sendable {
    public var distribution: String
    /// `name:architecture`, the versions that hosts have, and the one that they get.
    public var packages: [(package: String, previous: [String], version: String)]

    public init(distribution: String, packages: [(package: String, previous: [String], version: String)]) {
        self.distribution = distribution
        self.packages = packages
    }
}

/// One campaign.
public struct CampaignModel: Sendable {
    public var row: CampaignRow
    /// The plan's digest; empty before it is frozen.
    public var planDigest = ""
    public var epoch = 1
    public var budget = 1
    /// What was asked for, in words.
    public var selection = ""
    public var errors: [String] = []
    public var notes: [String] = []
    public var approvals: [ApprovalRow] = []
    public var targets: [TargetRow] = []
    /// What else is done, by name.
    public var actions: [(name: String, value: String)] = []
    /// How many hosts are in which state of their part.
    public var counts: [(state: String, count: Int)] = []
    public var hosts: [JobRow] = []
    public var hostsNext: String?
    public var permitsHeld = 0
    public var permitsSuspect = 0
    /// The campaign that this one takes back.
    public var rollsBack: String?
    /// What may be asked of it, by the campaign and by the rights of whoever looks.
    public var allowed: Set<String> = []
    /// Whether whoever looks made it.
    public var isAuthor = false

    public init(row: CampaignRow) { self.row = row }
}

/// A record of a job's journal.
public struct EntryRow: Sendable {
    public var ordinal: Int
    public var time: Timestamp
    public var phase: String
    /// `intent`, `result` or `note`.
    public var kind: String
    public var text: String
    /// The facts, as JSON.
    public var detail: String

    public init(ordinal: Int, time: Timestamp, phase: String, kind: String, text: String, detail: String) {
        self.ordinal = ordinal
        self.time = time
        self.phase = phase
        self.kind = kind
        self.text = text
        self.detail = detail
    }
}

/// One host's part of a campaign.
public struct JobModel: Sendable {
    public var row: JobRow
    public var entries: [EntryRow] = []
    public var entryCount = 0
    /// The log's end.
    public var log = ""
    public var logSize: Int64 = 0
    public var notBefore: Timestamp?
    public var lastSafeStart: Timestamp?
    public var notAfter: Timestamp?
    public var holdsPermit = false
    /// Whether whoever looks may give up on it: it fell silent.
    public var mayWriteOff = false

    public init(row: JobRow) { self.row = row }
}

/// The form of a new campaign, or of a draft.
public struct CampaignFormModel: Sendable {
    /// What stands in the fields.
    public var values: [String: String] = [:]
    /// What is wrong with them, by field.
    public var errors: [String: String] = [:]
    /// What is wrong with the whole.
    public var problem = ""
    /// What it would become.
    public var preview: CampaignPreviewModel?
    /// The draft that is changed; nil for a new one.
    public var campaign: (id: String, title: String)?
    /// How many approvals the organisation asks for.
    public var approvalsRequired = 1

    public init() {}
}

/// What a campaign would become.
public struct CampaignPreviewModel: Sendable {
    public var digest = ""
    public var errors: [String] = []
    public var notes: [String] = []
    public var hostCount = 0
    public var hosts: [JobRow] = []
    /// The window, in UTC and local.
    public var windows: [String] = []
    public var wayBack = ""

    public init() {}
}

/// Why a package is not at its new version on a host.
public struct WhyModel: Sendable {
    public var host: String
    public var hostname: String
    public var package: String
    public var installed: [(architecture: String, version: String)] = []
    public var candidate: [(architecture: String, version: String)] = []
    /// The most decisive first.
    public var reasons: [(code: String, sentence: String, cure: String)] = []
    public var campaigns: [CampaignRow] = []
    public var jobs: [JobRow] = []
    public var mayWrite = false

    public init(host: String, hostname: String, package: String) {
        self.host = host
        self.hostname = hostname
        self.package = package
    }
}
