import Glibc
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Store
import Synchronization
import Timestamps
import UnixSignals

/// One server on one data folder: four listeners, the operator's socket, the database.
///
///     let server = try await FettleServer.start(configuration, logger: logger)
///     try await server.run()      // until a graceful shutdown
public final class FettleServer: Sendable {
    /// Where the listeners are, once they run.
    public let readiness: Readiness
    /// What is counted.
    public let metrics: Metrics
    let state: ServerState
    private let lock: DataFolderLock
    private let group: ServiceGroup

    /// Opens the data folder, the authorities and the database; nothing listens yet.
    ///
    /// - Parameters:
    ///   - signals: whether SIGTERM and SIGINT stop it.
    /// - Throws: an error whose description says what is wrong and what to do.
    public static func start(
        _ configuration: ServerConfiguration, clock: ServerClock = .system, logger: Logger, signals: Bool = false
    ) async throws -> FettleServer {
        try configuration.data.create()
        raiseOpenFileLimit()
        FastDigests.use()
        let lock = try configuration.data.lock()
        guard configuration.data.socketPath.utf8.count < 104 else {
            throw ServerStartError(
                "the path of the socket \(configuration.data.socketPath) is too long for the system: use a shorter --data"
            )
        }
        let state = try await ServerState.open(configuration, clock: clock, logger: logger)
        let api: APIServices
        do {
            api = try APIServices(state: state)
        } catch {
            await state.store.close()
            throw error
        }
        return FettleServer(state: state, api: api, lock: lock, logger: logger, signals: signals)
    }

    /// A connection is a file descriptor: the usual soft limit of 1,024 would be reached before any of ours.
    private static func raiseOpenFileLimit() {
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var files = rlimit()
        guard getrlimit(kind, &files) == 0, files.rlim_cur < files.rlim_max else { return }
        files.rlim_cur = files.rlim_max
        setrlimit(kind, &files)
    }

    private init(state: ServerState, api: APIServices, lock: DataFolderLock, logger: Logger, signals: Bool) {
        self.state = state
        self.lock = lock
        self.metrics = state.metrics
        self.readiness = state.readiness
        let configuration = state.configuration
        let agents = AgentRoutes(state: state)
        let enrolment = EnrolmentRoutes(state: state)
        let people = state.people
        let operators = APIRouter(state: state, services: api, authenticate: { try await people.authenticate($0, $1) })
        let health = HealthRoutes(state: state)
        let web = WebRoutes(state: state, api: api)
        let credentials = state.credentials
        // Stopped in the reverse order: first the mark that we stop, then whoever comes from outside, health last.
        let services: [any Service] = [
            Maintenance(state: state),
            AuditKeeper(state: state),
            RolloutScheduler(state: state),
            VulnerabilityKeeper(state: state),
            ArrivalsReader(state: state),
            state.listener("metrics", .hostname(configuration.metrics.host, port: configuration.metrics.port)) {
                request, _ in
                try await health.respond(request)
            },
            state.listener("operator", .unixDomainSocket(path: configuration.data.socketPath)) {
                await operators.respond($0, $1)
            },
            state.listener(
                "agents", .hostname(configuration.agents.host, port: configuration.agents.port),
                context: { credentials.agents }, route: { try await agents.respond($0, $1) }),
            state.listener(
                "enrolment", .hostname(configuration.enrolment.host, port: configuration.enrolment.port),
                context: { credentials.enrolment }, route: { try await enrolment.respond($0, $1) }),
            state.listener(
                "web", .hostname(configuration.web.host, port: configuration.web.port),
                context: { credentials.web }, route: { try await web.respond($0, $1) }),
            Drain(gates: state.gates),
        ]
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .error)
        var groupConfiguration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [], logger: quiet)
        groupConfiguration.maximumGracefulShutdownDuration = .seconds(configuration.drainTime)
        self.group = ServiceGroup(configuration: groupConfiguration)
    }

    /// Serves until a graceful shutdown; then what is in work is finished and everything is on disk.
    public func run() async throws {
        let announcement = Task { [readiness, state] in
            guard await readiness.wait() else { return }
            state.logger.info(
                "serving",
                metadata: [
                    "agents": "\(state.agentAddress)", "enrolment": "\(state.enrolmentAddress)",
                    "web": "\(state.webAddress)",
                    "metrics": "\(readiness.address("metrics")?.description ?? "")",
                    "data": "\(state.configuration.data.path)", "database": "\(state.store.engineVersion)",
                ])
        }
        defer { announcement.cancel() }
        var failure: (any Error)?
        do {
            try await group.run()
        } catch {
            // What was cut at the end of the drain time is no failure of the server.
            if !state.gates.stopping { failure = error }
        }
        readiness.end()
        await AuditKeeper(state: state).finish()
        await state.store.close()
        unlink(state.configuration.data.socketPath)
        lock.release()
        state.logger.info("stopped")
        if let failure { throw failure }
    }

    /// Begins a graceful shutdown; ``run()`` returns when it is over.
    public func stop() async {
        await group.triggerGracefulShutdown()
    }
}

/// Marks the moment a stop begins, so that readiness says so before listeners close.
private struct Drain: Service {
    let gates: RequestGates

    func run() async throws {
        do {
            try await gracefulShutdown()
            gates.stop()
        } catch {
            // Another service failed: that is no stop in order, and its error is the server's.
        }
    }
}

extension ServerState {
    /// A listener under that name.
    fileprivate func listener(
        _ name: String, _ address: BindAddress, context: (@Sendable () -> NIOSSLContext)? = nil,
        route: @escaping @Sendable (Request, Exchange) async throws -> (String, Response)
    ) -> ListenerService {
        let readiness = readiness
        let limiter = limiters[name] ?? ConnectionLimiter(maximum: 100, maximumPerAddress: 100)
        let socketPath = configuration.data.socketPath
        return ListenerService(
            name: name, address: address, place: "\(place(name))",
            responder: ListenerResponder(listener: name, metrics: metrics, gate: gates[name], route: route),
            connections: limiter, limits: configuration.limits, context: context,
            onHandshakeRefused: { [weak self] address, reason in self?.handshakeRefused(address, reason) },
            onRunning: { channel in
                if let local = channel.localAddress, let host = local.ipAddress, let port = local.port {
                    readiness.running(name, at: ListenAddress(host: host, port: port))
                } else {
                    chmod(socketPath, 0o600)
                    readiness.running(name, at: ListenAddress(host: socketPath, port: 0))
                }
            }, logger: logger)
    }

    private func place(_ name: String) -> String {
        switch name {
        case "agents": configuration.agents.description
        case "enrolment": configuration.enrolment.description
        case "metrics": configuration.metrics.description
        case "web": configuration.web.description
        default: configuration.data.socketPath
        }
    }
}
