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
    /// Campaigns without a window of their own: each host changes in its own, by the policies in force when it begins.
    @Suite struct PolicyWindowTests {
        /// A window of two hours each day, that has been open for a minute.
        private static func daily(
            _ world: Rollouts, startsIn: Int64 = -60, hours: Int = 2, name: String = "daily"
        ) -> String {
            let start = world.now.adding(seconds: startsIn).description.dropFirst(11).prefix(5)
            return """
                apiVersion: fettle/v1
                kind: Window
                metadata: {name: \(name)}
                spec: {rule: FREQ=DAILY, start: "\(start)", duration: \(hours)h, clocks: UTC, groups: [web]}
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
                #expect(campaign.notes.first == "1 host is left out: no window 1.", "\(campaign.notes)")
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
                // A freeze that comes after the grant holds too: the grant is taken back, and the job offered anew.
                try await Self.apply(api, PolicyTests.upload(stop))
                let late = try await host.confirm(offer.job, fence: grant.fence)
                #expect(late.order == nil && late.reason.contains("Frozen"), "\(late.reason)")
                let again = try await Self.open(host)
                #expect(again.job != offer.job && again.attempt == 2, "\(again)")
                #expect(try await host.claim(again.job).reason.contains("Frozen"))
                try await Self.apply(api, both)
                let next = try await host.claim(again.job).grant()
                _ = try await host.confirm(again.job, fence: next.fence).ticket()
            }
        }

        /// The job that a host is offered.
        private static func open(_ host: TestHost) async throws -> JobOffer {
            try #require(try await host.desired().jobs.first { !$0.isCancelled })
        }

        /// A campaign of one host in a window of two hours each day.
        private static func oneHost(_ world: Rollouts, _ api: DirectAPI, _ windows: String...) async throws -> String {
            try await label(api, "web0")
            try await apply(api, PolicyTests.upload(([PolicyTests.group] + windows).joined(separator: "\n---\n")))
            return try await world.running(draft(world)).summary.id
        }

        /// A grant that was signed before a freeze came ends where the freeze begins, or is none; and its permit is free.
        @Test func aLaterFreezeCutsAGrant() async throws {
            try await Rollouts.with(.sqlite, hosts: 2) { world in
                let api = try DirectAPI(world.server)
                try await Self.label(api, "web1")
                _ = try await Self.oneHost(world, api, Self.daily(world))
                let host = world.hosts[0]
                let offer = try await Self.open(host)
                let grant = try await host.claim(offer.job).grant()
                let other = try await Self.open(world.hosts[1])
                #expect(try await world.hosts[1].claim(other.job).reason.contains("No permit is free"))
                try await Self.apply(api, PolicyTests.upload(Self.freeze(world, from: 5400)))
                let cut = try await host.confirm(offer.job, fence: grant.fence)
                #expect(cut.order == nil && cut.reason.contains("ends earlier"), "\(cut.reason)")
                // Of a budget of one.
                let free = try await world.hosts[1].claim(other.job).grant()
                #expect(free.notAfter < grant.notAfter)
                let ticket = try await world.hosts[1].confirm(other.job, fence: free.fence).ticket()
                #expect(ticket.expires <= free.notAfter)
                #expect(try await host.claim(try await Self.open(host).job).reason.contains("No permit is free"))
            }
        }

        /// The policy moved the window: the one that it has become overlaps the one that was missed, and is offered.
        @Test func aMovedWindowIsOffered() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                let id = try await Self.oneHost(world, api, Self.daily(world))
                let first = try await Self.open(world.hosts[0])
                try await Self.apply(api, PolicyTests.upload(Self.daily(world, startsIn: 3600)))
                world.server.clock.advance(5100)
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await world.jobs(id).first?.attempt == 2
                    })
                let second = try await Self.open(world.hosts[0])
                #expect(second.notAfter > first.notAfter, "\(second)")
                #expect(second.notAfter < first.notAfter.adding(seconds: 7200), "not only tomorrow: \(second)")
                #expect(second.notBefore >= first.lastSafeStart && second.notBefore <= world.now)
                #expect(try await world.hosts[0].claim(second.job).grant().notAfter == second.notAfter)
            }
        }

        /// A host whose clock runs ahead says that its window is over: it is not offered the same one again.
        @Test func theSameWindowIsNotOfferedTwice() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                let id = try await Self.oneHost(world, api, Self.daily(world))
                let first = try await Self.open(world.hosts[0])
                var journal = TestJournal(job: first.job, bootID: world.hosts[0].bootID)
                journal.add(.received, .result, at: world.now)
                journal.add(
                    .commit, .result, "the last safe start has passed",
                    ["outcome": "expired", "boots": 0, "packages": []], at: world.now)
                _ = try await world.hosts[0].tell(journal)
                let second = try await Self.open(world.hosts[0])
                #expect(second.notBefore == first.notBefore.adding(seconds: 86_400), "\(second)")
                #expect(try await world.jobs(id).first?.attempt == 2)
            }
        }

        /// A campaign that is paused beyond a host's window does not lose the host.
        @Test func aPauseLosesNoHost() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                let id = try await Self.oneHost(world, api, Self.daily(world))
                let first = try await Self.open(world.hosts[0])
                _ = try await world.engine.pause(organisation: "default", id, reason: "wait", by: Rollouts.author)
                world.server.clock.advance(2 * 3600 + 600)
                #expect(
                    try await eventually {
                        try await world.step(id)
                        return try await world.jobs(id).first?.attempt == 2
                    })
                #expect(try await world.step(id).summary.state == "paused", "it does not settle")
                let second = try await Self.open(world.hosts[0])
                #expect(second.notBefore == first.notBefore.adding(seconds: 86_400), "\(second)")
                _ = try await world.engine.resume(organisation: "default", id, reason: "", by: Rollouts.author)
                world.server.clock.advance(22 * 3600)
                let jobs = try await world.jobs(id)
                #expect(jobs.count == 1 && jobs[0].attempt == 2, "offered once: \(jobs)")
                #expect(try await world.hosts[0].claim(second.job).grant().notAfter == second.notAfter)
            }
        }

        /// Windows that touch are one opening, until its end.
        @Test func touchingWindowsAreOne() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                _ = try await Self.oneHost(
                    world, api, Self.daily(world), Self.daily(world, startsIn: 7140, name: "later"))
                let offer = try await Self.open(world.hosts[0])
                #expect(offer.notAfter.seconds(since: offer.notBefore) == 4 * 3600, "\(offer)")
                // Too late for the first of the two alone.
                world.server.clock.advance(6000)
                #expect(try await world.hosts[0].claim(offer.job).grant().notAfter == offer.notAfter)
            }
        }

        /// An opening that is long open already is used, from now on.
        @Test func anOpenWindowIsUsed() async throws {
            try await Rollouts.with(.sqlite) { world in
                let api = try DirectAPI(world.server)
                try await Self.label(api, "web0")
                let open = Self.daily(world, startsIn: -5 * 3600, hours: 12)
                try await Self.apply(api, PolicyTests.upload(PolicyTests.group, open))
                var draft = Self.draft(world)
                draft.window = PlannedWindow(start: draft.window.start, minutes: 120, zone: PlannedWindow.policies)
                let now = world.now
                let frozen = try await world.engine.freeze(
                    organisation: "default", draft, campaign: "c", epoch: 1, by: Rollouts.author)
                let host = try #require(frozen.hosts.first, "\(frozen.errors)")
                #expect(host.notBefore < now && host.notAfter >= now.adding(seconds: 7200))
                #expect(host.notAfter < now.adding(seconds: 7 * 3600), "two hours of it: \(host)")
                // A beginning that lies ahead, in the middle of it.
                draft.window = PlannedWindow(
                    start: String(now.adding(seconds: 3600).description.prefix(16)), minutes: 120,
                    zone: PlannedWindow.policies)
                let later = try await world.engine.freeze(
                    organisation: "default", draft, campaign: "c", epoch: 1, by: Rollouts.author)
                #expect(try #require(later.hosts.first).notBefore > now)
            }
        }

        /// What the form says where nobody has said how long.
        @Test func theFormTakesTheWholeOpening() {
            let now = ServerClock.system.now()
            var form = CampaignForm(query: [:])
            form.values["hosts"] = "web0"
            #expect(form.request(nil, now: now).body["window"]?["minutes"] == 240)
            form.values["zone"] = "policies"
            let (body, errors) = form.request(nil, now: now)
            #expect(body["window"]?["minutes"] == 10_080 && errors.isEmpty, "\(errors)")
            form.values["minutes"] = "60"
            #expect(form.request(nil, now: now).body["window"]?["minutes"] == 60)
            form.values["minutes"] = "x"
            #expect(form.request(nil, now: now).errors["minutes"] != nil)
        }

        /// However many there are, and whatever is said of single ones.
        @Test func thoseLeftOutAreCounted() {
            var left = LeftOutHosts()
            #expect(left.sentences == [])
            for number in 0..<5000 { left.add(number < 4800 ? "no window" : "no zone") }
            #expect(left.sentences == ["5,000 hosts are left out: no window 4,800, no zone 200."])
            var alike = LeftOutHosts.Alike()
            alike.add("web0")
            #expect(alike.names == "web0")
            for _ in 0..<1200 { alike.add("web") }
            #expect(alike.names == "web0 and 1,200 other hosts")
        }

        /// What is found of the policies is shared within a minute, and by no other version.
        @Test func whatIsFoundIsShared() throws {
            let cache = PolicyCache()
            let now = try #require(Timestamp(rfc3339: "2026-11-21T22:00:10Z"))
            let first = cache.minute(nil, organisation: "default", now: now)
            #expect(cache.minute(nil, organisation: "default", now: now.adding(seconds: 49)) === first)
            #expect(cache.minute(nil, organisation: "other", now: now) !== first)
            #expect(cache.minute(nil, organisation: "default", now: now.adding(seconds: 50)) !== first)
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
