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
    /// What people have decided.
    let decisions: Decisions
    let scopes: DecisionScopes
    let reach: Reach
    /// The hosts within reach, as indices.
    let hosts: [Int]
    /// What was worked out of it, for views that are kept (``RiskShelf``).
    let lists: RiskLists?

    /// What people have decided about findings.
    struct Decisions: Sendable, Hashable {
        /// Exceptions that may hold.
        var exceptions: [StoredException] = []
        /// Times in which clocks stood still.
        var pauses: [StoredPause] = []
        /// Evidence that was taken.
        var evidence: [StoredEvidence] = []
    }

    /// A vulnerability of hosts within reach.
    struct Item: Sendable {
        var id: String
        var known: FleetRisk.KnownVulnerability
        /// All its ids, in capitals.
        var ids: Set<String>
        /// The packages that have it.
        var packages: Set<Int64>
        /// The hosts, as indices.
        var hosts: [Int]
        /// How many of these accept it for a time.
        var accepted = 0
        /// The earliest deadline.
        var deadline: Deadline?
    }

    /// Refuses where no feeds are there, or nothing was judged yet: an empty list would say that nothing is wrong.
    static func of(_ call: Call) async throws -> RiskView {
        try await of(
            call.state, organisation: call.organisation, reach: call.reach, isList: true, now: call.now)
    }

    /// The same for whoever has no ``Call``.
    ///
    /// - Parameters:
    ///   - host: only this host, by its id: then no others are looked through.
    ///   - isList: whether people or their programs list what there is: then the view may be some seconds old
    ///     (``RiskShelf``). Whatever decides about a host needs one of this moment.
    static func of(
        _ state: ServerState, organisation: String, reach: Reach, only host: String? = nil, isList: Bool = false,
        now: Timestamp
    ) async throws -> RiskView {
        let desk = state.vulnerabilities
        guard let knowledge = desk.knowledge, let (risk, revision) = desk.published(organisation) else {
            throw Refusal(.noFeeds(desk.fault))
        }
        let decisions = try await state.store.read { sql in
            Decisions(
                exceptions: try sql.exceptions.approved(organisation: organisation),
                pauses: try sql.findingClocks.pauses(organisation: organisation),
                evidence: try sql.findingClocks.evidence(organisation: organisation))
        }
        let policy = try await desk.policy(organisation, state.store).policy
        guard isList, host == nil else {
            return RiskView(
                risk: risk, knowledge: knowledge, policy: policy, decisions: decisions, reach: reach, only: host,
                now: now)
        }
        let question = RiskShelf.Question(
            organisation: organisation, reach: reach, policy: policy, decisions: decisions,
            catalogue: knowledge.digest)
        return desk.shelf.view(question, revision: revision, now: now) { now in
            RiskView(
                risk: risk, knowledge: knowledge, policy: policy, decisions: decisions, reach: reach,
                lists: RiskLists(), now: now)
        }
    }

    init(
        risk: FleetRisk, knowledge: VulnerabilityDesk.Knowledge, policy: DeadlinePolicy,
        decisions: Decisions = Decisions(), reach: Reach, only host: String? = nil, lists: RiskLists? = nil,
        now: Timestamp
    ) {
        self.lists = lists
        self.risk = risk
        self.knowledge = knowledge
        self.policy = policy
        self.decisions = decisions
        // A clock that starts before detection may have run in any pause. Only lists are worth the look through what is open.
        let earliest =
            lists == nil || policy.clockStart == .knownExploited ? nil : risk.open.values.lazy.map(\.since).min()
        scopes = DecisionScopes(decisions, stopping: policy.pauses, since: earliest)
        self.reach = reach
        self.now = now
        if let host {
            hosts =
                risk.index(of: host).map { index in
                    risk.hosts[index].host.isActive && reach.includes(risk.hosts[index].host.labels) ? [index] : []
                } ?? []
        } else {
            hosts = risk.reachable(reach)
        }
    }

    /// Names that several hosts have.
    var namesakes: Set<String> { lists == nil ? RiskSkeleton.namesakes(risk) : skeleton.namesakes }

    /// A host's name among assets: with its id where another has the same name.
    func assetName(_ host: Verdicts.Host, _ namesakes: Set<String>) -> String {
        namesakes.contains(host.hostname) ? "\(host.hostname) (\(host.id))" : host.hostname
    }

    /// What does not depend on the time.
    var skeleton: RiskSkeleton {
        func make() -> RiskSkeleton { RiskSkeleton(risk, hosts, scopes, StartClasses(policy)) }
        return lists?.skeleton(make) ?? make()
    }

    /// The vulnerabilities that some host's own repositories close.
    var installable: Set<String> {
        func make() -> Set<String> {
            var found: Set<String> = []
            for index in hosts {
                for patch in risk.hosts[index].plan.patches { found.formUnion(patch.closes) }
            }
            return found
        }
        return lists?.installable(make) ?? make()
    }

    /// Hosts of which nothing is known.
    var unjudged: Int { hosts.count { risk.hosts[$0].packages == nil } }

    /// The packages that hosts within reach have; nil where that is everything.
    var packages: Set<Int64>? {
        reach == .all ? nil : Set(hosts.flatMap { risk.hosts[$0].packages ?? [] })
    }

    /// Whether CISA's catalogue is known, so that "not in it" is known too.
    var hasExploited: Bool { knowledge.hasExploited }

    /// Every vulnerability, the earliest deadline first, then the likeliest exploitation.
    func vulnerabilities() -> [Item] { lists?.vulnerabilities(listed) ?? listed() }

    /// One vulnerability; nil where no host within reach has it.
    func vulnerability(_ name: String) -> Item? {
        lists == nil ? walkedVulnerabilities(only: name).first : vulnerabilities().first { $0.id == name }
    }

    /// The same, of which hosts that are alike are looked at once.
    private func listed() -> [Item] {
        let list = skeleton.entries.map { entry in
            var item = Item(
                id: entry.id, known: entry.known, ids: entry.ids, packages: entry.packages, hosts: entry.hosts)
            if scopes.accept(entry.ids) {
                let deadlines = deadlines(item)
                item.accepted = deadlines.count { if case .excepted = $0.state { true } else { false } }
                item.deadline = DeadlinePolicy.deadline(ofPatchWith: deadlines) ?? deadlines.first
            } else {
                let deadlines = entry.kinds.map { deadline(item, host: $0) }
                item.deadline = DeadlinePolicy.deadline(ofPatchWith: deadlines) ?? deadlines.first
            }
            return item
        }
        return sorted(list)
    }

    /// The same by walking through every finding of every host: what ``vulnerabilities()`` must agree with.
    func walkedVulnerabilities(only name: String? = nil) -> [Item] {
        var items: [String: Item] = [:]
        for index in hosts {
            for package in risk.hosts[index].exposed {
                for finding in risk.packages[package]?.open ?? []
                where name.map({ $0 == finding.vulnerability }) ?? true {
                    guard let known = risk.vulnerabilities[finding.vulnerability] else { continue }
                    var item =
                        items.removeValue(forKey: finding.vulnerability)
                        ?? Item(id: finding.vulnerability, known: known, ids: [], packages: [], hosts: [])
                    if item.packages.insert(package).inserted {
                        item.ids.formUnion(finding.ids.map { $0.uppercased() })
                        item.ids.insert(finding.vulnerability.uppercased())
                    }
                    if item.hosts.last != index { item.hosts.append(index) }
                    items[finding.vulnerability] = item
                }
            }
        }
        var list = Array(items.values)
        for index in list.indices {
            let deadlines = deadlines(list[index])
            list[index].accepted = deadlines.count { if case .excepted = $0.state { true } else { false } }
            list[index].deadline = DeadlinePolicy.deadline(ofPatchWith: deadlines) ?? deadlines.first
        }
        return sorted(list)
    }

    private func sorted(_ list: [Item]) -> [Item] {
        let bands = list.map(band)
        return list.indices.sorted { first, second in
            if bands[first] != bands[second] { return bands[first] < bands[second] }
            let (left, right) = (list[first], list[second])
            if left.known.score.probability != right.known.score.probability {
                return left.known.score.probability > right.known.score.probability
            }
            return left.id < right.id
        }.map { list[$0] }
    }

    private func band(_ item: Item) -> DeadlineBand {
        DeadlineBand(due: item.deadline.flatMap { $0.counts ? $0.due : nil }, now: now)
    }

    /// What a deadline depends on, so that hosts that are alike are asked once.
    struct Place: Hashable {
        var vulnerability: String
        var asset: AssetFacts
        var detected: Timestamp
        var fix: FixState
        var exceptions: [String]
        var pauses: [String]
        var evidence: [StoredEvidence]
        var isActive: Bool
    }

    /// What is known of a fix for something open in some packages.
    struct FixState: Hashable {
        /// Since when one is known for the first of the packages; nil where there is none for any.
        var first: Timestamp?
        /// Since when one is known for the last of them.
        var last: Timestamp?
        /// Whether there is one for each of them.
        var isWhole: Bool
        /// Whether there is one for any of them; true where nothing is known of them.
        var isThere: Bool

        init(_ open: [Verdicts.Open]) {
            let known = open.compactMap(\.fixKnown)
            (first, last) = (known.min(), known.max())
            (isWhole, isThere) = (known.count == open.count, open.isEmpty || !known.isEmpty)
        }
    }

    /// The deadline on each of the item's hosts, in their order.
    private func deadlines(_ item: Item) -> [Deadline] {
        var known: [Place: Deadline] = [:]
        return item.hosts.map { index in
            let place = place(item.id, item.ids, item.known, packages: item.packages, risk.hosts[index])
            if let deadline = known[place] { return deadline }
            let deadline = deadline(at: place, item.known)
            known[place] = deadline
            return deadline
        }
    }

    /// The deadline of a vulnerability on one host.
    func deadline(_ item: Item, host index: Int) -> Deadline {
        deadline(at: place(item.id, item.ids, item.known, packages: item.packages, risk.hosts[index]), item.known)
    }

    /// - Parameter packages: those that have it; the host need not have them all.
    func place(
        _ name: String, _ ids: Set<String>, _ known: FleetRisk.KnownVulnerability, packages: Set<Int64>,
        _ host: FleetRisk.HostRisk
    ) -> Place {
        let own = host.exposed.filter(packages.contains)
        var asset = host.asset
        (asset.id, asset.name) = ("", "")
        let exceptions = scopes.exceptions(of: ids, host.host).filter { exception in
            own.allSatisfy { id in
                risk.packages[id].map {
                    exception.concerns(package: $0.package.name, source: $0.package.source)
                } ?? false
            }
        }
        let pauses = scopes.pauses(of: ids, host.host)
        let open = own.compactMap { risk.open[Verdicts.Key(package: $0, vulnerability: name)] }
        return Place(
            vulnerability: name, asset: asset, detected: risk.detected(name, packages: own, host), fix: FixState(open),
            exceptions: exceptions.map(\.id), pauses: pauses.map(\.id),
            evidence: scopes.evidence(of: ids, host.host),
            isActive: own.contains { isActive($0, name, host) })
    }

    /// Whether what is open there can be attacked, and patched: not in a kernel that does not run, nor in name alone.
    func isActive(_ package: Int64, _ vulnerability: String, _ host: FleetRisk.HostRisk) -> Bool {
        switch host.kernels?.part(package, vulnerability) {
        case nil, .active, .closedByReboot: true
        case .dormant, .inNameAlone: false
        }
    }

    /// The deadline at such a place.
    func deadline(at place: Place, _ known: FleetRisk.KnownVulnerability) -> Deadline {
        var facts = known.facts
        facts.id = place.vulnerability
        facts.isExploitationKnown = facts.isExploitationKnown && hasExploited
        var dates = FindingDates(detected: place.detected)
        // Of several packages the first that can be patched counts; feeds seldom tell the release itself.
        (dates.fixKnown, dates.hasFix) = (place.fix.first, place.fix.isThere)
        for pause in place.pauses.compactMap(scopes.pause) {
            guard let reason = SLAPause.Reason(rawValue: pause.reason) else { continue }
            dates.pauses.append(SLAPause(reason: reason, from: pause.from, until: pause.until))
        }
        // Nothing can be done while there is no fix in one of the packages.
        if !place.fix.isWhole {
            dates.pauses.append(SLAPause(reason: .noFix, from: place.detected))
        } else if let fixKnown = place.fix.last, fixKnown > place.detected {
            dates.pauses.append(SLAPause(reason: .noFix, from: place.detected, until: fixKnown))
        }
        let exceptions = decisions.exceptions.filter { place.exceptions.contains($0.id) }
            .map { $0.exception(of: place.vulnerability) }
        func ask() -> Deadline {
            policy.deadline(of: facts, on: place.asset, dates: dates, exceptions: exceptions, now: now)
        }
        var deadline = ask()
        if deadline.isEvidenceFirst, policy.pauses.contains(.evidenceHold) {
            let start = deadline.evidenceSince
            let taken = place.evidence.first {
                [EvidenceHold.Step.volatileEvidence.rawValue, StoredEvidence.waived].contains($0.step)
                    && $0.at >= start
            }?.at
            dates.pauses.append(SLAPause(reason: .evidenceHold, from: start, until: taken))
            deadline = ask()
        }
        return deadline
    }

    /// What has to be done before a host is changed; nil where the policy asks for nothing.
    func hold(_ place: Place, _ deadline: Deadline) -> EvidenceHold? {
        deadline.isEvidenceFirst && deadline.counts
            ? EvidenceHold(since: deadline.evidenceSince, stored: place.evidence) : nil
    }
}
