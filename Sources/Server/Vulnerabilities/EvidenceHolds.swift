import Inventory
import Priority
import Store

/// Evidence that a policy asks for on a host before a package there is changed.
struct HeldFinding: Sendable {
    var host: Verdicts.Host
    var package: SoftwarePackage
    var vulnerability: String
    /// All its ids, in capitals.
    var ids: Set<String>
    var hold: EvidenceHold
}

extension RiskView {
    /// What is held on one of ``hosts``, by package and vulnerability. What cannot be attacked there holds nothing.
    ///
    /// - Parameter known: deadlines that were worked out already: hosts that are alike are asked once.
    func holds(host index: Int, _ known: inout [Place: Deadline]) -> [HeldFinding] {
        guard !policy.evidenceFirst.isEmpty else { return [] }
        let host = risk.hosts[index]
        var held: [HeldFinding] = []
        for id in host.exposed {
            guard let judged = risk.packages[id] else { continue }
            for finding in judged.open {
                guard let vulnerability = risk.vulnerabilities[finding.vulnerability] else { continue }
                let ids = Set((finding.ids + [finding.vulnerability]).map { $0.uppercased() })
                let place = place(finding.vulnerability, ids, vulnerability, packages: [id], host)
                guard place.isActive else { continue }
                let deadline = known[place] ?? deadline(at: place, vulnerability)
                known[place] = deadline
                guard let hold = hold(place, deadline) else { continue }
                held.append(
                    HeldFinding(
                        host: host.host, package: judged.package, vulnerability: finding.vulnerability, ids: ids,
                        hold: hold))
            }
        }
        return held
    }
}
