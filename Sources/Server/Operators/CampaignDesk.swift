import Access
import Digest
import JSON
import Rollout
import Store
import Timestamps
import Wire

/// What one caller may do with an organisation's campaigns: the rollout engine behind the reach of one permission.
///
/// A campaign is within reach where every host of it is; one that is not is as if it were not there. The API and the pages
/// both come through here, so that they cannot differ.
struct CampaignDesk: Sendable {
    let state: ServerState
    let organisation: String
    /// How far the permission reaches that is asked for.
    let reach: Reach
    /// Who asks, as the audit log names them: the person, not the token.
    let actor: String
    /// How far they may approve there: to go on after a halt is an approval.
    let approval: Reach

    /// The engine.
    var engine: RolloutEngine { RolloutEngine(state: state) }

    /// Who asks, for the engine: it asks of every host of a plan.
    var rolloutActor: RolloutActor {
        RolloutActor(
            name: actor, mayApprove: { [approval] host in approval.includes(host.labels) },
            mayChange: { [reach] host in reach.includes(host.labels) })
    }

    // MARK: - Looking

    /// A campaign within reach.
    func find(_ id: String) async throws -> CampaignDetails {
        let found: CampaignDetails
        do {
            found = try await engine.show(organisation: organisation, id)
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.missing("campaign", id))
        }
        guard try await includes(found) else { throw Refusal(.missing("campaign", id)) }
        return found
    }

    /// Whether every host of a campaign is within reach. Of a draft that names no hosts only its author can tell.
    func includes(_ campaign: CampaignDetails) async throws -> Bool {
        guard reach != .all else { return true }
        let hosts: [String]
        if let plan = campaign.plan {
            hosts = plan.hosts
        } else if case .ids(let ids) = campaign.draft.hosts {
            hosts = ids
        } else {
            return campaign.summary.author == actor
        }
        let (organisation, reach) = (organisation, reach)
        return try await state.store.read { transaction in
            try hosts.allSatisfy { id in
                guard let host = try transaction.hosts.show(organisation: organisation, id: id) else { return false }
                return reach.includes(host.labels)
            }
        }
    }

    /// Campaigns within reach, the newest first; a page may hold fewer than asked for, and still have a next one.
    func list(
        open: Bool, host: String? = nil, after: String? = nil, limit: Int
    ) async throws -> (campaigns: [CampaignSummary], next: String?) {
        let page = try await engine.list(
            organisation: organisation, open: open, host: host, after: after, limit: limit)
        guard reach != .all else { return page }
        var seen: [CampaignSummary] = []
        for summary in page.campaigns
        where try await includes(
            try await engine.show(organisation: organisation, summary.id))
        {
            seen.append(summary)
        }
        return (seen, page.next)
    }

    /// A job of a campaign within reach, by its id, or by its host's id or name.
    func job(_ campaign: String, _ name: String, from ordinal: Int64 = 1) async throws -> JobDetails {
        let found = try await find(campaign)
        var id = name
        if !Self.isJob(name) {
            guard let summary = try await jobOfHost(campaign, name) else { throw Refusal(.missing("job", name)) }
            id = summary.id
        }
        do {
            let job = try await engine.job(organisation: organisation, id, from: ordinal)
            guard job.summary.campaign == found.summary.id else { throw Refusal(.missing("job", name)) }
            return job
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.missing("job", name))
        }
    }

    /// The latest job of a host in a campaign; the host by id or name.
    func jobOfHost(_ campaign: String, _ name: String) async throws -> JobSummary? {
        let organisation = organisation
        let latest = try await state.store.read { transaction -> String? in
            for host in try transaction.hosts.named(organisation: organisation, name) {
                var latest: String?
                // A job's id is made of campaign, host and attempt: no list has to be read.
                for attempt in Int64(1)...Self.maximumAttempts {
                    let id = HostJob.id(campaign: campaign, host: host.id, attempt: attempt)
                    guard try transaction.jobs.show(organisation: organisation, id: id) != nil else { break }
                    latest = id
                }
                if let latest { return latest }
            }
            return nil
        }
        guard let latest else { return nil }
        return try await engine.job(organisation: organisation, latest, from: 1_000_000).summary
    }

    /// How many attempts of a host are looked for.
    private static let maximumAttempts: Int64 = 1000

    private static func isJob(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    // MARK: - Hosts that are named

    /// The ids of hosts that are named by id, by name or by the beginning of an id; only within reach.
    ///
    /// - Throws: ``Refusal`` with 422 that names each one that is not there, or that may be several.
    func hosts(named names: [String], pointer: String) async throws -> [String] {
        let (organisation, reach) = (organisation, reach)
        let (ids, faults) = try await state.store.read { transaction in
            var (ids, faults): ([String], [Problem.Fault]) = ([], [])
            for (index, name) in names.enumerated() {
                var found = try transaction.hosts.named(organisation: organisation, name)
                if found.isEmpty, name.hasPrefix("h-"), name.utf8.count >= 4 {
                    found = try transaction.hosts.withPrefix(organisation: organisation, name)
                }
                found = found.filter { reach.includes($0.labels) }
                let active = found.filter { $0.status == .active }
                let candidates = active.isEmpty ? found : active
                if candidates.count == 1, let host = candidates.first {
                    if !ids.contains(host.id) { ids.append(host.id) }
                } else {
                    let which = candidates.prefix(8).map(\.id).joined(separator: ", ")
                    faults.append(
                        .init(
                            pointer: "\(pointer)/\(index)",
                            detail: candidates.isEmpty
                                ? "There is no host \"\(name)\"." : "\"\(name)\" may mean \(which).",
                            cure: candidates.isEmpty
                                ? "List the hosts to see their names." : "Give more of the id."))
                }
            }
            return (ids, faults)
        }
        guard faults.isEmpty else { throw Refusal(.unprocessable(Array(faults.prefix(Schema.maximumFaults)))) }
        return ids
    }
}

extension Call {
    /// The campaigns that this call's permission reaches.
    var campaigns: CampaignDesk {
        CampaignDesk(
            state: state, organisation: organisation, reach: reach, actor: caller.actor,
            approval: caller.principal.reach(.campaignsApprove, organisation: organisation))
    }
}

extension PageCall {
    /// The campaigns that a permission of whoever asks reaches.
    func campaigns(_ permission: Permission) throws -> CampaignDesk {
        CampaignDesk(
            state: state, organisation: try organisationID, reach: reach(permission), actor: try person.actor,
            approval: reach(.campaignsApprove))
    }
}
