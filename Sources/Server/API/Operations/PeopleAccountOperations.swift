import Access
import HTTPTypes
import JSON
import Store

/// What everybody does for themselves: come in and leave, passwords, second factor, sessions, API tokens.
enum PeopleAccountOperations {
    static let all: [Operation] = [
        logIn, logOut, sessions, endSession, endOtherSessions, changePassword, proposeSecondFactor,
        confirmSecondFactor, removeSecondFactor, tokens, createToken, revokeToken,
    ]

    private static let signedIn: Schema = .object([
        .required("user", .text(1...64), "The name that they log in with."),
        .required("needsPassword", .boolean, "Whether they are to set a password first."),
        .required("csrf", .text(1...200), "For X-CSRF-Token; the cookie has changed with it."),
    ])

    private static func json(_ signedIn: SignedIn, more: [String: JSONValue] = [:]) -> JSONValue {
        .object(
            more.merging([
                "user": .string(signedIn.user.name), "needsPassword": .bool(signedIn.user.needsPassword),
                "csrf": .string(signedIn.csrf),
            ]) { $1 })
    }

    private static func answer(
        _ signedIn: SignedIn, _ status: HTTPResponse.Status = .ok, more: [String: JSONValue] = [:]
    ) -> Answer {
        var headers: HTTPFields = [:]
        for cookie in signedIn.setCookies { headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return Answer(status: status, content: .json(json(signedIn, more: more)), headers: headers)
    }

    private static let password: Schema = .text(0...1024)

    private static let logIn: Operation = Operation(
        .post, "/api/v1/session", id: "logIn", tag: .people, summary: "Log in with name and password.",
        description: """
            Answers with the session's cookie. Wrong name, password and code are not told apart; failures delay further \
            attempts. Programs use API tokens instead.
            """,
        access: .open, about: .installation,
        body: BodyDeclaration(
            .object([
                .required("name", .anyText), .required("password", .anyText),
                .optional("code", .text(0...64), "Of the second factor, or a recovery code."),
            ])),
        responses: [
            ResponseDeclaration(.created, "They are in.", signedIn),
            .problem(.unauthorized, "They do not fit together, or the code is missing (kind `code-required`)."),
        ]
    ) { call in
        let outcome = try await call.people.login(
            name: call.body["name"]?.string ?? "", password: call.body["password"]?.string ?? "",
            code: call.body["code"]?.string, call.visit)
        switch outcome {
        case .signedIn(let signedIn): return answer(signedIn, .created)
        case .secondFactor: throw Refusal(.codeRequired)
        case .refused: throw Refusal(.loginRefused)
        case .slowDown(let seconds): throw Refusal(.slowDown(seconds), retryAfter: seconds)
        case .busy: throw Refusal(.passwordsBusy, retryAfter: flattened(5))
        }
    }

    private static let logOut: Operation = Operation(
        .delete, "/api/v1/session", id: "logOut", tag: .people, summary: "End this session.", access: .signedIn,
        about: .installation, responses: [ResponseDeclaration(.noContent, "It has ended.")]
    ) { call in
        Answer(status: .noContent, headers: [.setCookie: try await call.people.logout(call.caller)])
    }

    private static let sessions: Operation = Operation(
        .get, "/api/v1/sessions", id: "listSessions", tag: .people, summary: "List your sessions.",
        access: .signedIn, about: .installation,
        responses: [
            .ok(.list(of: .component(PeopleSchema.session)), "The one used last first."),
            .problem(.forbidden, "The token is limited to scopes (kind `person-required`)."),
        ]
    ) { call in
        var current: String?
        if case .session(let id, _) = call.caller.credential { current = id }
        let sessions = try await call.people.sessions(of: call.caller)
        return .json(["items": .array(sessions.map { PeopleSchema.json($0, isCurrent: $0.id == current) })])
    }

    private static let endSession: Operation = Operation(
        .delete, "/api/v1/sessions/{session}", id: "endSession", tag: .people, summary: "End one of your sessions.",
        access: .signedIn, about: .installation,
        parameters: [.path("session", PeopleSchema.id, "The session's id.")],
        responses: [ResponseDeclaration(.noContent, "It has ended.")]
    ) { call in
        try await call.people.endSession(try call.path("session"), by: call.caller)
        return .noContent
    }

    private static let endOtherSessions: Operation = Operation(
        .delete, "/api/v1/sessions", id: "endOtherSessions", tag: .people,
        summary: "End all your sessions but this one.", access: .signedIn, about: .installation,
        responses: [ResponseDeclaration(.noContent, "They have ended.")]
    ) { call in
        try await call.people.endSession(nil, by: call.caller)
        return .noContent
    }

    private static let changePassword: Operation = Operation(
        .put, "/api/v1/me/password", id: "changePassword", tag: .people, summary: "Change your password.",
        description: "Ends your other sessions and gives this one a new cookie. Needs a session, not an API token.",
        access: .signedIn, about: .installation,
        body: BodyDeclaration(
            .object([
                .optional("current", password, "The password until now, where there is one."),
                .required("password", password, "The new one: 12 to 128 characters of any kind."),
            ])),
        responses: [
            .ok(signedIn, "It is changed."),
            .problem(.unprocessableContent, "The current one is wrong, or the new one cannot be used."),
        ]
    ) { call in
        answer(
            try await call.people.changePassword(
                current: call.body["current"]?.string, new: call.body["password"]?.string ?? "", by: call.caller))
    }

    private static let proposeSecondFactor: Operation = Operation(
        .post, "/api/v1/me/second-factor", id: "proposeSecondFactor", tag: .people,
        summary: "Begin to set up a second factor.", description: "It counts once a code of it was given (PUT).",
        access: .signedIn, about: .installation, body: BodyDeclaration(.object([.required("password", password)])),
        responses: [
            ResponseDeclaration(
                .created, "The secret.",
                .object([
                    .required("secret", .text(1...200), "For typing into an app: base 32."),
                    .required("address", .text(1...1024), "For a QR code: otpauth://…"),
                ])),
            .problem(.conflict, "It is on already."), .problem(.unprocessableContent, "The password is wrong."),
        ]
    ) { call in
        let proposal = try await call.people.proposeSecondFactor(
            password: call.body["password"]?.string ?? "", by: call.caller)
        return Answer(
            status: .created,
            content: .json(["secret": .string(proposal.secret), "address": .string(proposal.address)]))
    }

    private static let confirmSecondFactor: Operation = Operation(
        .put, "/api/v1/me/second-factor", id: "confirmSecondFactor", tag: .people,
        summary: "Turn the second factor on with a code of it.", access: .signedIn, about: .installation,
        body: BodyDeclaration(.object([.required("code", .text(1...64))])),
        responses: [
            .ok(
                .object([
                    .required("user", .text(1...64)), .required("needsPassword", .boolean),
                    .required("csrf", .text(1...200)),
                    .required(
                        "recoveryCodes", .array(.text(1...64), count: 0...20), "Each works once; told this once."),
                ]), "It is on."),
            .problem(.conflict, "Nothing was begun."), .problem(.unprocessableContent, "The code is wrong."),
        ]
    ) { call in
        let (codes, signedIn) = try await call.people.confirmSecondFactor(
            code: call.body["code"]?.string ?? "", by: call.caller)
        return answer(signedIn, more: ["recoveryCodes": .array(codes.map { .string($0) })])
    }

    private static let removeSecondFactor: Operation = Operation(
        .post, "/api/v1/me/second-factor/removal", id: "removeSecondFactor", tag: .people,
        summary: "Turn your second factor off.", access: .signedIn, about: .installation,
        body: BodyDeclaration(
            .object([
                .required("password", password), .required("code", .text(1...64), "A code of it, or a recovery code."),
            ])),
        responses: [.ok(signedIn, "It is off."), .problem(.unprocessableContent, "Password or code is wrong.")]
    ) { call in
        answer(
            try await call.people.removeSecondFactor(
                password: call.body["password"]?.string ?? "", code: call.body["code"]?.string ?? "", by: call.caller))
    }

    private static let tokens: Operation = Operation(
        .get, "/api/v1/api-tokens", id: "listAPITokens", tag: .people, summary: "List your API tokens.",
        access: .signedIn, about: .installation,
        responses: [
            .ok(.list(of: .component(PeopleSchema.token)), "The newest first."),
            .problem(.forbidden, "The token is limited to scopes (kind `person-required`)."),
        ]
    ) { call in
        let tokens = try await call.people.tokens(of: call.caller)
        return .json(["items": .array(tokens.map(PeopleSchema.json))])
    }

    private static let createToken: Operation = Operation(
        .post, "/api/v1/api-tokens", id: "createAPIToken", tag: .people, summary: "Make an API token.",
        description: """
            It never does more than you may do at the time of its use. Made with a token, it has no more scopes than that \
            one, lives no longer and is revoked with it.
            """,
        access: .signedIn, about: .installation,
        body: BodyDeclaration(
            .object([
                .required("name", .text(1...64), "What it is for."),
                .optional(
                    "scopes", .nullable(.array(.oneOf(Permission.self), count: 1...100)),
                    "What it is limited to; null or absent: to nothing but your roles."),
                .optional("days", .integer(1...People.maximumTokenDays), "How long it lives; 90 by default."),
            ])),
        responses: [
            ResponseDeclaration(.created, "The token.", .component(PeopleSchema.newToken)),
            .problem(.conflict, "There are too many."), .problem(.unprocessableContent, "A field cannot be used."),
        ]
    ) { call in
        let scopes = call.body["scopes"]?.array.map {
            Set($0.compactMap { $0.string.flatMap(Permission.init(rawValue:)) })
        }
        let token = try await call.people.makeToken(
            name: call.body["name"]?.string ?? "", scopes: scopes,
            days: call.body["days"]?.integer ?? People.standardTokenDays, by: call.caller)
        return Answer(status: .created, content: .json(PeopleSchema.json(token)))
    }

    private static let revokeToken: Operation = Operation(
        .delete, "/api/v1/api-tokens/{token}", id: "revokeAPIToken", tag: .people,
        summary: "Revoke one of your API tokens.",
        description:
            "With all that were made with it, unless it revokes itself. A token limited to scopes revokes itself only.",
        access: .signedIn, about: .installation,
        parameters: [.path("token", PeopleSchema.id, "The token's id.")],
        responses: [ResponseDeclaration(.noContent, "It lets nobody in any more.")]
    ) { call in
        try await call.people.revokeToken(try call.path("token"), by: call.caller)
        return .noContent
    }
}
