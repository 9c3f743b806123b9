import Digest
import Feeds
import Inventory
import Matching
import Priority
import Store
import Timestamps

/// One organisation as ``FleetJudge`` remembers it: its hosts, which packages anybody has, and what is open.
struct OrganisationJudge: Sendable {
    let organisation: String
    /// Hosts by id, those in quarantine too.
    private(set) var hosts: [String: Verdicts.Host] = [:]
    /// What is open, as it is written down.
    private(set) var open: [Verdicts.Key: Verdicts.Open] = [:]
    /// What was closed lately.
    private var closed: [Verdicts.Key: Verdicts.Closed] = [:]
    /// Packages that are builds of one source in one distribution have one number.
    private var families = PackageFamilies()
    /// The revision that ``open`` is.
    var revision: Int64 = 0
    /// What gives hosts their exposure and worth beside their own labels.
    var rules = AssetRules()
    /// Whether all that is open was compared with what was judged.
    var isReconciled = false
    /// When everything was looked at last.
    private(set) var fullAt: Timestamp?
    /// What was published last.
    private(set) var risk: FleetRisk?

    /// The packages of each set in use; nil where the set is not stored.
    private var sets: [Verdicts.Software: [Int64]?] = [:]
    private var users: [Verdicts.Software: Int] = [:]
    /// In how many sets in use a package is.
    private var owners: [Int64: Int] = [:]
    private var offers: [Int64: [Verdicts.Offer]] = [:]
    private var kernels: [SHA256Digest: KernelFacts] = [:]
    /// Hosts to look at.
    private var touched: Set<String> = []
    /// Packages that came into use, and that went out of it, since the last comparison.
    private var came: Set<Int64> = []
    private var went: Set<Int64> = []
    /// Hosts that came, changed or went, by their sets before.
    private var left: [Verdicts.Software] = []
    private var joined: [Verdicts.Software] = []
    /// Where hosts' packages came from.
    private var origins = HostOrigins()
    /// Since when hosts have what they did not have at first, by host.
    private var arrivals: [String: [String: Timestamp]] = [:]
    /// What changelogs add.
    private var changelogs = ChangelogOverlay()

    /// Whether everything is being read, arrivals too.
    private var isLoading = false

    private init(_ organisation: String) { self.organisation = organisation }

    /// Whether anything is to be looked at.
    var hasChanges: Bool { !touched.isEmpty }
    /// The packages that anybody has.
    var packages: Set<Int64> { Set(owners.keys) }

    /// Reads an organisation whole.
    static func load(_ organisation: String, _ store: Store, _ now: Timestamp) async throws -> OrganisationJudge {
        var judge = OrganisationJudge(organisation)
        let (hosts, origins, arrivals) = try await store.read {
            (
                try $0.verdicts.hosts(organisation: organisation),
                try $0.packageOrigins.all(organisation: organisation),
                try $0.packageArrivals.all(organisation: organisation)
            )
        }
        judge.origins = HostOrigins(origins)
        judge.arrivals = arrivals
        judge.isLoading = true
        defer { judge.isLoading = false }
        try await judge.take(hosts.map { .init(organisation: organisation, id: $0.id, host: $0) }, store, now)
        try await judge.readOpen(store)
        return judge
    }

    /// Reads what is open as it is written down.
    mutating func readOpen(_ store: Store) async throws {
        let organisation = organisation
        let subjects: [Int64: Verdicts.Subject]
        (open, closed, subjects, revision) = try await store.read { sql in
            let open = try sql.verdicts.open(organisation: organisation)
            let closed = try sql.verdicts.closed(organisation: organisation)
            // Nobody may have them any more: what comes in their place goes on with their clocks.
            let packages = Set(open.keys.map(\.package)).union(closed.keys.map(\.package))
            return (
                open, closed, try sql.verdicts.subjects(packages.sorted()),
                try sql.verdicts.revision(organisation: organisation)
            )
        }
        for (id, subject) in subjects { families.add(id, subject.package, base: subject.base) }
        isReconciled = false
    }

    /// What of changelogs was read last.
    var changelogStamp: Int64? { changelogs.stamp }

