import Inventory
import JSON
import Rollout
import Store
import Timestamps

/// What a plan means for one host, as far as it is known before anything is done.
struct PlannedHost: Hashable, Sendable {
    /// A package's step there.
    struct Step: Hashable, Sendable {
        /// `name:architecture`.
        var package: String
        /// What is installed, as last reported; nil where that is not known.
        var from: String?
        /// What the plan brings.
        var to: String
    }

    /// When it may change.
    struct Window: Hashable, Sendable {
        var notBefore: Timestamp
        var notAfter: Timestamp
        /// Both in local time, for people.
        var local: String
    }

    var id: String
    var hostname: String
    /// `debian-12`; empty where it has not reported.
    var distribution = ""
    var packages: [Step] = []
    /// Whether a reboot is to be expected, and why.
    var reboot: String
    /// What it comes back by when it fails.
    var wayBack: String
    var windows: [Window] = []
}

/// Reads what a plan means for its hosts.
struct PlannedHosts: Sendable {
    let organisation: String
    let plan: Plan
    /// What was frozen of each host, where that is not stored: of a preview.
    var frozen: [String: CampaignHost] = [:]

    /// The hosts of the plan after that id, by id.
    func page(_ transaction: Transaction, after: String? = nil, limit: Int) throws -> [PlannedHost] {
        let rest = plan.hosts.drop { id in after.map { id <= $0 } ?? false }
        return try rest.prefix(limit).map { try host($0, transaction) }
    }

    /// What the plan means for one host of it; nil for others.
    func one(_ id: String, _ transaction: Transaction) throws -> PlannedHost? {
        plan.hosts.contains(id) ? try host(id, transaction) : nil
    }

    private func host(_ id: String, _ transaction: Transaction) throws -> PlannedHost {
        let wayBack = Self.wayBack(plan.actions)
        guard let host = try transaction.hosts.show(organisation: organisation, id: id) else {
            return PlannedHost(id: id, hostname: id, reboot: "The host is not known any more.", wayBack: wayBack)
        }
        var planned = PlannedHost(id: id, hostname: host.hostname, reboot: "", wayBack: wayBack)
        var facts: HostFacts?
        let stored = try transaction.campaigns.host(organisation: organisation, campaign: plan.campaign, host: id)
        let frozen = frozen[id] ?? stored
        if let digests = host.digests {
            let set = try? transaction.documents.softwareSet(organisation: organisation, digests.set)
            planned.distribution = set?.packages.first?.distribution ?? ""
            if let target = plan.target(for: planned.distribution) {
                let installed =
                    Self.previous(frozen)
                    ?? Dictionary(
                        (set?.packages ?? []).map { ("\($0.name):\($0.architecture)", $0.version) },
                        uniquingKeysWith: { first, _ in first })
                planned.packages = target.packages.compactMap { package in
                    guard let from = installed[package.id], from != package.version else { return nil }
                    return PlannedHost.Step(package: package.id, from: from, to: package.version)
                }
            }
            if let bytes = try transaction.documents.facts(organisation: organisation, digests.facts) {
                facts = try? HostFacts(parsing: bytes)
            }
        }
        if let frozen {
            planned.windows = [
                PlannedHost.Window(
                    notBefore: frozen.notBefore, notAfter: frozen.notAfter,
                    local: PlannedWindowTimes.local(plan.window, hostZone: facts?.timeZone.value))
            ]
        }
        planned.wayBack = Self.wayBack(plan.actions, facts)
        planned.reboot = Self.reboot(planned.packages.map(\.package), plan.actions, facts)
        return planned
    }

    /// The versions that a host had when the plan was frozen; nil where that is not stored.
    private static func previous(_ frozen: CampaignHost?) -> [String: String]? {
        guard let frozen,
            case .object(let members)? = try? JSONValue(parsing: Array(frozen.previous.utf8), limits: .facts)
        else { return nil }
        return members.compactMapValues(\.string)
    }

    /// Whether a reboot is to be expected: the packages that ask for one are the reasons of ``RebootReason``.
    static func reboot(_ packages: [String], _ actions: JobActions, _ facts: HostFacts?) -> String {
        let why = rebootReasons(packages, facts).joined(separator: ", ")
        switch actions.reboot {
        case .always: return "Yes: the plan starts every host anew."
        case .never:
            return why.isEmpty
                ? "Not expected, and not allowed."
                : "Needed (\(why)) but not allowed: the host ends as installed, reboot pending."
        case .whenNeeded:
            return why.isEmpty ? "Not expected; done if it proves to be needed." : "Expected: \(why)."
        }
    }

    /// Whether the plan starts the host anew, as far as that is known before.
    static func reboots(_ packages: some Sequence<String>, _ actions: JobActions, _ facts: HostFacts?) -> Bool {
        switch actions.reboot {
        case .always: true
        case .never: false
        case .whenNeeded: !rebootReasons(Array(packages), facts).isEmpty
        }
    }

    private static func rebootReasons(_ packages: [String], _ facts: HostFacts?) -> [String] {
        var reasons: [String] = []
        if packages.contains(where: { $0.hasPrefix("linux-image") }) { reasons.append("a kernel changes") }
        if packages.contains(where: { $0.hasPrefix("systemd:") }) { reasons.append("the service manager changes") }
        if packages.contains(where: { $0.hasPrefix("dbus:") || $0.hasPrefix("dbus-daemon:") }) {
            reasons.append("the message bus changes")
        }
        if packages.contains(where: { $0.contains("-microcode:") }) { reasons.append("microcode changes") }
        if facts?.reboot.value?.required == true { reasons.append("it needs one already") }
        return reasons
    }

    /// What hosts come back by, by the plan alone.
    static func wayBack(_ actions: JobActions) -> String {
        if !actions.rollsBack { return "None: the plan leaves a failed host as it is, flagged." }
        if actions.snapshotHook != nil {
            return
                "The old packages. The plan's command is asked for a snapshot first; a host where it does not say yes is left as it is."
        }
        switch actions.snapshot {
        case .none: return "The old packages."
        case .best: return "The old packages; a file system snapshot besides where the host can make one."
        case .required:
            return "The old packages and a file system snapshot; a host that cannot make one refuses its job."
        }
    }

    /// What one host comes back by, as its last scan found it. The job looks once more before anything changes.
    static func wayBack(_ actions: JobActions, _ facts: HostFacts?) -> String {
        guard actions.rollsBack, actions.snapshotHook == nil, actions.snapshot != .none else { return wayBack(actions) }
        switch facts?.snapshot ?? .notLookedFor {
        case .known(let means) where means.kind == .btrfs:
            return "The old packages, and a btrfs snapshot (\(means.why))."
        case .known(let means):
            return actions.snapshot == .required
                ? "It will refuse: the plan requires a snapshot, and \(means.why)."
                : "The old packages; no snapshot: \(means.why)."
        case .unknown(let why):
            let whether = "whether it can make a snapshot is not known (\(why))"
            return actions.snapshot == .required
                ? "Not known: the plan requires a snapshot, and \(whether)." : "The old packages; \(whether)."
        }
    }
}

/// When a planned window is, in words.
enum PlannedWindowTimes {
    /// The window in local time, for people.
    static func local(_ window: PlannedWindow, hostZone: String?) -> String {
        if window.isOfPolicies {
            return "its own window by the policies\(hostZone.map { ", on the clocks of \($0)" } ?? "")"
        }
        let zone = window.zone == "host" ? hostZone ?? "the host's own zone" : window.zone
        return "\(window.start.replacing("T", with: " ")) \(zone), \(window.minutes) min"
    }
}
