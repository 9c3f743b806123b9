import Access
import Inventory
import JSON
import Matching
import Priority
import Store
import Timestamps

/// What one caller may see of an organisation's exposure.
struct RiskView: Sendable {
    let risk: FleetRisk
    let knowledge: VulnerabilityDesk.Knowledge
    let policy: DeadlinePolicy
    let now: Timestamp
    private let reach: Reach
    private let hosts: [Int]

    /// A vulnerability of hosts within reach.
    struct Item: Sendable {
        var id: String
        var known: FleetRisk.KnownVulnerability
        /// The packages that have it.
        var packages: Set<Int64>
        /// The hosts, as indices.
        var hosts: [Int]
        /// The earliest deadline.
        var deadline: Deadline?
    }

    /// Refuses where no feeds are there, or nothing was judged yet: an empty list would say that nothing is wrong.
    init(_ call: Call) throws {
        let desk = call.state.vulnerabilities
        guard let knowledge = desk.knowledge, let risk = desk.risk(call.organisation) else {
            throw Refusal(.noFeeds(desk.fault))
        }
        self.init(risk: risk, knowledge: knowledge, policy: desk.policy, reach: call.reach, now: call.now)
    }

    init(
        risk: FleetRisk, knowledge: VulnerabilityDesk.Knowledge, policy: DeadlinePolicy, reach: Reach, now: Timestamp
    ) {
        self.risk = risk
        self.knowledge = knowledge
        self.policy = policy
        self.reach = reach
        self.now = now
        hosts = risk.reachable(reach)
    }

    /// Hosts of which nothing is known.
    var unjudged: Int { hosts.count { risk.hosts[$0].packages == nil } }

    /// The work queue.
    func queue() -> [RankedPatch] { risk.queue(reach, policy: policy, now: now) }

    /// Every vulnerability, the earliest deadline first, then the likeliest exploitation.
    func vulnerabilities(only name: String? = nil) -> [Item] {
        var items: [String: Item] = [:]
        for index in hosts {
            for package in risk.hosts[index].packages ?? [] {
                for finding in risk.packages[package]?.findings ?? []
                where finding.verdict == .affected && !finding.isInformational
                    && (name.map { $0 == finding.vulnerability } ?? true)
                {
                    guard let known = risk.vulnerabilities[finding.vulnerability] else { continue }
                    var item =
                        items[finding.vulnerability]
                        ?? Item(id: finding.vulnerability, known: known, packages: [], hosts: [], deadline: nil)
                    item.packages.insert(package)
                    if item.hosts.last != index { item.hosts.append(index) }
                    items[finding.vulnerability] = item
                }
            }
        }
        var list = Array(items.values)
        for index in list.indices {
            let item = list[index]
            let deadlines = Set(item.hosts.map { Place(risk.hosts[$0].asset, item, risk, $0) })
                .map {
                    policy.deadline(
                        of: item.known.facts, on: $0.asset, dates: FindingDates(detected: $0.detected), now: now)
                }
            list[index].deadline = DeadlinePolicy.deadline(ofPatchWith: deadlines) ?? deadlines.first
        }
        return list.sorted { left, right in
            let (band, other) = (
                DeadlineBand(due: left.deadline?.due, now: now), DeadlineBand(due: right.deadline?.due, now: now)
            )
            if band != other { return band < other }
            if left.known.score.probability != right.known.score.probability {
                return left.known.score.probability > right.known.score.probability
            }
            return left.id < right.id
        }
    }

    /// What a deadline depends on, so that hosts that are alike are asked once.
    private struct Place: Hashable {
        var asset: AssetFacts
        var detected: Timestamp

        init(_ asset: AssetFacts, _ item: Item, _ risk: FleetRisk, _ host: Int) {
            self.asset = asset
            self.asset.id = ""
            self.asset.name = ""
            let packages = (risk.hosts[host].packages ?? []).filter(item.packages.contains)
            detected = risk.detected(item.id, packages: packages, risk.hosts[host])
        }
    }

    /// The deadline of a vulnerability on one host.
    func deadline(_ item: Item, host index: Int) -> Deadline {
        let host = risk.hosts[index]
        let packages = (host.packages ?? []).filter(item.packages.contains)
        return policy.deadline(
            of: item.known.facts, on: host.asset,
            dates: FindingDates(detected: risk.detected(item.id, packages: packages, host)), now: now)
    }

    /// A page of findings, by host name, package and vulnerability; how many there are, and packages that nobody speaks of.
    func findings(
        host: String?, vulnerability: String?, package: String?, from start: Int, limit: Int
    ) throws -> (items: [JSONValue], total: Int, unknown: Int) {
        let chosen = hosts.filter { index in
            host.map { risk.hosts[index].host.hostname == $0 || risk.hosts[index].host.id == $0 } ?? true
        }.sorted {
            (risk.hosts[$0].host.hostname, risk.hosts[$0].host.id) < (
                risk.hosts[$1].host.hostname, risk.hosts[$1].host.id
            )
        }
        if let host, chosen.isEmpty { throw Refusal(.missing("host", host)) }
        var items: [JSONValue] = []
        var total = 0
        var unknown = 0
        for index in chosen {
            let closable = Set(
                risk.hosts[index].plan.patches.flatMap { patch in patch.closes.map { "\(patch.source)\t\($0)" } })
            for id in risk.hosts[index].packages ?? [] {
                guard let judgement = risk.packages[id] else { continue }
                if !judgement.unknown.isEmpty { unknown += 1 }
                if let package, judgement.package.name != package, judgement.package.source != package { continue }
                for finding in judgement.findings
                where finding.verdict == .affected && !finding.isInformational
                    && (vulnerability.map { finding.ids.contains($0) } ?? true)
                {
                    defer { total += 1 }
                    guard total >= start, items.count < limit else { continue }
                    items.append(
                        VulnerabilitySchema.json(
                            finding, of: judgement.package, on: risk.hosts[index].host,
                            isInstallable: closable.contains("\(judgement.package.source)\t\(finding.vulnerability)"),
                            known: risk.vulnerabilities[finding.vulnerability]))
                }
            }
        }
        return (items, total, unknown)
    }
}
