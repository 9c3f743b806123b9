import Access
import HTTPTypes
import JSON

/// What the API says of itself and of whoever asks.
enum DescriptionOperations {
    static let all: [Operation] = [document, me]

    private static let document: Operation = Operation(
        .get, "/api/v1/openapi.json", id: "describeAPI", tag: .description,
        summary: "This document.", description: "It is made of the table that the server runs.", access: .open,
        about: .installation,
        responses: [
            .ok(
                .described(
                    .map(.anything, maximum: 20), "An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1)."))
        ]
    ) { call in
        .json(OpenAPIDocument.shared)
    }

    private static let me: Operation = Operation(
        .get, "/api/v1/me", id: "showMe", tag: .description, summary: "Say who you are and what you may do.",
        access: .signedIn, about: .installation,
        responses: [
            .ok(
                .object([
                    .required("principal", .text(1...200), "Who you are in the audit log."),
                    .required("credential", .oneOf(["socket", "session", "apiToken"]), "What you are signed in with."),
                    .required(
                        "user",
                        .nullable(
                            .object([
                                .required("id", .text(1...200)), .required("name", .text(1...200)),
                                .required("displayName", .text(0...200)),
                            ])), "The person; null for the server's own socket."),
                    .required(
                        "grants",
                        .array(
                            .object([
                                .required("role", .text(1...64)),
                                .required("organisation", .nullable(OrganisationSchema.id), "Null: in every one."),
                                .required("selector", .text(0...2048), "On which hosts; empty: on all."),
                            ])), "Your roles, and where."),
                    .required(
                        "scopes", .nullable(.array(.text(1...64))), "What the token is limited to; null: to nothing."),
                    .optional("csrf", .text(1...200), "The session's CSRF token, for X-CSRF-Token."),
                ]))
        ]
    ) { call in
        let principal = call.caller.principal
        var credential = "apiToken"
        var fields: [String: JSONValue] = [
            "principal": .string(principal.id),
            "user": call.caller.user.map {
                ["id": .string($0.id), "name": .string($0.name), "displayName": .string($0.displayName)]
            } ?? .null,
            "grants": .array(
                principal.grants.map { grant in
                    [
                        "role": .string(grant.role.rawValue),
                        "organisation": grant.organisation.map { .string($0) } ?? .null,
                        "selector": .string(grant.selector.description),
                    ]
                }),
            "scopes": principal.scopes.map { .array($0.sorted().map { .string($0.rawValue) }) } ?? .null,
        ]
        switch call.caller.credential {
        case .socket: credential = "socket"
        case .session(_, let csrf):
            credential = "session"
            fields["csrf"] = .string(csrf)
        case .apiToken: break
        }
        fields["credential"] = .string(credential)
        return .json(.object(fields))
    }
}
