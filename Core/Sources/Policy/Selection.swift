public import Timestamps

/// What findings, updates and hosts a rule is about: everything that is given must hold.
public struct PolicyMatch: Hashable, Sendable {
    /// How bad a vulnerability is, by its vendor or CVSS.
    public enum Severity: String, CaseIterable, Hashable, Sendable {
        case low, medium, high, critical
    }

    /// At least so bad; nil: any, also none at all.
    public var severity: Severity?
    /// Whether it is known to be exploited (KEV); nil: does not matter.
    public var isExploited: Bool?
    /// Whether it is an update for security; nil: does not matter.
    public var isSecurity: Bool?
    /// Whose exposure is at least so: `open`, `controlled`, `small`.
    public var exposure: [Exposure] = []
    /// Released at least so long ago, in seconds.
    public var age: Int64?
    /// From one of these sources: `debian-security`.
    public var sources: [String] = []
    /// Of one of these packages.
    public var packages: [String] = []
    /// On hosts of one of these groups.
    public var groups: [String] = []

    /// Who can reach a host.
    public enum Exposure: String, CaseIterable, Hashable, Sendable {
        case open, controlled, small
    }

    static let codec = PolicyCodec<PolicyMatch>.object(PolicyMatch()) { keys in
        keys.optional("severity", \.severity, .choice, "At least so bad.")
        keys.optional("exploited", \.isExploited, .boolean, "Whether it is known to be exploited (KEV).")
        keys.optional("security", \.isSecurity, .boolean, "Whether it is an update for security.")
        keys.key("exposure", \.exposure, .list(.choice, 1...3), "Who can reach the host.")
        keys.optional("age", \.age, .duration(0...31_536_000), "Released at least so long ago.")
        keys.key(
            "sources", \.sources,
            .list(
                .token("a source", "^[A-Za-z0-9._:/-]+$", example: "debian-security") {
                    PolicyNames.isWord($0) || $0 == 0x3A || $0 == 0x2F
                }, 1...50),
            "From one of these sources.")
        keys.key("packages", \.packages, .list(.packages), "Of one of these packages.")
        keys.key("groups", \.groups, .list(.reference(HostGroup.self)), "On hosts of one of these groups.")
    }

    /// Whether it says nothing: everything is meant.
    public var isEverything: Bool { self == PolicyMatch() }
}

/// Which releases need nobody to approve them.
public struct AutoApproval: PolicySpec {
    /// What is done.
    public enum Decision: String, CaseIterable, Hashable, Sendable {
        /// It is approved.
        case approve
        /// People are asked.
        case ask
        /// It is never taken.
        case decline
    }

    /// One rule.
    public struct Rule: Hashable, Sendable {
        /// Its name, for the record.
        public var name = ""
        /// Which releases.
        public var when = PolicyMatch()
        /// What is done.
        public var decision = Decision.ask

        static let codec = PolicyCodec<Rule>.object(Rule()) { keys in
            keys.required("name", \.name, .name, "Its name, for the record.")
            keys.key("when", \.when, PolicyMatch.codec, "Which releases; all unless said.")
            keys.required("then", \.decision, .choice, "What is done.")
        }
    }

    /// The rules; the first that matches decides, and where none does people are asked.
    public var rules: [Rule] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "AutoApproval"
    public static let about = "Which releases need nobody to approve them; the first rule that matches decides."
    public static let codec = PolicyCodec<AutoApproval>.object(AutoApproval()) { keys in
        keys.required(
            "rules", \.rules, .list(Rule.codec, 1...100, isSet: false),
            "The rules; the first that matches decides, and where none does people are asked.")
        keys.check { approval in PolicyRules.clash(approval.rules.map { ($0.name, $0.when) }) }
    }
}

enum PolicyRules {
    /// Two rules of one name, or one that no release can reach.
    static func clash(_ rules: [(name: String, when: PolicyMatch)]) -> (key: String, reason: String)? {
        for (index, rule) in rules.enumerated() {
            if rules[..<index].contains(where: { $0.name == rule.name }) {
                return ("rules[\(index)].name", "two rules are called \(rule.name); rename one")
            }
            if let before = rules[..<index].first(where: { $0.when == rule.when || $0.when.isEverything }) {
                return (
                    "rules[\(index)]",
                    "the rule \(before.name) before it takes all that it is about, so that it never decides; move it up, or take it out"
                )
            }
        }
        return nil
    }
}

/// Packages that are left alone.
public struct PackageRule: PolicySpec {
    /// How.
    public enum Action: String, CaseIterable, Hashable, Sendable {
        /// They are in no campaign.
        case exclude
        /// They stay at the version that they have.
        case hold
        /// They go to this version and no further.
        case pin
    }

    /// Which.
    public var packages: [String] = []
    /// Where; empty: on every host.
    public var groups: [String] = []
    /// How.
    public var action = Action.hold
    /// The version of a pin.
    public var version: String?
    /// Why.
    public var reason = ""
    /// Until when; nil: until it is taken out.
    public var until: CivilDate?

    /// One that says nothing yet.
    public init() {}

    public static let kind = "PackageRule"
    public static let about = "Packages that are excluded, held at what they are, or pinned to a version."
    public static let codec = PolicyCodec<PackageRule>.object(PackageRule()) { keys in
        keys.required("packages", \.packages, .list(.packages), "Which, with * and ? for other characters.")
        keys.key("groups", \.groups, .list(.reference(HostGroup.self)), "Where; on every host unless said.")
        keys.required("action", \.action, .choice, "exclude: in no campaign; hold: as it is; pin: this version.")
        keys.optional(
            "version", \.version,
            .token("a version", "^[A-Za-z0-9.+:~_^!-]+$", example: "1:2.3-4") {
                PolicyNames.isWord($0) || [0x2B, 0x3A, 0x7E, 0x5E, 0x21].contains($0)
            },
            "The version of a pin.")
        keys.required("reason", \.reason, .words(), "Why; people read it where an update is not taken.")
        keys.optional("until", \.until, .date, "Until which day; until it is taken out unless said.")
        keys.check { rule in
            if (rule.action == .pin) != (rule.version != nil) {
                return rule.version == nil
                    ? ("action", "a pin needs the version that it pins to; add version")
                    : ("version", "only a pin has a version; leave it out, or write action: pin")
            }
            return nil
        }
    }
}

/// Risk that somebody has accepted, for a time.
public struct RiskAcceptance: PolicySpec {
    /// Which vulnerabilities; empty: those of ``packages``.
    public var vulnerabilities: [String] = []
    /// In which packages; empty: in any.
    public var packages: [String] = []
    /// Where; empty: on every host.
    public var groups: [String] = []
    /// Who answers for it.
    public var owner = ""
    /// Why.
    public var reason = ""
    /// Until which day.
    public var expires = CivilDate(daysSinceEpoch: 0)

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Exception"
    public static let about = "Risk that somebody has accepted: with owner, reason and expiry."
    public static let codec = PolicyCodec<RiskAcceptance>.object(RiskAcceptance()) { keys in
        keys.key("vulnerabilities", \.vulnerabilities, .list(.vulnerability), "Which vulnerabilities.")
        keys.key("packages", \.packages, .list(.packages), "In which packages; in any unless said.")
        keys.key("groups", \.groups, .list(.reference(HostGroup.self)), "Where; on every host unless said.")
        keys.required("owner", \.owner, .words(100), "Who answers for it.")
        keys.required("reason", \.reason, .words(2000), "Why.")
        keys.required("expires", \.expires, .date, "Until which day; it must have one.")
        keys.atLeastOne("vulnerabilities", "packages")
    }
}
