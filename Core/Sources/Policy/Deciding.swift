public import Gates

/// What decides between rings: see `docs/gates.md`.
public struct GatePolicy: PolicySpec {
    /// The failure rate that is fine.
    public var acceptable = Share(millionths: 20_000)
    /// The chance of halting a release that is fine.
    public var falseHalt = Share(millionths: 50_000)
    /// By how much the failure rate may be above the usual.
    public var margin = Share(millionths: 10_000)
    /// The highest failure rate within the upper bound.
    public var highestRate = Share(millionths: 100_000)
    /// The least share of online members that were tried,
    public var coverage = Share(millionths: 800_000)
    /// and of kinds of hosts.
    public var strata = Share(millionths: 900_000)
    /// The highest share of hosts that the release did not reach.
    public var undelivered = Share(millionths: 100_000)

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Gate"
    public static let about =
        "What decides between rings: how many failures are too many, and how much must have been tried."
    public static let codec = PolicyCodec<GatePolicy>.object(GatePolicy()) { keys in
        func share(_ low: Int64, _ high: Int64) -> PolicyCodec<Share> {
            .share(Share(millionths: low)...Share(millionths: high))
        }
        keys.key(
            "acceptable", \.acceptable, share(100, 500_000),
            "The failure rate that is fine; halting is tested against it.")
        keys.key("falseHalt", \.falseHalt, share(100, 500_000), "The chance of halting a release that is fine.")
        keys.key(
            "margin", \.margin, share(0, 500_000), "By how much the failure rate may be above the usual; at least 1%.")
        keys.key(
            "highestRate", \.highestRate, share(100, 500_000),
            "The highest failure rate that may lie within the upper bound.")
        keys.key("coverage", \.coverage, share(100, 1_000_000), "The least share of online members that were tried.")
        keys.key(
            "strata", \.strata, share(0, 1_000_000), "The least share of kinds of hosts that were tried three times.")
        keys.key(
            "undelivered", \.undelivered, share(0, 1_000_000),
            "The highest share of hosts that the release did not reach.")
    }

    /// The gate.
    public var gate: Gate {
        var gate = Gate()
        gate.monitor =
            HaltMonitor(acceptable: acceptable.fraction, falseHalt: falseHalt.fraction) ?? HaltMonitor.standard
        gate.margin = margin.fraction
        gate.highestRate = highestRate.fraction
        gate.coverage = coverage.fraction
        gate.strataCoverage = strata.fraction
        gate.deliveryCap = undelivered.fraction
        return gate
    }
}

/// Which campaigns begin by themselves.
public struct CampaignRules: PolicySpec {
    /// What an emergency campaign may go past: these alone, and nothing else ever (rollouts.md, 2.7).
    public enum Bypass: String, CaseIterable, Hashable, Sendable {
        case window, deferral, soak, snapshot
    }

    /// A campaign that does not wait.
    public struct Emergency: Hashable, Sendable {
        /// How long it holds, in seconds.
        public var expires: Int64 = 86_400
        /// How many people approve.
        public var approvers: Int64 = 2
        /// What it goes past.
        public var bypass: [Bypass] = []

        static let codec = PolicyCodec<Emergency>.object(Emergency()) { keys in
            keys.key("expires", \.expires, .duration(3600...86_400), "How long it holds; a day at most.")
            keys.key("approvers", \.approvers, .integer(2...5), "How many people approve; two at least.")
            keys.key(
                "bypass", \.bypass, .list(.choice, 1...4),
                "What it goes past; never signatures, budgets, gates or order.")
        }
    }

    /// One rule.
    public struct Rule: Hashable, Sendable {
        /// Its name, for the record.
        public var name = ""
        /// What it is about.
        public var when = PolicyMatch()
        /// At once,
        public var emergency: Emergency?
        /// in the hosts' next windows within so many seconds,
        public var within: Int64?
        /// or when a cadence says.
        public var cadence: String?
        /// Through which rings; nil: the cadence's.
        public var rings: String?
        /// Who approves; nil: people.
        public var approval: String?

        static let codec = PolicyCodec<Rule>.object(Rule()) { keys in
            keys.required("name", \.name, .name, "Its name, for the record.")
            keys.key("when", \.when, PolicyMatch.codec, "What it is about; all the rest unless said.")
            keys.optional("emergency", \.emergency, Emergency.codec, "At once, by two approvers, and not for long.")
            keys.optional(
                "within", \.within, .duration(3600...7_776_000), "In the hosts' next windows within this time.")
            keys.optional("cadence", \.cadence, .reference(Cadence.self), "When this cadence says.")
            keys.optional(
                "rings", \.rings, .reference(RingPlan.self), "Through which rings; the cadence's unless said.")
            keys.optional(
                "approval", \.approval, .reference(AutoApproval.self), "Which releases need nobody to approve them.")
            keys.exactlyOne("emergency", "within", "cadence")
            keys.check { rule in
                if rule.cadence == nil, rule.rings == nil {
                    return ("name", "the rule \(rule.name) has no cadence and no rings; add rings")
                }
                if rule.emergency != nil, rule.approval != nil {
                    return ("approval", "an emergency is approved by people; leave approval out")
                }
                return nil
            }
        }
    }

    /// The rules; the first that matches decides.
    public var rules: [Rule] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "CampaignRules"
    public static let about = "Which campaigns begin by themselves; the first rule that matches decides."
    public static let codec = PolicyCodec<CampaignRules>.object(CampaignRules()) { keys in
        keys.required(
            "rules", \.rules, .list(Rule.codec, 1...100, isSet: false), "The rules; the first that matches decides.")
        keys.check { campaign in PolicyRules.clash(campaign.rules.map { ($0.name, $0.when) }) }
    }
}
