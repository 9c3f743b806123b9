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

/// A host that a draft selects: what is kept of it while all are looked at.
private struct SelectedHost: Sendable {
    var id: String
    var hostname: String
    var digests: DocumentDigests?
    /// When it was last looked at.
    var evidence: Timestamp?
}

extension FreezingHost {
    /// The same lists, of another host.
    fileprivate func shared(with host: SelectedHost) -> FreezingHost {
        var shared = self
        (shared.id, shared.name) = (host.id, host.hostname)
        return shared
    }
}

extension RolloutEngine {
    /// The most different lists of packages that are kept from the first look for the second. Hosts that are alike share one.
    static let keptLists = 500

    /// Makes a draft exact over what its hosts last reported. Reads only.
    ///
    /// - Parameter most: how many different lists of packages are kept in memory; the others are read twice.
    func freeze(
        organisation: String, _ draft: CampaignDraft, campaign: String, epoch: Int64, by actor: RolloutActor,
        keeping most: Int = keptLists
    ) async throws -> FrozenDraft {
        let now = state.clock.now()
        var frozen = FrozenDraft()
        let selected = try await select(organisation, draft.hosts, actor, &frozen).sorted {
            ($0.hostname, $0.id) < ($1.hostname, $1.id)
        }
        func fail(_ text: String) {
            if frozen.errors.count < PlanFreezing.maximumRemarks { frozen.errors.append(text) }
        }
        var zones: [String: Fact<String>] = [:]
        var freezing = PlanFreezing(draft.packages)
        var known: [[SHA256Digest]: FreezingHost] = [:]
        for host in selected {
            guard let digests = host.digests else {
                fail(
                    "\(host.hostname) has not reported yet, so nothing is known of its packages. Wait for its first scan, or "
                        + "leave it out.")
                continue
            }
            let lists = [digests.set, digests.offers]
            let kept = known[lists]?.shared(with: host)
            let read = kept == nil ? try await self.host(organisation, host) : nil
            guard let found = kept ?? read else {
                fail(gone(host))
                continue
            }
            if let evidence = host.evidence, now.seconds(since: evidence) > 2 * 86_400,
                frozen.notes.count < PlanFreezing.maximumRemarks
            {
                frozen.notes.append(
                    "\(host.hostname) was last scanned over two days ago; the plan rests on what it had then. Scan it first: "
                        + "fettle hosts scan \(host.hostname).")
            }
            if draft.window.zone == "host" { zones[host.id] = try await zone(organisation, host) }
            if known.count < most { known[lists] = found }
            freezing.survey(found)
        }
        if selected.isEmpty, frozen.errors.isEmpty {
            fail(
                "The draft selects no active host that your roles reach. Correct the ids or the selector (fettle hosts list)."
            )
        }
        guard frozen.errors.isEmpty else { return frozen }
        if freezing.isPossible() {
            let gate = try await EvidenceGate(
                state, organisation: organisation, among: Set(selected.map(\.id)), now: now)
            if !gate.doubt.isEmpty { frozen.notes.append(gate.doubt) }
            let heldBack = try await heldBack(organisation, draft.packages)
            for host in selected {
                let kept = host.digests.flatMap { known[[$0.set, $0.offers]] }?.shared(with: host)
                let read = kept == nil ? try await self.host(organisation, host) : nil
                guard let found = kept ?? read else {
                    fail(gone(host))
                    continue
                }
                let facts = gate.holds(host.id) ? try await self.facts(organisation, host) : nil
                freezing.settle(found) { changed in
                    for one in heldBack[host.id] ?? [] where changed.contains(one.package) {
                        let isOffered = found.offers.contains {
                            "\($0.name):\($0.architecture)" == one.package && $0.candidate == one.version
                        }
                        if isOffered {
                            return "\(one.sentence(host.hostname)) It is left out. \(one.cure(host.hostname))"
                        }
                    }
                    return gate.reason(
                        host.id, changing: changed, reboots: PlannedHosts.reboots(changed, draft.actions, facts)
                    )
                    .map { "\($0) It is left out." }
                }
            }
        }
        let packages = freezing.result()
        frozen.errors += packages.errors
        frozen.notes += packages.notes
        guard frozen.errors.isEmpty else { return frozen }

        let names = Dictionary(selected.map { ($0.id, $0.hostname) }, uniquingKeysWith: { first, _ in first })
        var windows: [String: PlanWindows.Occurrence] = [:]
        // Most hosts had the same, and share the text.
        var texts: [[String: String]: String] = [:]
        let resolver = PlanWindows()
        var own: [String: PolicyWindows.Found] = [:]
        // A beginning that lies ahead holds within an opening as well.
        var earliest: Timestamp?
        if draft.window.isOfPolicies {
            do {
                let after = try draft.window.after()
                if after > now { earliest = after }
                own = try await ownWindows(organisation, Array(packages.hosts.keys), draft, after: max(now, after))
            } catch let error as PlanWindowError {
                frozen.errors.append(error.reason)
                return frozen
            }
        }
        var left = LeftOutHosts()
        var remarks: [String: LeftOutHosts.Alike] = [:]
        for id in packages.hosts.keys.sorted() {
            do {
                if draft.window.isOfPolicies {
                    guard let found = own[id], var window = found.fits.first?.window else {
                        left.add(own[id]?.lack?.rawValue ?? "gone")
                        note("\(names[id] ?? id) is left out: \(own[id]?.why ?? "it is gone.")", &frozen)
                        continue
                    }
                    guard window.notAfter < now.adding(seconds: Self.furthestWindow) else {
                        left.add("no window in 85 days")
                        note(
                            "\(names[id] ?? id) is left out: its next window begins at \(window.notBefore), and orders are "
                                + "signed for at most 90 days.", &frozen)
                        continue
                    }
                    if let earliest { window.notBefore = max(window.notBefore, earliest) }
                    guard let (distribution, previous) = packages.hosts[id] else { continue }
                    let text = texts[previous] ?? JSONValue.object(previous.mapValues(JSONValue.string)).canonicalText
                    texts[previous] = text
                    frozen.hosts.append(
                        CampaignHost(
                            host: id, distribution: distribution, previous: text, notBefore: window.notBefore,
                            lastSafeStart: window.lastSafeStart, notAfter: window.notAfter))
                    // A host that misses its window has the one after it.
                    let last =
                        found.fits.prefix(2).map(\.window).last {
                            $0.notAfter < now.adding(seconds: Self.furthestWindow)
                        } ?? window
                    frozen.endsAt = max(frozen.endsAt ?? last.notAfter, last.notAfter)
                    if !found.note.isEmpty { remarks[found.note, default: .init()].add(names[id] ?? id) }
                    continue
                }
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
                let text = texts[previous] ?? JSONValue.object(previous.mapValues(JSONValue.string)).canonicalText
                texts[previous] = text
                frozen.hosts.append(
                    CampaignHost(
                        host: id, distribution: distribution, previous: text,
                        notBefore: occurrence.start, lastSafeStart: occurrence.lastSafeStart, notAfter: occurrence.end))
                if !occurrence.note.isEmpty, !frozen.notes.contains(occurrence.note) {
                    frozen.notes.append(occurrence.note)
                }
            } catch let error as PlanWindowError {
                let text = draft.window.zone == "host" ? "\(names[id] ?? id): \(error.reason)" : error.reason
                if !frozen.errors.contains(text) { frozen.errors.append(text) }
            }
        }
        // Before all that is said of single hosts, and whatever is dropped of that.
        frozen.notes =
            left.sentences
            + remarks.keys.sorted().prefix(PlanFreezing.maximumRemarks).map { "\(remarks[$0]?.names ?? ""): \($0)" }
            + frozen.notes
        if left.count > 0, frozen.hosts.isEmpty, frozen.errors.isEmpty {
            frozen.errors = ["None of the \(left.count) hosts has a window that the policies give it."] + frozen.notes
        }
        guard frozen.errors.isEmpty else { return frozen }
        frozen.startsAt = frozen.hosts.map(\.notBefore).min()
        frozen.endsAt = [frozen.endsAt, frozen.hosts.map(\.notAfter).max()].compactMap { $0 }.max()
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

    private func note(_ text: String, _ frozen: inout FrozenDraft) {
        guard frozen.notes.count < PlanFreezing.maximumRemarks, !frozen.notes.contains(text) else { return }
        frozen.notes.append(text)
    }

    /// The hosts' own windows by the policies in force.
    private func ownWindows(
        _ organisation: String, _ hosts: [String], _ draft: CampaignDraft, after: Timestamp
    ) async throws -> [String: PolicyWindows.Found] {
        let (cache, actions, minutes) = (state.policies, draft.actions, draft.window.minutes)
        return try await state.store.read { sql in
            let windows = PolicyWindows(
                try HostCalendars(sql, cache, organisation: organisation), actions, minutes: minutes)
            var found: [String: PolicyWindows.Found] = [:]
            for id in hosts {
                guard let record = try sql.hosts.show(organisation: organisation, id: id) else { continue }
                found[id] = try windows.find(record, after: after)
            }
            return found
        }
    }

    /// Seconds ahead that a window may end: a release is good for 90 days, and the way back needs some of them.
    static let furthestWindow: Int64 = 85 * 86_400

    /// What a release document leaves for the plan.
    static let maximumPlanBytes = 500_000

    /// What hosts are not given again by itself, by their ids: nothing of it where a person has named the packages.
    private func heldBack(
        _ organisation: String, _ packages: PackageSelection
    ) async throws -> [String: [HeldBackRecord]] {
        switch packages {
        case .named, .exact: return [:]
        case .everything, .security:
            let found = try await state.store.read {
                try $0.heldBack.list(organisation: organisation, limit: Self.mostHeldBack)
            }
            return Dictionary(grouping: found, by: \.host)
        }
    }

    /// The most failed packages that are remembered for a plan, the newest.
    private static let mostHeldBack = 10_000

    /// What a host last reported, as freezing sees it; nil where that is not here any more.
    private func host(_ organisation: String, _ host: SelectedHost) async throws -> FreezingHost? {
        guard let digests = host.digests else { return nil }
        // One host at a time: a snapshot of thousands of sets would keep the database's old pages alive.
        let found = try await state.store.read { sql in
            (
                try sql.documents.softwareSet(organisation: organisation, digests.set),
                try sql.documents.offerSet(organisation: organisation, digests.offers)
            )
        }
        guard let set = found.0, let offers = found.1 else { return nil }
        var installed: [String: String] = [:]
        var releases: [String: Int] = [:]
        for package in set.packages {
            installed["\(package.name):\(package.architecture)"] = package.version
            releases[package.distribution, default: 0] += 1
        }
        return FreezingHost(
            id: host.id, name: host.hostname, installed: installed,
            distribution: releases.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "", offers: offers.offers,
            additions: offers.additions)
    }

    private func gone(_ host: SelectedHost) -> String {
        "\(host.hostname): what it reported is not here any more. Scan it: fettle hosts scan \(host.hostname)."
    }

    /// The time zone that a host reported; nil where it reported no facts that can be read.
    private func zone(_ organisation: String, _ host: SelectedHost) async throws -> Fact<String>? {
        try await facts(organisation, host)?.timeZone
    }

    private func facts(_ organisation: String, _ host: SelectedHost) async throws -> HostFacts? {
        guard let digests = host.digests else { return nil }
        let facts = try await state.store.read {
            try $0.documents.facts(organisation: organisation, digests.facts)
        }
        return facts.flatMap { try? HostFacts(parsing: $0) }
    }

    private func selected(_ host: HostRecord) -> SelectedHost {
        SelectedHost(
            id: host.id, hostname: host.hostname, digests: host.digests, evidence: state.scanTimes()(host))
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
    ) async throws -> [SelectedHost] {
        switch selection {
        case .ids(let ids):
            var hosts: [SelectedHost] = []
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
                hosts.append(selected(host))
            }
            return hosts
        case .labels(let selector):
            var hosts: [SelectedHost] = []
            var key: HostPageKey?
            repeat {
                let after = key
                let page = try await state.store.read { sql in
                    try sql.hosts.list(
                        organisation: organisation, filter: HostFilter(status: .active), after: after,
                        limit: Hosts.largestPage)
                }
                hosts += page.hosts.filter { selector.selects($0.labels) && actor.mayChange($0) }.map(selected)
                key = page.next
            } while key != nil
            return hosts
        }
    }
}
