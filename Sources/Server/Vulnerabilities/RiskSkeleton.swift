import Inventory
import Priority
import Store
import Timestamps

/// What dates depend on beside vulnerability, packages, kernels and the time that a host is there.
struct HostKind: Hashable, Sendable {
    private var asset: AssetFacts
    /// The pauses of more than one host that hold there.
    private var pauses: [Int]
    /// The host, where something was decided for it alone; -1 else.
    private var alone: Int

    init(_ host: FleetRisk.HostRisk, _ index: Int, _ scopes: DecisionScopes) {
        asset = host.asset
        (asset.id, asset.name) = ("", "")
        let kind = scopes.kind(host.host)
        pauses = kind ?? []
        alone = kind == nil ? index : -1
    }
}

/// What lists need of a published risk within one reach, whatever the time is: worked out once for all who ask.
struct RiskSkeleton: Sendable {
    /// A vulnerability with its hosts.
    struct Entry: Sendable {
        var id: String
        var known: FleetRisk.KnownVulnerability
        /// All its ids, in capitals.
        var ids: Set<String>
        /// The packages that have it.
        var packages: Set<Int64>
        /// The hosts, as ascending indices.
        var hosts: [Int]
        /// Of hosts that are alike, also in what was decided about them and in the class of their clocks' start, the one on
        /// which the clock runs for longest: the vulnerability is due nowhere among them before it is due there, but for less
        /// than a second. Accepted risks are left out of this.
        var kinds: [Int]
    }

    /// The hosts within reach, by name and id.
    let byName: [Int]
    /// How many findings are open on each of ``byName``.
    let openCounts: [Int]
    /// On how many hosts each package is of which no feed says anything.
    let unknownPackages: [Int64: Int]
    let entries: [Entry]
    /// Names that several hosts of the organisation have.
    let namesakes: Set<String>

    init(_ risk: FleetRisk, _ hosts: [Int], _ scopes: DecisionScopes, _ classes: StartClasses) {
        byName = hosts.sorted {
            (risk.hosts[$0].host.hostname, risk.hosts[$0].host.id) < (
                risk.hosts[$1].host.hostname, risk.hosts[$1].host.id
            )
        }
        let open = risk.packages.mapValues(\.open.count)
        openCounts = byName.map { risk.hosts[$0].exposed.reduce(0) { $0 + (open[$1] ?? 0) } }
        unknownPackages = Self.unknownPackages(risk, hosts)
        entries = Self.entries(risk, hosts, scopes, classes)
        namesakes = Self.namesakes(risk)
    }

    static func namesakes(_ risk: FleetRisk) -> Set<String> {
        var seen: Set<String> = []
        return Set(risk.hosts.lazy.map(\.host.hostname).filter { !seen.insert($0).inserted })
    }

    private static func unknownPackages(_ risk: FleetRisk, _ hosts: [Int]) -> [Int64: Int] {
        let unknown = Set(risk.packages.lazy.filter { !$0.value.unknown.isEmpty }.map(\.key))
        guard !unknown.isEmpty else { return [:] }
        var counts: [Int64: Int] = [:]
        for index in hosts {
            for package in risk.hosts[index].packages ?? [] where unknown.contains(package) {
                counts[package, default: 0] += 1
            }
        }
        return counts
    }

    /// What a deadline depends on beside the vulnerability, the packages and the host's enrolment.
    private struct Kind: Hashable {
        var host: HostKind
        var kernels: HostKernels?
    }

    private struct Alike: Hashable {
        var kind: Int32
        var start: Int
        /// Which of the vulnerability's packages it has, as a sum of their marks.
        var packages: UInt64
    }

