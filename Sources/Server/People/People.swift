import Access
import Audit
import Digest
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Store
import Synchronization
import Timestamps

/// Who comes in, and what they may do.
///
/// Every change goes through ``change(_:)``, which forgets what this server remembers of callers; another server that
/// shares the database forgets by itself within ``cacheTime``.
final class People: Sendable {
    /// How long a caller is remembered. Revocation takes effect on other servers within two seconds: this, and a read.
    static let cacheTime: Duration = .milliseconds(1500)
    /// API tokens in force of one user.
    static let maximumTokens: Int64 = 50

    let store: Store
    let clock: ServerClock
    let logger: Logger
    let configuration: ServerConfiguration
    let keys: PeopleKeys
    let hasher: PasswordHasher
    /// By address.
    let addressLimiter = AttemptLimiter(free: 10, cap: 900)
    /// By account, for browsers that nobody has logged in from; a short cap, for everybody can make others wait.
    let accountLimiter = AttemptLimiter(free: 5, cap: 60)
    /// By browser that somebody has logged in from, and by second factor: only who knows a secret already gets here.
    let knownLimiter = AttemptLimiter(free: 5, cap: 900)
    /// By address or user, for device logins.
    let deviceLimiter = AttemptLimiter(free: 20, cap: 300, memory: 600)
    private let noise = RateLimiter(perSecond: 2)
    private let cache = Mutex(Cache())

    private struct Cache {
        var entries: [SHA256Digest: Known] = [:]
        var generation = 0
        var tokenUses: [String: Timestamp] = [:]
    }

    /// What is remembered of a credential.
    private struct Known {
        let user: UserRecord
        let grants: [Grant]
        var session: SessionRecord?
        let token: APITokenRecord?
        let read: ContinuousClock.Instant
    }

    init(
        store: Store, clock: ServerClock, logger: Logger, configuration: ServerConfiguration
    ) throws {
        self.store = store
        self.clock = clock
        self.logger = logger
        self.configuration = configuration
        self.keys = try PeopleKeys(folder: configuration.data.authorityPath)
        self.hasher = try PasswordHasher(
            cost: configuration.passwordCost, concurrent: configuration.passwordsAtOnce)
    }

    /// Who makes a request; nil for nobody in particular.
    ///
    /// A request that may change something has been checked for its origin. That it carries the session's token is for
    /// the router (X-CSRF-Token) and for pages (``checkForm(_:_:)``) to check.
    ///
    /// - Throws: ``Refusal`` for an API token that lets nobody in, and for a request that another site made.
    func authenticate(_ request: Request, _ exchange: Exchange) async throws -> Caller? {
        if !exchange.isOperatorSocket, !CrossSite.isSafe(request.method) { try CrossSite.checkOrigin(request) }
        if let authorization = request.headers[.authorization] {
            return try await caller(authorization: authorization, exchange)
        }
        if exchange.isOperatorSocket { return .socket }
        guard let secret = Cookie.session.value(request.headers) else { return nil }
        return try await caller(session: secret, exchange)
    }

    /// Refuses a form of a session that lacks the session's token. Whoever came in without a cookie needs none.
    func checkForm(_ caller: Caller, _ token: String?) throws(Refusal) {
        guard case .session(_, let expected) = caller.credential else { return }
        guard CrossSite.isToken(token, expected) else { throw Refusal(.csrf) }
    }

    // MARK: Credentials

    private func caller(authorization: String, _ exchange: Exchange) async throws -> Caller {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let text = APITokenText(parts[1]) else {
            throw Self.tokenRefused
        }
        let now = clock.now()
        let known = try await known(text.digest) { transaction in
            guard let found = try transaction.apiTokens.get(text.id),
                constantTimeEqual(found.secretDigest.bytes, text.digest.bytes)
            else { return nil }
            return (found.token.user, nil, found.token)
        }
        guard let known, let token = known.token, token.revokedAt == nil, token.expiresAt > now,
            known.user.disabledAt == nil
        else {
            if let known, let token = known.token {
                await auditNoise("token.refused", "token:\(token.id)", actor: "user:\(known.user.id)", exchange.address)
            }
            throw Self.tokenRefused
        }
        cache.withLock { $0.tokenUses[token.id] = now }
        return Caller(
            principal: Principal(id: "token:\(token.id)", grants: known.grants, scopes: token.scopes),
            credential: .apiToken(id: token.id), address: exchange.address, user: UserSummary(known.user))
    }

