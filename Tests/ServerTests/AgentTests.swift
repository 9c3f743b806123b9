import Foundation
import Glibc
import JSON
import Server
import Testing
import Wire

extension ServerTests {
    /// The built agent against a real server: two processes, really forked, that are killed and stopped under way.
    @Suite(.serialized, .enabled(if: geteuid() == 0)) struct AgentTests {
        private static func hurry(_ configuration: inout ServerConfiguration) { configuration.interval = 5 }

        /// Check-ins in the version that this release's agents speak.
        private static let spoken = "protocol=\"\(ProtocolVersion.current.rawValue)\""

        private static func hurryMore(_ configuration: inout ServerConfiguration) {
            configuration.interval = 5
            configuration.certificateLifetime = 24
        }

        private func soon(
            _ what: String, seconds: Double = 90, _ condition: () async throws -> Bool
        ) async throws {
            let end = ContinuousClock.now + .seconds(seconds)
            while ContinuousClock.now < end {
                if try await condition() { return }
                try await Task.sleep(for: .milliseconds(100))
            }
            Issue.record("not within \(seconds) s: \(what)")
            throw CancellationError()
        }

        @Test func twoProcessesOfWhichOneHasTheNetworkAndTheOtherTheRights() async throws {
            try await TestServer.with(.sqlite, Self.hurry) { server in
                let agent = try await RealAgent(server)
                defer { agent.stop() }
                try agent.run()
                try await soon("the host has reported") {
                    try await server.host(agent.host)["lastReport"]?.string != nil
                }
                let network = agent.network
                #expect(agent.executorStatus?["isolated"]?.string == "yes")
                #expect(RealAgent.users(agent.executor) == ["0", "0", "0", "0"])
                let users = Set(RealAgent.users(network))
                #expect(users.count == 1 && !users.contains("0"))
                #expect(RealAgent.namespace(network) == RealAgent.namespace(getpid()))
                #expect(RealAgent.namespace(agent.executor) != RealAgent.namespace(getpid()))
                #expect(RealAgent.text("/proc/\(network)/status")?.contains("NoNewPrivs:\t1") == true)

                // Killed, it is started again, in the host's network; the executor goes back to having none.
                kill(network, SIGKILL)
                try await soon("a new network process runs") { agent.network > 0 && agent.network != network }
                let second = agent.network
                try await soon("the new one has given up root") { !RealAgent.users(second).contains("0") }
                #expect(RealAgent.namespace(second) == RealAgent.namespace(getpid()))
                #expect(RealAgent.namespace(agent.executor) != RealAgent.namespace(getpid()))
                #expect(agent.executorStatus?["isolated"]?.string == "yes")
                #expect(agent.executorStatus?["restarts"]?.integer == 1)
                let metrics = server.server.metrics
                let before = metrics.value(.checkIns, Self.spoken)
                try await soon("it checks in") { metrics.value(.checkIns, Self.spoken) > before }

                // Without its executor the network process does not stay behind.
                kill(agent.executor, SIGKILL)
                try await soon("the network process has ended", seconds: 10) { kill(second, 0) != 0 }
            }
        }

        @Test func aScanThatHangsIsEndedAtItsTime() async throws {
            try await TestServer.with(.sqlite, Self.hurry) { server in
                let agent = try await RealAgent(server)
                defer { agent.stop() }
                try agent.run(scanTimeout: 2)
                var stopped: pid_t = 0
                try await soon("a scan runs") {
                    stopped = agent.children("--documents").first ?? 0
                    return stopped > 0 && kill(stopped, SIGSTOP) == 0
                }
                try await soon("it was ended", seconds: 20) {
                    agent.executorStatus?["scanProblem"]?.string?.contains("took longer than 2 s") == true
                }
                #expect(agent.children("--documents").isEmpty)
                try await soon("the network process knows", seconds: 5) {
                    agent.networkStatus?["scanProblem"]?.string?.contains("took longer than 2 s") == true
                }
                // It goes on checking in, and says nothing of a scan.
                let metrics = server.server.metrics
                let before = metrics.value(.checkIns, Self.spoken)
                try await soon("it checks in") { metrics.value(.checkIns, Self.spoken) > before }
            }
        }

        /// Certificates that live for seconds: renewed by the agent at two thirds of their life; and, after it was away
        /// for longer than that, replaced against the proof of its key.
        @Test func certificatesAreRenewedInTimeAndReplacedAfterTheirEnd() async throws {
            try await TestServer.with(.sqlite, Self.hurryMore) { server in
                let agent = try await RealAgent(server)
                defer { agent.stop() }
                try agent.run()
                let host = agent.host
                func serial() async throws -> String? {
                    try await server.host(host)["certificate"]?["serial"]?.string
                }
                let first = try #require(try await serial())
                try await soon("the certificate was renewed") { try await serial() != first }
                let renewals = server.server.metrics.value(.identities, "occasion=\"renewal\",result=\"granted\"")
                #expect(renewals >= 1)
                #expect(server.server.metrics.value(.identities, "occasion=\"return\",result=\"granted\"") == 0)

                // Away for longer than a certificate lives.
                let network = agent.network
                #expect(kill(network, SIGSTOP) == 0)
                try await Task.sleep(for: .seconds(27))
                let old = try await serial()
                #expect(kill(network, SIGCONT) == 0)
                try await soon("the host has come back") {
                    server.server.metrics.value(.identities, "occasion=\"return\",result=\"granted\"") > 0
                }
                #expect(try await serial() != old)
                let checkIns = server.server.metrics.value(.checkIns, Self.spoken)
                try await soon("it checks in with it") {
                    server.server.metrics.value(.checkIns, Self.spoken) > checkIns
                }
                #expect(try await server.host(host)["status"]?.string == "active")
                #expect(agent.host == host)
            }
        }
    }
}
