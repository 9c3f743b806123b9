import JSON
import Rollout

/// A plan as its row keeps it: everything but the names of the hosts, which are rows of their own.
struct StoredPlan: Sendable {
    /// What the hosts see of it.
    let host: HostPlan
    /// When.
    let window: PlannedWindow
    /// How many hosts may be disturbed at a time.
    let budget: Int64

    /// What packages change to.
    var targets: [ReleaseTarget] { host.targets }
    /// What else is done.
    var actions: JobActions { host.actions }

    /// Reads `Plan.json`.
    init(json: JSONValue) throws(JSONError) {
        host = try HostPlan(json: json)
        var object = try JSONObject(json)
        window = try PlannedWindow(object.object("window"))
        budget = try object.integer("budget", in: 1...Int64(Plan.maximumHosts))
    }

    /// The target for a host of that distribution release.
    func target(for distribution: String) -> ReleaseTarget? { targets.first { $0.distribution == distribution } }

    /// The whole plan, with its hosts.
    func plan(hosts: [String]) -> Plan {
        Plan(
            organisation: host.organisation, campaign: host.campaign, epoch: host.epoch, targets: targets, hosts: hosts,
            window: window, budget: budget, actions: actions)
    }
}
