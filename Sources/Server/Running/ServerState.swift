import Audit
import Glibc
import JSON
import Logging
import Store
import Synchronization
import Timestamps
import Wire

/// What all routes of one server share.
final class ServerState: Sendable {
    /// The organisation that exists from the start.
    static let firstOrganisation = "default"

    let configuration: ServerConfiguration
    let clock: ServerClock
    let logger: Logger
    let store: Store
    let people: People
    let authorities: AuthorityStore
    let credentials: ServerCredentials
    let exchangeTokens: ExchangeTokens
    let metrics = Metrics()
    let gates: RequestGates
    let uploads: HourlyQuota
    /// How many records of jobs' journals each host has sent.
    let jobRecords: HourlyQuota
    /// How many refusals of each host's jobs are on record.
    let jobRefusals = HourlyQuota(perHour: 20)
    let database: DatabaseProbe
    let readiness = Readiness(expected: 5)
    /// Who signs the orders.
    let signer: any OrderSigner
    /// Whether they can be asked; nil where they are part of this process.
    let signerProbe: SignerProbe?
    let limiters: [String: ConnectionLimiter]
    let enrolments: RateLimiter
    let challenges = ChallengeBook()
    let census = FleetCensus()
    let eventStreams = EventStreams()
    let freshness = OfferFreshness()
    let auditKeeping: AuditKeeping
    let progress = LiveProgress()
    let rolesCache = RolesCache()
    let sweepMemory = SweepMemory()
    /// The policies in force, as they were read last.
    let policies = PolicyCache()
    /// What feeds say, and what follows for the hosts.
    let vulnerabilities: VulnerabilityDesk
    /// What hosts have read in changelogs.
    let changelogs = ChangelogEvidence.Kept()
    /// Names this process where several servers share work.
    let serverName = RandomID.make("server")
    let started: Timestamp
    /// Refused handshakes and unknown tokens enter the audit log at most this often; metrics count them all.
    private let noiseLimiter = RateLimiter(perSecond: 1)
    private let life: Mutex<ServerLife>

    /// Opens everything that a server needs; nothing listens yet.
    static func open(
        _ configuration: ServerConfiguration, clock: ServerClock, logger: Logger
    ) async throws -> ServerState {
        // Before anything is made in the folder: of a lost one nothing must come back as new in silence.
        if !configuration.acceptsNewAuditKey, try readFile(AuditKey.path(configuration.data.authorityPath)) == nil,
            try await Store.plan(configuration.databaseAddress).applied > 0
        {
            let store = try await Store.open(
                configuration.databaseAddress, program: "fettle \(configuration.version)", now: clock.now())
            do {
                try await AuditKeeping.checkFolder(configuration.data.authorityPath, store)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
        let authorities = try AuthorityStore(folder: configuration.data.authorityPath, clock: clock)
        let tokens = try ExchangeTokens(folder: configuration.data.authorityPath)
        // A key that cannot be read is told before the database is touched.
        _ = try AuditKey(folder: configuration.data.authorityPath)
        let names = certificateNames(configuration)
        let credentials = try ServerCredentials(
            authorities: authorities, names: names, lifetime: configuration.serverCertificateLifetime,
            web: configuration.webCertificate, clock: clock)
        let now = clock.now()
        let store = try await Store.open(
            configuration.databaseAddress, program: "fettle \(configuration.version)", now: now)
        do {
            let people = try People(store: store, clock: clock, logger: logger, configuration: configuration)
            let life = try await store.write { transaction in
                try transaction.organisations.create(
                    Organisation(id: firstOrganisation, name: "Default", createdAt: now))
                _ = try transaction.epochs.currentOrFirst(now: now)
                return try ServerLife(transaction)
            }
            let auditKeeping = try await AuditKeeping.open(
                configuration.data.authorityPath, store, acceptsNew: configuration.acceptsNewAuditKey, now: now)
            return ServerState(
                configuration, clock, logger, store, people, authorities, credentials, tokens, auditKeeping, now, life)
        } catch {
            await store.close()
            throw error
        }
    }

    private init(
        _ configuration: ServerConfiguration, _ clock: ServerClock, _ logger: Logger, _ store: Store,
        _ people: People, _ authorities: AuthorityStore, _ credentials: ServerCredentials,
        _ exchangeTokens: ExchangeTokens, _ auditKeeping: AuditKeeping, _ started: Timestamp, _ life: ServerLife
    ) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.store = store
        self.people = people
        self.authorities = authorities
        self.credentials = credentials
        self.exchangeTokens = exchangeTokens
        self.auditKeeping = auditKeeping
        self.started = started
        self.vulnerabilities = VulnerabilityDesk(data: configuration.data.path)
        let limits = configuration.limits
        self.gates = RequestGates(limits)
        self.uploads = HourlyQuota(perHour: limits.uploadBytesPerHour)
        self.jobRecords = HourlyQuota(perHour: limits.jobRecordsPerHour)
        if let given = configuration.orderSigner {
            (signer, signerProbe) = (given, nil)
        } else {
            let client = SignerClient(socket: configuration.signerSocket)
            (signer, signerProbe) = (client, SignerProbe(client))
        }
        self.database = DatabaseProbe { try await store.check() }
        var limiters: [String: ConnectionLimiter] = [:]
        for name in ["agents", "enrolment"] {
            limiters[name] = ConnectionLimiter(
                maximum: limits.connections, maximumPerAddress: limits.connectionsPerAddress)
        }
        limiters["web"] = ConnectionLimiter(
            maximum: limits.webConnections, maximumPerAddress: limits.webConnectionsPerAddress)
        for name in ["metrics", "operator"] {
            limiters[name] = ConnectionLimiter(maximum: 200, maximumPerAddress: 200)
        }
        self.limiters = limiters
        self.enrolments = RateLimiter(perSecond: limits.enrolmentsPerSecond)
        self.life = Mutex(life)
        store.observeCommits { [metrics] writes in metrics.observe(.groupCommit, "", Double(writes)) }
    }

    /// The epoch, and what is known of a restore.
    var known: ServerLife { life.withLock { $0 } }

    /// Changes what is known, unless somebody else has since `revision`.
    func learn(_ fresh: ServerLife, since revision: Int) {
        life.withLock { life in
            guard life.revision == revision, fresh.epoch >= life.epoch else { return }
            life = fresh
            life.revision = revision + 1
        }
    }

    /// Takes what this server has itself just written.
    func learn(_ fresh: ServerLife) {
        life.withLock { life in
            guard fresh.epoch >= life.epoch else { return }
            let revision = life.revision
            life = fresh
            life.revision = revision + 1
        }
    }

    /// Where agents connect, as told to them.
    var agentAddress: ListenAddress { advertised("agents", configuration.agents) }

    /// Where hosts enrol, as told to them.
    var enrolmentAddress: ListenAddress { advertised("enrolment", configuration.enrolment) }

    /// Where browsers find the pages: `https://localhost:8080`.
    var webAddress: String { "https://\(advertised("web", configuration.web))" }

    private func advertised(_ listener: String, _ asked: ListenAddress) -> ListenAddress {
        let port = readiness.address(listener)?.port ?? asked.port
        if let name = configuration.names.first { return ListenAddress(host: name, port: port) }
        return ListenAddress(host: isWildcard(asked.host) ? machineName() : asked.host, port: port)
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

/// The names in the server's certificate: those that were given, where it listens, and loopback.
private func certificateNames(_ configuration: ServerConfiguration) -> [String] {
    var names = configuration.names
    for host in [configuration.agents.host, configuration.enrolment.host, configuration.web.host] {
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
