import Access
import Digest
import Hummingbird
import Pages
import Wire

/// The forms that decide about a campaign.
enum CampaignDecisionPages {
    static let all: [PageDeclaration] = [
        decide("submit", .campaignsWrite) { desk, found, _ in
            try await desk.engine.submit(
                organisation: desk.organisation, found.summary.id, version: found.summary.version,
                by: desk.rolloutActor)
        },
        decide("approve", .campaignsApprove) { desk, found, call in
            try await desk.engine.approve(
                organisation: desk.organisation, found.summary.id, plan: try plan(call), signature: nil,
                by: desk.rolloutActor)
        },
        decide("deny", .campaignsApprove) { desk, found, call in
            try await desk.engine.deny(
                organisation: desk.organisation, found.summary.id, plan: try plan(call),
                reason: try CampaignPages.reason(call, isRequired: true), by: desk.rolloutActor)
        },
        decide("pause", isReasonRequired: false, RolloutEngine.pause),
        decide("resume", isReasonRequired: false, RolloutEngine.resume),
        decide("halt", RolloutEngine.halt),
        decide("cancel", RolloutEngine.cancel),
        decide("rollback", RolloutEngine.rollBack),
        decide("close", RolloutEngine.close),
    ]

    /// The plan that was shown beside the form: what is approved is what was read.
    private static func plan(_ call: PageCall) throws -> SHA256Digest {
        guard let digest = SHA256Digest(hex: call.field("plan")) else {
            throw Refusal(.malformed("the form names no plan"))
        }
        return digest
    }

    /// A decision for which somebody says why.
    private static func decide(
        _ verb: String, isReasonRequired: Bool = true,
        _ act:
            @escaping @Sendable (RolloutEngine) -> (String, String, String, RolloutActor) async throws ->
            CampaignDetails
    ) -> PageDeclaration {
        decide(verb, .campaignsStop) { desk, found, call in
            let reason = try CampaignPages.reason(call, isRequired: isReasonRequired)
            return try await act(desk.engine)(desk.organisation, found.summary.id, reason, desk.rolloutActor)
        }
    }

    private static func decide(
        _ verb: String, _ permission: Permission,
        _ act: @escaping @Sendable (CampaignDesk, CampaignDetails, PageCall) async throws -> CampaignDetails
    ) -> PageDeclaration {
        PageDeclaration(
            .post, "/campaigns/{campaign}/\(verb)", "campaign-decision", access: .permission(permission)
        ) { call in
            let found = try await CampaignPages.found(call, permission)
            let desk = try call.campaigns(permission)
            _ = try await act(desk, found, call)
            return call.done(.campaign, "campaigns", found.summary.id)
        }
    }
}
