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
    /// What must not happen: permits twice, orders to the wrong host, journals that fork, hosts that go on after a halt.
    @Suite struct RolloutSafetyTests {
        @Test(arguments: TestEngine.allCases)
        func theBudgetHoldsAndIsGivenBack(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 3) { world in
                let id = try await world.running(world.draft(budget: 1)).summary.id
                let jobs = try await world.jobs(id)
                #expect(jobs.map(\.hostname) == ["web0", "web1", "web2"])
                let first = try await world.hosts[0].claim(jobs[0].id)
                #expect(first.order != nil)
                for number in 1...2 {
                    let answer = try await world.hosts[number].claim(jobs[number].id)
                    #expect(answer.order == nil)
                    #expect(answer.retryAfter != nil)
                    #expect(answer.reason.contains("No permit is free"), "\(answer.reason)")
                }
                // Refused before it began: the permit is free again.
                var journal = TestJournal(job: jobs[0].id, bootID: world.hosts[0].bootID)
                journal.accept(1, at: world.now)
                journal.commit(.refused, "a package is half installed", at: world.now)
                _ = try await world.hosts[0].tell(journal)
                #expect(try await world.hosts[1].claim(jobs[1].id).order != nil)
                #expect(try await world.hosts[2].claim(jobs[2].id).order == nil)
                #expect(try await world.jobs(id)[0].sentence == "a package is half installed")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aHostThatIsNotWellKeepsItsPermitUntilAPersonAnswers(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await world.running(world.draft(budget: 1)).summary.id
                try await world.finish(world.hosts[0], .needsRepair)
                let jobs = try await world.jobs(id)
                #expect(jobs[0].state == "needs-repair")
                #expect(jobs[0].holdsPermit)
                #expect(try await world.hosts[1].claim(jobs[1].id).order == nil)
                // Another campaign gives the broken host nothing either.
                let other = try await world.running(world.draft([world.hosts[0]])).summary.id
                let offer = try #require(try await world.jobs(other).first)
                let no = try await world.hosts[0].claim(offer.id, fence: 1)
                #expect(no.order == nil)
                #expect(no.reason.contains("did not end well"), "\(no.reason)")
                let written = try await world.engine.writeOff(
                    organisation: "default", job: jobs[0].id, reason: "repaired by hand", by: Rollouts.approver)
                #expect(!written.summary.holdsPermit)
                #expect(try await world.hosts[0].claim(offer.id, fence: 1).order != nil)
                #expect(try await world.hosts[1].claim(jobs[1].id).order != nil)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func anotherHostsJobIsUnknown(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let organisation = try await world.server.api(
                    .POST, "organisations", ["id": "other", "name": "Other"])
                #expect(organisation.status == 201 || organisation.status == 200, "\(organisation.text)")
                try await world.enrol("far", organisation: "other")
                let id = try await world.running(world.draft([world.hosts[0]])).summary.id
                let job = try #require(try await world.jobs(id).first).id
                let unknown = String(repeating: "0", count: 32)
                for action in ["claim", "confirm"] {
                    for stranger in world.hosts[1...] {
                        let wrong = try await stranger.ask(action, job)
                        let none = try await stranger.ask(action, unknown)
                        #expect(wrong.status == 404)
                        #expect(wrong.problem?.kind == none.problem?.kind)
                    }
                }
                #expect(try await world.hosts[1].tell(job, []).status == 404)
                #expect(try await world.hosts[1].send(.GET, "jobs/\(job)/claim").status == 405)
                #expect(try await world.hosts[0].send(.POST, "jobs/\(job)/steal", body: []).status == 404)
                #expect(try await world.hosts[1].desired().jobs.isEmpty)
                #expect(try await world.hosts[2].desired().jobs.isEmpty)
                await #expect(throws: Refusal.self) { try await world.engine.show(organisation: "other", id) }
                await #expect(throws: Refusal.self) { try await world.engine.job(organisation: "other", job) }
                #expect(try await world.engine.list(organisation: "other").campaigns.isEmpty)
                // A draft may not name another organisation's host either.
                let made = try await world.engine.create(
                    organisation: "other", world.draft([world.hosts[0]]), by: Rollouts.author)
                let frozen = try await world.engine.submit(
                    organisation: "other", made.summary.id, version: made.summary.version, by: Rollouts.author)
                #expect(frozen.summary.state == "draft")
                #expect(frozen.errors.first?.contains("There is no host") == true)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func recordsAreTakenOnceAndInOrder(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                let grant = try await host.claim(job).grant()
                var journal = TestJournal(job: job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                // A gap: nothing is taken, the answer says from where.
                let gap = try JobProgressReply(decoding: try await host.tell(job, [journal.entries[1]]).body)
                #expect(gap.expectedEntry == 1)
                #expect(try await host.tell(journal).expectedEntry == 4)
                for _ in 0..<3 { #expect(try await host.tell(journal).expectedEntry == 4) }
                let once = try await world.engine.job(organisation: "default", job)
                #expect(once.entries == journal.entries)
                // Another history under the same numbers: refused, and on record.
                var forked = TestJournal(job: job, bootID: "another")
                forked.accept(grant.fence, at: world.now)
                let answer = try await host.tell(job, forked.entries)
                #expect(answer.status == 409)
                #expect(answer.problem?.kind == "journal-refused")
                var altered = journal
                altered.add(.confirm, .result, at: world.now)
                altered.entries[3].previous = SHA256.hash([9])
                #expect(try await host.tell(job, altered.from(4)).status == 409)
                #expect(try await world.server.audit().contains("job.refused"))
                #expect(try await world.engine.job(organisation: "default", job).entries == journal.entries)
                // A log with a hole, an overlap, and what goes on.
                for (text, offset, size) in [("abc", 0, 3), ("abc", 0, 3), ("bcdef", 1, 6), ("z", 9, 6), ("gh", 6, 8)] {
                    let told = try await host.tell(job, [], log: text, at: Int64(offset))
                    #expect(try JobProgressReply(decoding: told.body).logSize == Int64(size))
                }
                let log = try await world.engine.jobLog(organisation: "default", job, from: 0)
                #expect(String(decoding: log.bytes, as: UTF8.self) == "abcdefgh")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aHaltTakesBackWhatHasNotBegun(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 3) { world in
                let id = try await world.running(world.draft(budget: 3)).summary.id
                let jobs = try await world.jobs(id)
                // The first is past its point of no return, the second has a grant, the third nothing.
                let grant = try await world.hosts[0].claim(jobs[0].id).grant()
                var journal = TestJournal(job: jobs[0].id, bootID: world.hosts[0].bootID)
                journal.accept(grant.fence, at: world.now)
                _ = try await world.hosts[0].tell(journal)
                _ = try await world.hosts[0].confirm(jobs[0].id, fence: grant.fence).ticket()
                journal.change(at: world.now)
                _ = try await world.hosts[0].tell(journal, from: 4)
                let second = try await world.hosts[1].claim(jobs[1].id).grant()
                let halted = try await world.engine.halt(
                    organisation: "default", id, reason: "the site is down", by: Rollouts.approver)
                #expect(halted.summary.state == "halting")
                let after = try await world.jobs(id)
                #expect(after.map(\.state) == ["running", "cancelled", "cancelled"])
                #expect(after.map(\.holdsPermit) == [true, false, false])
                #expect(try await world.hosts[1].confirm(jobs[1].id, fence: second.fence).order == nil)
                #expect(try await world.hosts[2].claim(jobs[2].id).order == nil)
                #expect(try await world.step(id).summary.state == "halting", "one is at work")
                journal.commit(.succeeded, at: world.now)
                _ = try await world.hosts[0].tell(journal, from: 9)
                #expect(try await world.becomes("halted", id))
                // Going on needs somebody else who repeats why it was halted.
                await #expect(throws: Refusal.self) {
                    try await world.engine.resume(
                        organisation: "default", id, reason: "go", by: Rollouts.approver)
                }
                let resumed = try await world.engine.resume(
                    organisation: "default", id, reason: "the site is down", by: Rollouts.approver)
                #expect(resumed.summary.state == "running")
                let anew = try await world.jobs(id)
                #expect(anew.map(\.state) == ["succeeded", "offered", "offered"])
                #expect(anew.map(\.attempt) == [1, 2, 2])
                // The fence goes on.
                #expect(try await world.hosts[1].claim(anew[1].id, fence: second.fence).grant().fence == 2)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func pauseGivesNothingNewAndCancelEnds(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await world.running(world.draft(budget: 2)).summary.id
                let jobs = try await world.jobs(id)
                let grant = try await world.hosts[0].claim(jobs[0].id).grant()
                _ = try await world.engine.pause(organisation: "default", id, reason: "wait", by: Rollouts.author)
                let wait = try await world.hosts[1].claim(jobs[1].id)
                #expect(wait.order == nil)
                #expect(wait.retryAfter != nil)
                #expect(wait.reason.contains("paused"))
                #expect(try await world.hosts[0].confirm(jobs[0].id, fence: grant.fence).order == nil)
                _ = try await world.engine.resume(organisation: "default", id, reason: "", by: Rollouts.author)
                #expect(try await world.hosts[0].confirm(jobs[0].id, fence: grant.fence).order != nil)
                let cancelled = try await world.engine.cancel(
                    organisation: "default", id, reason: "no more", by: Rollouts.author)
                #expect(cancelled.summary.state == "cancelling")
                // It has a ticket: it is asked to stop, and its permit stays until it says how it ended.
                let told = try await world.hosts[0].desired().jobs
                #expect(told.map(\.isCancelled) == [true])
                #expect(try await world.jobs(id)[0].holdsPermit)
                var journal = TestJournal(job: jobs[0].id, bootID: world.hosts[0].bootID)
                journal.accept(grant.fence, at: world.now)
                journal.commit(.cancelled, "stopped before anything changed", at: world.now)
                _ = try await world.hosts[0].tell(journal)
                #expect(try await world.becomes("cancelled", id))
                #expect(try await world.jobs(id).allSatisfy { !$0.holdsPermit })
                #expect(try await world.hosts[0].desired().jobs.isEmpty)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func silenceMakesSuspectThenLostAndKeepsThePermit(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                let grant = try await host.claim(job).grant()
                var journal = TestJournal(job: job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                _ = try await host.tell(journal)
                _ = try await host.confirm(job, fence: grant.fence).ticket()
                journal.change(at: world.now)
                _ = try await host.tell(journal, from: 4)
                world.server.clock.advance(3 * 3600)
                #expect(try await eventually { try await world.jobState(id) == "suspect" })
                #expect(try await world.jobs(id)[0].holdsPermit)
                #expect(try await world.engine.show(organisation: "default", id).permitsSuspect == 1)
                // It comes back: nothing is lost.
                journal.add(.postScript, .note, "still here", at: world.now)
                _ = try await host.tell(journal, from: 9)
                #expect(try await world.jobState(id) == "running")
                world.server.clock.advance(3 * 3600)
                #expect(try await eventually { try await world.jobState(id) == "suspect" })
                world.server.clock.advance(73 * 3600)
                #expect(try await eventually { try await world.jobState(id) == "lost" })
                #expect(try await world.jobs(id)[0].holdsPermit, "only a person answers for it")
                _ = try await world.engine.writeOff(
                    organisation: "default", job: job, reason: "the machine is gone", by: Rollouts.approver)
                #expect(try await !world.jobs(id)[0].holdsPermit)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aHostInQuarantineGetsNothing(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                var copy = world.hosts[0]
                copy.token = String(repeating: "ab", count: 32)
                #expect(try await copy.ask("claim", job).problem?.kind == "exchange-token-stale")
                #expect(try await world.hosts[0].ask("claim", job).problem?.kind == "host-quarantined")
                #expect(try await world.jobs(id).first?.state == "offered")
                let made = try await world.engine.create(
                    organisation: "default", world.draft(), by: Rollouts.author)
                let frozen = try await world.engine.submit(
                    organisation: "default", made.summary.id, version: made.summary.version, by: Rollouts.author)
                #expect(frozen.errors.first?.contains("quarantined") == true)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aRestoredServerGrantsNothingUntilSomebodyConfirms(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let host = world.hosts[0]
                let id = try await world.running().summary.id
                let job = try #require(try await world.jobs(id).first).id
                // The agent has journaled a fence that this server never gave.
                let no = try await host.claim(job, fence: 7)
                #expect(no.order == nil)
                #expect(no.reason.contains("restored"))
                #expect(try await host.claim(job, fence: 7).order == nil)
                #expect(try await world.server.api(.GET, "server").json["restored"]?.bool == true)
                let epoch = try await world.server.api(.POST, "server/acknowledge-restore").json["epoch"]?.integer
                let grant = try await host.claim(job, fence: 7).grant()
                #expect(grant.fence == 8)
                #expect(grant.epoch == epoch)
                #expect(try await host.ask("claim", job, fence: 9_000_000).status == 400)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func outsideTheWindowNothingIsGranted(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                let host = world.hosts[0]
                let id = try await world.scheduled(world.draft(startsIn: 7200)).summary.id
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await !world.jobs(id).isEmpty
                    })
                let job = try #require(try await world.jobs(id).first).id
                #expect(try await host.desired().jobs.map(\.job) == [job], "it can prefetch")
                #expect(try await host.desired().interval == 60, "and need not hurry")
                let early = try await host.claim(job)
                #expect(early.order == nil)
                #expect((early.retryAfter ?? 0) > 0)
                world.server.clock.advance(7300)
                #expect(try await world.becomes("running", id))
                #expect(try await host.desired().interval == 10)
                world.server.clock.advance(90 * 60)
                let late = try await host.claim(job)
                #expect(late.order == nil)
                #expect(late.retryAfter == nil)
                world.server.clock.advance(3600)
                #expect(try await world.becomes("expired", id))
                #expect(try await world.jobState(id) == "expired")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aCampaignGoesOnAfterTheServerHaltedIt(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 3) { world in
                let id = try await world.running(world.draft(budget: 3)).summary.id
                try await world.finish(world.hosts[0], .rolledBack)
                try await world.finish(world.hosts[1], .rolledBack)
                #expect(try await world.becomes("halted", id))
                let halted = try await world.engine.show(organisation: "default", id).summary
                // Somebody who may change the hosts, and approve none.
                await #expect(throws: Refusal.self) {
                    try await world.engine.resume(
                        organisation: "default", id, reason: halted.reason,
                        by: RolloutActor(name: "user:operator", mayApprove: { _ in false }))
                }
                _ = try await world.engine.resume(
                    organisation: "default", id, reason: halted.reason, by: Rollouts.approver)
                // The same two hosts halt it no more.
                for _ in 0..<3 { #expect(try await world.step(id).summary.state == "running") }
                try await world.finish(world.hosts[2], .succeeded)
                #expect(try await world.becomes("verifying", id))
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aHostTooLateForItsWindowIsCounted(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine) { world in
                // Approved when the last safe start has passed.
                let id = try await world.scheduled(world.draft(startsIn: -100 * 60)).summary.id
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await !world.jobs(id).isEmpty
                    })
                world.server.clock.advance(1800)
                #expect(try await world.becomes("expired", id))
                #expect(try await world.jobState(id) == "expired")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func whatChangedGoesBack(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await world.running(world.draft(budget: 2)).summary.id
                try await world.finish(world.hosts[0], .succeeded)
                try await world.finish(world.hosts[1], .failedChanged)
                #expect(try await world.becomes("verifying", id))
                let back = try await world.engine.rollBack(
                    organisation: "default", id, reason: "slow pages", by: Rollouts.approver)
                #expect(back.summary.state == "rolling-back")
                #expect(try await world.goesBack(id))
                let jobs = try await world.jobs(id)
                #expect(jobs.map(\.rollsBack) == [true, true])
                #expect(jobs.map(\.attempt) == [2, 2])
                for host in world.hosts {
                    let offer = try #require(try await host.desired().jobs.first)
                    #expect(offer.rollsBack)
                    try await world.finish(host, .rolledBack, fence: 2)
                }
                #expect(try await world.becomes("rolled-back", id))
                let details = try await world.engine.show(organisation: "default", id)
                #expect(
                    details.permitsHeld + details.permitsSuspect == 0, "proved well, the earlier permit is back too")
            }
        }
    }
}

extension Rollouts {
    /// Whether every latest job of a campaign is one that takes its host back, after some rounds of the scheduler.
    func goesBack(_ campaign: String) async throws -> Bool {
        try await eventually {
            try await step(campaign)
            return try await jobs(campaign).allSatisfy(\.rollsBack)
        }
    }

    /// The state of a campaign's only job, after a round of the scheduler.
    func jobState(_ campaign: String) async throws -> String? {
        try await step(campaign)
        return try await jobs(campaign).first?.state
    }
}
