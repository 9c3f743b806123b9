import Audit
import Glibc
import JSON
import Logging
import Store
import Synchronization
import Timestamps
import Wire

/// Evidence that this server was restored from a backup: somebody has seen a later state than it knows.
struct RestoreEvidence: Sendable, Hashable {
    /// Whose agent told.
    let organisation: String
    /// The highest epoch that an agent has seen.
    let fence: Int64
    /// What was seen, for people.
    let reason: String
    /// When it was noticed.
    let since: Timestamp
}

/// What all routes of one server share.
final class ServerState: Sendable {
    /// The organisation that exists from the start.
    static let firstOrganisation = "default"

    let configuration: ServerConfiguration
    let clock: ServerClock
    let logger: Logger
    let store: Store
    let authorities: AuthorityStore
    let credentials: ServerCredentials
    let exchangeTokens: ExchangeTokens
    let metrics = Metrics()
    let gate: RequestGate
    let readiness = Readiness(expected: 4)
    let limiters: [String: ConnectionLimiter]
    let enrolments: RateLimiter
    let challenges = ChallengeBook()
    let census = FleetCensus()
    let freshness = OfferFreshness()
    let auditKeeping: AuditKeeping
    let started: Timestamp
    /// Refused handshakes and unknown tokens enter the audit log at most this often; metrics count them all.
    private let noiseLimiter = RateLimiter(perSecond: 1)
    private static let epochStartSetting = "epoch-started"
    private let mutable: Mutex<(epoch: Int64, restore: RestoreEvidence?, epochStarted: Timestamp?)>

    /// Opens everything that a server needs; nothing listens yet.
    static func open(
        _ configuration: ServerConfiguration, clock: ServerClock, logger: Logger
    ) async throws -> ServerState {
        let authorities = try AuthorityStore(folder: configuration.data.authorityPath, clock: clock)
        let tokens = try ExchangeTokens(folder: configuration.data.authorityPath)
        let auditKey = try AuditKey(folder: configuration.data.authorityPath)
        let names = certificateNames(configuration)
        let credentials = try ServerCredentials(
            authorities: authorities, names: names, lifetime: configuration.serverCertificateLifetime, clock: clock)
        let now = clock.now()
        let store = try await Store.open(
            configuration.databaseAddress, program: "fettle \(configuration.version)", now: now)
        do {
            let (epoch, restore, epochStarted) = try await store.write { transaction in
                try transaction.organisations.create(
                    Organisation(id: firstOrganisation, name: "Default", createdAt: now))
                return (
                    try transaction.epochs.currentOrFirst(now: now),
                    try RestoreEvidence(transaction.settings.value(RestoreEvidence.setting)),
                    try transaction.settings.value(Self.epochStartSetting).flatMap {
                        Timestamp(rfc3339: String(decoding: $0, as: UTF8.self))
                    }
                )
            }
            let auditKeeping = try await AuditKeeping.open(auditKey, store, now: now)
            return ServerState(
                configuration, clock, logger, store, authorities, credentials, tokens, auditKeeping, now, epoch: epoch,
                restore: restore, epochStarted: epochStarted)
        } catch {
            await store.close()
            throw error
        }
    }

