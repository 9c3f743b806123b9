import Access
import Digest
import Store
import Timestamps

/// A second factor that its user is setting up.
struct SecondFactorProposal: Sendable {
    /// For typing into an app: base 32.
    let secret: String
    /// For a QR code: `otpauth://…`.
    let address: String
}

extension People {
    /// How long whoever came in by a link may set a password without knowing the one before, in seconds.
    static let linkPasswordTime: Int64 = 900

    /// Changes the caller's own password, ends their other sessions and gives this one a new secret.
    ///
    /// - Parameter current: the password until now; not needed where there is none, or just after coming in by a link.
    func changePassword(current: String?, new password: String, by caller: Caller) async throws -> SignedIn {
        let (user, session) = try await own(caller)
        let now = clock.now()
        let isByLink = session.method == .link && now.seconds(since: session.createdAt) < Self.linkPasswordTime
        if user.password != nil, !isByLink { try await checkPassword(current, user) }
        if let fault = PasswordRules.fault(password, userName: user.name, displayName: user.displayName) {
            throw Refusal(.passwordUnfit(fault))
        }
        let hash = try await hashed(password)
        try await change { transaction in
            try transaction.users.setPassword(user.id, hash, now: now)
            try transaction.endWaysIn(user: user.id)
            try transaction.sessions.endAll(user: user.id, except: session.id)
            try transaction.note(caller, "password.changed", "user:\(user.id)", now: now)
        }
        return try await renewed(caller)
    }

    /// Begins to set up the second factor: a new secret that counts only once a code of it was given.
    func proposeSecondFactor(password: String, by caller: Caller) async throws -> SecondFactorProposal {
        let (user, _) = try await own(caller)
        guard user.totpSecret == nil else { throw Refusal(.secondFactorIsOn) }
        try await checkPassword(password, user)
        let code = TimeBasedCode(secret: randomBytes(TimeBasedCode.secretBytes))
        let sealed = try keys.seal(code.secret, for: "totp:\(user.id)")
        try await change { try $0.users.proposeTOTP(user.id, sealed) }
        return SecondFactorProposal(secret: code.base32, address: code.address(user: user.name, issuer: "Fettle"))
    }

    /// Turns the second factor on: the app has shown a code of it. Returns the recovery codes, which are shown this once,
    /// and the session under a new secret.
    func confirmSecondFactor(code: String, by caller: Caller) async throws -> (codes: [String], SignedIn) {
        let (user, session) = try await own(caller)
        guard let sealed = user.totpPending else { throw Refusal(.secondFactorNotBegun) }
        let now = clock.now()
        try limit(knownLimiter, "code:" + user.id)
        let secret = TimeBasedCode(secret: try keys.open(sealed, for: "totp:\(user.id)"))
        guard let step = secret.matchingStep(code, now: now) else { throw Refusal(.codeWrong) }
        knownLimiter.succeeded("code:" + user.id)
        let codes = (0..<10).map { _ in Self.recoveryCode() }
        let isOn = try await change { transaction in
            guard try transaction.users.confirmTOTP(user.id, step: step) else { return false }
            try transaction.users.setRecoveryCodes(user.id, codes.map(Self.recoveryDigest))
            try transaction.sessions.endAll(user: user.id, except: session.id)
            try transaction.note(caller, "second-factor.on", "user:\(user.id)", now: now)
            return true
        }
        guard isOn else { throw Refusal(.secondFactorNotBegun) }
        return (codes, try await renewed(caller))
    }

    /// Turns the caller's own second factor off.
    func removeSecondFactor(password: String, code: String, by caller: Caller) async throws -> SignedIn {
        let (user, _) = try await own(caller)
        try await checkPassword(password, user)
        let now = clock.now()
        try limit(knownLimiter, "code:" + user.id)
        guard try await useCode(user, code, now) != nil else { throw Refusal(.codeWrong) }
        knownLimiter.succeeded("code:" + user.id)
        try await change { transaction in
            try transaction.users.removeTOTP(user.id)
            try transaction.note(caller, "second-factor.off", "user:\(user.id)", now: now)
        }
        return try await renewed(caller)
    }

