import Access
import Digest
import Inventory
import JSON
import Rollout
import Store
import Timestamps

/// A draft made exact, or why that is not possible.
struct FrozenDraft: Sendable {
    /// The plan; nil where there are errors.
    var plan: Plan?
    /// Its hosts, each with its own window.
    var hosts: [CampaignHost] = []
    /// The earliest start of a host's window.
    var startsAt: Timestamp?
    /// The latest end of a host's window.
    var endsAt: Timestamp?
    /// Why there is no plan.
    var errors: [String] = []
    /// What people should know of it.
    var notes: [String] = []
}

extension RolloutEngine {
    /// Makes a draft exact over what its hosts last reported. Reads only.
    func freeze(
        organisation: String, _ draft: CampaignDraft, campaign: String, epoch: Int64, by actor: RolloutActor
    ) async throws -> FrozenDraft {
        let now = state.clock.now()
        var frozen = FrozenDraft()
        let selected = try await select(organisation, draft.hosts, actor, &frozen)
        var hosts: [FreezingHost] = []
        var zones: [String: Fact<String>] = [:]
        for record in selected {
            let name = record.hostname
            guard let digests = record.digests else {
                frozen.errors.append(
                    "\(name) has not reported yet, so nothing is known of its packages. Wait for its first scan, or leave it "
                        + "out.")
                continue
            }
            // One host at a time: a snapshot of thousands of sets would keep the database's old pages alive.
            let found = try await state.store.read { sql in
                (
                    try sql.documents.softwareSet(organisation: organisation, digests.set),
                    try sql.documents.offerSet(organisation: organisation, digests.offers),
                    try sql.documents.facts(organisation: organisation, digests.facts)
                )
            }
            guard let set = found.0, let offers = found.1 else {
                frozen.errors.append(
                    "\(name): what it reported is not here any more. Scan it: fettle hosts scan \(name).")
                continue
            }
            if let reported = record.reportedAt, now.seconds(since: lastEvidence(record, reported)) > 2 * 86_400 {
                frozen.notes.append(
                    "\(name) was last scanned over two days ago; the plan rests on what it had then. Scan it first: fettle "
                        + "hosts scan \(name).")
            }
            var installed: [String: String] = [:]
            var releases: [String: Int] = [:]
            for package in set.packages {
                installed["\(package.name):\(package.architecture)"] = package.version
                releases[package.distribution, default: 0] += 1
            }
            let distribution = releases.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
            if case .some(let facts) = found.2.flatMap({ try? HostFacts(parsing: $0) }) {
                zones[record.id] = facts.timeZone
            }
            hosts.append(
                FreezingHost(
                    id: record.id, name: name, installed: installed, distribution: distribution, offers: offers.offers,
                    additions: offers.additions))
        }
        if selected.isEmpty, frozen.errors.isEmpty {
            frozen.errors.append(
                "The draft selects no active host that your roles reach. Correct the ids or the selector (fettle hosts list)."
            )
        }
        guard frozen.errors.isEmpty else { return frozen }
        let packages = PlanFreezing.freeze(draft.packages, over: hosts)
        frozen.errors += packages.errors
        frozen.notes += packages.notes
        guard frozen.errors.isEmpty else { return frozen }

        let names = Dictionary(selected.map { ($0.id, $0.hostname) }, uniquingKeysWith: { first, _ in first })
        var windows: [String: PlanWindows.Occurrence] = [:]
        let resolver = PlanWindows()
        for id in packages.hosts.keys.sorted() {
            do {
                let zone = try draft.window.zone == "host" ? hostZone(zones[id]) : draft.window.zone
                let occurrence = try windows[zone] ?? resolver.occurrence(of: draft.window, in: zone, draft.actions)
                windows[zone] = occurrence
                guard occurrence.end > now else {
                    throw PlanWindowError(
                        reason: "the window has ended already (\(occurrence.end)): choose a later one")
                }
                guard occurrence.end < now.adding(seconds: Self.furthestWindow) else {
                    throw PlanWindowError(
                        reason:
                            "the window ends at \(occurrence.end): orders are signed for at most 90 days; choose an earlier one"
                    )
                }
                guard let (distribution, previous) = packages.hosts[id] else { continue }
                frozen.hosts.append(
                    CampaignHost(
                        host: id, distribution: distribution,
                        previous: JSONValue.object(previous.mapValues(JSONValue.string)).canonicalText,
                        notBefore: occurrence.start, lastSafeStart: occurrence.lastSafeStart, notAfter: occurrence.end))
                if !occurrence.note.isEmpty, !frozen.notes.contains(occurrence.note) {
                    frozen.notes.append(occurrence.note)
                }
            } catch let error as PlanWindowError {
                let text = draft.window.zone == "host" ? "\(names[id] ?? id): \(error.reason)" : error.reason
                if !frozen.errors.contains(text) { frozen.errors.append(text) }
            }
        }
        guard frozen.errors.isEmpty else { return frozen }
        frozen.startsAt = frozen.hosts.map(\.notBefore).min()
        frozen.endsAt = frozen.hosts.map(\.notAfter).max()
        let plan = Plan(
            organisation: organisation, campaign: campaign, epoch: epoch, targets: packages.targets,
            hosts: frozen.hosts.map(\.host), window: draft.window, budget: draft.budget, actions: draft.actions)
        guard plan.json.canonicalBytes().count <= Self.maximumPlanBytes else {
            frozen.errors.append(
                "The plan has \(plan.json.canonicalBytes().count) bytes, at most \(Self.maximumPlanBytes) fit an order. Name "
                    + "fewer packages, or shorten the scripts.")
            return frozen
        }
        frozen.plan = plan
        return frozen
    }

