import Foundation
import JSON
import NIOHTTP1
import Server
import Testing
import Wire

extension ServerTests {
    /// Two servers of one installation: one PostgreSQL, the same authority, a data folder each.
    @Suite struct TwoServersTests {
        private func withTwo(_ body: (TestServer, TestServer) async throws -> Void) async throws {
            let database = try #require(try await TestEngine.postgresql.newDatabase())
            let one = try await TestServer.start(.postgresql, database: database)
            let folder = try temporaryFolder()
            try FileManager.default.copyItem(atPath: "\(one.folder)/authority", toPath: "\(folder)/authority")
            let two = try await TestServer.start(.postgresql, folder: folder, database: database, clock: one.clock)
            do {
                try await body(one, two)
            } catch {
                try? await one.stop()
                try? await two.stop()
                throw error
            }
            try await one.stop()
            try await two.stop()
        }

        @Test func aTokenThatOneRotatedIsGoodAtTheOtherAtOnce() async throws {
            try await withTwo { one, two in
                var host = try await TestHost.enrol(one, bootID: "boot-1")
                for boot in 2..<6 {
                    _ = try await host.moved(to: two).checkIn()
                    one.clock.advance(3700)
                    host.bootID = "boot-\(boot)"
                    let old = host.token
                    #expect(try await host.checkedIn().exchangeToken != nil)
                    #expect(host.token != old)
                    #expect(try await host.moved(to: two).checkIn().status == 200)
                }
                #expect(try await one.host(host.id)["status"]?.string == "active")
                // A wrong one is caught by either.
                var copy = host.moved(to: two)
                copy.token = String(repeating: "ab", count: 32)
                #expect(try await copy.checkIn().problem?.kind == "exchange-token-stale")
            }
        }

        @Test func whatOneHasJustChangedIsNoSignOfARestoreAtTheOther() async throws {
            try await withTwo { one, two in
                let host = try await TestHost.enrol(one)
                let there = host.moved(to: two)
                #expect(try await there.checkIn().status == 200)
                for _ in 0..<5 {
                    #expect(try await one.api(.POST, "hosts/\(host.id)/scan").status == 200)
                    let told = try CheckInReply(decoding: try await host.checkIn().body)
                    let reply = try CheckInReply(
                        decoding: try await there.checkIn(stateVersion: told.stateVersion).body)
                    #expect(reply.stateVersion == told.stateVersion)
                }
                #expect(try await two.api(.GET, "server").json["restored"]?.bool == false)
            }
        }

        @Test func theOtherFollowsTheRestoreAndTheEpoch() async throws {
            try await withTwo { one, two in
                let host = try await TestHost.enrol(one)
                var mate = try await TestHost.enrol(one, hostname: "mate")
                #expect(try await host.checkIn(epoch: 5).status == 200)
                #expect(
                    try await eventually { try await two.api(.GET, "server").json["restored"]?.bool == true })
                mate.token = String(repeating: "ab", count: 32)
                #expect(try await mate.moved(to: two).checkIn().problem?.kind == "server-restored")
                // The operator may ask either; an agent that learnt the epoch at once is no new evidence.
                #expect(try await two.api(.POST, "server/acknowledge-restore").json["epoch"]?.integer == 6)
                let reply = try CheckInReply(decoding: try await host.checkIn(epoch: 6, stateVersion: 2).body)
                #expect(reply.epoch == 6)
                #expect(try await one.api(.GET, "server").json["restored"]?.bool == false)
                #expect(try await one.api(.POST, "server/acknowledge-restore").status == 409)
                #expect(try await mate.checkedIn(epoch: 6).exchangeToken != nil, "forgiven at both")
                #expect(try await eventually { try await one.api(.GET, "server").json["epoch"]?.integer == 6 })
            }
        }

        /// A rotation reaches the other server by the folder that they share; one that has a copy of it signs nothing.
        @Test(arguments: [true, false]) func theAuditKeyIsRotatedForBoth(isShared: Bool) async throws {
            let database = try #require(try await TestEngine.postgresql.newDatabase())
            let one = try await TestServer.start(.postgresql, database: database) { $0.auditCheckpointInterval = 1 }
            let folder = try temporaryFolder()
            if isShared {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/authority", withDestinationPath: "\(one.folder)/authority")
            } else {
                try FileManager.default.copyItem(atPath: "\(one.folder)/authority", toPath: "\(folder)/authority")
            }
            let two = try await TestServer.start(.postgresql, folder: folder, database: database, clock: one.clock) {
                $0.auditCheckpointInterval = 1
            }
            func keys(_ server: TestServer) async throws -> [String] {
                try await server.api(.GET, "audit/keys").json["items"]?.array?.compactMap { $0["key"]?.string } ?? []
            }
            let first = try #require(try await keys(one).first)
            let answer = try await one.api(.POST, "audit/keys/rotate", ["current": .string(first)])
            let second = try #require(answer.json["key"]?.string, "\(answer.text)")
            if isShared {
                #expect(try await eventually { try await keys(two) == [second, first] })
                let third = try await two.api(.POST, "audit/keys/rotate", ["current": .string(second)])
                #expect(third.status == 200, "\(third.text)")
                #expect(try await eventually { try await keys(one).first == third.json["key"]?.string })
            } else {
                #expect(try await eventually { try await two.readyz().text.contains("lacks it") })
                let refused = try await two.api(.POST, "audit/keys/rotate", ["current": .string(first)])
                #expect(refused.status == 409)
            }
            #expect(try await !one.readyz().text.contains("audit:"))
            try await one.stop()
            try await two.stop()
        }
    }
}
