public import Digest
public import JSON

/// When the hosts of a plan may change: one occurrence, in local time.
public struct PlannedWindow: Hashable, Sendable {
    /// The local time of the start, `2026-11-21T22:00`.
    public var start: String
    /// Minutes of elapsed time from the start; 5 to 10,080.
    public var minutes: Int64
    /// An IANA zone (`Europe/Berlin`, `UTC`), or `host` for each host's own.
    public var zone: String

    /// The window of that start.
    public init(start: String, minutes: Int64, zone: String) {
        self.start = start
        self.minutes = minutes
        self.zone = zone
    }

    /// The window as JSON.
    public var json: JSONValue {
        ["start": .string(start), "minutes": .integer(minutes), "zone": .string(zone)]
    }

    /// Reads a window; whether start and zone exist is for ``Schedule`` to say.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            start: try object.string("start", maximumBytes: 32),
            minutes: try object.integer("minutes", in: 5...10_080), zone: try object.string("zone", maximumBytes: 64))
        try object.finish()
    }
}

/// Everything that people approve of: what changes, where, when and how. Its digest is what approvals, orders and gates name.
public struct Plan: Hashable, Sendable {
    /// Whose.
    public var organisation: String
    /// Of which campaign.
    public var campaign: String
    /// Grows when the plan is edited: approvals of an earlier one are void.
    public var epoch: Int64
    /// What packages change to, one target a distribution release, sorted.
    public var targets: [ReleaseTarget]
    /// The hosts, sorted: a snapshot, so that nobody is added after the approval.
    public var hosts: [String]
    /// When.
    public var window: PlannedWindow
    /// How many hosts may be disturbed at the same time; at least 1.
    public var budget: Int64
    /// What else is done.
    public var actions: JobActions
    /// Its rings, the first first; empty where all hosts are one.
    public var rings: [PlannedRing]
    /// What makes it an emergency.
    public var emergency: Emergency?

    /// The most hosts of a plan.
    public static let maximumHosts = 100_000

    /// A plan; targets and hosts are sorted here.
    public init(
        organisation: String, campaign: String, epoch: Int64, targets: [ReleaseTarget], hosts: [String],
        window: PlannedWindow, budget: Int64, actions: JobActions, rings: [PlannedRing] = [],
        emergency: Emergency? = nil
    ) {
        self.organisation = organisation
        self.campaign = campaign
        self.epoch = epoch
        self.targets = targets.sorted { $0.distribution.utf8.lexicographicallyPrecedes($1.distribution.utf8) }
        self.hosts = hosts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        self.window = window
        self.budget = budget
        self.actions = actions
        self.rings = rings
        self.emergency = emergency
    }

    /// The SHA-256 of the canonical JSON.
    public var digest: SHA256Digest { SHA256.hash(json.canonicalBytes()) }

    /// The target for a host of that distribution release.
    public func target(for distribution: String) -> ReleaseTarget? {
        targets.first { $0.distribution == distribution }
    }

    /// The plan as JSON. Its member list is its digest only, so that a release document stays small on every host.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "organisation": .string(organisation), "campaign": .string(campaign), "epoch": .integer(epoch),
            "targets": .array(targets.map(\.json)), "hostsDigest": .string(hostsDigest.hex),
            "hostCount": .integer(Int64(hosts.count)), "window": window.json, "budget": .integer(budget),
            "actions": actions.json,
        ]
        // Absent where there are none, so that the digests of plans without them stay what they were.
        if !rings.isEmpty { fields["rings"] = .array(rings.map(\.json)) }
        if let emergency { fields["emergency"] = emergency.json }
        return .object(fields)
    }

    /// The digest of the member list: its hosts, one a line.
    public var hostsDigest: SHA256Digest { SHA256.hash(Array(hosts.map { $0 + "\n" }.joined().utf8)) }
}

/// A plan as a host sees it: without the names of the other hosts.
public struct HostPlan: Hashable, Sendable {
    /// Whose.
    public var organisation: String
    /// Of which campaign.
    public var campaign: String
    /// The plan's epoch.
    public var epoch: Int64
    /// What packages change to.
    public var targets: [ReleaseTarget]
    /// What else is done.
    public var actions: JobActions
    /// The plan's digest, over the JSON that was read.
    public let digest: SHA256Digest
    /// That JSON.
    public let json: JSONValue

    /// Reads ``Plan/json``.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        organisation = try object.string("organisation", maximumBytes: 64)
        campaign = try object.string("campaign", maximumBytes: 64)
        epoch = try object.integer("epoch", in: 1...Int64.max)
        targets = []
        for target in try object.objects("targets", maximumCount: 64) { targets.append(try ReleaseTarget(target)) }
        _ = try object.string("hostsDigest", maximumBytes: 64)
        _ = try object.integer("hostCount", in: 0...Int64(Plan.maximumHosts))
        _ = try PlannedWindow(object.object("window"))
        _ = try object.integer("budget", in: 1...Int64(Plan.maximumHosts))
        actions = try JobActions(object.object("actions"))
        if object.unreadKeys.contains("rings") {
            for ring in try object.objects("rings", maximumCount: RingRules.maximumCount) {
                try PlannedRing.check(ring)
            }
        }
        if let one = try object.optionalObject("emergency") { _ = try Emergency(one) }
        try object.finish()
        self.json = json
        digest = SHA256.hash(json.canonicalBytes())
    }
}
