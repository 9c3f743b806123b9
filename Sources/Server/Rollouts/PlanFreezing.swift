import Inventory
import Rollout
import Versions

/// A host as freezing sees it: a snapshot of what it last reported.
struct FreezingHost: Sendable {
    /// The host.
    var id: String
    /// What people call it.
    var name: String
    /// The installed packages: version by `name:architecture`.
    var installed: [String: String]
    /// Its distribution release, as software sets name it.
    var distribution: String
    /// What its repositories offer.
    var offers: [Offer]
    /// What a full upgrade would newly install: kept-back packages may need it.
    var additions: [Addition] = []
}

/// What freezing made of a draft.
struct FrozenPackages: Hashable, Sendable {
    /// One target a distribution release.
    var targets: [ReleaseTarget] = []
    /// The hosts on which anything changes, with their distribution and the versions that they have of the plan's packages.
    var hosts: [String: (distribution: String, previous: [String: String])] = [:]
    /// Why there is no plan; empty where there is one.
    var errors: [String] = []
    /// What people should know of the plan.
    var notes: [String] = []

    static func == (left: Self, right: Self) -> Bool {
        left.targets == right.targets && left.errors == right.errors && left.notes == right.notes
            && left.hosts.mapValues(\.previous) == right.hosts.mapValues(\.previous)
    }
    func hash(into hasher: inout Hasher) { hasher.combine(targets) }
}

/// Makes exact versions of a selection. Pure: the same hosts in the same order give the same plan.
///
/// One release of a distribution gets one version of each package. Where two hosts disagree, or a host is offered nothing
/// that fits, there is no plan but a sentence that names host and package.
///
/// Each host is shown twice, ``survey(_:)`` and ``settle(_:)``, and is not kept in between: memory grows with what the plan
/// says of its hosts, never with what is installed on them.
struct PlanFreezing: Sendable {
    /// The most errors, and the most notes, that are told.
    static let maximumRemarks = 100

    /// What a package is to become, and who first said so.
    private struct Goal: Sendable {
        var name: String
        var architecture: String
        var version: String
        var host: String
    }
    /// What is known of one distribution release.
    private struct Group: Sendable {
        /// By `name:architecture`: what hosts are offered.
        var goals: [String: Goal] = [:]
        /// Exact versions that some hosts have already, although nobody may be offered them.
        var installed: [String: Goal] = [:]
        /// What the hosts have of it that changes there.
        var previous: [String: Set<String>] = [:]
        /// What may be installed anew where the others need it, and who first said so.
        var additions: [String: (package: ReleasePackage, host: String)] = [:]
    }
    private let selection: PackageSelection
    private var groups: [String: Group] = [:]
    private var frozen = FrozenPackages()
    /// The names that were asked for and that no host has shown yet.
    private var missing: [String]
    /// What hosts have of the plan: alike for most of them, and kept once.
    private var shared: Set<[String: String]> = []
    private var isSurveyed = false
    /// Why hosts that would change are left out.
    private var held: [String] = []

    /// Nothing is known yet.
    init(_ selection: PackageSelection) {
        self.selection = selection
        missing =
            switch selection {
            case .everything, .security: []
            case .named(let list): list
            case .exact(let list): list.map { one in one.architecture.map { "\(one.name):\($0)" } ?? one.name }
            }
    }

    /// Freezes a selection over these hosts.
    static func freeze(_ selection: PackageSelection, over hosts: [FreezingHost]) -> FrozenPackages {
        let hosts = hosts.sorted { ($0.distribution, $0.name, $0.id) < ($1.distribution, $1.name, $1.id) }
        var freezing = PlanFreezing(selection)
        for host in hosts { freezing.survey(host) }
        guard freezing.isPossible() else { return freezing.result() }
        for host in hosts { freezing.settle(host) }
        return freezing.result()
    }

    /// Whether what was surveyed can become a plan: then every host is to be settled.
    mutating func isPossible() -> Bool {
        if !isSurveyed {
            isSurveyed = true
            for (distribution, group) in groups {
                groups[distribution]?.goals = group.goals.merging(group.installed) { offered, _ in offered }
            }
            if frozen.errors.isEmpty {
                for name in missing {
                    fail("No selected host has \(name) installed. Correct the name, or leave it out.")
                }
            }
        }
        return frozen.errors.isEmpty
    }

