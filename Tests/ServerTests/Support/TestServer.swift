import Foundation
import JSON
import Logging
import NIOHTTP1
import NIOSSL
import Server
import Synchronization
import Testing
import Timestamps
import Wire

/// A clock that can be put forward.
final class TestClock: Sendable {
    private let offset = Mutex<Int64>(0)
    private let step = Mutex<(size: Int64, sum: Int64)>((0, 0))

    var clock: ServerClock {
        ServerClock { [self] in
            let stepped = step.withLock { step in
                step.sum += step.size
                return step.sum
            }
            let time = ServerClock.system.now().adding(seconds: offset.withLock { $0 })
            return Timestamp(milliseconds: time.milliseconds + stepped)
        }
    }

    /// Puts it forward by that much with each reading, as a server that has much to do finds it.
    func advanceEachTime(milliseconds: Int64) { step.withLock { $0.size = milliseconds } }

    func advance(_ seconds: Int64) { offset.withLock { $0 += seconds } }
}

/// A real server in this process, on loopback ports that the system chose.
final class TestServer: Sendable {
    let server: FettleServer
    let folder: String
    let clock: TestClock
    private let running: Task<Void, any Error>

    static func start(
        _ engine: TestEngine = .sqlite, folder: String? = nil, database: String? = nil, clock: TestClock = TestClock(),
        _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws -> TestServer {
        let folder = try folder ?? temporaryFolder()
        var configuration = ServerConfiguration(data: DataFolder(path: folder))
        configuration.database = if let database { database } else { try await engine.newDatabase() }
        configuration.agents.port = 0
        configuration.enrolment.port = 0
        configuration.metrics.port = 0
        configuration.web.port = 0
        configuration.passwordCost = PasswordCost(logarithm: 4, blockSize: 8, parallelism: 1)
        configuration.interval = 60
        configuration.limits.enrolmentsPerSecond = 1000
        change(&configuration)
        var logger = Logger(label: "test") { ServerLog(label: $0) }
        logger.logLevel = ProcessInfo.processInfo.environment["FETTLE_TEST_LOG"] == nil ? .critical : .debug
        let server = try await FettleServer.start(configuration, clock: clock.clock, logger: logger)
        let running = Task { try await server.run() }
        guard await server.readiness.wait() else {
            try await running.value
            throw ConnectionLost()
        }
        return TestServer(server, folder, clock, running)
    }

    /// Starts a server, runs `body`, stops it and removes its folder.
    static func with(
        _ engine: TestEngine = .sqlite, _ change: (inout ServerConfiguration) -> Void = { _ in },
        body: (TestServer) async throws -> Void
    ) async throws {
        let server = try await start(engine, change)
        do {
            try await body(server)
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
        try? FileManager.default.removeItem(atPath: server.folder)
    }

    private init(_ server: FettleServer, _ folder: String, _ clock: TestClock, _ running: Task<Void, any Error>) {
        self.server = server
        self.folder = folder
        self.clock = clock
        self.running = running
    }

    func stop() async throws {
        await server.stop()
        try await running.value
    }

    func port(_ listener: String) -> Int { server.readiness.address(listener)?.port ?? 0 }

    // MARK: The operator's side

    func api(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
        let client = try await TestClient.connect(.unix("\(folder)/fettle.sock"))
        let answer = try await client.send(
            method, "/api/v1/\(path)", headers: body == nil ? [:] : ["content-type": "application/json"],
            body: body?.canonicalBytes())
        await client.close()
        ResponseChecker.check(answer, method, "/api/v1/\(path)")
        return answer
    }

    func token(
        uses: Int64 = 1, expiresIn: Int64 = 3600, organisation: String = "default"
    ) async throws -> EnrolmentToken {
        let answer = try await api(
            .POST, "enrolment-tokens?organisation=\(organisation)",
            ["uses": .integer(uses), "expiresIn": .integer(expiresIn)])
        return try EnrolmentToken(parsing: try #require(answer.json["token"]?.string, "\(answer.text)"))
    }

    /// A local time in 30 days, as windows of campaigns are written.
    var nextMonth: String { String(clock.clock.now().adding(seconds: 30 * 86_400).description.prefix(16)) }

    func host(_ id: String) async throws -> JSONValue { try await api(.GET, "hosts/\(id)").json }

    // MARK: The agents' side

    /// A connection to the enrolment listener.
    func enrolmentClient() async throws -> TestClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try authorities())
        return try await TestClient.connect(
            .tls(port: port("enrolment"), NIOSSLContext(configuration: configuration)))
    }

    /// The trusted authorities, from the data folder.
    func authorities() throws -> [NIOSSLCertificate] {
        try ["ca-1", "ca-2", "ca-3"].flatMap { name -> [NIOSSLCertificate] in
            let path = "\(folder)/authority/\(name).pem"
            return FileManager.default.fileExists(atPath: path) ? try NIOSSLCertificate.fromPEMFile(path) : []
        }
    }
}

extension TestServer {
    /// The actions in an organisation's audit log, the oldest first.
    func audit(organisation: String = "default") async throws -> [String] {
        // What belongs to no organisation is in the installation's log, among all.
        let log = organisation.isEmpty ? "installation=true" : "organisation=\(organisation)"
        let answer = try await api(.GET, "audit?limit=500&\(log)")
        return (answer.json["items"]?.array ?? []).filter { $0["organisation"]?.string == organisation }.compactMap {
            $0["event"]?["action"]?.string
        }
    }

    func get(_ path: String) async throws -> Answer {
        let client = try await TestClient.connect(.plain(port: port("metrics")))
        let answer = try await client.send(.GET, path)
        await client.close()
        return answer
    }

    func readyz() async throws -> Answer { try await get("/readyz") }
}

/// Tries for a few seconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<100 {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return false
}
