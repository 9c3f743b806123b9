import Access
import Digest
import Feeds
import Glibc
import HTML
import Inventory
import Matching
import Pages
import Priority
import Store
import Timestamps

/// What pages read of an organisation's exposure, within the reach of whoever looks.
struct RiskReading: Sendable {
    let view: RiskView

    /// The hosts within reach, as indices.
    var hosts: [Int] { view.hosts }
    var reach: Reach { view.reach }
    var risk: FleetRisk { view.risk }
    var now: Timestamp { view.now }

    /// Reads, or says why nothing can be said.
    ///
    /// - Parameter selector: only hosts with these labels.
    static func read(
        _ call: PageCall, only selector: LabelSelector? = nil
    ) async throws -> Result<RiskReading, RiskGap> {
        let desk = call.state.vulnerabilities
        let organisation = try call.organisationID
        guard let knowledge = desk.knowledge, knowledge.catalogue.advisoryCount > 0 else {
            guard access(desk.feeds, R_OK) == 0, desk.knowledge == nil else { return .failure(.noFeeds) }
            return .failure(desk.fault.map(RiskGap.unreadable) ?? .judging)
        }
        guard desk.risk(organisation) != nil else { return .failure(.judging) }
        let view = try await RiskView.of(
            call.state, organisation: organisation, reach: call.reach(.hostsRead).narrowed(to: selector), isList: true,
            now: call.now)
        return .success(RiskReading(view: view))
    }

    /// How much was looked at.
    var scope: RiskScope {
        var scope = RiskScope()
        scope.hosts = hosts.count
        scope.unjudged = hosts.count { risk.hosts[$0].packages == nil }
        scope.unknownPackages = unknownPackages().count
        scope.asOf = risk.asOf
        scope.policy = "\(view.policy.id) \(view.policy.version)"
        return scope
    }

    /// Packages of which no feed says anything, with how many hosts within reach have each.
    func unknownPackages() -> [Int64: Int] { view.skeleton.unknownPackages }

    // MARK: Vulnerabilities

    /// A vulnerability as a list shows it.
    func row(_ item: RiskView.Item) -> VulnerabilityRow {
        var row = row(item.id, item.known, item.deadline)
        row.hosts = item.hosts.count
        let found = item.packages.sorted().compactMap { risk.packages[$0] }
        // Accepted is only what is accepted wherever it is.
        if item.accepted < item.hosts.count { row.exceptedUntil = nil }
        let openings = item.packages.compactMap { risk.packages[$0]?.finding(item.id) }
        if row.severity == "unknown" { row.severity = Self.gravest(openings.map(\.severity)) }
        let isInstallable = view.installable.contains(item.id)
        row.closing = isInstallable ? .installable : openings.contains { $0.fixed != nil } ? .fixable : .none
        row.packages = Set(found.map(\.package.name)).sorted().prefix(4).map { $0 }
        return row
    }

    /// What is known of a vulnerability wherever it occurs.
    func row(_ id: String, _ known: FleetRisk.KnownVulnerability, _ deadline: Deadline?) -> VulnerabilityRow {
        var row = VulnerabilityRow(id: id)
        row.summary = known.summary
        if let score = known.facts.score?.value {
            row.severity = Self.word(score.value)
            row.score = "\(score.name) \((score.value * 10).rounded() / 10)"
        }
        row.epss = known.facts.likelihood?.probability
        row.knownExploited = known.facts.knownExploited?.added
        row.isExploitationKnown = view.hasExploited && known.facts.isExploitationKnown
        row.due = deadline.flatMap { $0.counts ? $0.due : nil }
        row.band = DueBand(row.due, now)
        row.deadline = deadline?.sentence ?? ""
        row.exceptedUntil = deadline?.exceptedUntil
        row.why = known.score.sentence
        return row
    }

    private static func word(_ score: Double) -> String {
        score >= 9 ? "critical" : score >= 7 ? "high" : score >= 4 ? "medium" : score > 0 ? "low" : "none"
    }

    private static func gravest(_ words: [String]) -> String {
        ["critical", "high", "medium", "low", "none"].first(where: words.contains) ?? "unknown"
    }

    /// What filters ask of every vulnerability, worked out once for all: severities where nobody has scored them, and what
    /// closes them.
    struct Openings {
        fileprivate var words: [String: Set<String>] = [:]
        fileprivate var fixable: Set<String> = []
        fileprivate var installable: Set<String> = []