    /// Reads what hosts have read in changelogs, where claims have come since.
    mutating func readChangelogs(_ store: Store, _ kept: ChangelogEvidence.Kept, stamp: Int64) async throws {
        guard changelogs.stamp != stamp else { return }
        let organisation = organisation
        let evidence = try await store.read { try kept.evidence($0, organisation: organisation) }
        changelogs.take(evidence, stamp: stamp)
    }

    /// The judgements with what changelogs add for the versions that hosts are offered. Packages to which they add something
    /// else than before, and the hosts that have them, are looked at again.
    ///
    /// - Parameter isNew: whether feeds say something else than before.
    mutating func overlaid(
        _ judgements: [Int64: FleetJudge.JudgedOnce], isNew: Bool
    ) -> OverlaidJudgements {
        let different = changelogs.update(judgements, sets: sets, offers: offers, owners: owners, isNew: isNew)
            .filter { owners[$0] != nil }
        if !different.isEmpty {
            came.formUnion(different)
            let concerned = Set(sets.filter { $0.value?.contains(where: different.contains) ?? false }.keys)
            for (id, host) in hosts where host.software.map(concerned.contains) ?? false { touched.insert(id) }
        }
        return OverlaidJudgements(base: judgements, overlay: changelogs.judged)
    }

    /// Takes note of hosts that may have changed, once it is known where their packages came from.
    mutating func take(
        _ changes: [Verdicts.ChangedHost], _ store: Store, _ now: Timestamp
    ) async throws {
        var moved: [String] = []
        for change in try await origins.added(to: changes, organisation, store, now)
        where hosts[change.id] != change.host {
            changelogs.move(from: hosts[change.id], to: change.host)
            let before = hosts[change.id]?.software
            hosts[change.id] = change.host
            touched.insert(change.id)
            if change.host == nil { arrivals[change.id] = nil }
            if !isLoading, change.host != nil { moved.append(change.id) }
            guard before != change.host?.software else { continue }
            if let before { left.append(before) }
            if let software = change.host?.software { joined.append(software) }
        }
        guard !moved.isEmpty else { return }
        let organisation = organisation
        let hosts = moved
        let came = try await store.read { sql in
            try hosts.map { try sql.packageArrivals.of(organisation: organisation, host: $0) }
        }
        for (host, own) in zip(hosts, came) { arrivals[host] = own.isEmpty ? nil : own }
    }

    /// Writes down where hosts' packages came from, where that was read since.
    mutating func recordOrigins(_ store: Store) async throws {
        try await origins.record(organisation, store)
    }

    /// Reads the documents of hosts that changed.
    mutating func readDocuments(_ store: Store) async throws {
        let organisation = organisation
        let changed = touched.compactMap { hosts[$0] }
        let newSets = Set(joined).filter { sets[$0] == nil }
        let newOffers = Set(changed.compactMap(\.pendingSet)).filter { $0 > 0 && offers[$0] == nil }
        let newFacts = Set(changed.compactMap(\.facts)).filter { kernels[$0] == nil }
        let (readSets, readOffers, readKernels) = try await store.read { sql in
            var sets: [Verdicts.Software: [Int64]?] = [:]
            for software in newSets {
                sets[software] = .some(try sql.verdicts.packages(organisation: organisation, software))
            }
            var offers: [Int64: [Verdicts.Offer]] = [:]
            for id in newOffers { offers[id] = try sql.verdicts.offers(pendingSet: id) }
            var kernels: [SHA256Digest: KernelFacts] = [:]
            for digest in newFacts {
                guard let bytes = try sql.documents.facts(organisation: organisation, digest),
                    let facts = try? HostFacts(parsing: bytes), case .known(let kernel) = facts.kernel
                else { continue }
                kernels[digest] = kernel
            }
            return (sets, offers, kernels)
        }
        sets.merge(readSets) { _, new in new }
        offers.merge(readOffers) { _, new in new }
        kernels.merge(readKernels) { _, new in new }
        // Who came before who left: what moves from one host to another does not go out of use between.
        for set in joined {
            users[set, default: 0] += 1
            guard users[set] == 1 else { continue }
            for id in (sets[set] ?? nil) ?? [] {
                owners[id, default: 0] += 1
                if owners[id] == 1 {
                    came.insert(id)
                    went.remove(id)
                }
            }
        }
        for set in left {
            users[set, default: 1] -= 1
            guard users[set] == 0 else { continue }
            users[set] = nil
            for id in (sets[set] ?? nil) ?? [] {
                owners[id, default: 1] -= 1
                if owners[id] == 0 {
                    owners[id] = nil
                    went.insert(id)
                    came.remove(id)
                }
            }
            sets[set] = nil
        }
        (joined, left) = ([], [])
        if offers.count > 2 * hosts.count + 100 {
            let used = Set(hosts.values.compactMap(\.pendingSet))
            offers = offers.filter { used.contains($0.key) }
        }
        if kernels.count > 2 * hosts.count + 100 {
            let used = Set(hosts.values.compactMap(\.facts))
            kernels = kernels.filter { used.contains($0.key) }
        }
    }

