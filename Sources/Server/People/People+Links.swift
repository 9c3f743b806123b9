import Access
import JSON
import Store
import Timestamps

/// A one-time link that was just made.
struct LoginLink: Sendable {
    /// The whole URL; known only here and now.
    let url: String
    let user: UserSummary
    let expiresAt: Timestamp
    /// Whether the user was made with it: the first admin.
    let isNewUser: Bool
}

extension People {
    /// Seconds that a link works for.
    static let linkTime: Int64 = 600
    /// The first user's name.
    static let firstUser = "admin"

    /// Makes a link for whoever may open the operator's socket; for the first admin of the installation where no name is
    /// given. Where there is no admin at all, the user `admin` is made one.
    ///
    /// Such a link stands in for the second factor too: it is the way back for who lost the phone.
    func operatorLink(userName: String?, base: String, by caller: Caller) async throws -> LoginLink {
        guard case .socket = caller.credential else { throw Refusal(.notAllowed) }
        let now = clock.now()
        let code = base64URLEncoded(randomBytes(32))
        let expires = now.adding(seconds: Self.linkTime)
        let (user, isNew) = try await change { transaction -> (UserRecord, Bool) in
            let (user, isNew) = try transaction.operatorLinkUser(userName, by: caller, now: now)
            try transaction.addLink(code, user, expires, standsInForCode: true, by: caller, now: now)
            return (user, isNew)
        }
        return LoginLink(
            url: base + "/login/link/" + code, user: UserSummary(user), expiresAt: expires, isNewUser: isNew)
    }

    /// Makes a link for a user whom the caller may change: to come in the first time, or after a forgotten password. A
    /// second factor is still asked for.
    ///
    /// - Parameter seconds: how long it works; 60 to 86,400.
    func link(
        for id: String, seconds: Int64 = People.linkTime, base: String, by caller: Caller
    ) async throws -> LoginLink {
        guard (60...86_400).contains(seconds) else {
            throw Refusal(
                .field("seconds", "it is not between 60 and 86400", cure: "Choose how many seconds the link works."))
        }
        let seen = try await user(id, by: caller)
        guard seen.mayChange else { throw Refusal(.grantTooWide) }
        let now = clock.now()
        let code = base64URLEncoded(randomBytes(32))
        let expires = now.adding(seconds: seconds)
        try await change { transaction in
            // Judged where it is made: the user's roles may have grown since they were seen.
            let record = try transaction.changeableUser(id, by: caller).record
            // A session outlives the token, and just after a link it may set the password.
            if case .apiToken = caller.credential, record.password != nil || record.id == caller.user?.id {
                throw Refusal(
                    .personRequired("An API token makes links only for others who have no password yet."))
            }
            try transaction.addLink(code, record, expires, standsInForCode: false, by: caller, now: now)
        }
        return LoginLink(
            url: base + "/login/link/" + code, user: UserSummary(seen.record), expiresAt: expires, isNewUser: false)
    }

    /// Whether a link would let somebody in: for the page that asks to confirm, so that whoever only looks at a link (a
    /// mail scanner, a chat's preview) does not use it up.
    func isLinkGood(_ code: String) async throws -> Bool {
        let now = clock.now()
        let digest = secretDigest(code)
        return try await store.read { try $0.loginLinks.user(codeDigest: digest, now: now) } != nil
    }

    /// Comes in by a link. Check the login form before.
    func login(link code: String, _ visit: Visit) async throws -> LoginOutcome {
        let now = clock.now()
        let address = addressKey(visit.address)
        if let seconds = addressLimiter.begin(address, now: now) { return .slowDown(seconds: seconds) }
        let digest = secretDigest(code)
        let found = try await change { transaction -> (UserRecord, Bool)? in
            guard let (id, standsIn) = try transaction.loginLinks.use(codeDigest: digest, now: now),
                let user = try transaction.users.get(id), user.disabledAt == nil
            else { return nil }
            return (user, standsIn)
        }
        guard let (user, standsIn) = found else {
            await auditNoise(
                "login.failed", "user:unknown", actor: "address", detail: ["with": "link"], visit.address)
            return .refused
        }
        addressLimiter.withdrawn(address)
        if user.totpSecret != nil, !standsIn { return .secondFactor(pending: pending(user, .link)) }
        return .signedIn(try await begin(user, .link, detail: "link", visit))
    }
}

extension Transaction {
    fileprivate func operatorLinkUser(
        _ name: String?, by caller: Caller, now: Timestamp
    ) throws -> (UserRecord, isNew: Bool) {
        if let name {
            guard let user = try users.named(name) else { throw Refusal(.missing("user", name)) }
            return (user, false)
        }
        if let id = try grants.firstInstallationAdmin(), let user = try users.get(id) { return (user, false) }
        let user: UserRecord
        let isNew: Bool
        if let known = try users.named(People.firstUser) {
            (user, isNew) = (known, false)
        } else {
            user = UserRecord(
                id: RandomID.make("u"), name: People.firstUser, displayName: "Administrator", createdAt: now,
                createdBy: caller.actor)
            isNew = true
            _ = try users.create(user)
            try note(
                caller, "user.created", "user:\(user.id)", personal: ["name": .string(user.name)], now: now)
        }
        if user.disabledAt != nil {
            _ = try users.update(
                user.id, displayName: user.displayName, email: user.email, disabledAt: nil, version: user.version)
            try note(
                caller, "user.enabled", "user:\(user.id)",
                personal: ["displayName": .string(user.displayName), "email": .string(user.email)], now: now)
        }
        _ = try give(Grant(.admin, organisation: nil), to: user.id, by: caller, now: now)
        return (user, isNew)
    }

    fileprivate func addLink(
        _ code: String, _ user: UserRecord, _ expires: Timestamp, standsInForCode: Bool, by caller: Caller,
        now: Timestamp
    ) throws {
        try loginLinks.create(
            user: user.id, codeDigest: secretDigest(code), expiresAt: expires, standsInForCode: standsInForCode,
            now: now)
        try note(
            caller, "login-link.created", "user:\(user.id)", detail: ["expires": .string(expires.description)], now: now
        )
    }
}