    /// What became of it.
    func result() -> FrozenPackages {
        var frozen = frozen
        for (distribution, group) in groups.sorted(by: { $0.key < $1.key }) where frozen.errors.isEmpty {
            // Only what changes on some host is in the release set.
            var packages = group.goals.values.compactMap { goal -> ReleasePackage? in
                guard let before = group.previous["\(goal.name):\(goal.architecture)"] else { return nil }
                return ReleasePackage(
                    name: goal.name, architecture: goal.architecture, version: goal.version, previous: Array(before))
            }
            guard !packages.isEmpty else { continue }
            packages += group.additions.values.map(\.package)
            guard packages.count <= ReleaseTarget.maximumPackages else {
                frozen.errors.append(
                    "\(distribution): \(packages.count) packages would change, at most \(ReleaseTarget.maximumPackages) fit a "
                        + "campaign. Name the packages.")
                continue
            }
            frozen.targets.append(ReleaseTarget(distribution: distribution, packages: packages))
        }
        if frozen.errors.isEmpty, frozen.hosts.isEmpty {
            frozen.errors =
                held.isEmpty
                ? ["None of the selected hosts has anything to change: there is nothing to approve."]
                : Array(held.prefix(Self.maximumRemarks))
        } else {
            // First: who is left out matters more than the rest.
            frozen.notes = Array((held + frozen.notes).prefix(Self.maximumRemarks))
        }
        if !frozen.errors.isEmpty { frozen.targets = [] }
        return frozen
    }

    // MARK: - The first look: what the packages are to become

    /// Takes what a host is offered.
    mutating func survey(_ host: FreezingHost) {
        if !missing.isEmpty {
            let names = Set(host.installed.keys.flatMap { [$0, Self.split($0).name] })
            missing.removeAll { names.contains($0) }
        }
        var group = groups[host.distribution] ?? Group()
        defer { groups[host.distribution] = group }
        for offer in wanted(host) {
            let id = "\(offer.name):\(offer.architecture)"
            if let exact = Self.exactVersion(selection, offer.name, offer.architecture), exact != offer.candidate {
                fail(
                    "\(host.name): its repositories offer \(id) \(offer.candidate), not \(exact). Name the offered "
                        + "version, or make \(exact) the candidate there (apt-cache policy \(offer.name)).")
                continue
            }
            if let goal = group.goals[id], goal.version != offer.candidate {
                fail(
                    "\(host.distribution): \(id) is offered as \(goal.version) to \(goal.host) and as \(offer.candidate) to "
                        + "\(host.name). Refresh the indexes of the older one and scan both (fettle hosts scan), or "
                        + "give each a campaign of its own.")
                continue
            }
            if group.goals[id] == nil {
                group.goals[id] = Goal(
                    name: offer.name, architecture: offer.architecture, version: offer.candidate, host: host.name)
            }
            remark(host, offer, id)
        }
        guard case .exact(let list) = selection else { return }
        for one in list {
            for (id, version) in host.installed where version == one.version && group.installed[id] == nil {
                let (name, architecture) = Self.split(id)
                guard name == one.name, one.architecture ?? architecture == architecture else { continue }
                group.installed[id] = Goal(name: name, architecture: architecture, version: version, host: host.name)
            }
        }
    }

    // MARK: - The second look: what that means on each host

    /// Takes what a host has of the packages.
    ///
    /// - Parameter hold: why the host may not be changed yet where these packages (`name:architecture`) would change; nil
    ///   where it may.
    mutating func settle(_ host: FreezingHost, hold: (Set<String>) -> String? = { _ in nil }) {
        guard var group = groups[host.distribution] else { return }
        defer { groups[host.distribution] = group }
        var own: [String: String] = [:]
        var changed: Set<String> = []
        for (id, goal) in group.goals {
            guard let installed = host.installed[id] else { continue }
            own[id] = installed
            if installed == goal.version { continue }
            let offered = host.offers.first { $0.name == goal.name && $0.architecture == goal.architecture }
            if offered?.candidate == goal.version {
                changed.insert(id)
            } else if Self.isNewer(installed, than: goal.version) {
                fail(
                    "\(host.name): \(id) is at \(installed) already, above \(goal.version) that \(goal.host) is "
                        + "offered. Refresh the indexes of \(goal.host) and scan it, or leave \(host.name) out.")
            } else {
                fail(
                    "\(host.name): \(id) is at \(installed), and its repositories do not offer \(goal.version) that "
                        + "\(goal.host) is offered. Refresh its indexes and scan it (fettle hosts scan \(host.name)), or "
                        + "leave it out.")
            }
        }
        guard !changed.isEmpty else {
            if frozen.errors.isEmpty { note("\(host.name) has nothing to change and is left out.") }
            return
        }
        if let why = hold(changed) {
            held.append(why)
            return
        }
        for id in changed {
            if let installed = host.installed[id] { group.previous[id, default: []].insert(installed) }
        }
        frozen.hosts[host.id] = (host.distribution, shared.insert(own).memberAfterInsert)
        let isKeptBack = wanted(host).contains { if case .keptBack = $0.status { true } else { false } }
        for addition in isKeptBack ? host.additions : [] {
            let id = "\(addition.name):\(addition.architecture)"
            if let known = group.additions[id], known.package.version != addition.version {
                fail(
                    "\(host.distribution): \(id), which kept-back packages need, is \(known.package.version) for "
                        + "\(known.host) and \(addition.version) for \(host.name). Refresh the indexes of the older one "
                        + "and scan both (fettle hosts scan), or give each a campaign of its own.")
            } else if group.goals[id] == nil, group.additions[id] == nil {
                group.additions[id] = (
                    ReleasePackage(
                        name: addition.name, architecture: addition.architecture, version: addition.version,
                        isAddition: true), host.name
                )
            }
        }
    }

