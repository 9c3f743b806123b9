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
        decide("pause", .campaignsStop) { desk, found, call in
            try await desk.engine.pause(
                organisation: desk.organisation, found.summary.id,
                reason: try CampaignPages.reason(call, isRequired: false), by: desk.rolloutActor)
        },
        decide("resume", .campaignsStop) { desk, found, call in
            try await desk.resume(found, try CampaignPages.reason(call, isRequired: false))
        },
        decide("halt", .campaignsStop) { desk, found, call in
            try await desk.engine.halt(
                organisation: desk.organisation, found.summary.id,
                reason: try CampaignPages.reason(call, isRequired: true), by: desk.rolloutActor)
        },
        decide("cancel", .campaignsStop) { desk, found, call in
            try await desk.engine.cancel(
                organisation: desk.organisation, found.summary.id,
                reason: try CampaignPages.reason(call, isRequired: true), by: desk.rolloutActor)
        },
        decide("rollback", .campaignsStop) { desk, found, call in
            try await desk.engine.rollBack(
                organisation: desk.organisation, found.summary.id,
                reason: try CampaignPages.reason(call, isRequired: true), by: desk.rolloutActor)
        },
        decide("close", .campaignsStop) { desk, found, call in
            try await desk.engine.close(
                organisation: desk.organisation, found.summary.id,
                reason: try CampaignPages.reason(call, isRequired: true), by: desk.rolloutActor)
        },
    ]

    /// The plan that was shown beside the form: what is approved is what was read.
    private static func plan(_ call: PageCall) throws -> SHA256Digest {
        guard let digest = SHA256Digest(hex: call.field("plan")) else {
            throw Refusal(.malformed("the form names no plan"))
        }
        return digest
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