    /// Compares what is open with what was judged: of everything, or of packages that came and went.
    mutating func compare(
        _ judgements: OverlaidJudgements, isFull: Bool, now: Timestamp
    ) -> VerdictLedger {
        let subjects = isFull ? Set(owners.keys) : came
        var judged: [Int64: VerdictLedger.Judged] = [:]
        for id in subjects {
            guard let once = judgements[id] else { continue }
            judged[id] = once.ledger
            families.add(id, once.judgement.package, base: once.base)
        }
        var gone = went
        if isFull {
            for key in open.keys where owners[key.package] == nil { gone.insert(key.package) }
        }
        // A set that is not there may have had any package.
        if hosts.values.contains(where: { $0.software.map { (sets[$0] ?? nil) == nil } ?? false }) { gone = [] }
        let ledger = VerdictLedger(
            open: open, closed: closed, judged: judged, gone: gone, families: families.numbers, bases: families.bases,
            now: now)
        (open, closed) = (ledger.open, ledger.closed)
        return ledger
    }

    /// Works out what the organisation is exposed to, anew or for what changed.
    mutating func publish(
        _ judgements: OverlaidJudgements, _ knowledge: VulnerabilityDesk.Knowledge, isFull: Bool,
        now: Timestamp
    ) throws {
        var fresh = risk ?? FleetRisk(catalogue: knowledge.digest, asOf: now)
        fresh.catalogue = knowledge.digest
        fresh.asOf = now
        fresh.rules = rules
        fresh.open = open
        fresh.offers = offers
        if isFull {
            fullAt = now
            fresh.packages = [:]
            fresh.vulnerabilities = [:]
            fresh.hosts = []
        }
        var formerly: [Int64: [String]] = [:]
        for (key, value) in open where value.verdict == Verdict.unknown.rawValue {
            formerly[key.package, default: []].append(key.vulnerability)
        }
        for id in went { fresh.packages[id] = nil }
        for id in isFull ? Set(owners.keys) : came {
            guard let once = judgements[id] else { continue }
            fresh.packages[id] = Self.package(once.judgement, formerly[id] ?? [])
        }
        for id in isFull ? Array(owners.keys) : Array(came) {
            for finding in fresh.packages[id]?.open ?? [] where fresh.vulnerabilities[finding.vulnerability] == nil {
                fresh.vulnerabilities[finding.vulnerability] = try Self.known(
                    finding.vulnerability, knowledge, now)
            }
        }
        let changed = isFull ? Set(hosts.keys) : touched
        var plans: [String: FleetRisk.HostPlan] = [:]
        var updated: [String: FleetRisk.HostRisk] = [:]
        for id in changed {
            guard let host = hosts[id] else { continue }
            let ids = host.software.flatMap { sets[$0] ?? nil }
            let key = "\(host.set?.hex ?? "") \(host.origins) \(host.pendingSet ?? 0)"
            let plan = plans[key] ?? Self.plan(ids ?? [], judgements, offers[host.pendingSet ?? 0] ?? [])
            plans[key] = plan
            var entry = FleetRisk.HostRisk(
                host: host, asset: rules.facts(id: host.id, name: host.hostname, labels: host.labels), packages: ids,
                plan: plan)
            entry.arrivals = arrivals[id] ?? [:]
            entry.exposed = (ids ?? []).filter { !(fresh.packages[$0]?.open.isEmpty ?? true) }
            if entry.exposed.contains(where: { fresh.packages[$0].map { Self.isOfKernel($0.package) } ?? false }) {
                entry.kernels = HostKernels(ids ?? [], fresh.packages, host.facts.flatMap { kernels[$0] })
            }
            updated[id] = entry
        }
        if isFull {
            fresh.hosts = updated.values.sorted { $0.host.id < $1.host.id }
        } else {
            var list = fresh.hosts.compactMap { entry -> FleetRisk.HostRisk? in
                guard changed.contains(entry.host.id) else { return entry }
                return updated.removeValue(forKey: entry.host.id)
            }
            if !updated.isEmpty {
                list += updated.values
                list.sort { $0.host.id < $1.host.id }
            }
            fresh.hosts = list
        }
        risk = fresh
        (touched, came, went) = ([], [], [])
    }

