import Digest
import JSON
import Orders
import Rollout
import Store
import Timestamps

/// What is thrown until the engine behind it is there.
private let unbuilt = Refusal(
    .init("unbuilt", title: "Not built yet", status: 501, detail: "This is not built yet.", cure: "Wait for it."))

// What operators do. `version` is the one that they saw (ETag, If-Match): another one is a ``Refusal`` with 412.
extension RolloutEngine {
    /// Makes a draft.
    func create(organisation: String, _ draft: CampaignDraft, by actor: RolloutActor) async throws -> CampaignDetails {
        throw unbuilt
    }

    /// Changes a draft, or takes a plan that awaits approval back to one: a new epoch, approvals void.
    func edit(
        organisation: String, _ id: String, version: Int64, _ draft: CampaignDraft, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Freezes the draft to a plan: exact versions, hosts, window. Where that is not possible the campaign is a draft again
    /// and ``CampaignDetails/errors`` says why; that is no throw.
    func submit(
        organisation: String, _ id: String, version: Int64, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// What ``submit(organisation:_:version:by:)`` would make of a draft; changes nothing.
    func preview(
        organisation: String, _ draft: CampaignDraft, by actor: RolloutActor
    ) async throws -> (plan: Plan?, errors: [String], notes: [String]) { throw unbuilt }

    /// Approves exactly that plan. The author's word does not count and is refused.
    ///
    /// - Parameter signature: by a key of the approver's own, over ``ReleaseDocument/Approval/signature``'s payload.
    func approve(
        organisation: String, _ id: String, plan: SHA256Digest, signature: Envelope.Signature?, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Says no to the plan, for good.
    func deny(
        organisation: String, _ id: String, plan: SHA256Digest, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// No new permits; what runs goes on.
    func pause(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Goes on after a pause; after a halt it needs a new approval, whose reason names why it was halted.
    func resume(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Stops: what has not begun is taken back, what is past its point of no return ends by itself.
    func halt(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Ends it for good; running jobs as with a halt.
    func cancel(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Takes the hosts that changed back to what they were.
    func rollBack(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Closes a halted campaign as failed.
    func close(
        organisation: String, _ id: String, reason: String, by actor: RolloutActor
    ) async throws -> CampaignDetails { throw unbuilt }

    /// Gives up on a host that fell silent: its job is lost, its permit is given back. On record with the reason.
    func writeOff(
        organisation: String, job: String, reason: String, by actor: RolloutActor
    ) async throws -> JobDetails { throw unbuilt }
}

// What operators read.
extension RolloutEngine {
    /// A campaign; throws 404 for an unknown one.
    func show(organisation: String, _ id: String) async throws -> CampaignDetails { throw unbuilt }

    /// Campaigns, the newest first, after that id.
    ///
    /// - Parameters:
    ///   - open: only those that have not ended.
    ///   - host: only those whose plan has that host.
    func list(
        organisation: String, open: Bool = false, host: String? = nil, after: String? = nil, limit: Int = 100
    ) async throws -> (campaigns: [CampaignSummary], next: String?) { throw unbuilt }

    /// The jobs of a campaign by host name, the latest attempt of each host, after that job.
    func jobs(
        organisation: String, campaign: String, state word: String? = nil, after: String? = nil, limit: Int = 100
    ) async throws -> (jobs: [JobSummary], next: String?) { throw unbuilt }

    /// A job with its journal from that record on.
    func job(organisation: String, _ id: String, from ordinal: Int64 = 1) async throws -> JobDetails { throw unbuilt }

    /// A piece of a job's log, from that byte on, and where the next begins.
    func jobLog(
        organisation: String, _ id: String, from offset: Int64, limit: Int = 65_536
    ) async throws -> (bytes: [UInt8], next: Int64, size: Int64) { throw unbuilt }

    /// What is known of why a package is not at its new version on a host.
    func why(organisation: String, host: String, package: String) async throws -> WhyInputs { throw unbuilt }

    /// A text that changes whenever anything of the campaign does that its page shows, live progress included: for
    /// server-sent events.
    func progressToken(organisation: String, _ id: String) async throws -> String { throw unbuilt }

    /// How many approvals a plan needs in the organisation; 1 where nobody has set it.
    func approvalsRequired(organisation: String) async throws -> Int64 { throw unbuilt }

    /// Sets how many approvals a plan needs, 0 to 16. Zero is an explicit choice, on record, and shown on each campaign.
    func setApprovalsRequired(organisation: String, _ count: Int64, by actor: RolloutActor) async throws {
        throw unbuilt
    }
}
