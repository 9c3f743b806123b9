import Foundation
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Server
import Store
import Synchronization
import Testing
import Wire

extension ServerTests {
    @Suite struct LimitTests {
        @Test func aSlowHeadIsCut() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.firstRequestTime = .milliseconds(400)
            } body: { server in
                // Bytes trickle in; neither a TLS hello nor a request's head comes of them.
                for listener in ["metrics", "agents"] {
                    let raw = try await RawClient.connect(server.port(listener))
                    let start = ContinuousClock.now
                    for byte in "GET /healthz HT".utf8 where raw.channel.isActive {
                        try? await raw.channel.writeAndFlush(ByteBuffer(bytes: [byte]))
                        try await Task.sleep(for: .milliseconds(100))
                    }
                    try await raw.channel.closeFuture.get()
                    #expect(ContinuousClock.now - start < .seconds(3))
                }
                #expect(try await server.get("/healthz").status == 200)
            }
        }

        @Test func anEndlessBodyIsCut() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.requestTime = .milliseconds(800)
                $0.limits.messageBytes = 50_000
                $0.limits.connectionBodyBytes = 200_000
            } body: { server in
                let host = try await TestHost.enrol(server)
                var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/check-in")
                head.headers = ["host": "localhost", "transfer-encoding": "chunked"]
                // Fast and endless: an answer, then the end.
                let client = try await host.connect()
                let part = HTTPClientRequestPart.body(
                    .byteBuffer(ByteBuffer(bytes: [UInt8](repeating: 0x20, count: 16_000))))
                let answer = try await client.send([.head(head), part, part, part, part, part])
                #expect(answer.status == 413)
                try await client.channel.closeFuture.get()
                // Slow and endless: the end.
                let slow = try await host.connect()
                let start = ContinuousClock.now
                slow.channel.writeAndFlush(HTTPClientRequestPart.head(head), promise: nil)
                try await slow.channel.closeFuture.get()
                #expect(ContinuousClock.now - start < .seconds(3))
                #expect(try await host.checkIn().status == 200)
            }
        }

        @Test func longHeadersAreRefused() async throws {
            try await TestServer.with { server in
                let client = try await TestClient.connect(.plain(port: server.port("metrics")))
                let answer = try await client.send(
                    .GET, "/healthz", headers: ["x-long": String(repeating: "a", count: 20_000)])
                #expect(answer.status == 400 || answer.status == 431)
            }
        }

        @Test func connectionsAreLimitedPerAddress() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.connectionsPerAddress = 3
            } body: { server in
                let host = try await TestHost.enrol(server)
                var clients: [TestClient] = []
                for _ in 0..<3 {
                    let client = try await host.connect()
                    #expect(try await client.send(.GET, "/agent/v2/state").status == 200)
                    clients.append(client)
                }
                await #expect(throws: (any Error).self) {
                    _ = try await host.connect().send(.GET, "/agent/v2/state")
                }
                await clients[0].close()
                #expect(
                    try await eventually {
                        (try? await host.connect().send(.GET, "/agent/v2/state").status) == 200
                    })
                #expect(
                    try await server.get("/metrics").text.contains(
                        "fettle_connections_refused_total{listener=\"agents\"}"))
            }
        }

        @Test func loadIsShedWithADrawnRetryAfter() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.enrolmentsInWork = 0
            } body: { server in
                var waits: Set<String> = []
                for _ in 0..<30 {
                    let client = try await server.enrolmentClient()
                    let answer = try await client.send(.POST, "/agent/v2/challenge")
                    #expect(answer.status == 503)
                    #expect(answer.problem?.kind == "overloaded")
                    waits.insert(try #require(answer.headers.first(name: "retry-after")))
                }
                #expect(waits.count > 3)
                // Whatever agents do, probes and operators come through.
                #expect(try await server.get("/healthz").status == 200)
                #expect(try await server.api(.GET, "server").status == 200)
            }
        }

        @Test func aFloodAtEnrolmentDoesNotShedAgents() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.enrolmentsInWork = 4
                $0.limits.enrolmentsInWorkPerAddress = 3
                $0.limits.requestsInWork = 4
            } body: { server in
                let host = try await TestHost.enrol(server)
                // Bodies that never come keep requests in work.
                var clients: [TestClient] = []
                for _ in 0..<3 {
                    let client = try await server.enrolmentClient()
                    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/enrol")
                    head.headers = ["host": "localhost", "content-length": "100"]
                    client.channel.writeAndFlush(HTTPClientRequestPart.head(head), promise: nil)
                    clients.append(client)
                }
                let busy = try await eventually {
                    try await server.get("/metrics").text.contains("fettle_requests_in_work 3\n")
                }
                #expect(busy)
                let client = try await server.enrolmentClient()
                let refused = try await client.send(.POST, "/agent/v2/challenge")
                #expect(refused.status == 429)
                #expect(refused.problem?.kind == "too-many-requests")
                #expect(Int(refused.headers.first(name: "retry-after") ?? "") ?? 0 >= 1)
                #expect(try await host.checkIn().status == 200)
                for client in clients { await client.close() }
                #expect(
                    try await eventually {
                        let client = try await server.enrolmentClient()
                        defer { Task { await client.close() } }
                        return try await client.send(.POST, "/agent/v2/challenge").status == 200
                    }, "what ended makes room")
            }
        }

        @Test func oneHostCannotTakeAllRequestsInWork() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.requestsInWorkPerHost = 2
            } body: { server in
                let greedy = try await TestHost.enrol(server)
                let other = try await TestHost.enrol(server, hostname: "web2")
                for _ in 0..<2 {
                    let client = try await greedy.connect()
                    var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/check-in")
                    head.headers = ["host": "localhost", "content-length": "100"]
                    client.channel.writeAndFlush(HTTPClientRequestPart.head(head), promise: nil)
                }
                let busy = try await eventually {
                    try await server.get("/metrics").text.contains("fettle_requests_in_work 2\n")
                }
                #expect(busy)
                #expect(try await greedy.checkIn().status == 429)
                #expect(try await other.checkIn().status == 200, "from the same address")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func whatAHostMaySendInAnHourIsBounded(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) {
                $0.limits.uploadBytesPerHour = 20_000
            } body: { server in
                var host = try await TestHost.enrol(server)
                let other = try await TestHost.enrol(server, hostname: "web2")
                let body = [UInt8](repeating: 0x20, count: 9_000)
                let digest = String(repeating: "ab", count: 32)
                for _ in 0..<2 { #expect(try await host.upload(.set, digest, body).status == 422) }
                for _ in 0..<3 {
                    let refused = try await host.upload(.set, digest, body)
                    #expect(refused.status == 429)
                    #expect(refused.problem?.kind == "upload-quota")
                    let wait = try #require(Int64(refused.headers.first(name: "retry-after") ?? ""))
                    #expect((1...3700).contains(wait))
                }
                #expect(try await server.audit().count { $0 == "host.upload-quota-exceeded" } == 1)
                #expect(try await host.checkIn().status == 200, "it is seen all the same")
                #expect(try await other.upload(.set, digest, body).status == 422)
                server.clock.advance(3600)
                try await host.reported(Truth())
            }
        }

        @Test func aStoppingServerLetsNothingNewIn() async throws {
            let server = try await TestServer.start()
            let host = try await TestHost.enrol(server)
            // One request in work keeps the server until its body is there; another connection asks for more.
            let slow = try await host.connect()
            let kept = try await host.connect()
            #expect(try await kept.send(.GET, "/agent/v2/state").status == 200)
            let body = host.checkInMessage().encoded()
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/check-in")
            head.headers = ["host": "localhost", "content-length": "\(body.count)"]
            async let answer = slow.send([.head(head)])
            try await Task.sleep(for: .milliseconds(200))
            async let stopped: Void = server.stop()
            // Either the kept connection is closed already, or it is told.
            for _ in 0..<20 {
                guard let more = try? await kept.send(.GET, "/agent/v2/state") else { break }
                if more.status == 503 { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            if let more = try? await kept.send(.GET, "/agent/v2/state") { #expect(more.status == 503) }
            slow.channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            slow.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            #expect(try await answer.status == 200)
            try await stopped
        }

        @Test func aSecondServerStaysOut() async throws {
            try await TestServer.with { server in
                await #expect {
                    _ = try await TestServer.start(folder: server.folder)
                } throws: { "\($0)".contains("a server already runs on") }
            }
        }

        @Test func aBusyPortIsSaid() async throws {
            try await TestServer.with { server in
                let port = server.port("agents")
                await #expect {
                    _ = try await TestServer.start(.sqlite) { $0.agents.port = port }
                } throws: { "\($0)".contains("another program uses it") && "\($0)".contains("--listen-agents") }
            }
        }

        @Test func aStopFinishesWhatIsInWork() async throws {
            let server = try await TestServer.start()
            var host = try await TestHost.enrol(server)
            let idle = try await host.connect()
            #expect(try await idle.send(.GET, "/agent/v2/state").status == 200)
            // The body comes only after the stop has begun.
            let client = try await host.connect()
            let body = host.checkInMessage().encoded()
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/agent/v2/check-in")
            head.headers = ["host": "localhost", "content-length": "\(body.count)"]
            async let answer = client.send([.head(head)])
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            async let stopped: Void = server.stop()
            try await Task.sleep(for: .milliseconds(300))
            client.channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            client.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            #expect(try await answer.status == 200)
            try await stopped
            #expect(ContinuousClock.now - start < .seconds(10))
            try await idle.channel.closeFuture.get()
            // The check-in's last-seen is on disk.
            let again = try await TestServer.start(folder: server.folder)
            #expect(try await again.host(host.id)["lastSeen"]?.string != nil)
            host = host.moved(to: again)
            #expect(try await host.checkIn().status == 200)
            try await again.stop()
        }
    }

    @Suite struct HealthTests {
        @Test(arguments: TestEngine.allCases)
        func metricsPassPromtool(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                _ = try await host.checkedIn()
                _ = try await host.send(.PUT, "documents/song/x", body: [])
                let answer = try await server.get("/metrics")
                #expect(answer.headers.first(name: "content-type") == "text/plain; version=0.0.4; charset=utf-8")
                for name in [
                    "fettle_checkins_total", "fettle_reports_total", "fettle_uploads_total", "fettle_refusals_total",
                    "fettle_identities_total", "fettle_connections", "fettle_request_duration_seconds_bucket",
                    "fettle_group_commit_writes_bucket{le=\"1\"}", "fettle_hosts{status=\"active\"} 1",
                    "fettle_last_seen_age_seconds", "fettle_epoch 1",
                ] {
                    #expect(answer.text.contains(name), "\(name)")
                }
                let file = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID().uuidString)")
                try answer.text.write(to: file, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(at: file) }
                let promtool = try shell("'\(repository)/Testbed/get-promtool'")
                #expect(throws: Never.self) { try shell("'\(promtool)' check metrics <'\(file.path)'") }
            }
        }

        @Test(arguments: TestEngine.allCases)
        func healthAndReadiness(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                #expect(try await server.get("/healthz").status == 200)
                #expect(try await server.readyz().status == 200)
                #expect(try await server.get("/nothing").status == 404)
                let client = try await server.enrolmentClient()
                #expect(try await client.send(.GET, "/metrics").status == 404, "not on a listener for the world")
                await client.close()
            }
        }

        @Test func readinessAnswersWhileTheDatabaseHangs() async throws {
            let database = try #require(try await TestEngine.postgresql.newDatabase())
            try await TestServer.with {
                $0.database = database
            } body: { server in
                let blocker = PostgreSQLConnection(address: database)
                try blocker.connect()
                try blocker.script("BEGIN; LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE")
                for _ in 0..<3 {
                    let start = ContinuousClock.now
                    let answer = try await server.readyz()
                    #expect(answer.status == 503)
                    #expect(answer.text.contains("the database does not answer"))
                    #expect(ContinuousClock.now - start < .seconds(4))
                }
                try blocker.script("ROLLBACK")
                blocker.close()
                #expect(try await eventually { try await server.readyz().status == 200 })
            }
        }

        @Test func theSocketIsItsOwnersOnly() async throws {
            try await TestServer.with { server in
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(server.folder)/fettle.sock")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
        }
    }
}

/// A connection that sends bytes as they are.
struct RawClient: Sendable {
    let channel: any Channel

    static func connect(_ port: Int) async throws -> RawClient {
        RawClient(
            channel: try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(
                host: "127.0.0.1", port: port
            ).get())
    }
}
