import Foundation
import JSON
import NIOHTTP1
import Server
import Testing
import Wire

extension ServerTests {
    @Suite struct CloneTests {
        @Test(arguments: TestEngine.allCases)
        func aBootThatComesBackQuarantinesBothCopies(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var original = try await TestHost.enrol(server, bootID: "boot-1")
                _ = try await original.checkedIn()
                var copy = original
                copy.bootID = "boot-2"
                _ = try await copy.checkedIn()
                let caught = try await original.checkIn()
                #expect(caught.status == 403)
                #expect(caught.problem?.kind == "host-quarantined")
                #expect(try await copy.checkIn().problem?.kind == "host-quarantined")
                #expect(try await copy.send(.GET, "state").problem?.kind == "host-quarantined")
                #expect(try await server.host(original.id)["status"]?.string == "quarantined")
                #expect(try await server.audit().contains("host.quarantined"))

                // The copy enrols for itself, the original is released.
                let other = try await TestHost.enrol(server, hostname: "web1-copy")
                #expect(other.id != original.id)
                #expect(try await server.api(.POST, "hosts/\(original.id)/release").status == 200)
                original.bootID = "boot-3"
                _ = try await original.checkedIn()
                #expect(try await server.api(.POST, "hosts/\(original.id)/release").status == 409)
            }
        }

        @Test func theTokenRotatesAtBootAndTheLastTwoAreGood() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server, bootID: "boot-1")
                let first = host.token
                host.bootID = "boot-2"
                let early = try await host.checkedIn()
                #expect(early.exchangeToken == nil, "at most hourly")
                server.clock.advance(3700)
                host.bootID = "boot-3"
                let rotated = try #require(try await host.checkedIn().exchangeToken)
                #expect(rotated != first)
                #expect(try await host.checkedIn().exchangeToken == nil)

                // The answer was lost: the token before is still good, and the current one is said again.
                host.token = first
                #expect(try await host.checkedIn().exchangeToken == rotated)
                #expect(host.token == rotated)

                server.clock.advance(3700)
                host.bootID = "boot-4"
                let second = try #require(try await host.checkedIn().exchangeToken)
                #expect(second != rotated)
                // Two behind: a copy of the disk from before.
                host.token = first
                let stale = try await host.checkIn()
                #expect(stale.status == 409)
                #expect(stale.problem?.kind == "exchange-token-stale")
                host.token = second
                #expect(try await host.checkIn().problem?.kind == "host-quarantined")
            }
        }

        @Test func anUnknownTokenQuarantines() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                let good = host.token
                host.token = String(repeating: "ab", count: 32)
                let truth = Truth()
                try await host.upload(truth)
                let refused = try await host.send(
                    .POST, "reports", body: host.batch([host.report(truth, sequence: 1)]).encoded())
                #expect(refused.problem?.kind == "exchange-token-stale")
                host.token = good
                #expect(try await host.checkIn().status == 403)
            }
        }

        @Test func aRenewalWhoseAnswerIsLostDoesNotLookLikeAClone() async throws {
            try await TestServer.with { server in
                let host = try await TestHost.enrol(server)
                let request = RenewalRequest(certificateRequest: try TestHost.certificateRequest(host.key)).encoded()
                var tokens: Set<String> = []
                for _ in 0..<5 {
                    let answer = try await host.send(.POST, "renew", body: request)
                    tokens.insert(try IdentityGrant(decoding: answer.body).exchangeToken)
                }
                #expect(tokens == [host.token], "within the hour it is the same")
                server.clock.advance(3700)
                for _ in 0..<5 { _ = try await host.send(.POST, "renew", body: request) }
                #expect(try await host.checkIn().status == 200, "the one before is good still")
            }
        }
    }

    @Suite struct RestoreTests {
        @Test func aServerRestoredFromABackupResumesAboveWhatAgentsSaw() async throws {
            let server = try await TestServer.start()
            var host = try await TestHost.enrol(server, bootID: "boot-1")
            var other = try await TestHost.enrol(server, hostname: "db1", bootID: "boot-a")
            try await host.reported(Truth())
            _ = try await host.checkedIn()
            _ = try await other.checkedIn()
            try await server.stop()
            let backup = server.folder + ".backup"
            try FileManager.default.copyItem(atPath: server.folder, toPath: backup)

            // After the backup: more reports, a new state version, a rotated token.
            let later = try await TestServer.start(folder: server.folder, clock: server.clock)
            host = host.moved(to: later)
            try await host.reported(Truth(packages: 6))
            #expect(try await later.api(.POST, "hosts/\(host.id)/scan").status == 200)
            later.clock.advance(3700)
            host.bootID = "boot-2"
            _ = try await host.checkedIn(stateVersion: 2)
            try await host.reported(Truth(packages: 7))
            try await later.stop()

            let restored = try await TestServer.start(folder: backup, clock: server.clock)
            host = host.moved(to: restored)
            other = other.moved(to: restored)
            let reply = try await host.checkedIn(stateVersion: 2, digests: Truth(packages: 7).digests)
            #expect(reply.exchangeToken != nil, "seeded anew, not quarantined")
            #expect(try await restored.host(host.id)["status"]?.string == "active")
            #expect(try await restored.api(.GET, "server").json["restored"]?.bool == true)
            #expect(try await restored.readyz().text.contains("restored"))
            #expect(reply.reportAll == false || reply.expectedReport == 2)

            // The reports between were acknowledged and are gone: the gap is recorded, what comes is taken.
            try await host.reported(Truth(packages: 8))
            #expect(try await restored.audit().contains("reports.skipped"))
            _ = try await other.checkedIn()

            let acknowledged = try await restored.api(.POST, "server/acknowledge-restore")
            #expect(acknowledged.json["epoch"]?.integer == 2)
            #expect(try await restored.audit(organisation: "").contains("epoch.raised"))
            let state = try DesiredState(decoding: try await host.send(.GET, "state").body)
            #expect(state.epoch == 2)
            #expect(try await restored.api(.GET, "server").json["restored"]?.bool == false)
            #expect(try await restored.api(.POST, "server/acknowledge-restore").status == 409)
            _ = try await host.checkedIn(epoch: 2, stateVersion: state.version)
            // Forgiven once: from now on a wrong token is a wrong token.
            host.token = String(repeating: "cd", count: 32)
            #expect(try await host.checkIn(epoch: 2, stateVersion: state.version).status == 409)
            try await restored.stop()
        }

        @Test func oneHostCannotPushTheEpochToItsEnd() async throws {
            try await TestServer.with { server in
                let host = try await TestHost.enrol(server)
                let refused = try await host.checkIn(epoch: .max)
                #expect(refused.status == 400)
                #expect(refused.problem?.pointer == "/epoch")
                #expect(try await server.api(.GET, "server").json["restored"]?.bool == false)
            }
        }

        @Test func theRestoredStateOutlivesARestart() async throws {
            let server = try await TestServer.start()
            let host = try await TestHost.enrol(server)
            #expect(try await host.checkIn(epoch: 7).status == 200)
            try await server.stop()
            let again = try await TestServer.start(folder: server.folder)
            #expect(try await again.api(.GET, "server").json["restored"]?.bool == true)
            #expect(try await again.api(.POST, "server/acknowledge-restore").json["epoch"]?.integer == 8)
            try await again.stop()
        }
    }
}

extension TestHost {
    /// The same host, whose server runs elsewhere now.
    func moved(to server: TestServer) -> TestHost {
        var host = TestHost(server: server, key: key, grant: grant, token: token, bootID: bootID)
        host.incarnation = incarnation
        host.sequence = sequence
        host.version = version
        return host
    }
}
