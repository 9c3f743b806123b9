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

/// Makes exact versions of a selection. Pure: the same hosts give the same plan.
///
/// One release of a distribution gets one version of each package. Where two hosts disagree, or a host is offered nothing
/// that fits, there is no plan but a sentence that names host and package.
enum PlanFreezing {
    /// The most errors, and the most notes, that are told.
    static let maximumRemarks = 100

    /// Freezes a selection over these hosts.
    static func freeze(_ selection: PackageSelection, over hosts: [FreezingHost]) -> FrozenPackages {
        var frozen = FrozenPackages()
        let byDistribution = Dictionary(grouping: hosts, by: \.distribution)
        for (distribution, group) in byDistribution.sorted(by: { $0.key < $1.key }) {
            let members = group.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
            freeze(selection, distribution, members, &frozen)
        }
        if frozen.errors.isEmpty {
            for name in missing(selection, hosts) {
                frozen.errors.append("No selected host has \(name) installed. Correct the name, or leave it out.")
            }
        }
        if frozen.errors.isEmpty, frozen.hosts.isEmpty {
            frozen.errors.append("None of the selected hosts has anything to change: there is nothing to approve.")
        }
        frozen.errors = Array(frozen.errors.prefix(maximumRemarks))
        frozen.notes = Array(frozen.notes.prefix(maximumRemarks))
        return frozen
    }

    private static func freeze(
        _ selection: PackageSelection, _ distribution: String, _ hosts: [FreezingHost], _ frozen: inout FrozenPackages
    ) {
        // Hosts on which something in the plan is kept back, because it needs packages that are not installed yet.
        var needsAdditions: Set<String> = []
        // What each package is to become, and who first said so.
        var goals: [String: (name: String, architecture: String, version: String, host: String)] = [:]
        for host in hosts {
            for offer in host.offers.sorted(by: { ($0.name, $0.architecture) < ($1.name, $1.architecture) })
            where isWanted(selection, offer) {
                let id = "\(offer.name):\(offer.architecture)"
                if let exact = exactVersion(selection, offer.name, offer.architecture), exact != offer.candidate {
                    frozen.errors.append(
                        "\(host.name): its repositories offer \(id) \(offer.candidate), not \(exact). Name the offered "
                            + "version, or make \(exact) the candidate there (apt-cache policy \(offer.name)).")
                    continue
                }
                if let goal = goals[id], goal.version != offer.candidate {
                    frozen.errors.append(
                        "\(distribution): \(id) is offered as \(goal.version) to \(goal.host) and as \(offer.candidate) to "
                            + "\(host.name). Refresh the indexes of the older one and scan both (fettle hosts scan), or "
                            + "give each a campaign of its own.")
                    continue
                }
                if goals[id] == nil { goals[id] = (offer.name, offer.architecture, offer.candidate, host.name) }
                if case .keptBack = offer.status { needsAdditions.insert(host.id) }
                remark(selection, host, offer, id, &frozen)
            }
        }
        // An exact version that is already in on some hosts is a goal although nobody is offered it.
        if case .exact(let list) = selection {
            for one in list {
                for host in hosts {
                    for (id, version) in host.installed where version == one.version {
                        let (name, architecture) = split(id)
                        guard name == one.name, one.architecture ?? architecture == architecture, goals[id] == nil
                        else { continue }
                        goals[id] = (name, architecture, version, host.name)
                    }
                }
            }
        }
        guard frozen.errors.isEmpty else { return }

        var previous: [String: Set<String>] = [:]
        for host in hosts {
            var own: [String: String] = [:]
            var changes = false
            for (id, goal) in goals.sorted(by: { $0.key < $1.key }) {
                guard let installed = host.installed[id] else { continue }
                own[id] = installed
                if installed == goal.version { continue }
                let offered = host.offers.first { $0.name == goal.name && $0.architecture == goal.architecture }
                if offered?.candidate == goal.version {
                    changes = true
                    previous[id, default: []].insert(installed)
                } else if isNewer(installed, than: goal.version) {
                    frozen.errors.append(
                        "\(host.name): \(id) is at \(installed) already, above \(goal.version) that \(goal.host) is "
                            + "offered. Refresh the indexes of \(goal.host) and scan it, or leave \(host.name) out.")
                } else {
                    frozen.errors.append(
                        "\(host.name): \(id) is at \(installed), and its repositories do not offer \(goal.version) that "
                            + "\(goal.host) is offered. Refresh its indexes and scan it (fettle hosts scan \(host.name)), or "
                            + "leave it out.")
                }
            }
            if changes {
                frozen.hosts[host.id] = (distribution, own)
            } else if frozen.errors.isEmpty {
                frozen.notes.append("\(host.name) has nothing to change and is left out.")
            }
        }
        guard frozen.errors.isEmpty else { return }
        // What may be installed anew where the others need it, and who first said so.
        var additions: [String: (package: ReleasePackage, host: String)] = [:]
        for host in hosts where needsAdditions.contains(host.id) && frozen.hosts[host.id] != nil {
            for addition in host.additions {
                let id = "\(addition.name):\(addition.architecture)"
                if let known = additions[id], known.package.version != addition.version {
                    frozen.errors.append(
                        "\(distribution): \(id), which kept-back packages need, is \(known.package.version) for "
                            + "\(known.host) and \(addition.version) for \(host.name). Refresh the indexes of the older one "
                            + "and scan both (fettle hosts scan), or give each a campaign of its own.")
                } else if goals[id] == nil, additions[id] == nil {
                    additions[id] = (
                        ReleasePackage(
                            name: addition.name, architecture: addition.architecture, version: addition.version,
                            isAddition: true), host.name
                    )
                }
            }
        }
        guard frozen.errors.isEmpty else { return }
        // Only what changes on some host is in the release set.
        var packages = goals.values.compactMap { goal -> ReleasePackage? in
            guard let before = previous["\(goal.name):\(goal.architecture)"] else { return nil }
            return ReleasePackage(
                name: goal.name, architecture: goal.architecture, version: goal.version, previous: Array(before))
        }
        guard !packages.isEmpty else { return }
        packages += additions.values.map(\.package)
        guard packages.count <= ReleaseTarget.maximumPackages else {
            frozen.errors.append(
                "\(distribution): \(packages.count) packages would change, at most \(ReleaseTarget.maximumPackages) fit a "
                    + "campaign. Name the packages.")
            return
        }
        frozen.targets.append(ReleaseTarget(distribution: distribution, packages: packages))
    }

