import Access
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// How organisations look in the document.
enum OrganisationSchema {
    /// An organisation's id.
    static let id: Schema = .matching("^[a-z0-9-]+$", 1...63)

    static let component = Schema.Component(
        "Organisation",
        .object([
            .required("id", id, "Chosen when it was made; never changes."),
            .required("name", .text(0...200), "What people call it."),
            .required("created", .time),
        ]))

    static func json(_ organisation: Organisation) -> JSONValue {
        [
            "id": .string(organisation.id), "name": .string(organisation.name),
            "created": .string(organisation.createdAt.description),
        ]
    }
}

/// The organisations of the installation.
enum OrganisationOperations {
    static let all: [Operation] = [list, show, create, rename]

    private static let list: Operation = Operation(
        .get, "/api/v1/organisations", id: "listOrganisations", tag: .organisations,
        summary: "List the organisations that you may see.", access: .signedIn, about: .installation,
        responses: [.ok(.page(of: .component(OrganisationSchema.component)), "Organisations by id.")],
        traits: [.paginated]
    ) { call in
        let known = try await call.state.store.read { try $0.organisations.list() }.filter {
            call.caller.principal.may(.organisationRead, organisation: $0.id)
        }
        let after = call.cursor?.string ?? ""
        let rest = known.filter { $0.id > after }
        let page = rest.prefix(call.limit)
        return .page(
            page.map(OrganisationSchema.json), next: rest.count > page.count ? page.last.map { .string($0.id) } : nil)
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/organisations/{organisation}", id: "showOrganisation", tag: .organisations,
        summary: "Show an organisation.", access: .permission(.organisationRead),
        parameters: [.path("organisation", OrganisationSchema.id, "The organisation's id.")],
        responses: [.ok(.component(OrganisationSchema.component))]
    ) { call in
        .json(try await call.state.store.read { OrganisationSchema.json(try $0.organisations.find(call.organisation)) })
    }

    private static let create: Operation = Operation(
        .post, "/api/v1/organisations", id: "createOrganisation", tag: .organisations, summary: "Make an organisation.",
        access: .permission(.organisationWrite), about: .installation,
        body: BodyDeclaration(
            .object([
                .required("id", OrganisationSchema.id, "Its id: small letters, digits and hyphens; never changes."),
                .optional("name", .text(1...200), "What people call it; by default its id."),
            ])),
        responses: [
            .created(.component(OrganisationSchema.component), "It is made."),
            .problem(.conflict, "There is one of that id."),
        ]
    ) { call in
        let id = call.body["id"]?.string ?? ""
        let organisation = Organisation(id: id, name: call.body["name"]?.string ?? id, createdAt: call.now)
        try await call.state.store.write { transaction in
            guard try transaction.organisations.create(organisation) else {
                throw Refusal(
                    .init(
                        "exists", title: "The organisation exists", status: 409,
                        detail: "There is one named \"\(id)\".",
                        cure: "Choose another id.", pointer: "/id"))
            }
            try transaction.audit.append(
                organisation: id, actor: call.caller.principal.id, action: "organisation.created",
                subject: "organisation:\(id)", now: call.now)
        }
        return .created(OrganisationSchema.json(organisation), at: "/api/v1/organisations/\(id)")
    }

    private static let rename: Operation = Operation(
        .patch, "/api/v1/organisations/{organisation}", id: "changeOrganisation", tag: .organisations,
        summary: "Change an organisation's name.", access: .permission(.organisationWrite),
        parameters: [.path("organisation", OrganisationSchema.id, "The organisation's id.")],
        body: .mergePatch(.object([.optional("name", .text(1...200), "What people call it.")])),
        responses: [.ok(.component(OrganisationSchema.component), "It is changed.")], traits: [.conditional]
    ) { call in
        let name = call.body["name"]?.string
        return .json(
            try await call.state.store.write { transaction in
                var organisation = try transaction.organisations.find(call.organisation)
                try call.requireMatch(OrganisationSchema.json(organisation))
                guard let name, name != organisation.name else { return OrganisationSchema.json(organisation) }
                organisation.name = name
                try transaction.organisations.rename(organisation.id, name)
                try transaction.audit.append(
                    organisation: organisation.id, actor: call.caller.principal.id, action: "organisation.changed",
                    subject: "organisation:\(organisation.id)", detail: ["name": .string(name)], now: call.now)
                return OrganisationSchema.json(organisation)
            })
    }
}

extension Organisations {
    /// The organisation, which the router has found to exist.
    fileprivate func find(_ id: String) throws -> Organisation {
        guard let found = try show(id) else { throw Refusal(.missing("organisation", id)) }
        return found
    }
}
