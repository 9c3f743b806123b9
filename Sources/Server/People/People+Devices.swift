import Access
import JSON
import Store
import Timestamps

/// What a program gets that asks to be let in (RFC 8628, section 3.2).
struct DeviceAuthorisation: Sendable {
    /// For the program alone: 256 bits.
    let deviceCode: String
    /// For the person to compare: `WDJB-MJHT`.
    let userCode: String
    /// Where the person decides.
    let verificationURI: String
    /// The same with the code filled in; the person still compares.
    let verificationURIComplete: String
    /// Seconds until it ends.
    let expiresIn: Int64
    /// The least seconds between two questions for the answer.
    let interval: Int64
}

/// The answer to a program that asks whether it was let in (RFC 8628, section 3.5).
enum DevicePoll: Sendable {
    /// `authorization_pending`
    case pending
    /// `slow_down`: it asked too soon; from now on that many seconds.
    case slowDown(interval: Int64)
    /// `access_denied`
    case denied
    /// `expired_token`; also for a code that there never was.
    case expired
    /// It was let in, with a token that acts for the person.
    case granted(NewAPIToken, user: UserSummary)
}

extension People {
    /// Seconds that a program waits at most.
    static let deviceTime: Int64 = 600
    /// Programs that may wait at once.
    static let maximumDevices: Int64 = 1000

    /// Letters of user codes: no vowels, so that no words come of them (RFC 8628, section 6.1).
    private static let letters = Array("BCDFGHJKLMNPQRSTVWXZ".utf8)

    /// A program asks to be let in. Anybody may ask, so it is limited by address and in all.
    ///
    /// - Parameter machine: what it calls the machine that it runs on; the token is named after it.
    func authoriseDevice(machine: String, base: String, _ visit: Visit) async throws -> DeviceAuthorisation {
        let machine = try SubmittedText.line(machine, field: "machine", maximum: 64, mayBeEmpty: false)
        try limit(deviceLimiter, "address:" + addressKey(visit.address))
        let now = clock.now()
        let deviceCode = base64URLEncoded(randomBytes(32))
        let digest = secretDigest(deviceCode)
        for _ in 0..<5 {
            var generator = SystemRandomNumberGenerator()
            let code = String(
                decoding: (0..<8).map { _ in Self.letters[Int.random(in: 0..<Self.letters.count, using: &generator)] },
                as: UTF8.self)
            let login = DeviceLoginRecord(
                userCode: code, machine: machine, address: visit.address, createdAt: now,
                expiresAt: now.adding(seconds: Self.deviceTime), pollInterval: 5)
            let isMade = try await store.write { transaction in
                guard try transaction.deviceLogins.count(now: now) < Self.maximumDevices else {
                    throw Refusal(.tooManyDevices, retryAfter: flattened(60))
                }
                return try transaction.deviceLogins.create(login, deviceDigest: digest)
            }
            guard isMade else { continue }
            let shown = Self.shown(code)
            return DeviceAuthorisation(
                deviceCode: deviceCode, userCode: shown, verificationURI: base + "/device",
                verificationURIComplete: base + "/device?code=" + shown, expiresIn: Self.deviceTime, interval: 5)
        }
        throw Refusal(.tooManyDevices, retryAfter: flattened(60))
    }

    /// What waits with that code: for the page on which the caller compares and decides.
    func waitingDevice(userCode: String, by caller: Caller) async throws -> DeviceLoginRecord {
        guard case .session = caller.credential, let user = caller.user else { throw Refusal(.sessionRequired) }
        try limit(deviceLimiter, "user:" + user.id)
        let now = clock.now()
        let code = Self.typed(userCode)
        guard let login = try await store.read({ try $0.deviceLogins.waiting(userCode: code, now: now) }) else {
            throw Refusal(.deviceCodeUnknown)
        }
        deviceLimiter.succeeded("user:" + user.id)
        return login
    }

    /// Lets a program in to act for the caller, or not. Only from a browser's session.
    func decideDevice(userCode: String, isApproved: Bool, by caller: Caller) async throws {
        let login = try await waitingDevice(userCode: userCode, by: caller)
        guard let user = caller.user else { throw Refusal(.sessionRequired) }
        let now = clock.now()
        try await change { transaction in
            guard
                try transaction.deviceLogins.decide(
                    userCode: login.userCode, isApproved ? .approved : .denied, user: user.id, now: now)
            else { throw Refusal(.deviceCodeUnknown) }
            try transaction.note(
                caller, isApproved ? "device.approved" : "device.denied", "user:\(user.id)",
                personal: ["machine": .string(login.machine), "from": .string(login.address)], now: now)
        }
    }

    /// A program asks whether it was let in.
    func pollDevice(code: String, _ visit: Visit) async throws -> DevicePoll {
        let now = clock.now()
        let digest = secretDigest(code)
        // Anybody may ask with any code: one that there is not must cost neither a write nor what is remembered of others.
        let seen = try await store.read { try $0.deviceLogins.find(deviceDigest: digest) }
        guard let seen, seen.expiresAt > now else { return .expired }
        let isDecided = seen.decision != nil
        let answer: @Sendable (Transaction) throws -> DevicePoll = { transaction in
            guard let login = try transaction.deviceLogins.find(deviceDigest: digest), login.expiresAt > now else {
                return .expired
            }
            if let last = login.polledAt, now.milliseconds - last.milliseconds < login.pollInterval * 1000 - 500 {
                let interval = min(60, login.pollInterval + 5)
                try transaction.deviceLogins.polled(deviceDigest: digest, interval: interval, now: now)
                return .slowDown(interval: interval)
            }
            guard isDecided, let decision = login.decision, let id = login.user else {
                try transaction.deviceLogins.polled(deviceDigest: digest, interval: login.pollInterval, now: now)
                return .pending
            }
            guard try transaction.deviceLogins.finish(deviceDigest: digest) else { return .expired }
            guard decision == .approved, let user = try transaction.users.get(id), user.disabledAt == nil else {
                return .denied
            }
            let text = APITokenText()
            let record = APITokenRecord(
                id: text.id, user: id, name: login.machine, scopes: nil, createdAt: now, createdBy: "user:\(id)",
                expiresAt: now.adding(seconds: Self.standardTokenDays * 86_400))
            try transaction.addToken(record, text, now: now)
            let caller = Caller(
                principal: Principal(id: "user:\(id)", grants: []), credential: .apiToken(id: text.id),
                address: visit.address, user: UserSummary(user))
            try transaction.noteToken(caller, record, now: now)
            return .granted(NewAPIToken(record: record, text: text.description), user: UserSummary(user))
        }
        return try await seen.decision == .approved ? change(answer) : store.write(answer)
    }

    /// `WDJB-MJHT`.
    static func shown(_ code: String) -> String { String(code.prefix(4)) + "-" + String(code.dropFirst(4)) }

    /// A code as it is stored, however it was typed.
    private static func typed(_ code: String) -> String {
        String(decoding: code.prefix(32).uppercased().utf8.filter { letters.contains($0) }, as: UTF8.self)
    }
}
