import Access
import Inventory
import Matching
import Priority
import Store
import Timestamps

/// A finding as it is shown: a vulnerability of a package on a host, with all that is known and was decided.
struct ShownFinding: Sendable {
    /// How it stands.
    enum State: String, Sendable, CaseIterable {
        case open
        case overdue
        /// Accepted for a time.
        case accepted
        /// Formerly affected, and nobody who would know says anything any more.
        case unknown
        /// Closed by a reboot: the fixed kernel is installed and does not run.
        case closedByReboot = "closed-by-reboot"
        /// In a kernel that does not run.
        case dormant
        /// In headers and the like, which carry the vulnerability in name alone.
        case inNameAlone = "in-name-alone"
    }

    var host: Verdicts.Host
    var package: SoftwarePackage
    var finding: FleetRisk.OpenFinding
    var known: FleetRisk.KnownVulnerability?
    var state: State
    var deadline: Deadline
    /// Since when it is open there.
    var detected: Timestamp
    /// The exception that accepts it.
    var exception: StoredException?
    var hold: EvidenceHold?
    /// An advisory names a fix.
    var isFixable: Bool
    /// The host's repositories offer it.
    var isInstallable: Bool
    /// It is on the host, but does not run yet.
    var isInstalled: Bool
    /// Proved by a scan after the last boot: never of what is open.
    let isVerified = false

    /// One sentence: how it stands and what closes it.
    var sentence: String {
        var text = "\(finding.vulnerability) in \(package.name) \(package.version): "
        switch state {
        case .open, .overdue: text += state == .overdue ? "overdue, \(deadline.sentence)" : deadline.sentence
        case .accepted: text += "accepted until \(exception?.expires.description.prefix(10) ?? "")"
        case .unknown: text += finding.reason
        case .closedByReboot: text += "the fixed kernel is installed: reboot"
        case .dormant: text += "in a kernel that does not run"
        case .inNameAlone: text += "in name alone: the package has none of the code"
        }
        if finding.isDisputed { text += "; whether it is a vulnerability is disputed" }
        return text
    }
}

/// A choice of findings.
struct FindingFilter: Sendable {
    /// A host's id or name.
    var host: String?
    /// Any id of a vulnerability.
    var vulnerability: String?
    /// A package or a source package.
    var package: String?
    var state: ShownFinding.State?
}

extension RiskView {
    /// Findings, by host name, package and vulnerability; how many there are in all, and packages that no feed speaks of.
    func findings(
        _ filter: FindingFilter, from start: Int, limit: Int
    ) throws -> (items: [ShownFinding], total: Int, unknown: Int) {
        // What lists of all hosts need was sorted and counted before; of one host it is quicker without.
        let whole = filter.host == nil ? skeleton : nil
        let chosen =
            whole?.byName
            ?? hosts.filter { index in
                filter.host.map { risk.hosts[index].host.hostname == $0 || risk.hosts[index].host.id == $0 } ?? true
            }.sorted {
                (risk.hosts[$0].host.hostname, risk.hosts[$0].host.id) < (
                    risk.hosts[$1].host.hostname, risk.hosts[$1].host.id
                )
            }
        let isUnfiltered = filter.vulnerability == nil && filter.package == nil && filter.state == nil
        if let host = filter.host, chosen.isEmpty { throw Refusal(.missing("host", host)) }
        let wanted = filter.vulnerability?.uppercased()
        let unknownPackages =
            whole == nil ? Set(risk.packages.lazy.filter { !$0.value.unknown.isEmpty }.map(\.key)) : []
        var items: [ShownFinding] = []
        var total = 0
        var unknown = whole?.unknownPackages.values.reduce(0, +) ?? 0
        for (place, index) in chosen.enumerated() {
            if isUnfiltered, let count = whole?.openCounts[place], items.count == limit || total + count <= start {
                total += count
                continue
            }
            let host = risk.hosts[index]
            if !unknownPackages.isEmpty { unknown += (host.packages ?? []).count(where: unknownPackages.contains) }
            for id in host.exposed {
                guard let judged = risk.packages[id] else { continue }
                if let package = filter.package, judged.package.name != package, judged.package.source != package {
                    continue
                }
                for finding in judged.open {
                    if let wanted, finding.vulnerability.uppercased() != wanted,
                        !finding.ids.contains(where: { $0.uppercased() == wanted })
                    {
                        continue
                    }
                    // Only a filter by state has to work out what is not shown.
                    let isOnPage = total >= start && items.count < limit
                    if filter.state == nil, !isOnPage {
                        total += 1
                        continue
                    }
                    let shown = shown(finding, id, judged.package, host)
                    guard filter.state.map({ $0 == shown.state }) ?? true else { continue }
                    if isOnPage { items.append(shown) }
                    total += 1
                }
            }
        }
        return (items, total, unknown)
    }

