public import Access

/// Hosts by their labels and facts.
public struct HostGroup: PolicySpec {
    /// What a condition asks about.
    public enum Fact: String, CaseIterable, Hashable, Sendable {
        /// The distribution: `debian`.
        case distribution
        /// The distribution's release: `debian-12`.
        case os
        /// The processor: `amd64`.
        case architecture
        /// The maker's model, or the hypervisor: `kvm`.
        case hardware
        /// The running kernel's flavour.
        case kernel
        /// The site.
        case site
        /// Who can reach it: `open`, `controlled`, `small`.
        case exposure
        /// What it is worth: `low`, `medium`, `high`, `essential`.
        case criticality
    }

    /// One condition on one fact. A host of which the fact is not known meets neither form: unknown is never a yes.
    public struct Condition: Hashable, Sendable {
        /// Which.
        public var fact = Fact.os
        /// It is one of these; empty where ``excluded`` says it.
        public var values: [String] = []
        /// It is none of these.
        public var excluded: [String] = []

        static let codec = PolicyCodec<Condition>.object(Condition()) { keys in
            let value = PolicyCodec<String>.token(
                "a fact's value", "^[A-Za-z0-9 +._:/()-]+$", example: "debian-12", maximum: 128
            ) { PolicyNames.isWord($0) || [0x20, 0x2B, 0x3A, 0x2F, 0x28, 0x29].contains($0) }
            keys.required("fact", \.fact, .choice, "What is asked about.")
            keys.key("in", \.values, .list(value, 1...100), "It is one of these.")
            keys.key("notIn", \.excluded, .list(value, 1...100), "It is known, and none of these.")
            keys.exactlyOne("in", "notIn")
        }
    }

    /// Labels, in the syntax of Kubernetes; nil: any.
    public var selector: LabelSelector?
    /// Conditions on facts; all must hold.
    public var facts: [Condition] = []
    /// Names of hosts; empty: any.
    public var hosts: [String] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "HostGroup"
    public static let about = "Hosts by labels, facts and names; whatever is given must hold."
    public static let codec = PolicyCodec<HostGroup>.object(HostGroup()) { keys in
        keys.optional(
            "selector", \.selector, .selector,
            "Labels, in the syntax of Kubernetes: site=berlin,tier in (web, api),!canary.")
        keys.key("facts", \.facts, .list(Condition.codec, 1...32), "Conditions on facts; all must hold.")
        keys.key("hosts", \.hosts, .list(.host, 1...2000), "Only these hosts, by name.")
        keys.atLeastOne("selector", "facts", "hosts")
    }

    /// Whether a host is in the group.
    public func includes(_ host: PolicyHost) -> Bool {
        guard selector?.selects(host.labels) ?? true, hosts.isEmpty || hosts.contains(host.name) else { return false }
        return facts.allSatisfy { condition in
            guard let value = host.facts[condition.fact] else { return false }
            return condition.values.isEmpty ? !condition.excluded.contains(value) : condition.values.contains(value)
        }
    }
}

/// What policies ask of a host.
public struct PolicyHost: Hashable, Sendable {
    /// What names it for ever: rings are drawn by it.
    public var id: String
    /// What people call it.
    public var name: String
    /// Its labels.
    public var labels: [String: String]
    /// What is known of it.
    public var facts: [HostGroup.Fact: String]

    /// A host.
    public init(id: String, name: String, labels: [String: String] = [:], facts: [HostGroup.Fact: String] = [:]) {
        self.id = id
        self.name = name
        self.labels = labels
        self.facts = facts
    }
}
