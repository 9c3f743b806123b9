import Digest
import Inventory
import JSON
import Orders
import Rollout
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// What is done with every host of a large campaign at once: a page at a time, and safe before the last page.
    @Suite struct WithdrawalPagesTests {
        private static let page = Int64(RolloutTransaction.offerPage)

        /// A campaign that runs on the hosts of `world` and on so many more.
        private func running(_ world: Rollouts, more: Int) async throws -> String {
            let state = world.server.server.state
            let now = world.now
            let made = try await world.engine.create(
                organisation: "default", world.draft(budget: 5), by: Rollouts.author)
            let id = made.summary.id
            let frozen = try await world.engine.submit(
                organisation: "default", id, version: made.summary.version, by: Rollouts.author)
            let plan = try #require(frozen.summary.planDigest)
            try await state.store.write { sql in
                var members = try sql.campaigns.hosts(organisation: "default", campaign: id)
                for number in 1...more {
                    var member = try #require(members.first)
                    member.host = try OfferPagesTests.enrol(number, sql, now)
                    members.append(member)
                }
                try sql.campaigns.setHosts(organisation: "default", campaign: id, members)
            }
            _ = try await world.engine.approve(
                organisation: "default", id, plan: plan, signature: nil, by: Rollouts.approver)
            try await state.store.write { sql in
                let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                try rollout.handle(.releaseSigned, rollout.campaign(id), by: "server") { $0.release = "{}" }
            }
            #expect(try await OfferPagesTests().isAllOffered(id, state))
            return id
        }

        /// A halt holds from its own transaction on, although most jobs still stand as offered or granted: neither a claim nor a
        /// confirmation gets anything. What a dead server has left is withdrawn by the next, and only then is it halted.
        @Test(arguments: TestEngine.allCases)
        func aHaltHoldsBeforeTheLastPageIsWithdrawn(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2, signer: LocalSigner(signsNoRelease: true)) { world in
                let more = RolloutTransaction.offerPage * 2 + 30
                let id = try await running(world, more: more)
                let state = world.server.server.state
                let mine = try await state.store.read { [hosts = world.hosts] sql in
                    try hosts.map { host in
                        try #require(try sql.jobs.latest(organisation: "default", campaign: id, host: host.id)).id
                    }
                }
                let grant = try await world.hosts[0].claim(mine[0]).grant()
                var journal = TestJournal(job: mine[0], bootID: world.hosts[0].bootID)
                journal.accept(grant.fence, at: world.now)
                _ = try await world.hosts[0].tell(journal)

                let now = world.now
                let (cancelled, isHalted) = try await state.store.write { sql -> (Int64, Bool) in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    try rollout.handle(.halt(by: "user:1", reason: "a test"), rollout.campaign(id), by: "user:1")
                    // The server that halted dies with the rest in its hands.
                    _ = try sql.timers.claim(by: "dead", limit: 100, lease: 60, now: now)
                    let counts = try sql.jobs.counts(organisation: "default", campaign: id)
                    return (counts["cancelled"] ?? 0, try rollout.finding(id) { _ in nil } != nil)
                }
                #expect(cancelled == Self.page, "one transaction takes back one page")
                #expect(!isHalted, "it is not halted while offers stand")
                #expect(try await world.engine.job(organisation: "default", mine[0]).summary.state != "cancelled")
                #expect(try await world.engine.job(organisation: "default", mine[1]).summary.state == "offered")
                let confirmed = try await world.hosts[0].confirm(mine[0], fence: grant.fence)
                #expect(confirmed.order == nil && confirmed.reason.contains("halting"), "\(confirmed)")
                let claimed = try await world.hosts[1].claim(mine[1])
                #expect(claimed.order == nil && claimed.reason.contains("halting"), "\(claimed)")

                world.server.clock.advance(61)
                #expect(try await world.becomes("halted", id))
                let counts = try await state.store.read { try $0.jobs.counts(organisation: "default", campaign: id) }
                #expect(counts == ["cancelled": Int64(more + 2)], "\(counts)")
                // Whoever goes on gives each of them another attempt.
                _ = try await world.engine.resume(
                    organisation: "default", id, reason: "a test", by: Rollouts.approver)
                #expect(try await OfferPagesTests().isAllOffered(id, state))
                let again = try await state.store.read { try $0.jobs.counts(organisation: "default", campaign: id) }
                #expect(again == ["offered": Int64(more + 2)], "\(again)")
            }
        }

        /// New jobs wait until the old ones are taken back: else they would be taken back as well.
        @Test(arguments: TestEngine.allCases)
        func nothingIsOfferedWhileJobsAreWithdrawn(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, signer: LocalSigner(signsNoRelease: true)) { world in
                let id = try await running(world, more: RolloutTransaction.offerPage + 20)
                let now = world.now
                let (before, during, after) = try await world.server.server.state.store.write {
                    sql -> (Int64?, Int64?, Int64?) in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    func offered() throws -> Int64? {
                        try sql.jobs.counts(organisation: "default", campaign: id)["offered"]
                    }
                    let record = try rollout.campaign(id)
                    try rollout.withdraw(record, isOfStarted: true, by: "user:1")
                    let before = try offered()
                    try rollout.offerJobs(record, by: "user:1")
                    #expect(try rollout.isOffering(id))
                    let during = try offered()
                    while try rollout.continueWithdrawals(id) {}
                    while try rollout.continueOffers(id) {}
                    return (before, during, try offered())
                }
                #expect(before == 21 && during == before, "the last page and the host of this world are left")
                #expect(after == Self.page + 21)
            }
        }

        /// The hosts of a large plan are written in pages; what another attempt has left is not among them.
        @Test(arguments: TestEngine.allCases)
        func aLargePlanIsWrittenInPages(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let state = world.server.server.state
                let now = world.now
                let more = RolloutTransaction.offerPage * 2 + 7
                let ids = try await state.store.write { sql in
                    let found = try sql.hosts.list(organisation: "default", filter: HostFilter(), after: nil, limit: 10)
                    let mine = try #require(found.hosts.first)
                    return try (1...more).map { number in
                        let id = try OfferPagesTests.enrol(number, sql, now)
                        try sql.copyReport(organisation: "default", from: mine.id, to: id)
                        return id
                    }
                }
                var draft = world.draft()
                draft.hosts = .ids([world.hosts[0].id] + ids)
                let made = try await world.engine.create(organisation: "default", draft, by: Rollouts.author)
                let id = made.summary.id
                // A server that died while it wrote, with a host that is no part of the plan any more.
                try await state.store.write { sql in
                    let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                    let other = try OfferPagesTests.enrol(more + 1, sql, now)
                    try rollout.beginHosts(id, version: made.summary.version, token: "dead")
                    try rollout.addHosts(
                        id, version: made.summary.version, token: "dead",
                        [
                            CampaignHost(
                                host: other, distribution: "debian-12", previous: "{}", notBefore: now,
                                lastSafeStart: now, notAfter: now)
                        ])
                }
                let frozen = try await world.engine.submit(
                    organisation: "default", id, version: made.summary.version, by: Rollouts.author)
                #expect(frozen.summary.state == "awaiting-approval", "\(frozen.errors)")
                func hosts() async throws -> [String] {
                    try await state.store.read {
                        try $0.campaigns.hosts(organisation: "default", campaign: id).map(\.host)
                    }
                }
                #expect(try await Set(hosts()) == Set(ids + [world.hosts[0].id]))
                // Whoever began before has lost its turn, and can write no more.
                await #expect(throws: Refusal.self) {
                    try await state.store.write { sql in
                        let rollout = RolloutTransaction(sql: sql, organisation: "default", now: now)
                        try rollout.addHosts(id, version: made.summary.version, token: "dead", [])
                    }
                }
                // Edited, it is a draft without hosts: a page at once, the rest soon.
                draft.title = "another"
                _ = try await world.engine.edit(
                    organisation: "default", id, version: frozen.summary.version, draft, by: Rollouts.author)
                #expect(
                    try await eventually {
                        await RolloutScheduler(state: state).step()
                        return try await hosts().isEmpty
                    })
            }
        }
    }
}

extension Transaction {
    /// Gives a host what another has reported.
    fileprivate func copyReport(organisation: String, from: String, to: String) throws {
        _ = try execute(
            """
            UPDATE hosts SET (set_digest, offers_digest, facts_digest, observed_at, reported_at) = (
                SELECT o.set_digest, o.offers_digest, o.facts_digest, o.observed_at, o.reported_at FROM hosts o
                WHERE o.organisation = ?1 AND o.id = ?2)
            WHERE organisation = ?1 AND id = ?3
            """, organisation, from, to)
    }
}
