import Digest

/// Which ring each host of a campaign is in.
public struct RingAssignment: Hashable, Sendable {
    /// The rings' names, in order.
    public var names: [String]
    /// The hosts' ids of each ring, in the order in which they are tried.
    public var rings: [[String]]
    /// Kinds of hosts of which none is in the first ring: what the test has not seen.
    public var untested: [Stratum]

    /// A kind of hosts.
    public struct Stratum: Hashable, Sendable {
        /// Its facts: `debian-12 / kvm / berlin`.
        public var name: String
        /// How many of them there are in the rings after the first.
        public var hosts: Int
    }

    /// Draws the rings.
    ///
    /// Groups are taken first, in the order of the rings. The other hosts of each stratum stand in an order that the campaign's
    /// name decides, evenly spread from 0 to 1; rings take them from the beginning. So every ring has each stratum's share to
    /// within a host, and nobody is always first. With `keeping`, hosts that have a ring stay in it, and new ones
    /// fill the rings, the first first, up to what each takes of the members that there are now.
    ///
    /// - Parameters:
    ///   - plan: The rings.
    ///   - hosts: The members; of a repeated id the first counts.
    ///   - campaign: What the order is drawn from.
    ///   - groups: The hosts of each group that the plan names; a group that is not there has none.
    ///   - keeping: An earlier assignment of the same plan.
    public init(
        _ plan: RingPlan, hosts: [PolicyHost], campaign: String, groups: [String: Set<String>] = [:],
        keeping: RingAssignment? = nil
    ) {
        var seen: Set<String> = []
        let members = hosts.filter { seen.insert($0.id).inserted }
        let salt = plan.rotates ? campaign : ""
        let rank = Dictionary(members.map { ($0.id, Self.draw("host", salt, $0.id)) }) { first, _ in first }
        let strata = Dictionary(members.map { ($0.id, Self.stratum(of: $0, by: plan.stratifyBy)) }) { first, _ in first
        }
        func isBefore(_ left: String, _ right: String) -> Bool {
            let (a, b) = (rank[left] ?? 0, rank[right] ?? 0)
            return a != b ? a < b : left.utf8.lexicographicallyPrecedes(right.utf8)
        }
        let names = plan.rings.map(\.name)
        var rings = [[String]](repeating: [], count: names.count)
        var free = Set(members.map(\.id))
        if let keeping {
            for (index, name) in names.enumerated() {
                guard let old = keeping.names.firstIndex(of: name) else { continue }
                rings[index] = keeping.rings[old].filter { free.remove($0) != nil }
            }
        }
        for (index, ring) in plan.rings.enumerated() {
            guard let group = ring.group else { continue }
            let own = (groups[group] ?? []).intersection(free).sorted(by: isBefore)
            rings[index] += own
            free.subtract(own)
        }
        // Everybody else, evenly spread.
        var byStratum: [String: [String]] = [:]
        for id in free { byStratum[strata[id] ?? "", default: []].append(id) }
        var positions: [(at: Double, id: String)] = []
        for (stratum, ids) in byStratum {
            let shift = Double(Self.draw("stratum", salt, stratum) >> 11) / 9_007_199_254_740_992
            for (number, id) in ids.sorted(by: isBefore).enumerated() {
                positions.append(((Double(number) + shift) / Double(ids.count), id))
            }
        }
        positions.sort { $0.at != $1.at ? $0.at < $1.at : isBefore($0.id, $1.id) }
        var queue = positions.map(\.id)[...]
        for (index, ring) in plan.rings.enumerated() {
            switch ring.size {
            case nil: continue
            case .rest:
                rings[index] += queue
                queue = []
            case .amount(let amount):
                var wanted = Int64(amount.hosts(of: members.count))
                if let most = ring.maximum { wanted = min(wanted, most) }
                if let least = ring.minimum { wanted = max(wanted, least) }
                let taken = queue.prefix(max(0, Int(wanted) - rings[index].count))
                rings[index] += taken
                queue = queue.dropFirst(taken.count)
            }
        }
        self.names = names
        self.rings = rings
        var untried: [String: Int] = [:]
        let tested = Set((rings.first ?? []).compactMap { strata[$0] })
        for ring in rings.dropFirst() {
            for id in ring {
                if let stratum = strata[id], !tested.contains(stratum) { untried[stratum, default: 0] += 1 }
            }
        }
        untested = untried.keys.sorted().map { Stratum(name: $0, hosts: untried[$0] ?? 0) }
    }

    /// The number of a host's ring, from 0 on; nil where it is in none.
    public func ring(of host: String) -> Int? { rings.firstIndex { $0.contains(host) } }

    /// The kind of a host by those facts: `debian-12 / kvm / berlin`; what is not known is `?`.
    public static func stratum(of host: PolicyHost, by facts: [HostGroup.Fact]) -> String {
        facts.isEmpty ? "all" : facts.map { host.facts[$0] ?? "?" }.joined(separator: " / ")
    }

    /// 64 bits that those names decide, the same on every machine.
    private static func draw(_ what: String, _ salt: String, _ name: String) -> UInt64 {
        let text = "fettle-rings\u{0}\(what)\u{0}\(salt.utf8.count)\u{0}\(salt)\u{0}\(name)"
        return SHA256.hash(Array(text.utf8)).bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