    private static func entries(
        _ risk: FleetRisk, _ hosts: [Int], _ scopes: DecisionScopes, _ classes: StartClasses
    ) -> [Entry] {
        var numbers: [Int64: Int] = [:]
        var packages: [Int64] = []
        // The hosts that have a package, in ascending order.
        var holders: [[Int32]] = []
        var kindNumbers: [Kind: Int32] = [:]
        var kinds = [Int32](repeating: 0, count: risk.hosts.count)
        // The class of a start at enrolment.
        var starts = [Int](repeating: 0, count: risk.hosts.count)
        for index in hosts {
            let host = risk.hosts[index]
            guard !host.exposed.isEmpty else { continue }
            let kind = Kind(host: HostKind(host, index, scopes), kernels: host.kernels)
            let number = kindNumbers[kind] ?? Int32(kindNumbers.count)
            kindNumbers[kind] = number
            kinds[index] = number
            starts[index] = classes(host.host.enrolled)
            for package in host.exposed {
                let number = numbers[package] ?? packages.count
                if number == packages.count {
                    numbers[package] = number
                    packages.append(package)
                    holders.append([])
                }
                holders[number].append(Int32(index))
            }
        }
        var places: [String: [Int]] = [:]
        for (number, package) in packages.enumerated() {
            for finding in risk.packages[package]?.open ?? [] {
                if places[finding.vulnerability]?.last != number {
                    places[finding.vulnerability, default: []].append(number)
                }
            }
        }
        // Marks that nobody can choose: two different choices of packages have the same sum once in 2^64.
        var generator = SystemRandomNumberGenerator()
        let marks = packages.map { _ in generator.next() as UInt64 }
        var sums = [UInt64](repeating: 0, count: risk.hosts.count)
        var isIn = [Bool](repeating: false, count: risk.hosts.count)
        var entries: [Entry] = []
        for (name, list) in places {
            guard let vulnerability = risk.vulnerabilities[name] else { continue }
            var ids: Set<String> = [name.uppercased()]
            var found: [Int32] = []
            for number in list {
                for finding in risk.packages[packages[number]]?.open ?? [] where finding.vulnerability == name {
                    ids.formUnion(finding.ids.map { $0.uppercased() })
                    break
                }
                for host in holders[number] {
                    if !isIn[Int(host)] {
                        isIn[Int(host)] = true
                        sums[Int(host)] = 0
                        found.append(host)
                    }
                    sums[Int(host)] &+= marks[number]
                }
            }
            if list.count > 1 { found.sort() }
            let numbers = list.map { packages[$0] }
            let sources = Set(numbers.compactMap { risk.packages[$0].map { PackageArrivals.key($0.package) } })
            // Since when it is known in the same packages.
            var known: [UInt64: Timestamp] = [:]
            var first: [Alike: Int] = [:]
            var chosen: [Int] = []
            for host in found {
                let index = Int(host)
                isIn[index] = false
                var alike = Alike(kind: kinds[index], start: starts[index], packages: sums[index])
                if classes.areSeveral {
                    let its = risk.hosts[index]
                    if sources.contains(where: { its.arrivals[$0] != nil }) {
                        alike.start = classes(
                            risk.detected(name, packages: numbers.filter(its.exposed.contains), its))
                    } else {
                        let since =
                            known[alike.packages]
                            ?? risk.known(name, packages: numbers.filter(its.exposed.contains), [:])
                        known[alike.packages] = since
                        if since > its.host.enrolled { alike.start = classes(since) }
                    }
                }
                if let place = first[alike] {
                    if isEarlier(risk, index, than: chosen[place], name, numbers, sources) { chosen[place] = index }
                } else {
                    first[alike] = chosen.count
                    chosen.append(index)
                }
            }
            entries.append(
                Entry(
                    id: name, known: vulnerability, ids: ids, packages: Set(list.map { packages[$0] }),
                    hosts: found.map(Int.init),
                    kinds: chosen))
        }
        return entries
    }

    /// Whether a vulnerability's clock runs on a host for longer than on one that is alike.
    private static func isEarlier(
        _ risk: FleetRisk, _ index: Int, than other: Int, _ name: String, _ packages: [Int64], _ sources: Set<String>
    ) -> Bool {
        let (host, known) = (risk.hosts[index], risk.hosts[other])
        // Only where one of them got a package later than it was enrolled does more than the enrolment count.
        guard sources.contains(where: { host.arrivals[$0] != nil || known.arrivals[$0] != nil }) else {
            return host.host.enrolled < known.host.enrolled
        }
        let own = packages.filter(host.exposed.contains)
        return risk.detected(name, packages: own, host) < risk.detected(name, packages: own, known)
    }
}
