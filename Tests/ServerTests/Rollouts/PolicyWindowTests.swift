import JSON
import NIOHTTP1
import Orders
import Rollout
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Campaigns without a window of their own: each host changes in its own, by the policies in force when it begins.
    @Suite struct PolicyWindowTests {
        /// A window of two hours each day, that has been open for a minute.
        private static func daily(_ world: Rollouts, startsIn: Int64 = -60) -> String {
            let start = world.now.adding(seconds: startsIn).description.dropFirst(11).prefix(5)
            return """
                apiVersion: fettle/v1
                kind: Window
                metadata: {name: daily}
                spec: {rule: FREQ=DAILY, start: "\(start)", duration: 2h, clocks: UTC, groups: [web]}
                """
        }

        private static func freeze(_ world: Rollouts, from: Int64) -> String {
            func local(_ offset: Int64) -> Substring {
                world.now.adding(seconds: offset).description.prefix(16)
            }
            return """
                apiVersion: fettle/v1
                kind: Freeze
                metadata: {name: stop}
                spec:
                  reason: Nothing moves today
                  between: {from: "\(local(from))", to: "\(local(from + 3600))"}
                  clocks: UTC
                """
        }

        private static func label(_ api: DirectAPI, _ host: String) async throws {
            let path = "/api/v1/hosts/\(host)/labels"
            let tag = try await api.call("GET", path).headers.first(name: "etag") ?? ""
            let set = try await api.call("PUT", path, headers: ["if-match": tag], body: ["tier": "web"])
            #expect(set.status == 200, "\(set.text)")
        }

        private static func apply(_ api: DirectAPI, _ body: JSONValue) async throws {
            let done = try await PolicyTests.apply(api, body)
            #expect(done.status == 200, "\(done.text)")
        }

        private static func draft(_ world: Rollouts) -> CampaignDraft {
            var draft = world.draft()
            draft.window = PlannedWindow(
                start: String(world.now.description.prefix(16)), minutes: 10_080, zone: PlannedWindow.policies)
            return draft
        }

        /// Hosts without a window are said before the approval; the others begin in theirs alone, and never in a freeze.
        @Test(arguments: TestEngine.allCases) func eachHostHasItsOwn(_ engine: TestEngine) async throws {
            try await Rollouts.with(engine, hosts: 2) { world in
                let api = try DirectAPI(world.server)
                try await Self.label(api, "web0")
                let none = try await world.engine.freeze(
                    organisation: "default", Self.draft(world), campaign: "c", epoch: 1, by: Rollouts.author)
                #expect(none.plan == nil && none.errors.joined().contains("There are no policies"), "\(none.errors)")
                let daily = Self.daily(world)
                let done = try await PolicyTests.apply(api, PolicyTests.upload(PolicyTests.group, daily))
                #expect(done.status == 200, "\(done.text)")

                let campaign = try await world.running(Self.draft(world))
                #expect(campaign.plan?.hosts == [world.hosts[0].id], "web1 has no window")
                #expect(campaign.notes.contains { $0.hasPrefix("web1 is left out: No window is for this host") })
                let host = world.hosts[0]
                let offer = try #require(try await host.desired().jobs.first)
                #expect(offer.notAfter.seconds(since: offer.notBefore) == 7200, "the window of the policy: \(offer)")
                #expect(offer.notAfter.seconds(since: offer.lastSafeStart) == 45 * 60, "change, reboot and way back")

                let stop = Self.freeze(world, from: -600)
                try await Self.apply(api, PolicyTests.upload(stop))
                let frozen = try await host.claim(offer.job)
                #expect(frozen.order == nil && frozen.reason.contains("Frozen by the policy stop"), "\(frozen.reason)")
                let why = try await api.call("GET", "/api/v1/hosts/web0/why/package0")
                #expect(why.text.contains("Nothing moves today"), "\(why.text)")

                let both = PolicyTests.upload(PolicyTests.group, daily, prune: true)
                try await Self.apply(api, both)
                let grant = try await host.claim(offer.job).grant()
                #expect(grant.notAfter == offer.notAfter)
                var journal = TestJournal(job: offer.job, bootID: host.bootID)
                journal.accept(grant.fence, at: world.now)
                _ = try await host.tell(journal)
                // A freeze that comes after the grant holds too.
                try await Self.apply(api, PolicyTests.upload(stop))
                let late = try await host.confirm(offer.job, fence: grant.fence)
                #expect(late.order == nil && late.reason.contains("Frozen"), "\(late.reason)")
                try await Self.apply(api, both)
                _ = try await host.confirm(offer.job, fence: grant.fence).ticket()
            }
        }

        /// A freeze that begins within the window cuts it; and one holds for campaigns with a window of their own.
        @Test func freezesHoldForAll() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                let campaign = try await world.running()
                let host = world.hosts[0]
                let offer = try #require(try await host.desired().jobs.first)
                try await Self.apply(api, PolicyTests.upload(Self.freeze(world, from: 1200)))
                let soon = try await host.claim(offer.job)
                #expect(soon.order == nil && soon.reason.contains("The window closes at"), "\(soon.reason)")
                try await Self.apply(api, PolicyTests.upload(Self.freeze(world, from: 3600)))
                let grant = try await host.claim(offer.job).grant()
                #expect(grant.notAfter < offer.notAfter, "cut: \(grant)")
                #expect(grant.notAfter.seconds(since: grant.lastSafeStart) == 45 * 60)
                #expect(campaign.summary.state == "running")
            }
        }

        /// Who misses the window has the next one; the campaign does not end without it.
        @Test func aMissedWindowComesAgain() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                try await Self.label(api, "web0")
                try await Self.apply(api, PolicyTests.upload(PolicyTests.group, Self.daily(world)))
                let campaign = try await world.running(Self.draft(world))
                let id = campaign.summary.id
                let first = try #require(try await world.hosts[0].desired().jobs.first)
                world.server.clock.advance(2 * 3600 + 600)
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await world.jobs(id).first?.attempt == 2
                    })
                let second = try #require(try await world.jobs(id).first)
                #expect(second.state == "offered", "\(second)")
                #expect(second.notBefore == first.notBefore.adding(seconds: 86_400), "\(second)")
                #expect(try await world.engine.show(organisation: "default", id).summary.state == "running")
            }
        }
    }
}
