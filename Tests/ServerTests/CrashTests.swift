import Crypto
import Digest
import Foundation
import Glibc
import JSON
import NIOHTTP1
import NIOSSL
import Server
import Synchronization
import Testing
import Timestamps
import Wire

extension ServerTests {
    /// The built `fettle serve`, killed with SIGKILL while hosts report.
    @Suite struct CrashTests {
        @Test(arguments: TestEngine.allCases)
        func noAcknowledgedReportIsLost(_ engine: TestEngine) async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let database = try await engine.newDatabase()
            var child = try await ServerProcess.start(folder, database)
            var hosts: [CrashHost] = []
            let token = try await child.token(uses: 8)
            for number in 0..<8 { hosts.append(try await CrashHost.enrol(child, token, number)) }

            // What each host was told is safe, by host.
            let progress = CrashProgress()
            for round in 0..<4 {
                let running = child
                let first = hosts[0]
                let target = (round + 1) * 260
                await withTaskGroup(of: CrashHost.self) { group in
                    for host in hosts {
                        group.addTask {
                            var host = host
                            await host.run(running, progress)
                            return host
                        }
                    }
                    group.addTask {
                        // Somewhere in the middle of the work, a different place each time.
                        // Hosts that gave up early must not make this wait for ever.
                        let limit = ContinuousClock.now + .seconds(60)
                        while progress.requests < target, ContinuousClock.now < limit {
                            try? await Task.sleep(for: .milliseconds(2))
                        }
                        running.kill()
                        return first
                    }
                    var ended: [CrashHost] = []
                    for await host in group { ended.append(host) }
                    // The killer's own value is a stale copy: the one with the higher sequence counts.
                    for index in hosts.indices {
                        let copies = ended.filter { $0.grant.host == hosts[index].grant.host }
                        if let latest = copies.max(by: { $0.sequence < $1.sequence }) { hosts[index] = latest }
                    }
                }
                child = try await ServerProcess.start(folder, database)
                for host in hosts {
                    let safe = progress.safe(host.grant.host)
                    let expected = try await host.expectedReport(child)
                    #expect(expected >= safe, "\(engine): host was told that all below \(safe) are safe")
                    let history = try await child.items("hosts/\(host.grant.host)/history?limit=500")
                    let sequences = history.compactMap { $0["sequence"]?.integer }
                    #expect(Set(sequences).isSuperset(of: 1..<safe), "every acknowledged report is there")
                    #expect(sequences.count == Set(sequences).count)
                }
            }
            #expect(progress.requests >= 1000)
            #expect(progress.acknowledged > 100, "the test has tested something")
            let code = try await child.stop()
            #expect(code == 0, "and ends in order")
        }
    }
}

/// How much was done, and what each host was told is safe.
private final class CrashProgress: Sendable {
    private let state = Mutex((requests: 0, safe: [String: Int64]()))

    var requests: Int { state.withLock { $0.requests } }
    var acknowledged: Int64 { state.withLock { $0.safe.values.reduce(0, +) } }
    func requested() { state.withLock { $0.requests += 1 } }
    func safe(_ host: String) -> Int64 { state.withLock { $0.safe[host] ?? 1 } }
    func acknowledge(_ host: String, _ expected: Int64) {
        state.withLock { $0.safe[host] = max($0.safe[host] ?? 1, expected) }
    }
}

/// A host that reports without end until its server is gone.
private struct CrashHost: Sendable {
    var grant: IdentityGrant
    var key: P256.Signing.PrivateKey
    var sequence: Int64 = 1
    let incarnation: String
    let boot: String

    static func enrol(_ server: ServerProcess, _ token: EnrolmentToken, _ number: Int) async throws -> CrashHost {
        let key = P256.Signing.PrivateKey()
        let client = try await TestClient.connect(.tls(port: server.enrolment, try server.context(nil, nil)))
        let boot = UUID().uuidString
        let answer = try await client.send(
            .POST, "/agent/v2/enrol",
            body: try TestHost.request(key, token, hostname: "crash\(number)", bootID: boot).encoded())
        await client.close()
        #expect(answer.status == 201, "\(answer.text)")
        return CrashHost(
            grant: try IdentityGrant(decoding: answer.body), key: key, incarnation: "i-\(UUID().uuidString)", boot: boot
        )
    }

    private func connect(_ server: ServerProcess) async throws -> TestClient {
        try await TestClient.connect(.tls(port: server.agents, try server.context(grant.certificate, key)))
    }

    func expectedReport(_ server: ServerProcess) async throws -> Int64 {
        let client = try await connect(server)
        let answer = try await client.send(.POST, "/agent/v2/check-in", body: checkIn)
        await client.close()
        #expect(answer.status == 200, "\(answer.text)")
        return try CheckInReply(decoding: answer.body).expectedReport
    }

    private var checkIn: [UInt8] {
        CheckIn(
            exchangeToken: grant.exchangeToken, bootID: boot, epoch: 1, stateVersion: 1, incarnation: incarnation,
            nextReport: sequence, digests: nil, agentVersion: "0", clock: ServerClock.system.now()
        ).encoded()
    }

