import Foundation
import JSON
import Orders
import Rollout
import Store
import Synchronization
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Two servers of one PostgreSQL, and one permit.
    @Suite struct RolloutRaceTests {
        private static let grants = 1000

        @Test func twoServersNeverGiveOnePermitTwice() async throws {
            let database = try #require(try await TestEngine.postgresql.newDatabase())
            let signer = LocalSigner()
            let one = try await TestServer.start(.postgresql, database: database) { $0.orderSigner = signer }
            let folder = try temporaryFolder()
            try FileManager.default.copyItem(atPath: "\(one.folder)/authority", toPath: "\(folder)/authority")
            let two = try await TestServer.start(.postgresql, folder: folder, database: database, clock: one.clock) {
                $0.orderSigner = signer
            }
            var world = Rollouts(server: one)
            for name in ["left", "right"] { try await world.enrol(name) }
            let id = try await world.running(world.draft(budget: 1)).summary.id
            let tally = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (server, host) in [(one, world.hosts[0]), (two, world.hosts[1])] {
                    group.addTask {
                        let engine = RolloutEngine(state: server.server.state)
                        try await Self.race(engine, campaign: id, host: host.id, tally)
                    }
                }
                try await group.waitForAll()
            }
            let end = tally.counts.withLock { $0 }
            #expect(end.granted >= Self.grants)
            #expect(end.most == 1, "never two hosts down")
            #expect(end.refused > 0, "they have met")
            print("one permit: \(end.granted) grants, \(end.refused) refusals, at most \(end.most) host down at a time")
            let permits = try await one.server.state.store.read {
                try $0.permits.counted(organisation: "default", group: "campaign:\(id)")
            }
            #expect(permits.count <= 1)
            try await one.stop()
            try await two.stop()
        }

        /// Claims, is down for a moment, and gives the permit back by having the job taken back and offered anew.
        private static func race(
            _ engine: RolloutEngine, campaign: String, host id: String,
            _ tally: Tally
        ) async throws {
            let store = engine.state.store
            while tally.counts.withLock({ $0.granted }) < grants {
                let host = try #require(
                    try await store.read { try $0.hosts.show(organisation: "default", id: id) })
                let job = try #require(
                    try await store.read { sql in
                        try sql.jobs.list(organisation: "default", campaign: campaign).last { $0.host == id }
                    })
                let fence = tally.counts.withLock { $0.fences[id] ?? 0 }
                let answer = try await engine.claim(
                    job.id,
                    JobQuestion(exchangeToken: "", nonce: String(repeating: "0", count: 32), fence: fence), host)
                guard answer.order != nil else {
                    tally.counts.withLock { $0.refused += 1 }
                    #expect(answer.reason.contains("No permit is free"), "\(answer.reason)")
                    continue
                }
                let grant = try answer.grant()
                #expect(grant.fence > fence, "fences only grow")
                tally.counts.withLock {
                    $0.granted += 1
                    $0.down += 1
                    $0.most = max($0.most, $0.down)
                    $0.fences[id] = grant.fence
                }
                await Task.yield()
                tally.counts.withLock { $0.down -= 1 }
                let now = engine.state.clock.now()
                try await store.write { sql in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    let held = try rollout.job(job.id)
                    try rollout.handle(.cancel(by: "test", reason: ""), held, by: "test")
                    try rollout.offerAgain(held, rollout.campaign(campaign), by: "test")
                }
            }
        }
    }
}

/// What the race has come to.
private final class Tally: Sendable {
    struct Counts {
        var (down, most, granted, refused) = (0, 0, 0, 0)
        var fences: [String: Int64] = [:]
    }
    let counts = Mutex(Counts())
}