    private init(
        _ configuration: ServerConfiguration, _ clock: ServerClock, _ logger: Logger, _ store: Store,
        _ authorities: AuthorityStore, _ credentials: ServerCredentials, _ exchangeTokens: ExchangeTokens,
        _ auditKeeping: AuditKeeping, _ started: Timestamp, epoch: Int64, restore: RestoreEvidence?, epochStarted: Timestamp?
    ) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.store = store
        self.authorities = authorities
        self.credentials = credentials
        self.exchangeTokens = exchangeTokens
        self.auditKeeping = auditKeeping
        self.started = started
        let limits = configuration.limits
        self.gate = RequestGate(maximum: limits.requestsInWork)
        var limiters: [String: ConnectionLimiter] = [:]
        for name in ["agents", "enrolment"] {
            limiters[name] = ConnectionLimiter(
                maximum: limits.connections, maximumPerAddress: limits.connectionsPerAddress)
        }
        for name in ["metrics", "operator"] {
            limiters[name] = ConnectionLimiter(maximum: 200, maximumPerAddress: 200)
        }
        self.limiters = limiters
        self.enrolments = RateLimiter(perSecond: limits.enrolmentsPerSecond)
        self.mutable = Mutex((epoch: epoch, restore: restore, epochStarted: epochStarted))
    }

    /// The server's epoch.
    var epoch: Int64 { mutable.withLock { $0.epoch } }

    /// Set while a restore waits to be acknowledged.
    var restore: RestoreEvidence? { mutable.withLock { $0.restore } }

    /// Tokens given before then may lack what was given between a backup and its restore: they are seeded anew, once.
    var reseedsTokensOlderThan: Timestamp? { mutable.withLock { $0.restore?.since ?? $0.epochStarted } }

    /// Where agents connect, as told to them.
    var agentAddress: ListenAddress { advertised("agents", configuration.agents) }

    /// Where hosts enrol, as told to them.
    var enrolmentAddress: ListenAddress { advertised("enrolment", configuration.enrolment) }

    private func advertised(_ listener: String, _ asked: ListenAddress) -> ListenAddress {
        let port = readiness.address(listener)?.port ?? asked.port
        if let name = configuration.names.first { return ListenAddress(host: name, port: port) }
        return ListenAddress(host: isWildcard(asked.host) ? machineName() : asked.host, port: port)
    }

    /// Notes that an agent has seen a later state than this server knows, the first time and whenever a higher epoch is seen.
    func noteRestore(organisation: String, host: String, fence: Int64, reason: String) async throws {
        let now = clock.now()
        let evidence = RestoreEvidence(organisation: organisation, fence: fence, reason: reason, since: now)
        let isNews = mutable.withLock { state in
            if let known = state.restore, known.fence >= fence { return false }
            state.restore = evidence
            return true
        }
        guard isNews else { return }
        logger.critical(
            "this server seems to be restored from a backup; confirm with: fettle server acknowledge-restore",
            metadata: ["reason": "\(reason)", "host": "\(host)", "fence": "\(fence)"])
        try await store.write { transaction in
            try transaction.settings.set(RestoreEvidence.setting, evidence.json.canonicalBytes(), now: now)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: "host:\(host)", action: "server.restore-noticed",
                subject: "server", detail: evidence.json, now: now)
        }
    }

    /// Begins a new epoch above all that was seen.
    func acknowledgeRestore(actor: String) async throws -> Int64 {
        guard let evidence = restore else {
            throw Refusal(
                .init(
                    "not-restored", title: "Nothing to acknowledge", status: 409,
                    detail: "No agent has seen a later state than this server knows.", cure: "Nothing needs to be done."
                ))
        }
        let now = clock.now()
        let epoch = try await store.write { transaction in
            try transaction.settings.set(RestoreEvidence.setting, [], now: now)
            let epoch = try transaction.epochs.raise(
                above: evidence.fence, organisation: AuditEvent.installation, actor: actor, cause: evidence.reason,
                now: now)
            try transaction.settings.set(Self.epochStartSetting, Array(evidence.since.description.utf8), now: now)
            try transaction.hosts.bumpAllStates(now: now)
            return epoch
        }
        mutable.withLock { state in
            state.epoch = epoch
            state.restore = nil
            // Whose token was seeded anew since the restore was noticed is not forgiven again.
            state.epochStarted = evidence.since
        }
        logger.notice("restore acknowledged", metadata: ["epoch": "\(epoch)", "actor": "\(actor)"])
        return epoch
    }

    /// A TLS handshake was refused for the client's certificate.
    func handshakeRefused(_ address: String, _ reason: String) {
        metrics.count(.handshakesRefused)
        guard noiseLimiter.take() else { return }
        logger.warning("client certificate refused", metadata: ["address": "\(address)", "reason": "\(reason)"])
        Task {
            await audit(
                actor: "address", action: "certificate.refused", subject: "listener:agents",
                detail: ["reason": .string(reason)], personal: ["address": .string(address)])
        }
    }

    /// Notes a refusal that anybody can provoke, unless there are too many.
    func auditNoise(action: String, subject: String, detail: JSONValue, address: String) async {
        guard noiseLimiter.take() else { return }
        await audit(
            actor: "address", action: action, subject: subject, detail: detail, personal: ["address": .string(address)])
    }

    /// Appends to an audit log, the installation's where no organisation is named; a failure is logged, for the effect itself has been refused or done already.
    func audit(
        organisation: String = AuditEvent.installation, actor: String, action: String, subject: String,
        detail: JSONValue = [:], personal: [String: JSONValue] = [:]
    ) async {
        let now = clock.now()
        do {
            try await store.write { transaction in
                try transaction.audit.append(
                    organisation: organisation, actor: actor, action: action, subject: subject, detail: detail,
                    personal: personal, now: now)
            }
        } catch {
            logger.error("audit entry lost", metadata: ["action": "\(action)", "error": "\(error)"])
        }
    }
}

extension RestoreEvidence {
    static let setting = "restore-noticed"

    var json: JSONValue {
        [
            "organisation": .string(organisation), "fence": .integer(fence), "reason": .string(reason),
            "since": .string(since.description),
        ]
    }

    /// Reads ``json``; nil for nothing and for what was acknowledged.
    init?(_ bytes: [UInt8]?) throws {
        guard let bytes, !bytes.isEmpty else { return nil }
        var object = try JSONObject(JSONValue(parsing: bytes, limits: .message))
        self.init(
            organisation: try object.string("organisation"), fence: try object.integer("fence", in: 0...Int64.max),
            reason: try object.string("reason", maximumBytes: 4096),
            since: Timestamp(rfc3339: try object.string("since")) ?? Timestamp(milliseconds: 0))
    }
}

/// The names in the server's certificate: those that were given, where it listens, and loopback.
private func certificateNames(_ configuration: ServerConfiguration) -> [String] {
    var names = configuration.names
    for host in [configuration.agents.host, configuration.enrolment.host] {
        names.append(isWildcard(host) ? machineName() : host)
    }
    names += ["localhost", "127.0.0.1", "::1"]
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
}

private func isWildcard(_ host: String) -> Bool { ["0.0.0.0", "::", "*"].contains(host) }

private func machineName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
