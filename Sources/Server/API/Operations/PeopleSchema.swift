import Access
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// How people, their grants and what they come in with look in the document.
enum PeopleSchema {
    /// An id of a user, grant or session.
    static let id: Schema = .matching("^[a-z0-9-]+$", 1...64)

    static let grant = Schema.Component("Grant", .object([.required("id", id)] + grantFields))

    /// A grant as it is asked for.
    static let newGrant = Schema.Component(
        "NewGrant",
        .object([
            .required("role", .oneOf(Role.self)),
            .optional(
                "organisation", .nullable(OrganisationSchema.id),
                "Null or absent: in every one, and in the installation."),
            .optional(
                "selector", .text(0...LabelSelector.maximumBytes), "On which hosts: `site=berlin,tier in (web,api)`."),
        ]))

    private static let grantFields: [Schema.Property] = [
        .required("role", .oneOf(Role.self)),
        .required("organisation", .nullable(OrganisationSchema.id), "Null: in every one, and in the installation."),
        .required("selector", .text(0...LabelSelector.maximumBytes), "On which hosts; empty: on all."),
        .required("created", .time),
        .required("createdBy", .text(0...200), "Who gave it, as the audit log names them."),
    ]

    static let user = Schema.Component(
        "User",
        .object([
            .required("id", id), .required("name", .text(1...64), "What they log in with."),
            .required("displayName", .text(0...128)), .required("email", .text(0...254)),
            .required("disabled", .boolean, "Whether somebody shut them out."),
            .required("hasPassword", .boolean, "Whether they have set a password yet."),
            .required("hasSecondFactor", .boolean), .required("created", .time),
            .required("lastLogin", .nullable(.time)),
            .required("grants", .array(.component(grant), count: 0...1000), "Those of their roles that you may see."),
            .required("mayChange", .boolean, "Whether you have every right that they have."),
        ]))

    static let session = Schema.Component(
        "Session",
        .object([
            .required("id", id), .required("created", .time), .required("seen", .time, "To the minute."),
            .required("expires", .time), .required("address", .text(0...200)), .required("agent", .text(0...200)),
            .required("method", .oneOf(["password", "link"])),
            .required("current", .boolean, "Whether it is the one that asks."),
        ]))

    static let token = Schema.Component("APIToken", .object(tokenFields))

    static let newToken = Schema.Component(
        "NewAPIToken", .object(tokenFields + [.required("token", .text(1...200), "The token; told this once.")]))

    private static let tokenFields: [Schema.Property] = [
        .required("id", id), .required("name", .text(0...128), "What it is for."),
        .required("scopes", .nullable(.array(.oneOf(Permission.self), count: 0...100)), "Null: whatever you may do."),
        .required("created", .time), .required("expires", .time),
        .required("lastUsed", .nullable(.time), "To the minute."), .required("revoked", .nullable(.time)),
    ]

    static let link = Schema.Component(
        "LoginLink",
        .object([
            .required("url", .text(1...1024), "Works once."), .required("user", .text(1...64)),
            .required("expires", .time),
        ]))

    static func json(_ record: GrantRecord) -> JSONValue {
        [
            "id": .string(record.id), "role": .string(record.grant.role.rawValue),
            "organisation": record.grant.organisation.map { .string($0) } ?? .null,
            "selector": .string(record.grant.selector.description), "created": .string(record.createdAt.description),
            "createdBy": .string(record.createdBy),
        ]
    }

    static func json(_ user: VisibleUser) -> JSONValue {
        let record = user.record
        return [
            "id": .string(record.id), "name": .string(record.name), "displayName": .string(record.displayName),
            "email": .string(record.email), "disabled": .bool(record.disabledAt != nil),
            "hasPassword": .bool(record.password != nil), "hasSecondFactor": .bool(record.totpSecret != nil),
            "created": .string(record.createdAt.description),
            "lastLogin": record.lastLoginAt.map { .string($0.description) } ?? .null,
            "grants": .array(user.grants.map(json)), "mayChange": .bool(user.mayChange),
        ]
    }

    static func json(_ session: SessionRecord, isCurrent: Bool) -> JSONValue {
        [
            "id": .string(session.id), "created": .string(session.createdAt.description),
            "seen": .string(session.seenAt.description), "expires": .string(session.expiresAt.description),
            "address": .string(session.address), "agent": .string(session.agent),
            "method": .string(session.method.rawValue), "current": .bool(isCurrent),
        ]
    }

    static func json(_ token: APITokenRecord) -> JSONValue { .object(fields(token)) }

    static func json(_ new: NewAPIToken) -> JSONValue {
        .object(fields(new.record).merging(["token": .string(new.text)]) { $1 })
    }

    private static func fields(_ token: APITokenRecord) -> [String: JSONValue] {
        [
            "id": .string(token.id), "name": .string(token.name),
            "scopes": token.scopes.map { .array($0.sorted().map { .string($0.rawValue) }) } ?? .null,
            "created": .string(token.createdAt.description), "expires": .string(token.expiresAt.description),
            "lastUsed": token.lastUsedAt.map { .string($0.description) } ?? .null,
            "revoked": token.revokedAt.map { .string($0.description) } ?? .null,
        ]
    }

    static func json(_ link: LoginLink) -> JSONValue {
        ["url": .string(link.url), "user": .string(link.user.name), "expires": .string(link.expiresAt.description)]
    }

    /// Reads a grant as it is asked for.
    static func grant(_ value: JSONValue?, at pointer: String) throws -> Grant {
        guard let role = value?["role"]?.string.flatMap(Role.init(rawValue:)) else { throw Refusal(.internalError) }
        let selector: LabelSelector
        do {
            selector = try LabelSelector(value?["selector"]?.string ?? "")
        } catch {
            throw Refusal(
                .unprocessable([
                    .init(
                        pointer: pointer + "/selector", detail: error.description,
                        cure: "Write for example site=berlin,tier in (web,api).")
                ]))
        }
        return Grant(role, organisation: value?["organisation"]?.string, selector: selector)
    }

    static let userParameter: Parameter = .path("user", id, "The user's id.")
}

extension Call {
    /// The request as a login sees it.
    var visit: Visit { Visit(headers: headers, address: caller.address) }

    var people: People { state.people }
}
