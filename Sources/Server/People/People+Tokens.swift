import Access
import JSON
import Store
import Timestamps

/// A token that was just made; its text is known only here and now.
struct NewAPIToken: Sendable {
    let record: APITokenRecord
    let text: String
}

extension People {
    /// The longest life of a token, in days.
    static let maximumTokenDays: Int64 = 366
    /// The life of a token where nothing else was asked for, in days.
    static let standardTokenDays: Int64 = 90

    /// The caller's tokens, the newest first.
    func tokens(of caller: Caller) async throws -> [APITokenRecord] {
        guard let user = caller.user else { return [] }
        try refuseScoped(caller)
        return try await tokens(user: user.id)
    }

    private func tokens(user: String) async throws -> [APITokenRecord] {
        try await maintain()
        return try await store.read { try $0.apiTokens.list(user: user) }
    }

    /// Makes a token for the caller's own programs. What it may do is never more than what its owner may do at the time
    /// of its use; made with a token, it has no more scopes than that one, lives no longer
    /// and is revoked with it.
    func makeToken(
        name: String, scopes: Set<Permission>?, days: Int64 = People.standardTokenDays, by caller: Caller
    ) async throws -> NewAPIToken {
        guard let user = caller.user else { throw Refusal(.sessionRequired) }
        let name = try SubmittedText.line(name, field: "name", maximum: 64, mayBeEmpty: false)
        guard (1...Self.maximumTokenDays).contains(days) else {
            throw Refusal(
                .field(
                    "days", "it is not between 1 and \(Self.maximumTokenDays)",
                    cure: "Choose how many days the token is to live."))
        }
        let now = clock.now()
        var expires = now.adding(seconds: days * 86_400)
        if let limit = caller.principal.scopes {
            guard let scopes, scopes.isSubset(of: limit) else { throw Refusal(.grantTooWide) }
        }
        let parent: String? = if case .apiToken(let id) = caller.credential { id } else { nil }
        let end = expires
        let limited = try await store.read { transaction in
            try parent.flatMap { try transaction.apiTokens.get($0)?.token.expiresAt }.map { min($0, end) } ?? end
        }
        expires = limited
        let text = APITokenText()
        let record = APITokenRecord(
            id: text.id, user: user.id, name: name, scopes: scopes, createdAt: now,
            createdBy: parent.map(Self.maker) ?? caller.actor, expiresAt: expires)
        try await change { transaction in
            // Another server may have revoked it within the last two seconds.
            if let parent, try transaction.apiTokens.get(parent)?.token.revokedAt != nil {
                throw Refusal(.tokenRefused)
            }
            try transaction.addToken(record, text, now: now)
            try transaction.noteToken(caller, record, now: now)
        }
        return NewAPIToken(record: record, text: text.description)
    }

    /// How a token that was made with another one names its maker.
    private static func maker(_ token: String) -> String { "token:" + token }

    /// Revokes one of the caller's own tokens; one that is limited to scopes revokes itself only.
    func revokeToken(_ id: String, by caller: Caller) async throws {
        guard let user = caller.user else { throw Refusal(.sessionRequired) }
        if caller.credential != .apiToken(id: id) { try refuseScoped(caller) }
        try await revokeToken(id, of: user.id, by: caller)
    }

    /// Revokes a token with all that were made with it: else whoever stole it would go on with one of those.

    func revokeToken(_ id: String, of user: String, by caller: Caller) async throws {
        let now = clock.now()
        try await change { transaction in
            guard try transaction.apiTokens.get(id)?.token.user == user,
                try transaction.apiTokens.revoke(id, now: now)
            else { throw Refusal(.missing("token in force", id)) }
            // A program that logs out leaves the tokens that it made for others in force.
            let made =
                caller.credential == .apiToken(id: id)
                ? [] : try transaction.apiTokens.revokeMade(with: id, maker: Self.maker, now: now)
            for id in [id] + made {
                try transaction.note(
                    caller, "api-token.revoked", "token:\(id)", detail: ["owner": .string("user:\(user)")], now: now)
            }
        }
    }
}

extension Transaction {
    /// Keeps a token within what one user may have.
    func addToken(_ record: APITokenRecord, _ text: APITokenText, now: Timestamp) throws {
        guard try apiTokens.countInForce(user: record.user, now: now) < People.maximumTokens else {
            throw Refusal(.tooManyTokens)
        }
        try apiTokens.create(record, secretDigest: text.digest)
    }

    func noteToken(_ caller: Caller, _ record: APITokenRecord, now: Timestamp) throws {
        try note(
            caller, "api-token.created", "token:\(record.id)",
            detail: [
                "owner": .string("user:\(record.user)"), "expires": .string(record.expiresAt.description),
                "scopes": record.scopes.map { .array($0.map(\.rawValue).sorted().map { .string($0) }) } ?? "all",
            ], personal: ["name": .string(record.name)], now: now)
    }
}