    /// Seconds ahead that a window may end: a release is good for 90 days, and the way back needs some of them.
    static let furthestWindow: Int64 = 85 * 86_400

    /// What a release document leaves for the plan.
    static let maximumPlanBytes = 500_000

    private func lastEvidence(_ host: HostRecord, _ reported: Timestamp) -> Timestamp {
        [host.scannedAt, state.store.directory.presence(host: host.id)?.scannedAt, reported].compactMap { $0 }.max()
            ?? reported
    }

    private func hostZone(_ fact: Fact<String>?) throws -> String {
        guard case .known(let zone) = fact, !zone.isEmpty else {
            throw PlanWindowError(
                reason:
                    "its time zone is not known; set it there (timedatectl set-timezone), or name a zone in the plan")
        }
        return zone
    }

    /// The hosts of a draft: active, and within reach of whoever asks.
    private func select(
        _ organisation: String, _ selection: HostSelection, _ actor: RolloutActor, _ frozen: inout FrozenDraft
    ) async throws -> [HostRecord] {
        switch selection {
        case .ids(let ids):
            var hosts: [HostRecord] = []
            for id in Set(ids).sorted() {
                let found = try await state.store.read { try $0.hosts.show(organisation: organisation, id: id) }
                guard let host = found, actor.mayChange(host) else {
                    frozen.errors.append("There is no host \(id). Correct the id (fettle hosts list).")
                    continue
                }
                guard host.status == .active else {
                    frozen.errors.append(
                        "\(host.hostname) is \(host.status.rawValue). Release it first (fettle hosts show \(host.hostname)), or "
                            + "leave it out.")
                    continue
                }
                hosts.append(host)
            }
            return hosts
        case .labels(let selector):
            var hosts: [HostRecord] = []
            var key: HostPageKey?
            repeat {
                let after = key
                let page = try await state.store.read { sql in
                    try sql.hosts.list(
                        organisation: organisation, filter: HostFilter(status: .active), after: after,
                        limit: Hosts.largestPage)
                }
                hosts += page.hosts.filter { selector.selects($0.labels) && actor.mayChange($0) }
                key = page.next
            } while key != nil
            return hosts
        }
    }
}
