import Digest
import Inventory
import JSON
import NIOHTTP1
import Orders
import Rollout
import Store
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Campaigns from the draft to the proof, with hosts that speak the protocol.
    @Suite struct RolloutFlowTests {
        @Test(arguments: TestEngine.allCases)
        func aCampaignRunsToItsProof(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                var host = world.hosts[0]
                let campaign = try await world.running()
                let id = campaign.summary.id
                #expect(campaign.plan?.targets.map(\.distribution) == ["debian-12"])
                let package = try #require(campaign.plan?.targets.first?.packages.first)
                #expect(package.id == "package0:amd64")
                #expect(package.version == "9.9-1")
                #expect(package.previous == ["1.0-1"])
                #expect(campaign.summary.approvalsGiven == 1)

                // The check-in says that there is news, and to come again soon.
                let reply = try await host.checkedIn()
                #expect(reply.interval == 10)
                let desired = try await host.desired()
                #expect(desired.interval == 10)
                #expect(desired.roles != nil)
                let offer = try #require(desired.jobs.first)
                #expect(desired.jobs.count == 1)
                #expect(offer.job == HostJob.id(campaign: id, host: host.id, attempt: 1))
                let release = try ReleaseDocument(json: JSONValue(parsing: offer.release.payload, limits: .message))
                #expect(release.plan.digest == campaign.summary.planDigest)
                #expect(release.approvals.map(\.approver) == ["user:approver"])

                let first = try await host.claim(offer.job)
                let grant = try first.grant()
                #expect(grant.fence == 1)
                #expect(grant.planDigest == campaign.summary.planDigest)
                #expect(grant.notBefore == offer.notBefore)
                // The answer may be lost: the same question has the same answer, byte for byte.
                #expect(try await host.claim(offer.job).order == first.order)

                var journal = TestJournal(job: offer.job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                #expect(try await host.tell(journal).expectedEntry == 4)
                #expect(try await world.jobs(id).first?.state == "accepted")
                let nonce = String(repeating: "a1", count: 16)
                let ticket = try await host.confirm(offer.job, fence: grant.fence, nonce: nonce).ticket()
                #expect(ticket.nonce == nonce)
                #expect(ticket.expires.seconds(since: ticket.issued) <= TicketDocument.maximumValidity)

                journal.change(at: world.now)
                let log = "Unpacking package0 …\n"
                let told = try await host.tell(
                    offer.job, journal.from(4), log: log, percent: 40, activity: "unpacking")
                #expect(try JobProgressReply(decoding: told.body).logSize == Int64(log.utf8.count))
                let running = try #require(try await world.jobs(id).first)
                #expect(running.state == "running")
                #expect(running.phase == .apply)
                #expect(running.percent == 40)
                #expect(running.holdsPermit)
                #expect(try await world.engine.show(organisation: "default", id).permitsHeld == 1)

                journal.commit(.succeeded, at: world.now)
                #expect(try await host.tell(journal, from: 9).expectedEntry == 12)
                let done = try await world.engine.job(organisation: "default", offer.job)
                #expect(done.summary.state == "succeeded")
                #expect(done.summary.outcome == .succeeded)
                #expect(!done.summary.holdsPermit)
                #expect(done.entries == journal.entries)
                #expect(done.packages.map(\.now) == ["9.9-1"])
                let piece = try await world.engine.jobLog(organisation: "default", offer.job, from: 10)
                #expect(String(decoding: piece.bytes, as: UTF8.self) == String(log.utf8.dropFirst(10)))

                // Its own word is no proof: the campaign waits for a fresh scan.
                #expect(try await world.becomes("verifying", id))
                #expect(try await world.step(id).summary.state == "verifying")
                #expect(try await host.desired().scanRequest > 0)
                world.server.clock.advance(5)
                try await host.reported(Truth(version: "9.9-1"))
                #expect(try await world.becomes("completed", id))
                #expect(try await host.desired().jobs.isEmpty)
                #expect(try await host.desired().interval == 60, "and the host need not hurry any more")
                let audit = try await world.server.audit()
                for action in [
                    "campaign.created", "campaign.submit", "campaign.resolved", "campaign.approve",
                    "campaign.release-signed", "job.offer", "job.grant", "job.confirm", "job.entry-mutate-intent",
                    "job.entry-commit", "campaign.settled", "campaign.verified",
                ] {
                    #expect(audit.contains(action), "\(action)")
                }
            }
        }

        /// A report may have waited on its host since before the change: it says nothing of what the change did.
        @Test(arguments: TestEngine.allCases)
        func aReportOfAScanBeforeTheEndIsNoProof(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                var host = world.hosts[0]
                let id = try await world.running().summary.id
                let before = world.now
                world.server.clock.advance(5)
                try await world.finish(host, .succeeded)
                #expect(try await world.becomes("verifying", id))
                world.server.clock.advance(5)
                try await host.reported(
                    Truth(version: "1.0-1", fetched: .known(world.now)), observed: before)
                for _ in 0..<3 { #expect(try await world.step(id).summary.state == "verifying") }
                try await host.reported(Truth(version: "9.9-1"))
                #expect(try await world.becomes("completed", id))
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aScanThatShowsAnotherVersionIsAnException(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                var host = world.hosts[0]
                let id = try await world.running().summary.id
                try await world.finish(host, .succeeded)
                world.server.clock.advance(5)
                try await host.reported(Truth(version: "1.0-1", fetched: .known(world.now)))
                #expect(try await world.becomes("completed-with-exceptions", id))
            }
        }

        /// However many hosts are kept in memory, the plan is the same.
        @Test(arguments: TestEngine.allCases)
        func hostsThatAreReadTwiceFreezeAlike(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 4) { world in
                var draft = world.draft()
                draft.window.zone = "UTC"
                func frozen(_ kept: Int) async throws -> FrozenDraft {
                    try await world.engine.freeze(
                        organisation: "default", draft, campaign: "c-1", epoch: 1, by: Rollouts.author, keeping: kept)
                }
                let all = try await frozen(500)
                let plan = try #require(all.plan)
                #expect(plan.hosts.count == 4)
                for kept in [0, 1, 3] {
                    let other = try await frozen(kept)
                    #expect(other.plan == plan)
                    #expect(other.hosts == all.hosts)
                    #expect(other.notes == all.notes)
                }
            }
        }

        @Test(arguments: TestEngine.allCases)
        func approvalsAreOfOthersAndOfThePlan(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let api = world.engine
                let made = try await api.create(organisation: "default", world.draft(), by: Rollouts.author)
                let id = made.summary.id
                let frozen = try await api.submit(
                    organisation: "default", id, version: made.summary.version, by: Rollouts.author)
                let plan = try #require(frozen.summary.planDigest)
                #expect(frozen.allowed.contains("approve"))
                await #expect(throws: Refusal.self) {
                    try await api.approve(
                        organisation: "default", id, plan: plan, signature: nil, by: Rollouts.author)
                }
                await #expect(throws: Refusal.self) {
                    try await api.approve(
                        organisation: "default", id, plan: SHA256.hash([1]), signature: nil, by: Rollouts.approver)
                }
                // An edit voids what was approved.
                let edited = try await api.edit(
                    organisation: "default", id, version: frozen.summary.version, world.draft(budget: 2),
                    by: Rollouts.author)
                #expect(edited.summary.epoch == 2)
                #expect(edited.plan == nil)
                let again = try await api.submit(
                    organisation: "default", id, version: edited.summary.version, by: Rollouts.author)
                #expect(again.summary.planDigest != plan)
                await #expect(throws: Refusal.self) {
                    try await api.approve(
                        organisation: "default", id, plan: plan, signature: nil, by: Rollouts.approver)
                }
                #expect(try await world.server.audit().contains("campaign.refused"))
                // None needed: an explicit choice, on record.
                try await api.setApprovalsRequired(organisation: "default", 0, by: Rollouts.approver)
                let alone = try await api.create(organisation: "default", world.draft(), by: Rollouts.author)
                let ready = try await api.submit(
                    organisation: "default", alone.summary.id, version: alone.summary.version, by: Rollouts.author)
                #expect(ready.summary.approvalsRequired == 0)
                let released = try await api.approve(
                    organisation: "default", alone.summary.id, plan: try #require(ready.summary.planDigest),
                    signature: nil, by: Rollouts.author)
                #expect(released.summary.state == "scheduled")
                let audit = try await world.server.audit()
                #expect(audit.contains("campaigns.approvals-required"))
                #expect(audit.contains("campaign.release-unapproved"))
                // The other draft was frozen under the older rule, and keeps it.
                #expect(try await api.show(organisation: "default", id).summary.approvalsRequired == 1)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func withoutASignerNothingIsOffered(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, signer: LocalSigner(isBroken: true)) { world in
                let id = try await world.scheduled().summary.id
                #expect(
                    try await eventually {
                        try await world.step(id).notes.contains { $0.contains("not signed") }
                    })
                #expect(try await world.step(id).summary.state == "scheduled")
                #expect(try await world.hosts[0].desired().jobs.isEmpty)
            }
        }
    }
}

extension Rollouts {
    /// Takes a host through its job to that end.
    @discardableResult
    func finish(_ host: TestHost, _ outcome: JobOutcome, fence: Int64 = 1) async throws -> TestJournal {
        let offer = try #require(try await host.desired().jobs.first { !$0.isCancelled })
        let grant = try await host.claim(offer.job, fence: fence - 1).grant()
        var journal = TestJournal(job: offer.job, bootID: host.bootID)
        journal.accept(grant.fence, at: now)
        _ = try await host.tell(journal)
        _ = try await host.confirm(offer.job, fence: grant.fence).ticket()
        journal.change(at: now)
        journal.commit(outcome, at: now)
        _ = try await host.tell(journal, from: 4)
        return journal
    }
}