    /// The caller's sessions, the one used last first.
    func sessions(of caller: Caller) async throws -> [SessionRecord] {
        guard let user = caller.user else { return [] }
        try refuseScoped(caller)
        let now = clock.now()
        return try await store.read { try $0.sessions.list(user: user.id) }.filter { isAlive($0, now) }
    }

    /// Ends one of the caller's own sessions; nil ends all but the one that asks.
    func endSession(_ id: String?, by caller: Caller) async throws {
        guard let user = caller.user else { throw Refusal(.sessionRequired) }
        try refuseScoped(caller)
        let now = clock.now()
        var own: String?
        if case .session(let id, _) = caller.credential { own = id }
        let except = own
        try await change { transaction in
            if let id {
                guard try transaction.sessions.end(user: user.id, id: id) else {
                    throw Refusal(.missing("session", id))
                }
            } else {
                try transaction.sessions.endAll(user: user.id, except: except)
            }
            try transaction.note(
                caller, "session.ended", id.map { "session:\($0)" } ?? "user:\(user.id)", now: now)
        }
    }

    // MARK: -

    /// Refuses a token that is limited to scopes: none of them is its owner's account.
    func refuseScoped(_ caller: Caller) throws(Refusal) {
        guard caller.principal.scopes == nil else {
            throw Refusal(
                .personRequired("An API token that is limited to scopes has no say in its owner's account."))
        }
    }

    /// The caller and their session, as stored now.
    private func own(_ caller: Caller) async throws -> (UserRecord, SessionRecord) {
        guard case .session(let id, _) = caller.credential, let user = caller.user else {
            throw Refusal(.sessionRequired)
        }
        let found = try await store.read { transaction -> (UserRecord, SessionRecord)? in
            guard let record = try transaction.users.get(user.id),
                let session = try transaction.sessions.list(user: user.id).first(where: { $0.id == id })
            else { return nil }
            return (record, session)
        }
        guard let found else { throw Refusal(.signInRequired) }
        return found
    }

    private func checkPassword(_ password: String?, _ user: UserRecord) async throws {
        let key = "password:" + user.id
        try limit(knownLimiter, key)
        let isRight: Bool
        do {
            isRight = try await hasher.verify(password.map { $0.utf8.count <= 1024 ? $0 : "" } ?? "", user.password)
                .isRight
        } catch is PasswordHasher.Busy {
            knownLimiter.withdrawn(key)
            throw Refusal(.passwordsBusy, retryAfter: flattened(5))
        }
        guard isRight else { throw Refusal(.passwordWrong) }
        knownLimiter.succeeded(key)
    }

    func hashed(_ password: String) async throws -> String {
        do {
            return try await hasher.hash(password)
        } catch is PasswordHasher.Busy {
            throw Refusal(.passwordsBusy, retryAfter: flattened(5))
        }
    }

    /// Counts an attempt, or refuses it.
    func limit(_ limiter: AttemptLimiter, _ key: String) throws(Refusal) {
        if let seconds = limiter.begin(key, now: clock.now()) {
            throw Refusal(.slowDown(seconds), retryAfter: seconds)
        }
    }

    /// Eighty bits in four groups.
    private static func recoveryCode() -> String {
        let text = Array(base32Encoded(randomBytes(10)).lowercased())
        return stride(from: 0, to: 16, by: 4).map { String(text[$0..<$0 + 4]) }.joined(separator: "-")
    }

    /// What is stored of a recovery code, however it was typed.
    static func recoveryDigest(_ code: String) -> SHA256Digest {
        secretDigest("recovery|" + code.lowercased().filter { $0.isLetter || $0.isNumber })
    }
}