    /// One finding with all that is known of it.
    func shown(
        _ finding: FleetRisk.OpenFinding, _ id: Int64, _ package: SoftwarePackage, _ host: FleetRisk.HostRisk
    ) -> ShownFinding {
        let ids = Set((finding.ids + [finding.vulnerability]).map { $0.uppercased() })
        let known = risk.vulnerabilities[finding.vulnerability]
        let place = place(
            finding.vulnerability, ids,
            known
                ?? FleetRisk.KnownVulnerability(
                    facts: VulnerabilityFacts(id: finding.vulnerability),
                    score: RiskScore(
                        VulnerabilityFacts(id: finding.vulnerability), typical: knowledge.typical, now: now),
                    summary: ""),
            packages: [id], host)
        let deadline =
            known.map { self.deadline(at: place, $0) }
            ?? policy.deadline(
                of: VulnerabilityFacts(id: finding.vulnerability), on: place.asset,
                dates: FindingDates(detected: place.detected), now: now)
        var exception: StoredException?
        if case .excepted(let excepted, _) = deadline.state {
            exception = decisions.exceptions.first { $0.id == excepted }
        }
        let state: ShownFinding.State
        switch host.kernels?.part(id, finding.vulnerability) {
        case .dormant: state = .dormant
        case .inNameAlone: state = .inNameAlone
        case .closedByReboot where exception == nil: state = .closedByReboot
        default:
            state =
                exception != nil
                ? .accepted
                : finding.verdict == .unknown ? .unknown : deadline.state == .overdue ? .overdue : .open
        }
        let isInstallable = host.plan.patches.contains {
            $0.source == package.source && $0.closes.contains(finding.vulnerability)
        }
        return ShownFinding(
            host: host.host, package: package, finding: finding, known: known, state: state, deadline: deadline,
            detected: place.detected, exception: exception, hold: hold(place, deadline),
            isFixable: finding.fixed != nil, isInstallable: isInstallable,
            isInstalled: host.kernels?.part(id, finding.vulnerability) == .closedByReboot)
    }

    /// What a host's repositories can close there, each with its id and name in the work queue.
    func patches(host index: Int) -> [(id: String, name: String, steps: PatchSteps)] {
        let host = risk.hosts[index]
        guard !host.plan.patches.isEmpty else { return [] }
        var places: [String: String] = [:]
        for id in host.exposed {
            guard let package = risk.packages[id]?.package, places[package.source] == nil else { continue }
            places[package.source] = "\(package.scheme)/\(package.distribution)"
        }
        return host.plan.patches.compactMap { patch in
            guard let target = patch.steps.last else { return nil }
            return (
                "\(places[patch.source] ?? "")/\(patch.source)@\(target.to)", "\(patch.source) \(target.to)", patch
            )
        }
    }

    /// The work queue. What only a reboot closes is in it as such; what is dormant is not.
    func queue() -> [RankedPatch] { workQueue.patches }

    /// The hosts that a patch of the queue waits on, by name, as indices.
    func hosts(ofPatch id: String) -> [Int] { (workQueue.hosts[id] ?? []).map(Int.init) }

    private var workQueue: WorkQueue {
        func make() -> WorkQueue {
            let groups = PatchGroups(self)
            return WorkQueue(patches: RankedPatch.queue(groups.candidates(), now: now), hosts: groups.hosts)
        }
        return lists?.queue(make) ?? make()
    }

