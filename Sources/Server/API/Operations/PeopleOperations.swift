import Access
import HTTPTypes
import JSON
import Store

/// People and their roles.
enum PeopleOperations {
    static let all: [Operation] = [
        list, create, show, change, remove, addGrant, removeGrant, tokens, revokeToken, makeLink, endSessions,
        resetSecondFactor, operatorLink,
    ]

    private static let list: Operation = Operation(
        .get, "/api/v1/users", id: "listUsers", tag: .people,
        summary: "List the people that you may see.",
        description: "Of the organisation that is asked about; without one, whoever may see everybody sees everybody.",
        access: .permission(.peopleRead),
        responses: [.ok(.page(of: .component(PeopleSchema.user)), "People by name.")], traits: [.paginated]
    ) { call in
        let everybody = call.text("organisation") == nil && call.caller.principal.may(.peopleRead, organisation: nil)
        let users = try await call.people.users(
            organisation: everybody ? nil : call.organisation, after: call.cursor?.string ?? "", limit: call.limit + 1,
            by: call.caller)
        let page = users.prefix(call.limit)
        return .page(
            page.map(PeopleSchema.json),
            next: users.count > page.count ? page.last.map { .string($0.record.name) } : nil)
    }

    private static let create: Operation = Operation(
        .post, "/api/v1/users", id: "createUser", tag: .people, summary: "Make a user.",
        description: """
            They come in by a login link first, and set a password then. Who is not admin of the installation makes \
            people of an organisation, named somebody@organisation.
            """,
        access: .permission(.peopleWrite),
        body: BodyDeclaration(
            .object([
                .required("name", .text(1...64), "What they log in with: small letters, digits and . _ - @."),
                .optional("displayName", .text(0...128)), .optional("email", .text(0...254)),
                .optional("grants", .array(.component(PeopleSchema.newGrant), count: 0...100), "Their roles."),
            ])),
        responses: [
            .created(.component(PeopleSchema.user), "They are made."),
            .problem(.conflict, "Somebody logs in with that name."),
            .problem(.unprocessableContent, "A field cannot be used, as `pointer` says."),
        ]
    ) { call in
        let grants = try (call.body["grants"]?.array ?? []).enumerated().map {
            try PeopleSchema.grant($1, at: "/grants/\($0)")
        }
        let user = try await call.people.createUser(
            name: call.body["name"]?.string ?? "", displayName: call.body["displayName"]?.string ?? "",
            email: call.body["email"]?.string ?? "", grants: grants, by: call.caller)
        return .created(PeopleSchema.json(user), at: "/api/v1/users/\(user.record.id)")
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/users/{user}", id: "showUser", tag: .people, summary: "Show a user.",
        access: .permission(.peopleRead), parameters: [PeopleSchema.userParameter],
        responses: [.ok(.component(PeopleSchema.user))]
    ) { call in
        .json(PeopleSchema.json(try await call.people.user(try call.path("user"), by: call.caller)))
    }

    private static let change: Operation = Operation(
        .patch, "/api/v1/users/{user}", id: "changeUser", tag: .people,
        summary: "Change what a user is called, or shut them out.",
        description: "Shutting somebody out ends their sessions, and their API tokens let nobody in.",
        access: .permission(.peopleWrite), parameters: [PeopleSchema.userParameter],
        body: .mergePatch(
            .object([
                .optional("displayName", .text(0...128)), .optional("email", .text(0...254)),
                .optional("disabled", .boolean),
            ])),
        responses: [
            .ok(.component(PeopleSchema.user), "They are changed."),
            .problem(.conflict, "The last admin of the installation stays."),
            .problem(.unprocessableContent, "A field cannot be used, as `pointer` says."),
        ], traits: [.conditional]
    ) { call in
        let user = try await call.people.updateUser(
            try call.path("user"), displayName: call.body["displayName"]?.string, email: call.body["email"]?.string,
            disabled: call.body["disabled"]?.bool, by: call.caller
        ) { seen in try call.requireMatch(PeopleSchema.json(seen)) }
        return .json(PeopleSchema.json(user))
    }

    private static let remove: Operation = Operation(
        .delete, "/api/v1/users/{user}", id: "removeUser", tag: .people,
        summary: "Remove a user with their sessions and API tokens.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter],
        responses: [
            ResponseDeclaration(.noContent, "They are gone."),
            .problem(.conflict, "The last admin of the installation stays."),
        ]
    ) { call in
        try await call.people.removeUser(try call.path("user"), by: call.caller)
        return .noContent
    }

