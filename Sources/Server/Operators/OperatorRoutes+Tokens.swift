import Hummingbird
import JSON
import Store
import Timestamps
import Wire

extension OperatorRoutes {
    /// `GET /api/v1/tokens`: of one organisation, or of all.
    func tokens(_ query: Query) async throws -> Response {
        let now = state.clock.now()
        let wanted = query["organisation"]
        let tokens = try await state.store.read { transaction in
            try transaction.organisations.list().filter { wanted == nil || $0.id == wanted }.flatMap {
                try transaction.tokens.list(organisation: $0.id)
            }
        }
        return .json(["items": .array(tokens.map { Self.json($0, now) })])
    }

    /// `POST /api/v1/tokens`: uses, expiresIn (seconds), organisation, address; answers with the token, this once.
    func createToken(_ request: Request) async throws -> Response {
        var body = try await Self.body(request)
        let uses = try body.optionalInteger("uses", in: 1...1_000_000) ?? 1
        let expiresIn = try body.optionalInteger("expiresIn", in: 1...31_536_000) ?? 86_400
        let organisation =
            try body.optionalString("organisation", maximumBytes: 63) ?? ServerState.firstOrganisation
        let note = try body.optionalString("note", maximumBytes: 256) ?? ""
        let address = try body.optionalString("address", maximumBytes: 300) ?? state.enrolmentAddress.description
        try body.finish()
        guard ListenAddress(address) != nil else {
            throw Refusal(.malformed("an address is HOST:PORT", pointer: "/address"))
        }
        let made = try await state.makeToken(
            organisation: organisation, uses: uses, expiresIn: expiresIn, note: note, address: address,
            actor: Self.actor)
        guard case .object(var fields) = Self.json(made.record, state.clock.now()) else {
            throw Refusal(.internalError)
        }
        fields["token"] = .string(made.text)
        return .json(.object(fields), status: .created)
    }

    /// `DELETE /api/v1/tokens/{id}`.
    func revokeToken(_ id: String) async throws -> Response {
        let now = state.clock.now()
        let revoked = try await state.store.write { transaction in
            for organisation in try transaction.organisations.list()
            where try transaction.tokens.revoke(organisation: organisation.id, id: id, actor: Self.actor, now: now) {
                return true
            }
            return false
        }
        guard revoked else { throw Refusal(.missing("token in force", id)) }
        return .json(["id": .string(id), "state": "revoked"])
    }

    private static func json(_ token: EnrolmentTokenRecord, _ now: Timestamp) -> JSONValue {
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
            "created": .string(token.createdAt.description), "expires": .string(token.expiresAt.description),
            "note": .string(token.note), "lastUsed": time(token.lastUsedAt),
        ]
    }
}

extension ServerState {
    /// Makes an enrolment token; its text is known only here and now.
    func makeToken(
        organisation: String, uses: Int64, expiresIn: Int64, note: String, address: String, actor: String
    ) async throws -> (record: EnrolmentTokenRecord, text: String) {
        let now = clock.now()
        let secret = randomBytes(32).map(hexadecimal).joined()
        let record = EnrolmentTokenRecord(
            id: RandomID.make("t"), organisation: organisation, note: note, createdAt: now, createdBy: actor,
            expiresAt: now.adding(seconds: expiresIn), uses: uses)
        try await store.write { transaction in
            guard try transaction.organisations.list().contains(where: { $0.id == organisation }) else {
                throw Refusal(.missing("organisation", organisation))
            }
            try transaction.tokens.create(record, secretDigest: ExchangeTokens.digest(secret))
        }
        let token = EnrolmentToken(
            address: address, pins: authorities.authorities.pins, id: record.id, secret: secret)
        return (record, token.description)
    }
}