    /// Says what stands in the way of an offer on a host; an error where a person named the package.
    private static func remark(
        _ selection: PackageSelection, _ host: FreezingHost, _ offer: Offer, _ id: String,
        _ frozen: inout FrozenPackages
    ) {
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
                frozen.errors.append("\(text) Release the hold there (apt-mark unhold \(offer.name)), or leave it out.")
            } else {
                frozen.notes.append("\(text) Its job will be refused unless the hold is released before.")
            }
        case .pinned(let pin):
            let text = "\(host.name): \(id) is pinned (\(pin))."
            if isNamed {
                frozen.errors.append("\(text) Change the pin in /etc/apt/preferences.d, or leave the package out.")
            } else {
                frozen.notes.append("\(text) Its job will be refused unless the pin is changed before.")
            }
        case .phased(let percent):
            frozen.notes.append(
                "\(host.name): \(id) \(offer.candidate) is released to \(percent) % of hosts and not yet to this one; the "
                    + "campaign installs it all the same.")
        case .keptBack(let why):
            frozen.notes.append(
                "\(host.name): \(id) is kept back (\(why)). Its job will be refused if that needs packages outside the plan."
            )
        case .unknown(let why):
            frozen.notes.append("\(host.name): the resolver could not be asked about \(id) (\(why)).")
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

    /// The names that were asked for and that no host has.
    private static func missing(_ selection: PackageSelection, _ hosts: [FreezingHost]) -> [String] {
        let names: [String]
        switch selection {
        case .everything, .security: return []
        case .named(let list): names = list
        case .exact(let list):
            names = list.map {
                $0.architecture.map { "\($0)" } == nil ? $0.name : "\($0.name):\($0.architecture ?? "")"
            }
        }
        var known: Set<String> = []
        for host in hosts {
            for id in host.installed.keys {
                known.insert(id)
                known.insert(split(id).name)
            }
        }
        return names.filter { !known.contains($0) }
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
