import Access
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// The tokens that let hosts in.
enum EnrolmentTokenOperations {
    static let all: [Operation] = [list, create, show, revoke]

    private static let tokenParameter: Parameter = .path("token", .text(1...64), "The token's id.")

    private static let list: Operation = Operation(
        .get, "/api/v1/enrolment-tokens", id: "listEnrolmentTokens", tag: .enrolment,
        summary: "List enrolment tokens, the newest first; their secrets are not kept.",
        access: .permission(.enrolmentRead), responses: [.ok(.page(of: .component(EnrolmentTokenSchema.component)))],
        traits: [.paginated]
    ) { call in
        let tokens = try await call.state.store.read { try $0.tokens.list(organisation: call.organisation) }
        // By time and id, as the store sorts them; a token made meanwhile shifts nothing.
        let rest = tokens.drop { token in
            guard let time = call.cursor?[0]?.integer, let id = call.cursor?[1]?.string else { return false }
            return (-token.createdAt.milliseconds, token.id) <= (-time, id)
        }
        let page = rest.prefix(call.limit)
        return .page(
            page.map { EnrolmentTokenSchema.json($0, call.now) },
            next: rest.count > page.count
                ? page.last.map { [.integer($0.createdAt.milliseconds), .string($0.id)] } : nil)
    }

    private static let create: Operation = Operation(
        .post, "/api/v1/enrolment-tokens", id: "createEnrolmentToken", tag: .enrolment,
        summary: "Make an enrolment token.", description: "The answer has its text, this once only.",
        access: .permission(.enrolmentWrite),
        body: BodyDeclaration(
            .object([
                .optional("uses", .integer(1...1_000_000), "How many hosts may enrol with it; 1 by default."),
                .optional(
                    "expiresIn", .integer(1...31_536_000), "Seconds for which it is good; a day by default."),
                .optional("note", .text(0...256), "What it is for."),
                .optional("labels", EnrolmentTokenSchema.labels, "The labels that its hosts are born with."),
                .optional(
                    "address", .matching(#"^[^\u0000-\u0020\u007F]+:[0-9]{1,5}$"#, 3...300),
                    "HOST:PORT of the enrolment listener as hosts reach it; by default the server's own first name."),
            ]), isRequired: false),
        responses: [
            .created(.component(EnrolmentTokenSchema.made), "It is made.")
        ]
    ) { call in
        let address = call.body["address"]?.string ?? call.state.enrolmentAddress.description
        guard ListenAddress(address) != nil else {
            throw Refusal(
                .unprocessable([
                    .init(
                        pointer: "/address", detail: "\"\(address)\" is not HOST:PORT.",
                        cure: "Send for example fettle.example.org:8444.")
                ]))
        }
        let labels = (call.body["labels"]?.object ?? [:]).compactMapValues(\.string)
        guard call.reach.includes(labels) else {
            throw Refusal(.forbidden("Hosts with these labels would be out of your own reach."))
        }
        let made = try await call.state.makeToken(
            organisation: call.organisation, uses: call.body["uses"]?.integer ?? 1,
            expiresIn: call.body["expiresIn"]?.integer ?? 86_400, note: call.body["note"]?.string ?? "",
            labels: labels, address: address, actor: call.caller.principal.id)
        var fields = EnrolmentTokenSchema.json(made.record, call.now).object ?? [:]
        fields["token"] = .string(made.text)
        return .created(.object(fields), at: "/api/v1/enrolment-tokens/\(made.record.id)")
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/enrolment-tokens/{token}", id: "showEnrolmentToken", tag: .enrolment,
        summary: "Show an enrolment token.", access: .permission(.enrolmentRead), parameters: [tokenParameter],
        responses: [.ok(.component(EnrolmentTokenSchema.component))]
    ) { call in
        .json(EnrolmentTokenSchema.json(try await call.state.store.read { try find(call, $0) }, call.now))
    }

    private static let revoke: Operation = Operation(
        .post, "/api/v1/enrolment-tokens/{token}/revoke", id: "revokeEnrolmentToken", tag: .enrolment,
        summary: "Make an enrolment token useless.", description: "Its record stays; to revoke it twice is no error.",
        access: .permission(.enrolmentWrite), parameters: [tokenParameter],
        responses: [.ok(.component(EnrolmentTokenSchema.component), "It is revoked.")]
    ) { call in
        .json(
            try await call.state.store.write { transaction in
                let id = try find(call, transaction).id
                _ = try transaction.tokens.revoke(
                    organisation: call.organisation, id: id, actor: call.caller.principal.id, now: call.now)
                return EnrolmentTokenSchema.json(try find(call, transaction), call.now)
            })
    }

    private static func find(_ call: Call, _ transaction: Transaction) throws -> EnrolmentTokenRecord {
        let id = try call.path("token")
        let tokens = try transaction.tokens.list(organisation: call.organisation)
        guard let token = tokens.first(where: { $0.id == id }) else { throw Refusal(.missing("enrolment token", id)) }
        return token
    }
}

/// How enrolment tokens look in the document.
enum EnrolmentTokenSchema {
    /// Labels as a host may have them.
    static let labels: Schema = .map(
        .string(HostLabels.value), names: HostLabels.name, maximum: HostLabels.maximum)