    // MARK: -

    /// What a host is offered of the selection, by name.
    private func wanted(_ host: FreezingHost) -> [Offer] {
        host.offers.filter { Self.isWanted(selection, $0) }.sorted {
            ($0.name, $0.architecture) < ($1.name, $1.architecture)
        }
    }

    private mutating func fail(_ text: String) {
        if frozen.errors.count < Self.maximumRemarks { frozen.errors.append(text) }
    }

    private mutating func note(_ text: String) {
        if frozen.notes.count < Self.maximumRemarks { frozen.notes.append(text) }
    }

    /// Says what stands in the way of an offer on a host; an error where a person named the package.
    private mutating func remark(_ host: FreezingHost, _ offer: Offer, _ id: String) {
        let isNamed =
            switch selection {
            case .named, .exact: true
            case .everything, .security: false
            }
        switch offer.status {
        case .upgradable: break
        case .held:
            let text = "\(host.name): \(id) is held (apt-mark hold)."
            if isNamed {
                fail("\(text) Release the hold there (apt-mark unhold \(offer.name)), or leave it out.")
            } else {
                note("\(text) Its job will be refused unless the hold is released before.")
            }
        case .pinned(let pin):
            let text = "\(host.name): \(id) is pinned (\(pin))."
            if isNamed {
                fail("\(text) Change the pin in /etc/apt/preferences.d, or leave the package out.")
            } else {
                note("\(text) Its job will be refused unless the pin is changed before.")
            }
        case .phased(let percent):
            note(
                "\(host.name): \(id) \(offer.candidate) is released to \(percent) % of hosts and not yet to this one; the "
                    + "campaign installs it all the same.")
        case .keptBack(let why):
            note(
                "\(host.name): \(id) is kept back (\(why)). Its job will be refused if that needs packages outside the plan."
            )
        case .unknown(let why):
            note("\(host.name): the resolver could not be asked about \(id) (\(why)).")
        }
    }

    private static func isWanted(_ selection: PackageSelection, _ offer: Offer) -> Bool {
        switch selection {
        case .everything: !isBlocked(offer)
        case .security: offer.security && !isBlocked(offer)
        case .named(let names): names.contains(offer.name) || names.contains("\(offer.name):\(offer.architecture)")
        case .exact(let list):
            list.contains { $0.name == offer.name && $0.architecture ?? offer.architecture == offer.architecture }
        }
    }

    /// Whether a person on the host has said no: then only a person who names the package may ask for it.
    private static func isBlocked(_ offer: Offer) -> Bool { offer.candidate == offer.installed }

    private static func exactVersion(_ selection: PackageSelection, _ name: String, _ architecture: String) -> String? {
        guard case .exact(let list) = selection else { return nil }
        return list.first { $0.name == name && $0.architecture ?? architecture == architecture }?.version
    }

    private static func split(_ id: String) -> (name: String, architecture: String) {
        guard let colon = id.lastIndex(of: ":") else { return (id, "") }
        return (String(id[..<colon]), String(id[id.index(after: colon)...]))
    }

    private static func isNewer(_ left: String, than right: String) -> Bool {
        guard let left = try? DebianVersion.key(for: left), let right = try? DebianVersion.key(for: right) else {
            return false
        }
        return right.bytes.lexicographicallyPrecedes(left.bytes)
    }
}
