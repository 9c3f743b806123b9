import Digest
import JSON
import Orders
import Rollout
import Store
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

        /// A later job that was given up counts until somebody has looked, or says that it does not matter.
        @Test(arguments: TestEngine.allCases, [false, true])
        func whatWasGivenUpIsLookedAt(_ engine: TestEngine, isOverridden: Bool) async throws {
            try await Rollouts.with(engine) { world in
                let first = try await completed(&world)
                try await world.hosts[0].reported(Truth(hostname: "web0"))
                let second = try await world.running().summary.id
                let job = try #require(try await world.jobs(second).first).id
                let grant = try await world.hosts[0].claim(job, fence: 1).grant()
                _ = try await world.hosts[0].confirm(job, fence: grant.fence).ticket()
                world.server.clock.advance(86_400)
                #expect(
                    try await eventually {
                        try await world.step(second)
                        return try await world.jobs(second).first?.state == "suspect"
                    })
                _ = try await world.engine.writeOff(
                    organisation: "default", job: job, reason: "its disk died", by: Rollouts.approver)
                let refusal = await #expect(throws: Refusal.self) {
                    try await world.engine.rollBack(
                        organisation: "default", first, reason: "slow pages", by: Rollouts.approver)
                }
                let told = refusal?.problem.detail ?? ""
                #expect(told.contains("fettle hosts scan web0") && told.contains(second), "\(told)")
                if !isOverridden {
                    // The host is there again, and what the first one brought is still what it has.
                    world.server.clock.advance(60)
                    try await world.hosts[0].reported(Truth(version: "9.9-1", hostname: "web0"))
                }
                _ = try await world.engine.rollBack(
                    organisation: "default", first, reason: "slow pages", overWrittenOff: isOverridden,
                    by: Rollouts.approver)
                #expect(try await world.goesBack(first))
                let audit = try await world.server.audit()
                #expect(audit.contains("campaign.written-off-overridden") == isOverridden)
            }
        }

        /// Asking twice changes nothing, and what is under way keeps its release.
        @Test(arguments: TestEngine.allCases)
        func askingAgainChangesNothing(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await completed(&world)
                func back() async throws -> CampaignDetails {
                    try await world.engine.rollBack(
                        organisation: "default", id, reason: "slow pages", by: Rollouts.approver)
                }
                _ = try await back()
                #expect(try await world.goesBack(id))
                let version = try await world.engine.show(organisation: "default", id).summary.version
                let again = try await back()
                #expect(again.summary.version == version && again.summary.state == "rolling-back")
                // One host is in the middle of it when the time is over; people ask for the other once more.
                let offer = try #require(try await world.hosts[0].desired().jobs.first)
                let grant = try await world.hosts[0].claim(offer.job, fence: 1).grant()
                _ = try await world.hosts[0].confirm(offer.job, fence: grant.fence).ticket()
                var journal = TestJournal(job: offer.job, bootID: world.hosts[0].bootID)
                journal.accept(grant.fence, at: world.now)
                journal.change(at: world.now)
                _ = try await world.hosts[0].tell(journal)
                world.server.clock.advance(Campaign.rollbackTime + 60)
                #expect(try await world.becomes("rollback-incomplete", id))
                let signed = try await world.server.server.state.store.read {
                    try $0.campaigns.show(organisation: "default", id: id)?.rollbackRelease
                }
                #expect(signed != nil)
                try await world.server.server.state.store.write { [now = world.now] sql in
                    try RolloutTransaction(sql: sql, organisation: "default", now: now).handle(
                        .rollBack(by: "user:approver", reason: "the last one"),
                        RolloutTransaction(sql: sql, organisation: "default", now: now).campaign(id),
                        by: "user:approver")
                }
                #expect(try await world.hosts[0].desired().jobs.contains { $0.job == offer.job })
            }
        }

        /// An agent of before would refuse the release: it is not sent, and who is meant is said.
        @Test(arguments: TestEngine.allCases)
        func anAgentOfBeforeIsNotTold(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let id = try await completed(&world)
                world.hosts[0].version = .two
                _ = try await world.hosts[0].checkedIn()
                _ = try await world.engine.rollBack(
                    organisation: "default", id, reason: "slow pages", by: Rollouts.approver)
                #expect(try await world.goesBack(id))
                let job = try #require(try await world.jobs(id).first)
                #expect(job.state == "offered")
                #expect(
                    job.sentence.contains("web0") && job.sentence.contains("Upgrade fettle-agent"), "\(job.sentence)")
                let before = try await world.hosts[0].desired()
                #expect(before.jobs.isEmpty)
                // Upgraded it is told, for its state is another one now.
                world.hosts[0].version = .three
                _ = try await world.hosts[0].checkedIn()
                let after = try await world.hosts[0].desired()
                #expect(after.version > before.version && after.jobs.map(\.job) == [job.id])
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