        func severity(_ item: RiskView.Item) -> String {
            if let score = item.known.facts.score?.value.value { return RiskReading.word(score) }
            return RiskReading.gravest(Array(words[item.id] ?? []))
        }

        func closing(_ item: RiskView.Item) -> Closing {
            installable.contains(item.id) ? .installable : fixable.contains(item.id) ? .fixable : .none
        }
    }

    var openings: Openings {
        var openings = Openings()
        openings.installable = view.installable
        var packages: Set<Int64> = []
        for index in hosts { packages.formUnion(risk.hosts[index].exposed) }
        for id in packages {
            for finding in risk.packages[id]?.open ?? [] {
                openings.words[finding.vulnerability, default: []].insert(finding.severity)
                if finding.fixed != nil { openings.fixable.insert(finding.vulnerability) }
            }
        }
        return openings
    }

    /// How soon a vulnerability is due where it is soonest.
    func band(_ item: RiskView.Item) -> DueBand { DueBand(item.deadline.flatMap { $0.counts ? $0.due : nil }, now) }

    // MARK: Patches

    /// A patch as the queue shows it.
    func row(_ patch: RankedPatch) -> QueueRow {
        var row = QueueRow(id: patch.patch.id, name: patch.patch.name)
        var seen: Set<String> = []
        row.place = patch.place
        row.band = DueBand(patch.deadline?.due, now)
        row.due = patch.deadline?.due
        row.hosts = patch.assets
        row.closes = patch.open.map(\.vulnerability).filter { seen.insert($0).inserted }
        row.exploited = row.closes.count { risk.vulnerabilities[$0]?.facts.knownExploited != nil }
        row.benefit = patch.benefit
        row.cost = patch.cost
        row.needsReboot = patch.patch.needsReboot
        row.isEvidenceFirst = patch.isEvidenceFirst
        // Place and name stand beside it.
        let start = "\(patch.place). \(patch.patch.name): "
        let text = patch.sentence.hasPrefix(start) ? String(patch.sentence.dropFirst(start.count)) : patch.sentence
        row.why = text.prefix(1).uppercased() + text.dropFirst()
        return row
    }

    /// The form of a campaign with these steps on these hosts, and whether it names them all; nil where there is nothing to do.
    func campaign(
        _ title: String, steps: [VersionStep], hosts chosen: [Int], _ context: PageContext
    ) -> (location: Location, namesHosts: Bool)? {
        guard !steps.isEmpty, !chosen.isEmpty else { return nil }
        var versions: [String: Set<String>] = [:]
        for step in steps { versions[step.name, default: []].insert(step.to) }
        // One name with two versions is of two distributions: then each host takes what it is offered.
        let isExact = versions.values.allSatisfy { $0.count == 1 }
        let names = versions.keys.sorted().map { name in
            isExact ? "\(name)=\(versions[name]?.first ?? "")" : name
        }
        let isNamed = chosen.count <= Self.maximumNamedHosts
        return (
            context.to(
                "campaigns", "new",
                query: [
                    ("title", String(title.prefix(200))), ("package", names.joined(separator: ", ")),
                    isNamed
                        ? ("host", chosen.map { risk.hosts[$0].host.id }.joined(separator: ", ")) : ("labels", "*"),
                ]), isNamed
        )
    }

    /// More would make an address that no browser or proxy takes.
    static let maximumNamedHosts = 60
}

extension DueBand {
    init(_ due: Timestamp?, _ now: Timestamp) {
        switch DeadlineBand(due: due, now: now) {
        case .overdue: self = .overdue
        case .threeDays: self = .threeDays
        case .twoWeeks: self = .twoWeeks
        case .twoMonths: self = .twoMonths
        case .later: self = .later
        case .noDate: self = .noDate
        }
    }
}

extension Deadline {
    /// Until when an accepted risk holds; nil where none does.
    var exceptedUntil: Timestamp? {
        if case .excepted(_, let until) = state { until } else { nil }
    }
}

extension FleetRisk.JudgedPackage {
    /// What is open of that vulnerability.
    func finding(_ vulnerability: String) -> FleetRisk.OpenFinding? {
        open.first { $0.vulnerability == vulnerability }
    }
}

extension Reach {
    /// This reach, and of that only hosts with certain labels.
    fileprivate func narrowed(to selector: LabelSelector?) -> Reach {
        guard let selector else { return self }
        return switch self {
        case .none: .none
        case .all: .selected([selector])
        case .selected(let list): .selected(list.map { LabelSelector($0.requirements + selector.requirements) })
        }
    }
}