    private static func isOfKernel(_ package: SoftwarePackage) -> Bool {
        KernelRole(package, running: "?") != KernelRole.none
    }

    private static func package(_ judgement: Matching.Judgement, _ formerly: [String]) -> FleetRisk.JudgedPackage {
        var open = judgement.findings.filter { $0.verdict == .affected && !$0.isInformational }
            .map(FleetRisk.OpenFinding.init)
        for name in formerly {
            if let finding = judgement.findings.first(where: { $0.vulnerability == name }) {
                open.append(.init(finding))
            } else {
                let why = judgement.unknown.isEmpty ? "nobody speaks of it any more" : judgement.unknown
                open.append(.init(formerly: name, reason: why))
            }
        }
        if !formerly.isEmpty { open.sort { $0.vulnerability < $1.vulnerability } }
        return FleetRisk.JudgedPackage(package: judgement.package, unknown: judgement.unknown, open: open)
    }

    private static func plan(
        _ ids: [Int64], _ judgements: OverlaidJudgements, _ offers: [Verdicts.Offer]
    ) -> FleetRisk.HostPlan {
        var offered: [String: String] = [:]
        for offer in offers { offered["\(offer.name)\t\(offer.architecture)"] = offer.candidate }
        let plan = PatchPlan(ids.compactMap { judgements[$0]?.judgement }) {
            offered["\($0.name)\t\($0.architecture)"]
        }
        return FleetRisk.HostPlan(patches: plan.patches)
    }

    /// Everything that is known of one vulnerability.
    static func known(
        _ name: String, _ knowledge: VulnerabilityDesk.Knowledge, _ now: Timestamp
    ) throws -> FleetRisk.KnownVulnerability {
        var facts = VulnerabilityFacts(id: name)
        var summary = ""
        var weaknesses: Set<String> = []
        for vulnerability in try knowledge.catalogue.vulnerabilities(named: name) {
            for entry in vulnerability.exploited {
                facts.add(.exploited(entry))
                weaknesses.formUnion(entry.weaknesses)
            }
            for entry in vulnerability.likelihoods { facts.add(.likelihood(entry)) }
            for number in vulnerability.advisories {
                let advisory = try knowledge.catalogue.advisoryWithoutStatements(number)
                facts.add(.advisory(advisory))
                if advisory.withdrawn == nil {
                    if summary.isEmpty { summary = advisory.summary }
                    weaknesses.formUnion(advisory.weaknesses)
                }
            }
            for entry in vulnerability.decisions { facts.add(.decisionPoints(entry)) }
        }
        return FleetRisk.KnownVulnerability(
            facts: facts, score: RiskScore(facts, typical: knowledge.typical, now: now), summary: summary,
            weaknesses: weaknesses.sorted())
    }
}

/// Which packages are builds of one source in one distribution: a host that goes from one to the other keeps its clocks.
struct PackageFamilies: Sendable {
    /// By package.
    private(set) var numbers: [Int64: Int] = [:]
    /// Of numbers that packages have as not their distribution's own, those that they have as such.
    private(set) var bases: [Int64: Int64] = [:]
    private var names: [String: Int] = [:]

    mutating func add(_ id: Int64, _ package: SoftwarePackage, base: Int64) {
        guard numbers[id] == nil else { return }
        let name = "\(package.scheme)\t\(package.distribution)\t\(package.source)"
        let number = names[name] ?? names.count
        names[name] = number
        numbers[id] = number
        if base != id { bases[id] = base }
    }
}
