import Digest
public import JSON

/// What a plan says of one ring besides its hosts: frozen with the plan, and covered by its digest.
public struct RingRules: Hashable, Sendable {
    /// Its name: `pilot`.
    public var name: String
    /// How many hosts it has.
    public var size: Int64
    /// Seconds that it is watched after its last host.
    public var soak: Int64
    /// Seconds that it may take; what is left then goes to the tail.
    public var cutoff: Int64
    /// How many people must approve before it opens.
    public var approvals: Int64
    /// How many pilots' users must have said "works" before its gate may say go.
    public var acceptances: Int64
    /// How many of its hosts may be disturbed at the same time; nil: what the campaign allows.
    public var budget: Int64?

    /// The most rings of a campaign.
    public static let maximumCount = 16

    /// Rules; numbers are brought into their bounds: 30 days of soak, 90 days of cutoff, 5 approvals.
    public init(
        name: String, size: Int64, soak: Int64 = 86_400, cutoff: Int64 = 604_800, approvals: Int64 = 0,
        acceptances: Int64 = 0, budget: Int64? = nil
    ) {
        self.name = name
        self.size = max(0, min(size, Int64(Plan.maximumHosts)))
        self.soak = max(0, min(soak, 30 * 86_400))
        self.cutoff = max(60, min(cutoff, 90 * 86_400))
        self.approvals = max(0, min(approvals, 5))
        self.acceptances = max(0, min(acceptances, Int64(Plan.maximumHosts)))
        self.budget = budget.map { max(1, min($0, Int64(Plan.maximumHosts))) }
    }

    var fields: [String: JSONValue] {
        var fields: [String: JSONValue] = [
            "name": .string(name), "size": .integer(size), "soak": .integer(soak), "cutoff": .integer(cutoff),
            "approvals": .integer(approvals),
        ]
        if acceptances > 0 { fields["acceptances"] = .integer(acceptances) }
        if let budget { fields["budget"] = .integer(budget) }
        return fields
    }

    /// The rules as JSON.
    public var json: JSONValue { .object(fields) }

    init(reading object: inout JSONObject) throws(JSONError) {
        self.init(
            name: try object.string("name", maximumBytes: 64),
            size: try object.integer("size", in: 0...Int64(Plan.maximumHosts)),
            soak: try object.integer("soak", in: 0...30 * 86_400),
            cutoff: try object.integer("cutoff", in: 60...90 * 86_400),
            approvals: try object.integer("approvals", in: 0...5),
            acceptances: try object.optionalInteger("acceptances", in: 0...Int64(Plan.maximumHosts)) ?? 0,
            budget: try object.optionalInteger("budget", in: 1...Int64(Plan.maximumHosts)))
    }
}

/// A ring of a plan: its rules and its hosts, in the order in which they are tried.
public struct PlannedRing: Hashable, Sendable {
    /// Everything but the hosts; ``RingRules/size`` is how many there are.
    public var rules: RingRules
    /// The hosts, the first first.
    public var hosts: [String]

    /// A ring of these hosts.
    public init(rules: RingRules, hosts: [String]) {
        self.rules = rules
        self.rules.size = Int64(hosts.count)
        self.hosts = hosts
    }

    /// The ring as a plan's JSON has it: of the hosts their digest only.
    public var json: JSONValue {
        var fields = rules.fields
        fields["hostsDigest"] = .string(SHA256.hash(Array(hosts.map { $0 + "\n" }.joined().utf8)).hex)
        return .object(fields)
    }

    static func check(_ object: JSONObject) throws(JSONError) {
        var object = object
        _ = try RingRules(reading: &object)
        _ = try object.string("hostsDigest", maximumBytes: 64)
        try object.finish()
    }
}