    private func caller(session secret: String, _ exchange: Exchange) async throws -> Caller? {
        let now = clock.now()
        let digest = secretDigest(secret)
        let known = try await known(digest) { transaction in
            try transaction.sessions.find(secretDigest: digest).map { ($0.user, $0, nil) }
        }
        guard let known, let session = known.session, isAlive(session, now), known.user.disabledAt == nil else {
            return nil
        }
        if now.seconds(since: session.seenAt) >= 60 {
            cache.withLock { $0.entries[digest]?.session?.seenAt = now }
            try await store.write { try $0.sessions.seen(session.id, now: now) }
        }
        return Caller(
            principal: Principal(id: "user:\(known.user.id)", grants: known.grants),
            credential: .session(id: session.id, csrf: CrossSite.token(secret)), address: exchange.address,
            user: UserSummary(known.user))
    }

    private static let tokenRefused = Refusal(
        .tokenRefused, headers: [.wwwAuthenticate: "Bearer realm=\"fettle\", error=\"invalid_token\""])

    /// Whether a session still lets its user in.
    func isAlive(_ session: SessionRecord, _ now: Timestamp) -> Bool {
        now < session.expiresAt && now.seconds(since: session.seenAt) < configuration.sessionIdleTime
    }

    /// What is known of a credential, from memory where it was read a moment ago.
    private func known(
        _ digest: SHA256Digest,
        _ find: @escaping @Sendable (Transaction) throws -> (user: String, SessionRecord?, APITokenRecord?)?
    ) async throws -> Known? {
        let start = ContinuousClock.now
        let (remembered, generation) = cache.withLock { ($0.entries[digest], $0.generation) }
        if let remembered, start - remembered.read < Self.cacheTime { return remembered }
        let found = try await store.read { transaction -> Known? in
            guard let (user, session, token) = try find(transaction), let record = try transaction.users.get(user)
            else {
                return nil
            }
            return Known(
                user: record, grants: try transaction.grants.list(user: user).map(\.grant), session: session,
                token: token, read: start)
        }
        cache.withLock { cache in
            // What was read before a change must not be remembered after it.
            guard cache.generation == generation else { return }
            if cache.entries.count >= 10_000 {
                cache.entries = cache.entries.filter { start - $0.value.read < Self.cacheTime }
            }
            if cache.entries.count < 10_000 { cache.entries[digest] = found }
        }
        return found
    }

    // MARK: Changes

    /// Writes, and forgets what is remembered of callers, whatever comes of it.
    func change<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        defer {
            cache.withLock { cache in
                cache.generation += 1
                cache.entries = [:]
            }
        }
        return try await store.write(body)
    }

    /// Writes down when tokens were last used, and removes what has ended by itself.
    func maintain() async throws {
        let uses = cache.withLock { cache in
            defer { cache.tokenUses = [:] }
            return cache.tokenUses
        }
        if !uses.isEmpty { try await store.write { try $0.apiTokens.used(uses) } }
    }

    /// Removes sessions and tokens that ended long ago.
    func purge() async throws {
        let now = clock.now()
        let idle = now.adding(seconds: -configuration.sessionIdleTime)
        try await store.write { transaction in
            try transaction.sessions.purge(notSeenSince: idle, now: now)
            try transaction.apiTokens.purge(endedBefore: now.adding(seconds: -90 * 86_400))
        }
    }

    /// Notes in the audit log what anybody can provoke, unless there is too much of it; metrics count it all.
    func auditNoise(
        _ action: String, _ subject: String, actor: String, detail: JSONValue = [:], _ address: String
    ) async {
        guard noise.take() else { return }
        let now = clock.now()
        do {
            try await store.write { transaction in
                try transaction.audit.append(
                    organisation: AuditEvent.installation, actor: actor, action: action, subject: subject,
                    detail: detail, personal: ["address": .string(address)], now: now)
            }
        } catch {
            logger.error("audit entry lost", metadata: ["action": "\(action)", "error": "\(error)"])
        }
    }
}

extension Transaction {
    /// Notes what a caller did to people, in the installation's log or an organisation's.
    func note(
        _ caller: Caller, _ action: String, _ subject: String, organisation: String? = nil, detail: JSONValue = [:],
        personal: [String: JSONValue] = [:], now: Timestamp
    ) throws {
        var personal = personal
        personal["address"] = .string(caller.address)
        var detail = detail
        if case .apiToken(let id) = caller.credential, var members = detail.object {
            members["token"] = .string(id)
            detail = .object(members)
        }
        try audit.append(
            organisation: organisation ?? AuditEvent.installation, actor: caller.actor, action: action,
            subject: subject, detail: detail, personal: personal, now: now)
    }
}
