import Digest
import JSON
import Orders
import Rollout
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// What has ended goes back, by a release of its own.
    @Suite struct LateRollbackTests {
        private func release(_ offer: JobOffer) throws -> ReleaseDocument {
            try ReleaseDocument(json: JSONValue(parsing: offer.release.payload, limits: .message))
        }

        private func completed(_ world: inout Rollouts) async throws -> String {
            let id = try await world.running(world.draft(budget: 4)).summary.id
            for number in world.hosts.indices { try await world.finish(world.hosts[number], .succeeded) }
            #expect(try await world.becomes("verifying", id))
            world.server.clock.advance(5)
            for number in world.hosts.indices {
                try await world.hosts[number].reported(Truth(version: "9.9-1", hostname: "web\(number)"))
            }
            #expect(try await world.becomes("completed", id))
            return id
        }

        @Test(arguments: TestEngine.allCases)
        func aCompletedCampaignGoesBackWeeksLater(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await completed(&world)
                let ended = try await world.engine.show(organisation: "default", id)
                #expect(ended.allowed.contains("rollback"))
                // Long after the release that brought the packages.
                world.server.clock.advance(20 * 86_400)
                let back = try await world.engine.rollBack(
                    organisation: "default", id, reason: "slow pages", by: Rollouts.approver)
                #expect(back.summary.state == "rolling-back" && !back.summary.isTerminal)
                #expect(try await world.goesBack(id))
                for host in world.hosts {
                    let offer = try #require(try await host.desired().jobs.first)
                    #expect(offer.rollsBack)
                    let release = try release(offer)
                    #expect(release.isRollbackOnly)
                    #expect(release.plan.digest == ended.summary.planDigest)
                    #expect(release.expires > world.now)
                }
                // One host goes back; the other did not come in time, and is asked once more.
                try await world.finish(world.hosts[0], .rolledBack, fence: 2)
                world.server.clock.advance(Campaign.rollbackTime + 7200)
                #expect(try await world.becomes("rollback-incomplete", id))
                _ = try await world.engine.rollBack(
                    organisation: "default", id, reason: "the last one", by: Rollouts.approver)
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await world.jobs(id).map(\.attempt) == [2, 3]
                    })
                try await world.finish(world.hosts[1], .rolledBack, fence: 2)
                #expect(try await world.becomes("rolled-back", id))
                let audit = try await world.server.audit()
                #expect(audit.contains("campaign.rollback-signed") && audit.contains("campaign.rollback-settled"))
            }
        }

        @Test(arguments: TestEngine.allCases)
        func whatCameOnTopGoesFirst(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let first = try await completed(&world)
                // The host is at the older version again, and a second campaign brings the new one once more.
                try await world.hosts[0].reported(Truth(hostname: "web0"))
                let second = try await world.running().summary.id
                try await world.finish(world.hosts[0], .succeeded, fence: 2)
                let refusal = await #expect(throws: Refusal.self) {
                    try await world.engine.rollBack(
                        organisation: "default", first, reason: "slow pages", by: Rollouts.approver)
                }
                #expect(refusal?.problem.detail.contains(second) == true, "\(refusal?.problem.detail ?? "")")
                #expect(try await world.step(first).summary.state == "completed", "nothing has changed")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func whatTheSignerNoLongerKnowsIsSaid(_ engine: TestEngine) async throws {
            let signer = LocalSigner(refusesRollbacks: true)
            try await Rollouts.with(engine, signer: signer) { world in
                let id = try await completed(&world)
                _ = try await world.engine.rollBack(
                    organisation: "default", id, reason: "slow pages", by: Rollouts.approver)
                #expect(try await world.becomes("rollback-incomplete", id))
                let told = try await world.engine.show(organisation: "default", id)
                #expect(told.summary.reason.contains("too long ago"), "\(told.summary.reason)")
                #expect(try await world.hosts[0].desired().jobs.isEmpty)
            }
        }
    }
}
