/// How many hosts may be disturbed at the same time.
public struct Budget: PolicySpec {
    /// Of what.
    public enum Scope: String, CaseIterable, Hashable, Sendable {
        /// Of the hosts of each campaign.
        case campaign
        /// Of each ring.
        case ring
        /// Of the hosts with the same value of ``Budget/label``: a service, a cluster, a hypervisor.
        case label
        /// Of each site.
        case site
        /// Of the groups, whatever disturbs them.
        case groups
    }

    /// Of what.
    public var scope = Scope.campaign
    /// The label whose value names the service or the cluster.
    public var label: String?
    /// At most so many at the same time,
    public var limit: Amount?
    /// or at least so many stay healthy: a cluster's quorum.
    public var healthy: Amount?
    /// Whose hosts; empty: all.
    public var groups: [String] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Budget"
    public static let about =
        "How many hosts may be disturbed at the same time: by campaign, ring, service, site or cluster."
    public static let codec = PolicyCodec<Budget>.object(Budget()) { keys in
        keys.required(
            "per", \.scope, .choice, "Of what it counts: each campaign, ring, site, value of a label, or the groups.")
        keys.optional("label", \.label, .label, "The label whose value names the service, cluster or hypervisor.")
        keys.optional("limit", \.limit, .amount, "At most so many at the same time; of a share at least one.")
        keys.optional("healthy", \.healthy, .amount, "At least so many stay healthy: a cluster's quorum.")
        keys.key("groups", \.groups, .list(.reference(HostGroup.self)), "Whose hosts; all unless said.")
        keys.exactlyOne("limit", "healthy")
        keys.check { budget in
            if (budget.scope == .label) != (budget.label != nil) {
                return budget.label == nil
                    ? ("per", "a budget per label needs the label's name; add label: service")
                    : ("label", "only a budget per label has one; write per: label, or leave it out")
            }
            if budget.scope == .groups, budget.groups.isEmpty {
                return ("per", "a budget of groups needs their names; add groups")
            }
            if case .share(let share) = budget.healthy, share.millionths == 1_000_000 {
                return ("healthy", "if all stay healthy none may ever be disturbed; write less than 100%")
            }
            return nil
        }
    }

    /// How many of so many hosts may be disturbed at the same time; of a limit at least 1, of a quorum none where too few are left.
    public func allowed(of hosts: Int) -> Int {
        if let limit { return min(max(1, limit.hosts(of: hosts)), max(0, hosts)) }
        switch healthy {
        // A quorum is rounded up: half of five is three.
        case .share(let share):
            return max(0, hosts - Int((Int64(max(0, hosts)) * share.millionths + 999_999) / 1_000_000))
        case .count(let count): return max(0, hosts - Int(count))
        case nil: return 0
        }
    }
}

/// What hosts have to do with one another.
public struct Relation: PolicySpec {
    /// One group before another.
    public struct Order: Hashable, Sendable {
        /// Whose change, and health after it, comes first,
        public var first = ""
        /// and who waits for it.
        public var then = ""
        /// How long the first must have been healthy, in seconds.
        public var settle: Int64 = 0

        static let codec = PolicyCodec<Order>.object(Order()) { keys in
            keys.required(
                "first", \.first, .reference(HostGroup.self), "Whose change, and health after it, comes first.")
            keys.required("then", \.then, .reference(HostGroup.self), "Who waits for it.")
            keys.key("settle", \.settle, .duration(0...604_800), "How long the first must have been healthy.")
            keys.check { $0.first == $0.then ? ("then", "a group cannot wait for itself; name another") : nil }
        }
    }

    /// Of these groups never two hosts at the same time: of a single group never two of its own.
    public var neverTogether: [String] = []
    /// One after another.
    public var order: Order?

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Relation"
    public static let about = "Hosts that never change together, or one group only after another is healthy."
    public static let codec = PolicyCodec<Relation>.object(Relation()) { keys in
        keys.key(
            "neverTogether", \.neverTogether, .list(.reference(HostGroup.self), 1...32),
            "Of the hosts of these groups never two at the same time.")
        keys.optional("order", \.order, Order.codec, "One group only after another is healthy.")
        keys.exactlyOne("neverTogether", "order")
    }
}