    mutating func run(_ server: ServerProcess, _ progress: CrashProgress) async {
        do {
            let client = try await connect(server)
            // What the last server took although its answer was lost.
            let hello = try await client.send(.POST, "/agent/v2/check-in", body: checkIn)
            sequence = try CheckInReply(decoding: hello.body).expectedReport
            while true {
                _ = try await client.send(.POST, "/agent/v2/check-in", body: checkIn)
                progress.requested()
                let truth = Truth(packages: 5 + Int(sequence % 5), hostname: "crash")
                let report = Report(
                    sequence: sequence, observed: ServerClock.system.now(), bootID: boot, digests: truth.digests,
                    cause: "changed")
                let batch = ReportBatch(
                    exchangeToken: grant.exchangeToken, incarnation: incarnation, reports: [report]
                ).encoded()
                var answer = try await client.send(.POST, "/agent/v2/reports", body: batch)
                progress.requested()
                if try !ReportReply(decoding: answer.body).needed.isEmpty {
                    for (document, bytes) in truth.documents {
                        _ = try await client.send(
                            .PUT, "/agent/v2/documents/\(document.rawValue)/\(truth.digests[document].hex)",
                            headers: ["content-type": "application/vnd.fettle.document"], body: bytes)
                    }
                    answer = try await client.send(.POST, "/agent/v2/reports", body: batch)
                }
                let expected = try ReportReply(decoding: answer.body).expectedReport
                progress.acknowledge(grant.host, expected)
                sequence = expected
            }
        } catch {
            // The server is gone: that is what was to happen.
        }
    }
}

/// `fettle serve` in a process of its own.
final class ServerProcess: Sendable {
    let folder: String
    let agents: Int
    let enrolment: Int
    private let process: pid_t

    static func start(_ folder: String, _ database: String?) async throws -> ServerProcess {
        let ports = try (0..<4).map { _ in try freePort() }
        var arguments = [
            program, "serve", "--data", folder, "--listen-agents", "127.0.0.1:\(ports[0])", "--listen-enrolment",
            "127.0.0.1:\(ports[1])", "--listen-metrics", "127.0.0.1:\(ports[2])", "--listen-web",
            "127.0.0.1:\(ports[3])",
            "--log-level", "error",
        ]
        if let database { arguments += ["--database", database] }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, nil, nil, words, environ)
        try #require(code == 0, "cannot start \(program)")
        let server = ServerProcess(folder, ports[0], ports[1], process)
        let ready = try await eventually {
            guard let client = try? await TestClient.connect(.plain(port: ports[2])) else { return false }
            let answer = try? await client.send(.GET, "/readyz")
            await client.close()
            return answer?.status == 200
        }
        try #require(ready, "fettle serve did not get ready")
        return server
    }

    /// Beside the test program, where both are built.
    private static var program: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return URL(filePath: own).deletingLastPathComponent().appending(path: "fettle").path
    }

    private init(_ folder: String, _ agents: Int, _ enrolment: Int, _ process: pid_t) {
        self.folder = folder
        self.agents = agents
        self.enrolment = enrolment
        self.process = process
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// Ends it with SIGTERM; returns its exit code.
    func stop() async throws -> Int32 {
        Glibc.kill(process, SIGTERM)
        for _ in 0..<240 {
            var status: Int32 = 0
            if waitpid(process, &status, WNOHANG) == process { return status & 0x7F == 0 ? status >> 8 & 0xFF : -1 }
            try await Task.sleep(for: .milliseconds(50))
        }
        return -1
    }

    func context(_ certificate: String?, _ key: P256.Signing.PrivateKey?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(
            try ["ca-1", "ca-2"].flatMap { try NIOSSLCertificate.fromPEMFile("\(folder)/authority/\($0).pem") })
        if let certificate, let key {
            configuration.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))
            ]
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    func api(_ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil) async throws -> Answer {
        let client = try await TestClient.connect(.unix("\(folder)/fettle.sock"))
        let answer = try await client.send(
            method, "/api/v1/\(path)", headers: body == nil ? [:] : ["content-type": "application/json"],
            body: body?.canonicalBytes())
        await client.close()
        ResponseChecker.check(answer, method, "/api/v1/\(path)")
        return answer
    }

    /// All pages of a list.
    func items(_ path: String) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var cursor: String?
        repeat {
            let answer = try await api(.GET, path + (cursor.map { "&cursor=\($0)" } ?? ""))
            items += answer.json["items"]?.array ?? []
            cursor = answer.json["next"]?.string
        } while cursor != nil
        return items
    }

    func token(uses: Int64) async throws -> EnrolmentToken {
        let answer = try await api(.POST, "enrolment-tokens", ["uses": .integer(uses)])
        return try EnrolmentToken(parsing: try #require(answer.json["token"]?.string, "\(answer.text)"))
    }
}

/// A port of loopback that is free now.
private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    try #require(bound)
    return Int(in_port_t(bigEndian: address.sin_port))
}
