import Digest
import Foundation
import Rollout
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// Campaigns of thousands of hosts: their jobs are made in pages, each a transaction of its own, and a server that dies
    /// between two of them leaves the rest to whoever comes after it.
    @Suite struct OfferPagesTests {
        /// A signer that is away leaves the moment of the release to the test.
        private func with(
            _ engine: TestEngine, hosts: Int,
            _ body: (Rollouts, _ id: String, _ state: ServerState) async throws -> Void
        ) async throws {
            try await Rollouts.with(engine, signer: LocalSigner(isBroken: true)) { world in
                let id = try await world.scheduled(world.draft(budget: 5)).summary.id
                let state = world.server.server.state
                let now = world.now
                try await state.store.write { sql in
                    let first = try #require(try sql.campaigns.hosts(organisation: "default", campaign: id).first)
                    var members = [first]
                    for number in 1..<hosts {
                        var member = first
                        member.host = try Self.enrol(number, sql, now)
                        members.append(member)
                    }
                    try sql.campaigns.setHosts(organisation: "default", campaign: id, members)
                }
                try await body(world, id, state)
            }
        }

        static func enrol(_ number: Int, _ sql: Transaction, _ now: Timestamp) throws -> String {
            let id = "h-\(String(format: "%026d", number))"
            return try sql.hosts.enrol(
                NewHost(
                    id: id, organisation: "default", hostname: "many\(number)",
                    evidence: ["machine-id": String(format: "%032d", number)], token: "t",
                    certificate: HostCertificate(
                        serial: String(format: "%020d", number), keyDigest: SHA256.hash(Array(id.utf8)),
                        notBefore: now, notAfter: now.adding(seconds: 86_400), issuedAt: now),
                    exchangeToken: SHA256.hash(Array(id.utf8)), interval: 60, scanInterval: 3600, salt: id, bootID: nil,
                    agentVersion: "1", protocolVersion: 3), now: now
            ).id
        }

        /// Waits until every host of the campaign was looked at.
        func isAllOffered(_ id: String, _ state: ServerState) async throws -> Bool {
            for _ in 0..<600 {
                await RolloutScheduler(state: state).step()
                let isOffering = try await state.store.read { sql in
                    try RolloutTransaction(sql: sql, organisation: "default", now: state.clock.now()).isOffering(id)
                }
                if !isOffering { return true }
                try await Task.sleep(for: .milliseconds(100))
            }
            return false
        }

        private func jobs(_ id: String, _ state: ServerState) async throws -> [JobRecord] {
            try await state.store.read { try $0.jobs.list(organisation: "default", campaign: id) }
        }

        @Test(arguments: TestEngine.allCases)
        func thousandsOfHostsGetTheirJobsInPages(_ engine: TestEngine) async throws {
            let hosts = 3000
            try await with(engine, hosts: hosts) { world, id, state in
                let now = world.now
                let (made, early) = try await state.store.write { sql -> (Int, Bool) in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    try rollout.handle(.releaseSigned, rollout.campaign(id), by: "server") { $0.release = "{}" }
                    let made = try sql.jobs.list(organisation: "default", campaign: id)
                    // All that were made so far end at once: that ends no campaign whose other hosts have none yet.
                    for job in made { try rollout.handle(.cancel(by: "user:1", reason: "a test"), job, by: "user:1") }
                    let early = try rollout.finding(id) { _ in nil }
                    // The server that made the first page dies with the rest in its hands.
                    _ = try sql.timers.claim(by: "dead", limit: 100, lease: 60, now: now)
                    return (made.count, early != nil)
                }
                #expect(made == RolloutTransaction.offerPage)
                #expect(!early, "a campaign was settled before its last page of hosts")
                world.server.clock.advance(61)
                #expect(try await isAllOffered(id, state))
                let jobs = try await jobs(id, state)
                #expect(jobs.count == hosts && Set(jobs.map(\.host)).count == hosts, "each host one job: \(jobs.count)")
                #expect(jobs.allSatisfy { $0.attempt == 1 && !$0.rollsBack })
                #expect(jobs.count { $0.stateWord == "offered" } == hosts - made)
                #expect(try await world.engine.show(organisation: "default", id).summary.state == "running")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aHaltStopsThePagesAndGoingOnMakesTheRest(_ engine: TestEngine) async throws {
            let hosts = RolloutTransaction.offerPage * 2 + 50
            try await with(engine, hosts: hosts) { world, id, state in
                let now = world.now
                try await state.store.write { sql in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    try rollout.handle(.releaseSigned, rollout.campaign(id), by: "server") { $0.release = "{}" }
                    try rollout.handle(.halt(by: "user:1", reason: "a test"), rollout.campaign(id), by: "user:1")
                    #expect(try !rollout.isOffering(id))
                    #expect(try !rollout.continueOffers(id), "nothing more is offered")
                }
                #expect(try await jobs(id, state).count == RolloutTransaction.offerPage)
                #expect(try await world.becomes("halted", id))
                _ = try await world.engine.resume(
                    organisation: "default", id, reason: "a test", by: Rollouts.approver)
                #expect(try await isAllOffered(id, state))
                let jobs = try await jobs(id, state)
                #expect(jobs.count { $0.stateWord == "offered" } == hosts)
                #expect(jobs.count { $0.attempt == 2 } == RolloutTransaction.offerPage, "those that were taken back")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func theWayBackIsOfferedInPages(_ engine: TestEngine) async throws {
            let hosts = RolloutTransaction.offerPage + 30
            try await with(engine, hosts: hosts) { world, id, state in
                let now = world.now
                let early = try await state.store.write { sql -> Bool in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    func handle(_ event: Campaign.Event) throws {
                        try rollout.handle(event, rollout.campaign(id), by: "server") {
                            $0.release = "{}"
                            $0.rollbackRelease = "{}"
                        }
                    }
                    try handle(.releaseSigned)
                    while try rollout.continueOffers(id) {}
                    // Each had its ticket and was never heard of again: it may have changed.
                    for job in try sql.jobs.list(organisation: "default", campaign: id) {
                        for event in [HostJob.Event.grant(fence: 1), .confirm(fence: 1), .decommission] {
                            try rollout.handle(event, rollout.job(job.id), by: "server")
                        }
                    }
                    for event in [
                        Campaign.Event.halt(by: "user:1", reason: "x"), .drained, .rollBack(by: "user:1", reason: "x"),
                        .rollbackSigned,
                    ] { try handle(event) }
                    let back = try sql.jobs.list(organisation: "default", campaign: id).filter(\.rollsBack)
                    #expect(back.count == RolloutTransaction.offerPage)
                    for job in back { try rollout.handle(.cancel(by: "user:1", reason: "x"), job, by: "user:1") }
                    return try rollout.finding(id) { _ in nil } != nil
                }
                #expect(!early, "the way back was settled before its last page of hosts")
                world.server.clock.advance(2)
                #expect(try await isAllOffered(id, state))
                let back = try await jobs(id, state).filter(\.rollsBack)
                #expect(back.count == hosts && Set(back.map(\.host)).count == hosts)
                #expect(Set(back.map(\.notAfter)).count == 1, "all have the same day to go back")
            }
        }
    }
}
