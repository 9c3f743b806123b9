import Foundation
import JSON
import NIOHTTP1
import Server
import Store
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

        @Test(arguments: TestEngine.allCases)
        func aReleaseForgivesAStaleTokenOnce(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server, bootID: "boot-1")
                var setBack = host
                for boot in ["boot-2", "boot-3"] {
                    server.clock.advance(3700)
                    host.bootID = boot
                    _ = try await host.checkedIn()
                }
                // A disk set back to the first day.
                setBack.bootID = "boot-4"
                var copy = setBack
                #expect(try await setBack.checkIn().problem?.kind == "exchange-token-stale")
                #expect(try await setBack.checkIn().problem?.kind == "host-quarantined")
                #expect(try await server.api(.POST, "hosts/\(host.id)/release").status == 200)
                let reply = try await setBack.checkedIn()
                #expect(reply.exchangeToken != nil)
                #expect(try await server.audit().contains("host.token-reseeded"))
                #expect(try await setBack.checkedIn().exchangeToken == nil)
                copy.bootID = "boot-5"
                #expect(try await copy.checkIn().problem?.kind == "exchange-token-stale", "once")
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
            other = other.moved(to: later)
            try await other.reported(Truth())
            #expect(try await later.api(.POST, "hosts/\(host.id)/scan").status == 200)
            later.clock.advance(3700)
            host.bootID = "boot-2"
            _ = try await host.checkedIn(stateVersion: 2)
            try await host.reported(Truth(packages: 7))
            try await later.stop()

            let restored = try await TestServer.start(folder: backup, clock: server.clock)
            host = host.moved(to: restored)
            other = other.moved(to: restored)
            // Noted, and held off: neither forgiven nor quarantined before an operator has confirmed it.
            let held = try await host.checkIn(stateVersion: 2, digests: Truth(packages: 7).digests)
            #expect(held.status == 503)
            #expect(held.problem?.kind == "server-restored")
            #expect(Int(held.headers.first(name: "retry-after") ?? "") ?? 0 >= 1)
            #expect(try await restored.host(host.id)["status"]?.string == "active")
            #expect(try await restored.api(.GET, "server").json["restored"]?.bool == true)
            #expect(try await restored.readyz().text.contains("restored"))

            // A host whose token is right goes on. What it was told is safe and is gone is recorded, what comes is taken.
            _ = try await other.checkedIn()
            other.sequence = 2
            try await other.reported(Truth(packages: 8))
            #expect(try await restored.audit().contains("reports.skipped"))

            let acknowledged = try await restored.api(.POST, "server/acknowledge-restore")
            #expect(acknowledged.json["epoch"]?.integer == 2)
            #expect(try await restored.audit(organisation: "").contains("epoch.raised"))
            #expect(try await restored.api(.GET, "server").json["restored"]?.bool == false)
            #expect(try await restored.api(.POST, "server/acknowledge-restore").status == 409)
            // Forgiven now, and once: from now on a wrong token is a wrong token.
            let reply = try await host.checkedIn(stateVersion: 2, digests: Truth(packages: 7).digests)
            #expect(reply.exchangeToken != nil, "seeded anew, not quarantined")
            #expect(reply.epoch == 2)
            #expect(try await restored.audit().contains("host.token-reseeded"))
            let state = try DesiredState(decoding: try await host.send(.GET, "state").body)
            #expect(state.epoch == 2)
            host.sequence = reply.expectedReport
            try await host.reported(Truth(packages: 8))
            host.token = String(repeating: "cd", count: 32)
            #expect(try await host.checkIn(epoch: 2, stateVersion: state.version).status == 409)
            try await restored.stop()
        }

        @Test(arguments: TestEngine.allCases)
        func oneAgentsClaimForgivesNobody(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                #expect(try await server.api(.POST, "organisations", ["id": "b"]).status == 201)
                let liar = try await TestHost.enrol(server)
                let mate = try await TestHost.enrol(server, hostname: "mate")
                let stranger = try await TestHost.enrol(server, organisation: "b", hostname: "stranger")
                #expect(try await liar.checkIn(epoch: 7).status == 200)
                let wrong = String(repeating: "ab", count: 32)
                for host in [mate, stranger] {
                    var copy = host
                    copy.token = wrong
                    #expect(try await copy.checkIn().problem?.kind == "server-restored")
                    let report = copy.batch([copy.report(Truth(), sequence: 1)]).encoded()
                    #expect(try await copy.send(.POST, "reports", body: report).problem?.kind == "server-restored")
                    #expect(try await host.checkIn().status == 200, "the original goes on")
                }
                #expect(try await server.audit(organisation: "b").contains("host.token-reseeded") == false)

                // A host that came after the first claim has nothing to be forgiven, whatever is claimed later.
                server.clock.advance(60)
                var late = try await TestHost.enrol(server, hostname: "late")
                server.clock.advance(60)
                #expect(try await liar.checkIn(epoch: 9).status == 200)
                late.token = wrong
                #expect(try await late.checkIn().problem?.kind == "exchange-token-stale")
                #expect(try await server.host(late.id)["status"]?.string == "quarantined")

                #expect(try await server.api(.POST, "server/acknowledge-restore").json["epoch"]?.integer == 10)
                var restored = mate
                restored.token = wrong
                #expect(try await restored.checkedIn().exchangeToken != nil)
                restored.token = wrong
                #expect(try await restored.checkIn().problem?.kind == "exchange-token-stale")
            }
        }

        /// A person has looked: the claim is dropped with its reason, and who made it talks no more.
        @Test(arguments: TestEngine.allCases)
        func aFalseClaimIsDismissed(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let liar = try await TestHost.enrol(server)
                let mate = try await TestHost.enrol(server, hostname: "mate")
                let because: JSONValue = ["reason": "it is a copy of the test lab"]
                #expect(try await server.api(.POST, "server/dismiss-restore", because).status == 409)
                #expect(try await liar.checkIn(epoch: 7).status == 200)
                #expect(try await server.api(.GET, "server").json["restored"]?.bool == true)
                #expect(try await server.api(.POST, "server/dismiss-restore", [:]).status == 400)
                let answer = try await server.api(.POST, "server/dismiss-restore", because)
                #expect(answer.status == 200 && answer.json["host"]?.string == liar.id, "\(answer.text)")
                #expect(try await server.api(.GET, "server").json["restored"]?.bool == false)
                #expect(try await server.host(liar.id)["status"]?.string == "quarantined")
                #expect(try await liar.checkIn(epoch: 7).status != 200)
                #expect(try await server.api(.GET, "server").json["restored"]?.bool == false)
                #expect(try await server.api(.GET, "server").json["epoch"]?.integer == 1)
                // Nothing is forgiven by the claim any more.
                var copy = mate
                copy.token = String(repeating: "ab", count: 32)
                #expect(try await copy.checkIn().problem?.kind == "exchange-token-stale")
                #expect(try await server.api(.POST, "server/acknowledge-restore").status == 409)
            }
        }

        @Test func aRestoreThatCouldNotBeWrittenDownIsNotedAgain() async throws {
            let server = try await TestServer.start()
            let host = try await TestHost.enrol(server)
            let blocker = try SQLiteConnection(path: "\(server.folder)/fettle.sqlite", readOnly: false)
            try blocker.script("BEGIN IMMEDIATE")
            #expect(try await host.checkIn(epoch: 7).status == 503)
            #expect(try await server.api(.GET, "server").json["restored"]?.bool == false)
            try blocker.script("ROLLBACK")
            blocker.close()
            #expect(try await host.checkIn(epoch: 7).status == 200)
            #expect(try await server.audit(organisation: "").contains("server.restore-noticed"))
            try await server.stop()
            let again = try await TestServer.start(folder: server.folder)
            #expect(try await again.api(.GET, "server").json["restored"]?.bool == true)
            try await again.stop()
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
