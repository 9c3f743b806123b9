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
            )
        ]))

    private static let path: PathTemplate = "/api/v1/organisations/{organisation}/settings"
    private static let parameter: Parameter = .path("organisation", OrganisationSchema.id, "The organisation's id.")

    private static let show: Operation = Operation(
        .get, path, id: "showOrganisationSettings", tag: .organisations, summary: "Show an organisation's settings.",
        access: .permission(.organisationRead), parameters: [parameter], responses: [.ok(.component(component))]
    ) { call in
        .json(json(try await call.campaigns.engine.approvalsRequired(organisation: call.organisation)))
    }

    private static let change: Operation = Operation(
        .patch, path, id: "changeOrganisationSettings", tag: .organisations,
        summary: "Change an organisation's settings.",
        description: "For campaigns that are frozen from now on; a plan keeps what it was frozen with.",
        access: .permission(.organisationManage), parameters: [parameter],
        body: .mergePatch(
            .object([.optional("approvalsRequired", .integer(0...16), "How many people must approve a plan.")])),
        responses: [.ok(.component(component), "They are changed.")], traits: [.conditional]
    ) { call in
        let desk = call.campaigns
        let present = try await desk.engine.approvalsRequired(organisation: call.organisation)
        try call.requireMatch(json(present))
        guard let wanted = call.body["approvalsRequired"]?.integer, wanted != present else {
            return .json(json(present))
        }
        try await desk.engine.setApprovalsRequired(organisation: call.organisation, wanted, by: desk.rolloutActor)
        return .json(json(wanted))
    }

    private static func json(_ approvals: Int64) -> JSONValue { ["approvalsRequired": .integer(approvals)] }
}
