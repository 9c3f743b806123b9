import Audit
import HTTPTypes
import Hummingbird
import JSON
import Store
import Timestamps

/// What ties a login form to the browser that asked for it.
struct LoginForm: Sendable {
    /// Goes into the form's hidden field `csrf`.
    let csrf: String
    /// A Set-Cookie to send with the page; nil where the browser has it already.
    let setCookie: String?
}

/// Somebody who came in.
struct SignedIn: Sendable {
    /// The Set-Cookie fields to send, all of them.
    let setCookies: [String]
    let user: UserSummary
    /// The new session's id.
    let session: String
    /// The new session's token for forms and X-CSRF-Token.
    let csrf: String
}

/// What came of a login.
enum LoginOutcome: Sendable {
    /// Send the cookies, then 303 to where they wanted to go; to the account page where ``UserSummary/needsPassword``.
    case signedIn(SignedIn)
    /// The password was right: ask for the code, and send `pending` back with it within five minutes.
    case secondFactor(pending: String)
    /// The same for an unknown name, a wrong password, a wrong code and somebody who is shut out.
    case refused
    /// Nothing was judged: wait so many seconds.
    case slowDown(seconds: Int)
    /// Nothing was judged: too many passwords wait to be checked.
    case busy
}

extension People {
    /// What a login page needs. Asking again from the same browser gives the same, so that two tabs both work.
    func loginForm(_ request: Request) -> LoginForm {
        if let secret = Cookie.login.value(request.headers), secret.utf8.count == 43 {
            return LoginForm(csrf: CrossSite.token(secret), setCookie: nil)
        }
        let secret = base64URLEncoded(randomBytes(32))
        return LoginForm(csrf: CrossSite.token(secret), setCookie: Cookie.login.set(secret))
    }

    /// Refuses a form that comes before a login without what ``loginForm(_:)`` gave, or from another site.
    func checkLoginForm(_ request: Request, _ csrf: String?) throws(Refusal) {
        try CrossSite.checkOrigin(request)
        guard let secret = Cookie.login.value(request.headers), CrossSite.isToken(csrf, CrossSite.token(secret)) else {
            throw Refusal(.csrf)
        }
    }

    /// Logs in with name and password, and the code at once where the client has it (the JSON way).
    ///
    /// Check the form, or for JSON the origin, before.
    func login(
        name: String, password: String, code: String? = nil, _ visit: Visit
    ) async throws -> LoginOutcome {
        let now = clock.now()
        let address = addressKey(visit.address)
        if let seconds = addressLimiter.begin(address, now: now) { return .slowDown(seconds: seconds) }
        let typed = SubmittedText.typedName(name)
        let user =
            if let typed { try await store.read { try $0.users.named(typed) } } else { UserRecord?.none }
        let (limiter, key) = accountLimit(typed ?? "", user, visit)
        if let seconds = limiter.begin(key, now: now) {
            addressLimiter.withdrawn(address)
            return .slowDown(seconds: seconds)
        }
        let verdict: (isRight: Bool, isOutdated: Bool)
        do {
            // A name of nobody costs the same.
            verdict = try await hasher.verify(Self.bounded(password), user?.password)
        } catch is PasswordHasher.Busy {
            addressLimiter.withdrawn(address)
            limiter.withdrawn(key)
            return .busy
        }
        guard verdict.isRight, let user, user.disabledAt == nil else {
            await auditNoise(
                "login.failed", user.map { "user:\($0.id)" } ?? "user:unknown", actor: "address", visit.address)
            return .refused
        }
        if verdict.isOutdated {
            let hash = try await hasher.hash(password)
            try await change { transaction in
                // Unless somebody changed it meanwhile.
                guard try transaction.users.get(user.id)?.password == user.password else { return }
                try transaction.users.setPassword(user.id, hash, isUpgrade: true, now: now)
            }
        }
        addressLimiter.withdrawn(address)
        if user.totpSecret != nil {
            guard let code, !code.isEmpty else {
                limiter.withdrawn(key)
                return .secondFactor(pending: pendingToken(user, .password, now))
            }
            let outcome = try await finish(user, code: code, method: .password, visit)
            if case .signedIn = outcome { limiter.succeeded(key) }
            return outcome
        }
        limiter.succeeded(key)
        return .signedIn(try await begin(user, .password, detail: "password", visit))
    }

    /// Logs in with the code of the second factor, or a recovery code, after a right password.
    func login(
        pending: String, code: String, _ visit: Visit
    ) async throws -> LoginOutcome {
        let now = clock.now()
        guard let (id, method) = pendingUser(pending, now), let user = try await store.read({ try $0.users.get(id) }),
            user.disabledAt == nil,
            constantTimeEqual(Array(pending.utf8), Array(pendingToken(user, method, pendingTime(pending)).utf8))
        else { return .refused }
        return try await finish(user, code: code, method: method, visit)
    }

    private func finish(
        _ user: UserRecord, code: String, method: SessionRecord.Method, _ visit: Visit
    ) async throws -> LoginOutcome {
        let now = clock.now()
        let key = "code:" + user.id
        if let seconds = knownLimiter.begin(key, now: now) { return .slowDown(seconds: seconds) }
        guard let used = try await useCode(user, code, now) else {
            await auditNoise(
                "login.failed", "user:\(user.id)", actor: "address", detail: ["factor": "code"], visit.address)
            return .refused
        }
        knownLimiter.succeeded(key)
        return .signedIn(try await begin(user, method, detail: "\(method.rawValue)+\(used)", visit))
    }

