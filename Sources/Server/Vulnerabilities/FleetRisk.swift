import Access
import Digest
import Feeds
import Inventory
import Matching
import Priority
import Store
import Timestamps

/// What an organisation's hosts are exposed to, worked out in memory: packages are judged once however many hosts have them.
struct FleetRisk: Sendable {
    /// What was judged by.
    let catalogue: SHA256Digest
    /// When it was worked out.
    let asOf: Timestamp
    /// The active hosts.
    let hosts: [HostRisk]
    /// The packages that anybody has, by number.
    let packages: [Int64: Matching.Judgement]
    /// What is known of every vulnerability that anybody has, by name.
    let vulnerabilities: [String: KnownVulnerability]
    /// Since when what is open is known.
    let since: [Verdicts.Key: Timestamp]

    /// A host.
    struct HostRisk: Sendable {
        var host: Verdicts.Host
        var asset: AssetFacts
        /// The numbers of its packages; nil where it has not reported or its set is gone: nothing is known of it then.
        var packages: [Int64]?
        /// What can be done: shared by hosts with the same software and offers.
        var plan: HostPlan
    }

    /// A vulnerability with its score.
    struct KnownVulnerability: Sendable {
        var facts: VulnerabilityFacts
        var score: RiskScore
        var summary: String
    }

    /// What the host's own repositories can close.
    struct HostPlan: Sendable {
        var patches: [PatchSteps] = []
    }

    /// One finding on one host.
    struct Open: Sendable {
        var host: Int
        var package: Int64
        var finding: Finding
    }

    /// The hosts within reach, as indices.
    func reachable(_ reach: Reach) -> [Int] {
        hosts.indices.filter { reach.includes(hosts[$0].host.labels) }
    }

    /// The date from which a finding's clock runs on a host.
    func detected(_ vulnerability: String, packages: [Int64], _ host: HostRisk) -> Timestamp {
        let first = packages.compactMap { since[Verdicts.Key(package: $0, vulnerability: vulnerability)] }.min() ?? asOf
        return max(first, host.host.enrolled)
    }

    /// The work queue of the hosts within reach.
    func queue(_ reach: Reach, policy: DeadlinePolicy, now: Timestamp) -> [RankedPatch] {
        var candidates: [String: PatchCandidate] = [:]
        var deadlines: [DeadlineKey: Deadline] = [:]
        for index in reachable(reach) {
            let host = hosts[index]
            var packagesOf: [String: [Int64]] = [:]
            for package in host.packages ?? [] {
                if let source = packages[package]?.package.source { packagesOf[source, default: []].append(package) }
            }
            for patch in host.plan.patches {
                guard let target = patch.steps.last else { continue }
                let sample = packagesOf[patch.source]?.first.flatMap { packages[$0]?.package }
                let place = sample.map { "\($0.scheme)/\($0.distribution)" } ?? ""
                let id = "\(place)/\(patch.source)@\(target.to)"
                var candidate =
                    candidates[id]
                    ?? PatchCandidate(id: id, name: "\(patch.source) \(target.to)", closes: [], needsReboot: false)
                if patch.cost == .reboot { candidate.needsReboot = true }
                for name in patch.closes {
                    guard let known = vulnerabilities[name] else { continue }
                    let detected = detected(name, packages: packagesOf[patch.source] ?? [], host)
                    let key = DeadlineKey(
                        vulnerability: name, exposure: host.asset.exposure, criticality: host.asset.criticality,
                        safety: host.asset.safety, detected: detected)
                    let deadline =
                        deadlines[key]
                        ?? policy.deadline(
                            of: known.facts, on: host.asset, dates: FindingDates(detected: detected), now: now)
                    deadlines[key] = deadline
                    candidate.closes.append(
                        FindingRisk(
                            vulnerability: name, asset: host.host.hostname, probability: known.score.probability,
                            reach: AttackReach(known.facts, host.asset).factor,
                            impact: host.asset.criticality.value.factor,
                            deadline: deadline, detected: detected))
                }
                candidates[id] = candidate
            }
        }
        return RankedPatch.queue(candidates.values.sorted { $0.id < $1.id }, now: now)
    }

    private struct DeadlineKey: Hashable {
        var vulnerability: String
        var exposure: AssetFacts.Property<AssetFacts.Exposure>
        var criticality: AssetFacts.Property<AssetFacts.Criticality>
        var safety: AssetFacts.Property<AssetFacts.Safety>
        var detected: Timestamp
    }
}
