import Access
import Policy
import Store

/// Whom a policy object applies to.
struct PolicyScope: Sendable {
    /// A host.
    struct Row: Sendable {
        var id: String
        var name: String
        /// Its ring, of a plan of rings.
        var ring: String?
    }

    /// The hosts, by ring and name.
    var rows: [Row] = []
    /// Kinds of hosts of which the first ring has none.
    var untested: [RingAssignment.Stratum] = []
    /// Of a plan of rings: its rings with how many hosts each has, whether within reach or not.
    var rings: [(name: String, hosts: Int)] = []
}

extension PolicyDesk {
    /// Whom an object applies to, as far as the caller may know.
    func scope(_ kind: String, _ name: String, reach: Reach) async throws -> PolicyScope {
        let (organisation, cache) = (organisation, state.policies)
        return try await state.store.read { sql in
            let present = try cache.inForce(sql, organisation: organisation)
            guard let object = present.set.objects.first(where: { $0.kind == kind && $0.name == name }) else {
                throw Refusal(.missing("policy", "\(kind)/\(name)"))
            }
            let hosts = try PolicyHosts(transaction: sql, cache: cache).active(organisation: organisation)
            var scope = PolicyScope()
            if let plan = object.spec as? RingPlan {
                var groups: [String: Set<String>] = [:]
                for group in plan.rings.compactMap(\.group) {
                    groups[group] = Set((present.set.members(of: group, among: hosts) ?? []).map(\.id))
                }
                let drawn = RingAssignment(plan, hosts: hosts, campaign: name, groups: groups)
                scope.untested = drawn.untested
                let byID = Dictionary(hosts.map { ($0.id, $0) }) { first, _ in first }
                for (ring, ids) in zip(drawn.names, drawn.rings) {
                    scope.rings.append((ring, ids.count))
                    let members = ids.compactMap { byID[$0] }.filter { reach.includes($0.labels) }
                    scope.rows += members.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
                        .map { PolicyScope.Row(id: $0.id, name: $0.name, ring: ring) }
                }
                return scope
            }
            let meant: [PolicyHost]
            if let group = object.spec as? HostGroup {
                meant = hosts.filter(group.includes)
            } else if object.spec is Site {
                meant = hosts.filter { $0.facts[.site] == name }
            } else if let groups = object.groups {
                let named = groups.compactMap { present.set.first(HostGroup.self, named: $0) }
                meant = groups.isEmpty ? hosts : hosts.filter { host in named.contains { $0.includes(host) } }
            } else {
                meant = []
            }
            scope.rows = meant.filter { reach.includes($0.labels) }
                .map { PolicyScope.Row(id: $0.id, name: $0.name, ring: nil) }
            return scope
        }
    }
}

extension PolicyObject {
    /// The groups that it is for, none for every host; nil where it is for no hosts by itself.
    var groups: [String]? {
        switch spec {
        case let window as WindowPolicy: window.groups
        case let freeze as Freezing: freeze.groups
        case let cadence as Cadence: cadence.groups
        case let rule as PackageRule: rule.groups
        case let exception as RiskAcceptance: exception.groups
        case let budget as Budget: budget.groups
        case let handling as Handling: handling.groups
        default: nil
        }
    }
}
