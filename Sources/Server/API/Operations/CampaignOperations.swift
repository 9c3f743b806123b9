import Access
import HTTPTypes
import JSON
import Rollout
import Store
import Timestamps
import Wire

/// Campaigns: planning them and looking at them.
enum CampaignOperations {
    static let all: [Operation] = [list, create, show, edit, hosts] + CampaignDecisions.all + CampaignJobOperations.all

    static let campaignParameter: Parameter = .path("campaign", .text(1...64), "The campaign's id.")

    private static let list: Operation = Operation(
        .get, "/api/v1/campaigns", id: "listCampaigns", tag: .campaigns, summary: "List campaigns, the newest first.",
        description: "Of whose roles are limited by labels, those whose every host these select.",
        access: .permission(.campaignsRead),
        parameters: [
            .query("open", .boolean, "Only those that have not ended."),
            .query("host", .text(1...255), "Only those whose plan has this host: its id."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(CampaignSchema.summary),
                    [
                        .required(
                            "approvalsRequired", .count,
                            "How many approvals the organisation asks for now; 0 is on record."
                        )
                    ]))
        ], traits: [.paginated]
    ) { call in
        let desk = call.campaigns
        let page = try await desk.list(
            open: call.bool("open") ?? false, host: call.text("host"), after: call.cursor?.string, limit: call.limit)
        let required = try await desk.engine.approvalsRequired(organisation: call.organisation)
        return .page(
            page.campaigns.map { .object(CampaignSchema.json($0, call.now)) }, next: page.next.map { .string($0) },
            more: ["approvalsRequired": .integer(required)])
    }

    private static let create: Operation = Operation(
        .post, "/api/v1/campaigns", id: "createCampaign", tag: .campaigns, summary: "Make a campaign.",
        description: """
            With `submit` its packages and hosts are frozen to an exact plan at once, which then waits for approval; where \
            that is not possible it stays a draft and `errors` says why. With `dryRun` nothing is made: the answer is what \
            the plan would be.
            """,
        access: .permission(.campaignsWrite),
        parameters: [
            .query("dryRun", .boolean, "Make nothing; answer with the plan."),
            .query("submit", .boolean, "Freeze it to a plan at once."),
        ],
        body: BodyDeclaration(.component(CampaignDraftSchema.request), maximumBytes: 2 << 20),
        responses: [
            .created(.component(CampaignSchema.detail), "It is made."),
            .ok(.component(CampaignSchema.preview), "A dry run: this would be the plan."),
            .problem(.conflict, "Something of it cannot be: `detail` says what."),
        ]
    ) { call in
        let desk = call.campaigns
        let draft = try await desk.draft(call.body)
        if call.bool("dryRun") ?? false { return .json(try await desk.preview(draft).json) }
        var made = try await desk.engine.create(
            organisation: call.organisation, draft, by: desk.rolloutActor)
        if call.bool("submit") ?? false {
            made = try await desk.engine.submit(
                organisation: call.organisation, made.summary.id, version: made.summary.version,
                by: desk.rolloutActor)
        }
        return .created(CampaignSchema.json(made, call.now), at: "/api/v1/campaigns/\(made.summary.id)")
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/campaigns/{campaign}", id: "getCampaign", tag: .campaigns,
        summary: "Show a campaign: its plan, its approvals, what happens next.", access: .permission(.campaignsRead),
        parameters: [campaignParameter], responses: [.ok(.component(CampaignSchema.detail))]
    ) { call in
        .json(CampaignSchema.json(try await call.campaigns.find(call.path("campaign")), call.now))
    }

    private static let edit: Operation = Operation(
        .put, "/api/v1/campaigns/{campaign}", id: "editCampaign", tag: .campaigns,
        summary: "Change what a campaign is to do.",
        description: """
            The whole draft is replaced. A plan that awaits approval becomes a draft again: its approvals are void, and it \
            is submitted anew.
            """,
        access: .permission(.campaignsWrite), parameters: [campaignParameter],
        body: BodyDeclaration(.component(CampaignDraftSchema.request), maximumBytes: 2 << 20),
        responses: [
            .ok(.component(CampaignSchema.detail), "It is changed."),
            .problem(.conflict, "It is too far on to be changed; `detail` says where it is."),
        ], traits: [.conditional]
    ) { call in
        let desk = call.campaigns
        let found = try await desk.find(call.path("campaign"))
        try call.requireMatch(CampaignSchema.json(found, call.now))
        let draft = try await desk.draft(call.body)
        let changed = try await desk.engine.edit(
            organisation: call.organisation, found.summary.id, version: found.summary.version, draft,
            by: desk.rolloutActor)
        return .json(CampaignSchema.json(changed, call.now))
    }

    private static let hosts: Operation = Operation(
        .get, "/api/v1/campaigns/{campaign}/hosts", id: "listCampaignHosts", tag: .campaigns,
        summary: "List the hosts of a plan: what changes on each, from which version to which.",
        description: "Empty before the plan is frozen. By what each host last reported.",
        access: .permission(.campaignsRead), parameters: [campaignParameter],
        responses: [.ok(.page(of: .component(CampaignSchema.host)))], traits: [.paginated]
    ) { call in
        let found = try await call.campaigns.find(call.path("campaign"))
        guard let plan = found.plan else { return .page([], next: nil) }
        let hosts = PlannedHosts(organisation: call.organisation, plan: plan)
        let (after, limit) = (call.cursor?.string, call.limit)
        let page = try await call.state.store.read { try hosts.page($0, after: after, limit: limit + 1) }
        let shown = page.prefix(limit)
        return .page(
            shown.map(CampaignSchema.json),
            next: page.count > shown.count ? shown.last.map { .string($0.id) } : nil)
    }
}

