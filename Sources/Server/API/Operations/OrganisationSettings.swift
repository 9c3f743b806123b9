import Access
import HTTPTypes
import JSON
import Store

/// What an organisation chooses for itself.
enum OrganisationSettings {
    static let all: [Operation] = [show, change]

    static let component = Schema.Component(
        "OrganisationSettings",
        .object([
            .required(
                "approvalsRequired", .integer(0...16),
                "How many people other than its author must approve a plan. 0 is for one-person shops; it is on record and shown on every campaign."
            ),
            .required(
                "readsChangelogs", .boolean,
                "Whether hosts fetch offered packages in the background to read in their changelogs what they close. Off unless it was turned on; a host's veto file can forbid it."
            ),
        ]))

    private static let path: PathTemplate = "/api/v1/organisations/{organisation}/settings"
    private static let parameter: Parameter = .path("organisation", OrganisationSchema.id, "The organisation's id.")

    private static let show: Operation = Operation(
        .get, path, id: "showOrganisationSettings", tag: .organisations, summary: "Show an organisation's settings.",
        access: .permission(.organisationRead), parameters: [parameter], responses: [.ok(.component(component))]
    ) { call in
        .json(try await settings(call))
    }

    private static let change: Operation = Operation(
        .patch, path, id: "changeOrganisationSettings", tag: .organisations,
        summary: "Change an organisation's settings.",
        description: "For campaigns that are frozen from now on; a plan keeps what it was frozen with.",
        access: .permission(.organisationManage), parameters: [parameter],
        body: .mergePatch(
            .object([
                .optional("approvalsRequired", .integer(0...16), "How many people must approve a plan."),
                .optional("readsChangelogs", .boolean, "Whether hosts read the changelogs of what they are offered."),
            ])),
        responses: [.ok(.component(component), "They are changed.")], traits: [.conditional]
    ) { call in
        let desk = call.campaigns
        let present = try await settings(call)
        try call.requireMatch(present)
        if let wanted = call.body["approvalsRequired"]?.integer, wanted != present["approvalsRequired"]?.integer {
            try await desk.engine.setApprovalsRequired(
                organisation: call.organisation, wanted, by: desk.rolloutActor)
        }
        if let wanted = call.body["readsChangelogs"]?.bool, wanted != present["readsChangelogs"]?.bool {
            try await call.state.store.write { sql in
                try sql.settings.setReadsChangelogs(wanted, organisation: call.organisation, now: call.now)
                try sql.audit.append(
                    organisation: call.organisation, actor: call.caller.principal.id,
                    action: "organisation.changelogs-changed", subject: "organisation:\(call.organisation)",
                    detail: ["read": .bool(wanted)], now: call.now)
            }
        }
        return .json(try await settings(call))
    }

    private static func settings(_ call: Call) async throws -> JSONValue {
        let approvals = try await call.campaigns.engine.approvalsRequired(organisation: call.organisation)
        let reads = try await call.state.store.read {
            try $0.settings.readsChangelogs(organisation: call.organisation)
        }
        return ["approvalsRequired": .integer(approvals), "readsChangelogs": .bool(reads)]
    }
}
