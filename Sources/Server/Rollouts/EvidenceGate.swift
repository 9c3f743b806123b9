import Access
import Inventory
import Priority
import Store
import Timestamps

/// Which hosts may not be changed yet, because the policy asks for evidence there first.
///
/// A change of the vulnerable package destroys evidence, and so does a reboot, whatever it is for. Nothing is held where
/// nothing is known of the host's vulnerabilities.
struct EvidenceGate: Sendable {
    /// What blocks, by the host's id.
    private var held: [String: [HeldFinding]] = [:]
    /// Why nobody can say; empty where it can be said.
    private(set) var doubt = ""
    /// Whether it can be said soon: the feeds are being read, or the hosts judged.
    private(set) var isBeingRead = false

    /// - Parameters:
    ///   - only: one host alone, by its id.
    ///   - ids: those that are asked about; nil for all.
    init(
        _ state: ServerState, organisation: String, only: String? = nil, among ids: Set<String>? = nil, now: Timestamp
    ) async throws {
        let desk = state.vulnerabilities
        let chosen = try await desk.policy(organisation, state.store)
        guard !chosen.policy.evidenceFirst.isEmpty else { return }
        guard desk.knowledge != nil, desk.risk(organisation) != nil else {
            // Without feeds there is no decision table to ask.
            isBeingRead = desk.isAwaited(organisation)
            if isBeingRead {
                doubt =
                    "Whether evidence has to be kept first is not known yet: the feeds are being read. It is asked again "
                    + "before each host changes."
            } else if desk.hasFeeds {
                doubt =
                    "Whether evidence has to be kept first is not known: the feeds cannot be read, or the hosts not judged, "
                    + "and hosts are patched without it. If that matters here, mend the feeds first (fettle feeds status)."
            }
            return
        }
        var view = try await RiskView.of(state, organisation: organisation, reach: .all, only: only, now: now)
        if chosen.rules != view.risk.rules {
            // They were changed a moment ago, and hosts are not judged by them yet: a gate does not wait for that.
            let risk = view.risk.ruled(by: chosen.rules) { ($0 == only ?? $0) && (ids?.contains($0) ?? true) }
            view = RiskView(
                risk: risk, knowledge: view.knowledge, policy: view.policy, decisions: view.decisions, reach: .all,
                only: only, now: now)
        }
        var known: [RiskView.Place: Deadline] = [:]
        for index in view.hosts {
            let id = view.risk.hosts[index].host.id
            guard ids?.contains(id) ?? true else { continue }
            let blocking = view.holds(host: index, &known).filter(\.hold.blocksInstallation)
            if !blocking.isEmpty { held[id] = blocking }
        }
    }

    /// Whether anything is held there.
    func holds(_ host: String) -> Bool { held[host] != nil }

    /// Why a host may not be changed like this yet; nil where it may.
    ///
    /// - Parameters:
    ///   - packages: what changes, as `name:architecture`.
    ///   - reboots: whether the host is started anew.
    func reason(_ host: String, changing packages: Set<String>, reboots: Bool) -> String? {
        let touched = (held[host] ?? []).filter {
            reboots || packages.contains("\($0.package.name):\($0.package.architecture)")
        }
        guard let first = touched.min(by: { ($0.hold.since, $0.vulnerability) < ($1.hold.since, $1.vulnerability) })
        else { return nil }
        let name = first.host.hostname
        var names: [String] = []
        for finding in touched where !names.contains(finding.vulnerability) { names.append(finding.vulnerability) }
        names.sort()
        let what =
            names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
        let isClosed = touched.contains { packages.contains("\($0.package.name):\($0.package.architecture)") }
        return "\(name): evidence has to be kept before "
            + (isClosed ? "\(what) is patched" : "it is started anew, for \(what)") + ". Note what was taken "
            + "(fettle evidence taken \(first.vulnerability) \(name) --file FILE); in an emergency another person waives "
            + "it (fettle evidence waive \(first.vulnerability) \(name) --reason WHY)."
    }
}

extension VulnerabilityDesk {
    /// Whether there are feeds, read or not.
    var hasFeeds: Bool {
        knowledge != nil || status.isBuilding || (status.fault != nil && status.retryAt != nil)
    }
}