/// What a draft would become.
struct CampaignPreview: Sendable {
    /// The plan; nil where it cannot be frozen.
    var plan: Plan?
    /// Why not.
    var errors: [String]
    /// What to know of it.
    var notes: [String]
    /// How many people must approve.
    var approvalsRequired: Int64
    /// What it means for the first hosts.
    var hosts: [PlannedHost]

    /// The most hosts of a preview.
    static let maximumHosts = 500

    var json: JSONValue {
        [
            "plan": plan?.json ?? .null, "errors": .array(errors.map { .string($0) }),
            "notes": .array(notes.map { .string($0) }), "approvalsRequired": .integer(approvalsRequired),
            "hosts": .array(hosts.map(CampaignSchema.json)),
        ]
    }
}

extension CampaignDesk {
    /// Reads what somebody wants; hosts that are named become ids.
    func draft(_ body: JSONValue) async throws -> CampaignDraft {
        var draft = try CampaignDraft.reading(body)
        if case .ids(let names) = draft.hosts {
            guard !names.isEmpty else {
                throw Refusal(
                    .unprocessable([
                        .init(
                            pointer: "/hosts", detail: "It names no host.",
                            cure: "Send ids, or a selector; the empty selector is every active host.")
                    ]))
            }
            draft.hosts = .ids(try await hosts(named: names, pointer: "/hosts/ids"))
        }
        return draft
    }

    /// What a draft would become; changes nothing.
    func preview(_ draft: CampaignDraft) async throws -> CampaignPreview {
        try draft.check()
        let found = try await engine.freeze(
            organisation: organisation, draft, campaign: "preview", epoch: 1, by: rolloutActor)
        let required = try await engine.approvalsRequired(organisation: organisation)
        var preview = CampaignPreview(
            plan: found.plan, errors: found.errors, notes: found.notes, approvalsRequired: required, hosts: [])
        if let plan = found.plan {
            let frozen = Dictionary(found.hosts.map { ($0.host, $0) }, uniquingKeysWith: { first, _ in first })
            let hosts = PlannedHosts(organisation: organisation, plan: plan, frozen: frozen)
            preview.hosts = try await state.store.read {
                try hosts.page($0, limit: CampaignPreview.maximumHosts)
            }
        }
        return preview
    }
}