    private static let properties: [Schema.Property] = [
        .required("id", .text(1...64)), .required("organisation", OrganisationSchema.id),
        .required("state", .oneOf(["good", "used up", "expired", "revoked"])),
        .required("uses", .count, "How many hosts it was made for."), .required("used", .count),
        .required("created", .time), .required("createdBy", .text(1...200)), .required("expires", .time),
        .required("note", .anyText), .required("labels", .map(.anyText)), .required("lastUsed", .nullable(.time)),
    ]

    static let component = Schema.Component("EnrolmentToken", .object(properties))

    /// With its text, which is shown once.
    static let made = Schema.Component(
        "NewEnrolmentToken",
        .object(properties + [.required("token", .text(20...2000), "For: fettle-agent enroll TOKEN.")]))

    static func json(_ token: EnrolmentTokenRecord, _ now: Timestamp) -> JSONValue {
        let state =
            if token.revokedAt != nil {
                "revoked"
            } else if token.expiresAt <= now {
                "expired"
            } else if token.usesLeft == 0 {
                "used up"
            } else {
                "good"
            }
        return [
            "id": .string(token.id), "organisation": .string(token.organisation), "state": .string(state),
            "uses": .integer(token.usesTotal), "used": .integer(token.usesTotal - token.usesLeft),
            "created": .string(token.createdAt.description), "createdBy": .string(token.createdBy),
            "expires": .string(token.expiresAt.description), "note": .string(token.note),
            "labels": .object(token.labels.mapValues { .string($0) }), "lastUsed": time(token.lastUsedAt),
        ]
    }
}

extension ServerState {
    /// Makes an enrolment token; its text is known only here and now.
    func makeToken(
        organisation: String, uses: Int64, expiresIn: Int64, note: String, labels: [String: String] = [:],
        address: String, actor: String
    ) async throws -> (record: EnrolmentTokenRecord, text: String) {
        let now = clock.now()
        let secret = randomBytes(32).map(hexadecimal).joined()
        let record = EnrolmentTokenRecord(
            id: RandomID.make("t"), organisation: organisation, note: note, labels: labels, createdAt: now,
            createdBy: actor, expiresAt: now.adding(seconds: expiresIn), uses: uses)
        try await store.write { transaction in
            guard try transaction.organisations.exists(organisation) else {
                throw Refusal(.missing("organisation", organisation))
            }
            try transaction.tokens.create(record, secretDigest: ExchangeTokens.digest(secret))
        }
        let token = EnrolmentToken(
            address: address, pins: authorities.authorities.pins, id: record.id, secret: secret)
        return (record, token.description)
    }
}
