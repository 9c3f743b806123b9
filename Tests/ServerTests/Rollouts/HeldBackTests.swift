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
    /// A package that hung or failed on a host is named, and nobody gets it again by itself until a person says so.
    @Suite struct HeldBackTests {
        /// Lets the job of a host fail at one package, which goes back.
        private func fail(_ world: Rollouts, _ host: TestHost, isHung: Bool) async throws -> String {
            let offer = try #require(try await host.desired().jobs.first { !$0.isCancelled })
            let grant = try await host.claim(offer.job).grant()
            var journal = TestJournal(job: offer.job, bootID: host.bootID)
            journal.accept(grant.fence, at: world.now)
            _ = try await host.tell(journal)
            _ = try await host.confirm(offer.job, fence: grant.fence).ticket()
            let now = world.now
            for phase in [JobPhase.confirm, .preflight] { journal.add(phase, .result, at: now) }
            journal.add(.mutateIntent, .intent, at: now)
            journal.add(.apply, .intent, at: now)
            journal.add(
                .apply, .result, isHung ? "package0 hung and was ended after 3 s" : "package0 failed (exit 100)",
                ["ok": false, "run": ["culprit": "package0", "success": false, "hung": .bool(isHung)]], at: now)
            journal.commit(.rolledBack, "package0 is back at its old version", at: now)
            _ = try await host.tell(journal, from: 4)
            return offer.job
        }

        private func why(_ world: Rollouts, _ host: TestHost) async throws -> WhyInputs {
            try await world.engine.why(organisation: "default", host: host.id, package: "package0")
        }

        @Test(arguments: TestEngine.allCases) func whatHungGoesToNobodyByItself(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 12) { world in
                let id = try await world.running(world.draft(budget: 1)).summary.id
                let job = try await fail(world, world.hosts[0], isHung: true)
                // One of twelve hosts that is not well is no reason to halt; a package that hangs is.
                #expect(try await world.becomes("halted", id))
                let reason = try await world.engine.show(organisation: "default", id).summary.reason
                #expect(reason.contains("package0:amd64 9.9-1 is held back: on web0 package0 hung"), "\(reason)")
                let package = try await world.engine.job(organisation: "default", job).packages.first
                #expect(package?.result == "held-back" && package?.message == "package0 hung and was ended after 3 s")
                #expect(try await world.hosts[1].desired().jobs.allSatisfy(\.isCancelled))

                // `fettle why` names it, on the host and on those that wait for it.
                let here = try await why(world, world.hosts[0]).reasons
                #expect(here.first?.code == "held-back", "\(here)")
                #expect(here.first?.sentence.contains("held back on web0: package0 hung") == true, "\(here)")
                #expect(here.first?.cure.contains("--package package0 --hosts web0") == true, "\(here)")
                let there = try await why(world, world.hosts[1]).reasons
                #expect(there.contains { $0.code == "halted" && $0.sentence.contains("is held back") }, "\(there)")

                // A person lets it go on: the others get it, and what that person knew halts it no more.
                _ = try await world.engine.resume(
                    organisation: "default", id, reason: reason, by: Rollouts.approver)
                #expect(try await world.becomes("running", id))
                for _ in 0..<3 { _ = try await world.step(id) }
                #expect(try await world.step(id).summary.state == "running")
                _ = try await world.finish(world.hosts[1], .succeeded)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func laterCampaignsLeaveTheHostOutUntilThePackageIsNamed(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let id = try await world.running(world.draft([world.hosts[0]])).summary.id
                _ = try await fail(world, world.hosts[0], isHung: false)
                _ = try await world.step(id)
                func plan(_ draft: CampaignDraft) async throws -> (hosts: Int, said: String) {
                    let (plan, errors, notes) = try await world.engine.preview(
                        organisation: "default", draft, by: Rollouts.author)
                    return (plan?.hosts.count ?? 0, (errors + notes).joined(separator: " "))
                }
                let alone = try await plan(world.draft([world.hosts[0]]))
                #expect(alone.hosts == 0 && alone.said.contains("is held back on web0"), "\(alone)")
                let both = try await plan(world.draft())
                #expect(both.hosts == 1 && both.said.contains("It is left out"), "\(both)")
                var named = world.draft()
                named.packages = .named(["package0"])
                let again = try await plan(named)
                #expect(again.hosts == 2, "\(again)")
                // Another version is another matter.
                var truth = Truth(hostname: "web0")
                var offer = truth.offers.offers[0]
                offer.candidate = "9.9-2"
                truth.offers = .init(
                    indexes: truth.offers.indexes, offers: [offer], installedFrom: truth.offers.installedFrom)
                try await world.hosts[0].reported(truth)
                #expect(try await plan(world.draft([world.hosts[0]])).hosts == 1)
                #expect(try await !why(world, world.hosts[0]).reasons.contains { $0.code == "held-back" })
            }
        }
    }
}