    /// The few patches that cut most risk.
    func selection(count: Int) -> PatchSelection {
        func make() -> PatchSelection { PatchSelection(queue(), maximumCount: count) }
        return lists?.selection(count: count, make) ?? make()
    }

    /// The same by walking through every finding of every host: what ``queue()`` must agree with.
    func walkedQueue() -> [RankedPatch] {
        var candidates: [String: PatchCandidate] = [:]
        var known: [Place: Deadline] = [:]
        for index in hosts {
            for own in self.candidates(host: index, &known) {
                var candidate =
                    candidates.removeValue(forKey: own.id) ?? PatchCandidate(id: own.id, name: own.name, closes: [])
                candidate.closes += own.closes
                if own.needsReboot { candidate.needsReboot = true }
                candidates[own.id] = candidate
            }
        }
        return RankedPatch.queue(candidates.values.sorted { $0.id < $1.id }, now: now)
    }

    /// When what a patch of the queue closes on a host is due, where that counts.
    func deadline(ofPatch id: String, host index: Int) -> Deadline? {
        var known: [Place: Deadline] = [:]
        return deadline(ofPatch: id, host: index, &known)
    }

    /// - Parameter known: deadlines that were worked out before, by what they depend on.
    func deadline(ofPatch id: String, host index: Int, _ known: inout [Place: Deadline]) -> Deadline? {
        let own = candidates(host: index, only: id, &known).first
        return DeadlinePolicy.deadline(ofPatchWith: (own?.closes ?? []).map(\.deadline))
    }

    /// The patches of one host with what they close there.
    ///
    /// - Parameters:
    ///   - only: the patch of this id alone.
    ///   - known: deadlines that were worked out before, by what they depend on.
    private func candidates(
        host index: Int, only wanted: String? = nil, _ known: inout [Place: Deadline]
    ) -> [PatchCandidate] {
        let host = risk.hosts[index]
        let asset = assetName(host.host, namesakes)
        var packagesOf: [String: [Int64]] = [:]
        for id in host.exposed {
            if let source = risk.packages[id]?.package.source { packagesOf[source, default: []].append(id) }
        }
        func finding(_ name: String, _ packages: [Int64]) -> FindingRisk? {
            guard let vulnerability = risk.vulnerabilities[name] else { return nil }
            let own = packages.filter { risk.packages[$0]?.finding(name) != nil }
            let ids = own.compactMap { risk.packages[$0]?.finding(name)?.ids }.joined()
            let place = place(
                name, Set((Array(ids) + [name]).map { $0.uppercased() }), vulnerability, packages: Set(own), host)
            guard place.isActive else { return nil }
            let deadline = known[place] ?? deadline(at: place, vulnerability)
            known[place] = deadline
            return FindingRisk(
                vulnerability: name, asset: asset, probability: vulnerability.score.probability,
                reach: AttackReach(vulnerability.facts, host.asset).factor,
                impact: host.asset.criticality.value.factor, deadline: deadline, detected: place.detected)
        }
        var found = patches(host: index).filter { wanted == nil || wanted == $0.id }.map { id, name, patch in
            PatchCandidate(
                id: id, name: name, closes: patch.closes.compactMap { finding($0, packagesOf[patch.source] ?? []) },
                needsReboot: patch.cost == .reboot)
        }
        if let kernels = host.kernels, let next = kernels.next, wanted == nil || wanted == "reboot/\(next)" {
            var waiting: [String: [Int64]] = [:]
            for id in host.exposed {
                for finding in risk.packages[id]?.open ?? []
                where kernels.part(id, finding.vulnerability) == .closedByReboot {
                    waiting[finding.vulnerability, default: []].append(id)
                }
            }
            if !waiting.isEmpty {
                found.append(
                    PatchCandidate(
                        id: "reboot/\(next)", name: "reboot into \(next)",
                        closes: waiting.compactMap { finding($0, $1) }, needsReboot: true))
            }
        }
        return found
    }
}
