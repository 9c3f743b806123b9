import Foundation
import Inventory
import JSON
import NIOHTTP1
import Server
import Store
import Testing
import Timestamps
import Wire

extension ServerTests {
    @Suite struct CheckInTests {
        @Test(arguments: TestEngine.allCases)
        func aHostChecksInReportsAndIsShown(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                let first = try await host.checkedIn()
                #expect(first.interval == 60)
                #expect(first.expectedReport == 1)
                #expect(first.stateVersion == 1)
                #expect(first.epoch == 1)
                #expect(
                    try await server.host(host.id)["pending"]?["unknown"]?.string == "the host has not reported yet")

                let truth = Truth()
                let refused = try await host.send(
                    .POST, "reports", body: host.batch([host.report(truth, sequence: 1)]).encoded())
                let needed = try ReportReply(decoding: refused.body)
                #expect(needed.expectedReport == 1)
                #expect(Set(needed.needed.map(\.document)) == Set(HostDocument.allCases))

                try await host.reported(truth)
                let shown = try await server.host(host.id)
                #expect(shown["pending"]?["value"] == ["total": 1, "security": 1])
                #expect(shown["offers"]?[0]?["candidate"]?.string == "9.9-1")
                #expect(shown["reboot"]?["value"]?["required"]?.bool == false)
                #expect(shown["operatingSystem"]?["value"]?["name"]?.string == "Debian GNU/Linux 12 (bookworm)")
                #expect(shown["silent"]?.bool == false)
                let second = try await host.checkedIn(digests: truth.digests)
                #expect(second.expectedReport == 2)
                #expect(second.reportAll == false)
                // The host's documents as it says differ from what the server has, and nothing is on its way.
                let third = try await host.checkedIn(digests: Truth(packages: 6).digests)
                #expect(third.reportAll)
            }
        }

        @Test func desiredStateIsConditional() async throws {
            try await TestServer.with { server in
                let host = try await TestHost.enrol(server)
                let first = try await host.send(.GET, "state")
                let state = try DesiredState(decoding: first.body)
                #expect(state.host == host.id)
                #expect(state.organisation == "default")
                #expect(state.authorities.count == 2)
                let tag = try #require(first.headers.first(name: "etag"))
                #expect(tag == state.entityTag)
                let second = try await host.send(.GET, "state", headers: ["if-none-match": tag])
                #expect(second.status == 304)
                #expect(second.body.isEmpty)
                #expect(try await server.api(.POST, "hosts/\(host.id)/scan").status == 200)
                let third = try await host.send(.GET, "state", headers: ["if-none-match": tag])
                #expect(third.status == 200)
                let changed = try DesiredState(decoding: third.body)
                #expect(changed.version == state.version + 1)
                #expect(changed.scanRequest == state.scanRequest + 1)
                let answer = try await host.checkIn()
                #expect(try CheckInReply(decoding: answer.body).stateVersion == changed.version)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func protocolOneIsAnsweredInItsOwnWords(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                var host = try await TestHost.enrol(server)
                host.version = .one
                try await host.reported(Truth())
                _ = try await host.checkedIn()
                #expect(try await server.host(host.id)["protocol"]?.integer == 1)
                #expect(try await server.host(host.id)["clockOffset"]?["unknown"] != nil)
                // A field of version 2 is not one of version 1.
                let wrong = try await host.send(
                    .POST, "check-in",
                    body: CheckIn(
                        exchangeToken: host.token, bootID: host.bootID, epoch: 1, stateVersion: 1, incarnation: "i",
                        nextReport: 1, digests: nil, agentVersion: "0", clock: Timestamp(seconds: 0)
                    ).encoded(.two))
                #expect(wrong.status == 400)
                #expect(wrong.problem?.pointer == "/clock")
                let client = try await host.connect()
                let future = try await client.send(.POST, "/agent/v4/check-in", body: [])
                #expect(future.status == 426)
                #expect(future.problem?.kind == "protocol-unsupported")
                await client.close()
            }
        }

        @Test func aCheckInWithoutNewsLeavesTheDatabaseAlone() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                _ = try await host.checkedIn()
                let files = ["fettle.sqlite", "fettle.sqlite-wal"].map { "\(server.folder)/\($0)" }
                func stamp() throws -> [String] {
                    try files.map {
                        let attributes = try FileManager.default.attributesOfItem(atPath: $0)
                        return "\(attributes[.size] ?? 0) \(attributes[.modificationDate] ?? 0)"
                    }
                }
                let before = try stamp()
                let client = try await host.connect()
                for _ in 0..<200 {
                    let answer = try await client.send(
                        .POST, "/agent/v3/check-in", body: host.checkInMessage().encoded())
                    #expect(answer.status == 200)
                }
                #expect(try stamp() == before)
                await client.close()
                #expect(server.server.metrics.value(.checkIns, "protocol=\"3\"") == 201)
            }
        }

        @Test func clockOffsetAndSilenceAreShown() async throws {
            let clock = TestClock()
            let server = try await TestServer.start(clock: clock)
            var host = try await TestHost.enrol(server)
            try await host.reported(Truth(version: "9.9-1"))
            let ahead = host.checkInMessage(clock: clock.clock.now().adding(seconds: 3600)).encoded()
            #expect(try await host.send(.POST, "check-in", body: ahead).status == 200)
            #expect(try await server.host(host.id)["pending"]?["value"] == ["total": 0, "security": 0])
            clock.advance(181)
            // Without fresh evidence it is not shown as clean.
            let silent = try await server.host(host.id)
            #expect(silent["silent"]?.bool == true)
            #expect(silent["pending"]?["value"] == nil)
            #expect(silent["pending"]?["unknown"]?.string?.hasPrefix("the host is silent") == true)
            #expect(silent["reboot"]?["unknown"] != nil)
            let listed = try await server.api(.GET, "hosts?silent=true").json["items"]?.array ?? []
            #expect(listed.count == 1)
            try await server.stop()
            // What was seen was written down when the server stopped.
            let again = try await TestServer.start(folder: server.folder, clock: clock)
            let shown = try await again.host(host.id)
            #expect(shown["lastSeen"]?.string != nil)
            #expect(abs((shown["clockOffset"]?["value"]?.integer ?? 0) - 3600) < 5)
            try await again.stop()
        }

        @Test func anExpiredIndexIsNotEvidence() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                let until = server.clock.clock.now().adding(seconds: 3600)
                try await host.reported(Truth(version: "9.9-1", validUntil: until))
                #expect(try await server.host(host.id)["pending"]?["value"] != nil)
                server.clock.advance(3700)
                _ = try await host.checkedIn()
                let shown = try await server.host(host.id)
                #expect(shown["silent"]?.bool == false)
                #expect(shown["pending"]?["unknown"]?.string?.contains("expired") == true)
                let census = try await server.api(.GET, "server").json["hosts"]?["unjudged"]?.integer
                #expect(census == 1)
            }
        }

        /// It checks in all the same: only the age of its last scan shows that nothing is looked at any more.
        @Test(arguments: TestEngine.allCases)
        func aHostWhoseScansFailIsNotEvidence(_ engine: TestEngine) async throws {
            let clock = TestClock()
            let database = try await engine.newDatabase()
            let server = try await TestServer.start(engine, database: database, clock: clock)
            var host = try await TestHost.enrol(server)
            let truth = Truth(version: "9.9-1")
            try await host.reported(truth)
            _ = try await host.checkedIn(digests: truth.digests, scanAge: 5)
            let limit: Int64 = 3 * 3600 + 60
            clock.advance(limit - 100)
            _ = try await host.checkedIn(digests: truth.digests, scanAge: limit - 95)
            #expect(try await server.host(host.id)["pending"]?["value"] == ["total": 0, "security": 0])
            clock.advance(200)
            // Neither the check-in itself, nor one that knows of no scan since the agent's start, nor a scan that found
            // something else than what is held, is evidence.
            _ = try await host.checkedIn(digests: truth.digests, scanAge: limit + 105)
            _ = try await host.checkedIn(digests: truth.digests, scanAge: nil)
            _ = try await host.checkedIn(digests: Truth(packages: 9).digests, scanAge: 0)
            let shown = try await server.host(host.id)
            #expect(shown["silent"]?.bool == false)
            #expect(shown["pending"]?["value"] == nil)
            #expect(shown["pending"]?["unknown"]?.string?.hasPrefix("the host was not scanned since") == true)
            #expect(shown["pending"]?["lastKnown"] == ["total": 0, "security": 0])
            #expect(shown["reboot"]?["unknown"] != nil)
            let listed = try await server.api(.GET, "hosts").json["items"]?[0]
            #expect(listed?["reboot"]?["unknown"] != nil)
            let counted = try await server.api(.GET, "patches").json["hosts"]
            #expect(counted?["active"]?.integer == 1)
            #expect(counted?["unjudged"]?.integer == 1)
            #expect(counted?["stale"]?.integer == 1)
            #expect(counted?["silent"]?.integer == 0)
            try await server.stop()
            // The time of the last scan is written down with the last-seen times, and a restart forgets neither.
            let again = try await TestServer.start(engine, folder: server.folder, database: database, clock: clock)
            #expect(try await again.host(host.id)["pending"]?["unknown"] != nil)
            host.server = again
            let answer = try await host.checkIn(digests: truth.digests, scanAge: 1)
            #expect(answer.status == 200)
            #expect(try await again.host(host.id)["pending"]?["value"] != nil)
            try await again.stop()
        }

        @Test func aHostOfProtocolOneIsJudgedByItsLastReport() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                host.version = .one
                let truth = Truth(version: "9.9-1")
                try await host.reported(truth)
                _ = try await host.checkedIn(digests: truth.digests)
                #expect(try await server.host(host.id)["pending"]?["value"] != nil)
                server.clock.advance(3 * 3600 + 100)
                _ = try await host.checkedIn(digests: truth.digests)
                let shown = try await server.host(host.id)
                #expect(shown["pending"]?["unknown"]?.string?.hasPrefix("the host was not scanned since") == true)
                try await host.reported(truth)
                #expect(try await server.host(host.id)["pending"]?["value"] != nil)
            }
        }

        /// An index without Valid-Until ages all the same.
        @Test func indexesThatWereNotFetchedForAWeekAreNotEvidence() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server)
                let now = server.clock.clock.now()
                func pending(_ fetched: Fact<Timestamp>, ahead: Int64 = 0) async throws -> JSONValue? {
                    let truth = Truth(version: "9.9-1", fetched: fetched)
                    try await host.reported(truth)
                    let message = host.checkInMessage(
                        digests: truth.digests, clock: server.clock.clock.now().adding(seconds: ahead))
                    #expect(try await host.send(.POST, "check-in", body: message.encoded()).status == 200)
                    return try await server.host(host.id)["pending"]
                }
                let week: Int64 = 7 * 86_400
                #expect(try await pending(.known(now.adding(seconds: -week + 600)))?["value"] != nil)
                let old = try await pending(.known(now.adding(seconds: -week - 600)))
                #expect(old?["unknown"]?.string?.contains("last fetched at") == true)
                // By the host's clock, which is an hour ahead: a week and ten minutes ago.
                #expect(try await pending(.known(now.adding(seconds: -week + 3000)), ahead: 3600)?["unknown"] != nil)
                let never = try await pending(.unknown("no stamp"))
                #expect(never?["unknown"]?.string?.hasSuffix("no stamp") == true)
                #expect(try await server.api(.GET, "server").json["hosts"]?["stale"]?.integer == 1)
            }
        }

        /// One host's damage hides neither itself nor the others.
        @Test func offersThatCannotBeReadCountAsNotJudged() async throws {
            let server = try await TestServer.start()
            var host = try await TestHost.enrol(server)
            try await host.reported(Truth(version: "9.9-1"))
            var other = try await TestHost.enrol(server, hostname: "web2")
            try await other.reported(Truth(version: "9.9-1", validUntil: Truth.today.adding(seconds: 9000)))
            try await server.stop()
            let store = try await Store.open(
                "sqlite:\(server.folder)/fettle.sqlite", program: "test", now: Truth.today)
            let digest = Truth(version: "9.9-1").offers.digest
            try await store.write { transaction in
                try transaction.execute(
                    "UPDATE offer_sets SET content = ?2 WHERE digest = ?1", digest, Array("damage\n".utf8))
            }
            try await store.close()
            let again = try await TestServer.start(folder: server.folder)
            let hosts = try await again.api(.GET, "patches").json["hosts"]
            #expect(hosts?["active"]?.integer == 2)
            #expect(hosts?["unjudged"]?.integer == 1)
            let shown = try await again.host(host.id)
            #expect(shown["pending"]?["unknown"]?.string?.contains("cannot be read") == true)
            #expect(try await again.api(.GET, "hosts").json["items"]?.array?.count == 2)
            try await again.stop()
        }
    }
}
