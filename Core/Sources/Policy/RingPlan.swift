import JSON

/// Through which rings a release goes, and which hosts are in each.
public struct RingPlan: PolicySpec {
    /// How many hosts a ring takes.
    public enum Size: Hashable, Sendable {
        /// So many, or such a share of all members.
        case amount(Amount)
        /// All that are left.
        case rest
    }

    /// One ring.
    public struct Ring: Hashable, Sendable {
        /// Its name: `pilot`.
        public var name = ""
        /// The hosts of this group; nil where ``size`` says how many.
        public var group: String?
        /// How many; nil where ``group`` says which.
        public var size: Size?
        /// At least so many, where there are,
        public var minimum: Int64?
        /// and at most.
        public var maximum: Int64?
        /// How long it is watched after its last host, in seconds.
        public var soak: Int64 = 86_400
        /// How long it may take, in seconds; then what is left goes to the tail.
        public var cutoff: Int64 = 604_800
        /// How many people must approve before it opens.
        public var approvals: Int64 = 0
        /// What decides between it and the next.
        public var gate: String?
        /// How many of its hosts may be disturbed at the same time.
        public var budget: Amount?

        /// A ring that says nothing yet.
        public init() {}

        static let size = PolicyCodec<Size>(
            schema: ["oneOf": [PolicyCodec<Amount>.amount.schema, ["const": "rest"]]]
        ) { node, path, reading in
            if case .text("rest", _) = node.content { return .rest }
            return PolicyCodec<Amount>.amount.read(node, path, &reading).map(Size.amount)
        } write: {
            switch $0 {
            case .amount(let amount): PolicyCodec<Amount>.amount.write(amount)
            case .rest: "rest"
            }
        }

        static let codec = PolicyCodec<Ring>.object(Ring()) { keys in
            keys.required("name", \.name, .name, "Its name: test, pilot, early, broad, or one's own.")
            keys.optional(
                "group", \.group, .reference(HostGroup.self), "The hosts of this group; an earlier ring's stay there.")
            keys.optional("size", \.size, size, "How many hosts: a number, a share of all members (5%), or rest.")
            keys.optional("minimum", \.minimum, .integer(1...100_000), "At least so many hosts, where there are.")
            keys.optional("maximum", \.maximum, .integer(1...100_000), "At most so many hosts.")
            keys.key(
                "soak", \.soak, .duration(0...2_592_000), "How long it is watched after its last host; 24h unless said."
            )
            keys.key(
                "cutoff", \.cutoff, .duration(3600...7_776_000),
                "How long it may take; what is left then goes to the tail.")
            keys.key("approvals", \.approvals, .integer(0...5), "How many people must approve before it opens.")
            keys.optional(
                "gate", \.gate, .reference(GatePolicy.self),
                "What decides between it and the next; the default gate unless said.")
            keys.optional("budget", \.budget, .amount, "How many of its hosts may be disturbed at the same time.")
            keys.exactlyOne("group", "size")
            keys.check { ring in
                if let least = ring.minimum, let most = ring.maximum, least > most {
                    return ("minimum", "the minimum (\(least)) is above the maximum (\(most)); exchange them")
                }
                if ring.minimum != nil || ring.maximum != nil, ring.group != nil || ring.size == .rest {
                    return (
                        ring.minimum != nil ? "minimum" : "maximum",
                        "only a ring with a size of its own has a minimum or a maximum; leave it out"
                    )
                }
                return nil
            }
        }
    }

    /// By which facts hosts are mixed in each ring.
    public var stratifyBy: [HostGroup.Fact] = [.os, .hardware, .site]
    /// Whether other hosts come first in each campaign.
    public var rotates = true
    /// The rings, the first first.
    public var rings: [Ring] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "RingPlan"
    public static let about = "Through which rings a release goes, and which hosts are in each."
    public static let codec = PolicyCodec<RingPlan>.object(RingPlan()) { keys in
        keys.key(
            "stratifyBy", \.stratifyBy, .list(.choice, 0...4),
            "Facts of which every ring has the mix that all members have.")
        keys.key(
            "rotate", \.rotates, .boolean, "Whether other hosts come first in each campaign; false: always the same.")
        keys.required(
            "rings", \.rings, .list(Ring.codec, 1...16, isSet: false),
            "The rings, the first first; the last takes the rest.")
        keys.check { plan in
            let names = plan.rings.map(\.name)
            if let index = names.indices.first(where: { names[..<$0].contains(names[$0]) }) {
                return ("rings[\(index)].name", "two rings are called \(names[index]); rename one")
            }
            let groups = plan.rings.map(\.group)
            if let index = groups.indices.first(where: { groups[$0] != nil && groups[..<$0].contains(groups[$0]) }) {
                return (
                    "rings[\(index)].group",
                    "the group \(groups[index] ?? "") is in two rings, and no host would be in this one; take it out of one"
                )
            }
            guard let last = plan.rings.last, last.size == .rest else {
                return (
                    "rings[\(plan.rings.count - 1)]",
                    "the last ring does not take the rest, so that hosts would never get the release; write size: rest"
                )
            }
            if let index = plan.rings.dropLast().firstIndex(where: { $0.size == .rest }) {
                return ("rings[\(index)].size", "only the last ring takes the rest; write a share, like 20%")
            }
            let shares = plan.rings.compactMap { ring -> Int64? in
                if case .amount(.share(let share)) = ring.size { return share.millionths }
                return nil
            }
            if shares.reduce(0, +) > 1_000_000 {
                return (
                    "rings", "the shares of the rings are more than 100%; each is of all members, not of what is left"
                )
            }
            return nil
        }
    }
}
