import Digest
import Rollout
import Store
import Timestamps

/// What somebody may do with every host of one plan, looked up before the transaction that rests on it: a plan of a fleet has so
/// many hosts that all others would wait.
struct CampaignReach: Sendable {
    /// Whose hosts they were; nil for a draft's, which has none.
    var plan: SHA256Digest?
    /// Whether they may approve what each of the hosts is given.
    var mayApprove: Bool

    /// - Throws: a refusal with 412 where the campaign has another plan by now.
    func check(_ record: CampaignRecord) throws {
        guard record.planDigest == plan else { throw Refusal(.stale) }
    }
}

extension RolloutEngine {
    /// Whoever acts on a campaign must be allowed to change each of its hosts; else there is none for them.
    ///
    /// - Throws: a refusal with 403 that names a host out of reach.
    func reach(_ organisation: String, _ id: String, _ actor: RolloutActor) async throws -> CampaignReach {
        func read<Value: Sendable>(
            _ body: @escaping @Sendable (RolloutTransaction) throws -> Value
        ) async throws -> Value {
            try await state.store.read { sql in
                try body(RolloutTransaction(sql: sql, organisation: organisation, now: Timestamp(milliseconds: 0)))
            }
        }
        var reach = CampaignReach(plan: try await read { try $0.campaign(id).planDigest }, mayApprove: true)
        // What stands in a draft's list is being written, or was left behind.
        guard reach.plan != nil else { return reach }
        var after: String?
        while true {
            let from = after
            let (last, mayApprove) = try await read { rollout -> (String?, Bool) in
                let page = try rollout.sql.campaigns.hosts(
                    organisation: organisation, campaign: id, after: from, limit: RolloutTransaction.offerPage)
                var mayApprove = true
                for member in page {
                    guard let host = try rollout.sql.hosts.show(organisation: organisation, id: member.host) else {
                        continue
                    }
                    guard actor.mayChange(host) else {
                        throw Refusal(
                            .forbidden("The campaign has hosts that your roles do not reach: \(host.hostname)."))
                    }
                    if !actor.mayApprove(host) { mayApprove = false }
                }
                return (page.count == RolloutTransaction.offerPage ? page.last?.host : nil, mayApprove)
            }
            if !mayApprove { reach.mayApprove = false }
            guard let last else { return reach }
            after = last
        }
    }
}