    /// Takes a code of the app or a recovery code; nil where it is neither, else which.
    func useCode(_ user: UserRecord, _ code: String, _ now: Timestamp) async throws -> String? {
        guard let sealed = user.totpSecret, code.utf8.count <= 64 else { return nil }
        let secret = TimeBasedCode(secret: try keys.open(sealed, for: "totp:\(user.id)"))
        if let step = secret.matchingStep(code, now: now) {
            return try await change { try $0.users.useTOTP(user.id, step: step) } ? "code" : nil
        }
        let digest = Self.recoveryDigest(code)
        return try await change { try $0.users.useRecoveryCode(user.id, digest, now: now) } ? "recovery" : nil
    }

    /// Begins a session: always under a new secret, and the one that the browser had before has ended.
    func begin(
        _ user: UserRecord, _ method: SessionRecord.Method, detail: String, _ visit: Visit
    ) async throws -> SignedIn {
        let now = clock.now()
        let secret = base64URLEncoded(randomBytes(32))
        let session = SessionRecord(
            id: RandomID.make("ses"), user: user.id, method: method, createdAt: now,
            expiresAt: now.adding(seconds: configuration.sessionLifetime), address: visit.address,
            agent: SubmittedText.shown(visit.headers[.userAgent] ?? "", maximum: 200))
        let before = Cookie.session.value(visit.headers).map { secretDigest($0) }
        let digest = secretDigest(secret)
        try await change { transaction in
            if let before, let old = try transaction.sessions.find(secretDigest: before) {
                _ = try transaction.sessions.end(user: old.user, id: old.id)
            }
            try transaction.sessions.create(session, secretDigest: digest)
            try transaction.users.loggedIn(user.id, now: now)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: "user:\(user.id)", action: "login",
                subject: "session:\(session.id)", detail: ["with": .string(detail)],
                personal: ["address": .string(visit.address), "agent": .string(session.agent)], now: now)
        }
        return SignedIn(
            setCookies: [
                Cookie.session.set(secret), Cookie.login.removal,
                Cookie.device.set(deviceCookie(user.id), maximumAge: 365 * 86_400),
            ], user: UserSummary(user), session: session.id, csrf: CrossSite.token(secret))
    }

    /// Gives a session a new secret after its rights or its user's secrets changed; the Set-Cookie to send.
    func renewed(_ caller: Caller) async throws -> SignedIn {
        guard case .session(let id, _) = caller.credential, let user = caller.user else {
            throw Refusal(.sessionRequired)
        }
        let secret = base64URLEncoded(randomBytes(32))
        let digest = secretDigest(secret)
        guard try await change({ try $0.sessions.renew(id, secretDigest: digest) }) else {
            throw Refusal(.signInRequired)
        }
        return SignedIn(
            setCookies: [Cookie.session.set(secret)], user: user, session: id, csrf: CrossSite.token(secret))
    }

    /// Ends the caller's session; the Set-Cookie to send, for whoever had none too.
    func logout(_ caller: Caller?) async throws -> String {
        if let caller, case .session(let id, _) = caller.credential, let user = caller.user {
            let now = clock.now()
            try await change { transaction in
                guard try transaction.sessions.end(user: user.id, id: id) else { return }
                try transaction.note(caller, "logout", "session:\(id)", now: now)
            }
        }
        return Cookie.session.removal
    }

    // MARK: Limits

    /// Strangers' failures are counted by account; from a browser that its user has logged in from, by browser: so
    /// strangers cannot delay the user there (OWASP: device cookies).
    private func accountLimit(
        _ name: String, _ user: UserRecord?, _ visit: Visit
    ) -> (limiter: AttemptLimiter, key: String) {
        if let user, let cookie = Cookie.device.value(visit.headers) {
            let parts = cookie.split(separator: ".")
            if parts.count == 2, keys.isSigned("device|\(user.id)|\(parts[0])", parts[1]) {
                return (knownLimiter, "device:\(parts[0])")
            }
        }
        return (accountLimiter, name)
    }

    private func deviceCookie(_ user: String) -> String {
        let nonce = base64URLEncoded(randomBytes(16))
        return nonce + "." + keys.sign("device|\(user)|\(nonce)")
    }

    /// What is hashed of a password that may be anything: one that is too long to be anybody's costs no more.
    private static func bounded(_ password: String) -> String { password.utf8.count <= 1024 ? password : "" }

    // MARK: Between password and code

    /// Says that this user's password was right at that time, for five minutes and as long as the password stays.
    private func pendingToken(_ user: UserRecord, _ method: SessionRecord.Method, _ time: Timestamp) -> String {
        let body = "\(user.id).\(method.rawValue).\(time.milliseconds)"
        return body + "." + keys.sign("pending|\(body)|\(user.password ?? "")")
    }

    private func pendingUser(_ text: String, _ now: Timestamp) -> (id: String, SessionRecord.Method)? {
        let parts = text.split(separator: ".").map(String.init)
        // Nothing of it is proved yet: the caller checks the signature.
        guard parts.count == 4, let method = SessionRecord.Method(rawValue: parts[1]),
            (now.adding(seconds: -300)...now).contains(pendingTime(text))
        else { return nil }
        return (parts[0], method)
    }

    private func pendingTime(_ text: String) -> Timestamp {
        let parts = text.split(separator: ".")
        return Timestamp(milliseconds: parts.count == 4 ? Int64(parts[2]) ?? 0 : 0)
    }

    /// Whoever came by a link that does not stand in for the second factor goes on with the code.
    func pending(_ user: UserRecord, _ method: SessionRecord.Method) -> String {
        pendingToken(user, method, clock.now())
    }
}
