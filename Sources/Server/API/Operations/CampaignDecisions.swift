import Access
import Digest
import HTTPTypes
import JSON
import Orders
import Rollout
import Store
import Wire

/// Decisions on campaigns: everything that moves one from one state to the next.
enum CampaignDecisions {
    static let all: [Operation] = [
        submit, approve, deny, pause, resume, halt, cancel, rollBack, close,
    ]

    private static let submit: Operation = decide(
        "submit", id: "submitCampaign", .campaignsWrite, "Freeze a draft to an exact plan and ask for approval.",
        "Where that is not possible it stays a draft, and `errors` says why."
    ) { desk, found, _ in
        try await desk.engine.submit(
            organisation: desk.organisation, found.summary.id, version: found.summary.version, by: desk.rolloutActor)
    }

    private static let planProperty: Schema.Property = .required(
        "plan", .digest, "The digest of the plan that is meant: `planDigest` of what you read.")

    private static let approve: Operation = decide(
        "approve", id: "approveCampaign", .campaignsApprove, "Approve a plan.",
        """
        The author never approves. With a signature of a key of one's own over the plan's digest, the signer checks it \
        too: DSSE's encoding of type `application/vnd.fettle.approval+json` and the payload `{"planDigest":"…"}`. Where the \
        organisation asks for no approval this releases the plan, which is on record.
        """,
        body: BodyDeclaration(
            .object([
                planProperty,
                .optional(
                    "signature",
                    .object([
                        .required("keyid", .matching("^[0-9a-f]+$", 1...64)),
                        .required("sig", .text(1...128), "Base64 of 64 bytes of Ed25519."),
                    ]), "By a key of your own, where you have one."),
            ]))
    ) { desk, found, body in
        var signature: Envelope.Signature?
        if let given = body["signature"] {
            guard let bytes = Base64.decode(given["sig"]?.string ?? ""), bytes.count == 64 else {
                throw Refusal(
                    .unprocessable([
                        .init(
                            pointer: "/signature/sig", detail: "It is not base64 of 64 bytes.",
                            cure: "Send a signature of Ed25519 (RFC 8032).")
                    ]))
            }
            signature = .init(keyID: given["keyid"]?.string ?? "", bytes: bytes)
        }
        return try await desk.engine.approve(
            organisation: desk.organisation, found.summary.id, plan: try digest(body), signature: signature,
            by: desk.rolloutActor)
    }

    private static let deny: Operation = decide(
        "deny", id: "denyCampaign", .campaignsApprove, "Say no to a plan, for good.", "",
        body: BodyDeclaration(
            .object([planProperty, .required("reason", CampaignDraftSchema.reason, "Why; it enters the audit log.")]))
    ) { desk, found, body in
        try await desk.engine.deny(
            organisation: desk.organisation, found.summary.id, plan: try digest(body), reason: reason(body),
            by: desk.rolloutActor)
    }

    private static let pause: Operation = decide(
        "pause", id: "pauseCampaign", "Let no further host begin; those that have begun go on.", "",
        isReasonRequired: false, RolloutEngine.pause)

    private static let resume: Operation = decide(
        "resume", id: "resumeCampaign", "Let a campaign go on.",
        """
        After a halt it takes as many people as the plan took, none of them its author, with the permission \
        campaigns:approve; each repeats the reason of the halt.
        """, isReasonRequired: false, RolloutEngine.resume)

    private static let halt: Operation = decide(
        "halt", id: "haltCampaign", "Stop a campaign.",
        "What has not begun is taken back; what is past its point of no return goes on to its end.", RolloutEngine.halt)

    private static let cancel: Operation = decide(
        "cancel", id: "cancelCampaign", "End a campaign for good.", "Running jobs as with a halt.", RolloutEngine.cancel
    )

    private static let rollBack: Operation = decide(
        "rollback", id: "rollBackCampaign", .campaignsStop, "Take the hosts that changed back to what they were.",
        """
        Of a campaign that was halted, is being verified or has ended, for as long as the signer remembers its release; a \
        rollback that is incomplete can be asked for again. Refused where a later campaign has changed the same packages on \
        one of the hosts: that one goes first. While it is being rolled back asking again changes nothing.
        """,
        body: BodyDeclaration(
            .object([
                .required("reason", CampaignDraftSchema.reason, "Why; it enters the audit log."),
                .optional(
                    "overWrittenOff", .boolean,
                    """
                    Whether later jobs that were given up, and of which nobody knows what they did, do not count; that is on \
                    record. Hosts with other versions refuse to go back all the same.
                    """),
            ]))
    ) { desk, found, body in
        try await desk.engine.rollBack(
            organisation: desk.organisation, found.summary.id, reason: reason(body),
            overWrittenOff: body["overWrittenOff"]?.bool ?? false, by: desk.rolloutActor)
    }

    private static let close: Operation = decide(
        "close", id: "closeCampaign", "Close a halted campaign as failed.", "", RolloutEngine.close)

    // MARK: -

    /// What the engine does with one campaign for a reason: organisation, id, reason, who.
    private typealias Reasoned =
        @Sendable (RolloutEngine) -> (String, String, String, RolloutActor) async throws -> CampaignDetails

    /// A decision for which somebody says why.
    private static func decide(
        _ verb: String, id: String, _ summary: String, _ description: String, isReasonRequired: Bool = true,
        _ act: @escaping Reasoned
    ) -> Operation {
        let text = "Why; it enters the audit log."
        let property: Schema.Property =
            isReasonRequired
            ? .required("reason", CampaignDraftSchema.reason, text)
            : .optional("reason", CampaignDraftSchema.reason, text)
        return decide(
            verb, id: id, .campaignsStop, summary, description,
            body: BodyDeclaration(.object([property]), isRequired: isReasonRequired)
        ) { desk, found, body in
            try await act(desk.engine)(desk.organisation, found.summary.id, reason(body), desk.rolloutActor)
        }
    }

    private static func reason(_ body: JSONValue) -> String { body["reason"]?.string ?? "" }

    private static func digest(_ body: JSONValue) throws -> SHA256Digest {
        guard let digest = body["plan"]?.string.flatMap({ SHA256Digest(hex: $0) }) else {
            throw Refusal(.internalError)
        }
        return digest
    }

    /// An operation that decides on one campaign and answers with it.
    private static func decide(
        _ verb: String, id: String, _ permission: Permission, _ summary: String, _ description: String,
        body: BodyDeclaration? = nil,
        _ act: @escaping @Sendable (CampaignDesk, CampaignDetails, JSONValue) async throws -> CampaignDetails
    ) -> Operation {
        Operation(
            .post, PathTemplate(stringLiteral: "/api/v1/campaigns/{campaign}/\(verb)"), id: id, tag: .campaigns,
            summary: summary, description: description, access: .permission(permission),
            parameters: [CampaignOperations.campaignParameter], body: body,
            responses: [
                .ok(.component(CampaignSchema.detail), "It is done; this is the campaign now."),
                .problem(.conflict, "The campaign's state, or who you are to it, does not allow it."),
                .problem(.preconditionFailed, "It has changed since you saw it."),
            ]
        ) { call in
            let desk = call.campaigns
            let found = try await desk.find(call.path("campaign"))
            return .json(CampaignSchema.json(try await act(desk, found, call.body), call.now))
        }
    }
}