    private static let addGrant: Operation = Operation(
        .post, "/api/v1/users/{user}/grants", id: "addGrant", tag: .people, summary: "Give somebody a role.",
        description: "Nobody gives more than they have.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter], body: BodyDeclaration(.component(PeopleSchema.newGrant)),
        responses: [
            ResponseDeclaration(.created, "They have it.", .component(PeopleSchema.grant)),
            .problem(.conflict, "They have it already."),
        ]
    ) { call in
        let record = try await call.people.addGrant(
            try PeopleSchema.grant(call.body, at: ""), to: try call.path("user"), by: call.caller)
        return Answer(status: .created, content: .json(PeopleSchema.json(record)))
    }

    private static let removeGrant: Operation = Operation(
        .delete, "/api/v1/users/{user}/grants/{grant}", id: "removeGrant", tag: .people,
        summary: "Take a role away.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter, .path("grant", PeopleSchema.id, "The grant's id.")],
        responses: [
            ResponseDeclaration(.noContent, "It is gone."),
            .problem(.conflict, "The last admin of the installation stays."),
        ]
    ) { call in
        try await call.people.removeGrant(try call.path("grant"), of: try call.path("user"), by: call.caller)
        return .noContent
    }

    private static let tokens: Operation = Operation(
        .get, "/api/v1/users/{user}/api-tokens", id: "listUserAPITokens", tag: .people,
        summary: "List somebody's API tokens.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter],
        responses: [.ok(.list(of: .component(PeopleSchema.token)), "The newest first.")]
    ) { call in
        let tokens = try await call.people.tokens(of: try call.path("user"), by: call.caller)
        return .json(["items": .array(tokens.map(PeopleSchema.json))])
    }

    private static let revokeToken: Operation = Operation(
        .delete, "/api/v1/users/{user}/api-tokens/{token}", id: "revokeUserAPIToken", tag: .people,
        summary: "Revoke somebody's API token.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter, .path("token", PeopleSchema.id, "The token's id.")],
        responses: [ResponseDeclaration(.noContent, "It lets nobody in any more.")]
    ) { call in
        try await call.people.revokeToken(try call.path("token"), ofOther: try call.path("user"), by: call.caller)
        return .noContent
    }

    private static let makeLink: Operation = Operation(
        .post, "/api/v1/users/{user}/login-links", id: "createUserLoginLink", tag: .people,
        summary: "Make a one-time link that logs somebody in.",
        description: """
            For a first login or a forgotten password; a second factor is still asked for. An API token makes links only \
            for others who have no password yet.
            """,
        access: .permission(.peopleWrite), parameters: [PeopleSchema.userParameter],
        body: BodyDeclaration(
            .object([.optional("seconds", .integer(60...86_400), "How long it works; 600 by default.")]),
            isRequired: false),
        responses: [ResponseDeclaration(.created, "The link.", .component(PeopleSchema.link))]
    ) { call in
        let link = try await call.people.link(
            for: try call.path("user"), seconds: call.body["seconds"]?.integer ?? People.linkTime,
            base: call.state.webAddress, by: call.caller)
        return Answer(status: .created, content: .json(PeopleSchema.json(link)))
    }

    private static let endSessions: Operation = Operation(
        .delete, "/api/v1/users/{user}/sessions", id: "endUserSessions", tag: .people,
        summary: "End all of somebody's sessions.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter], responses: [ResponseDeclaration(.noContent, "They have ended.")]
    ) { call in
        try await call.people.endSessions(of: try call.path("user"), by: call.caller)
        return .noContent
    }

    private static let resetSecondFactor: Operation = Operation(
        .delete, "/api/v1/users/{user}/second-factor", id: "resetUserSecondFactor", tag: .people,
        summary: "Turn somebody's second factor off, and end their sessions.", access: .permission(.peopleWrite),
        parameters: [PeopleSchema.userParameter], responses: [ResponseDeclaration(.noContent, "It is off.")]
    ) { call in
        try await call.people.resetSecondFactor(of: try call.path("user"), by: call.caller)
        return .noContent
    }

    private static let operatorLink: Operation = Operation(
        .post, "/api/v1/login-links", id: "createLoginLink", tag: .people,
        summary: "Make a one-time link on the server's own socket.",
        description: """
            For whoever may open the socket, and nobody else. Without a name it is for the first admin; where there is \
            none, the user `admin` is made. It stands in for the second factor too.
            """,
        access: .signedIn, about: .installation,
        body: BodyDeclaration(
            .object([.optional("user", .text(1...64), "The name that they log in with.")]), isRequired: false),
        responses: [
            ResponseDeclaration(.created, "The link.", .component(PeopleSchema.link)),
            .problem(.notFound, "There is no such user."),
        ]
    ) { call in
        let link = try await call.people.operatorLink(
            userName: call.body["user"]?.string, base: call.state.webAddress, by: call.caller)
        return Answer(status: .created, content: .json(PeopleSchema.json(link)))
    }
}
