import Access
import Store
import Testing
import Timestamps

extension StoreTests {
    /// Patches and search against plain counting.
    @Suite struct ViewsPatchTests {
        @Test(arguments: TestEngine.allCases) func patchesAreCountedByHost(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                var fleet = PlainFleet(seed: 21)
                for _ in 0..<40 { try await fleet.add(store) }
                for round in 0..<40 {
                    let at = Int.random(in: 0..<fleet.hosts.count, using: &fleet.random)
                    var host = fleet.hosts[at]
                    switch round % 3 {
                    case 0: try await fleet.report(&host, store, "a")
                    case 1: try await fleet.setLabels(&host, store, "a")
                    default: try await fleet.setStatus(&host, store, "a")
                    }
                    fleet.hosts[at] = host
                    let reach = fleet.reach()
                    let query = PatchQuery(
                        text: fleet.chance(40) ? "SSL" : nil, security: fleet.chance(40) ? fleet.chance(50) : nil)
                    let sort = PatchSort.allCases.randomElement(using: &fleet.random)!
                    var patches: [Patch] = []
                    var cursor: PatchCursor?
                    repeat {
                        let after = cursor
                        let page = try await store.read {
                            try $0.patchList.page(
                                organisation: "a", reach: reach, query, sort: sort, after: after, limit: 3)
                        }
                        patches += page.patches
                        cursor = page.next.flatMap { PatchCursor("\($0)") }
                        if cursor == nil { #expect(page.total == patches.count) }
                    } while cursor != nil
                    let active = fleet.hosts.filter { reach.includes($0.labels) && $0.status == .active }
                    #expect(Set(patches) == plain(active, query))
                    #expect(Set(patches).count == patches.count)
                    #expect(patches == sorted(patches, sort))
                    guard let one = patches.first else { continue }
                    var hosts = HostQuery()
                    hosts.statuses = [.active]
                    hosts.patch = PatchFilter(
                        name: one.name, candidate: one.candidate, origin: one.origin, security: one.security)
                    let asked = hosts
                    let page = try await store.read {
                        try $0.hostList.page(organisation: "a", reach: reach, asked, now: t0)
                    }
                    #expect(page.total == one.hosts)
                    #expect(page.hosts.allSatisfy { Set($0.updates.map(\.candidate)) == [one.candidate] })
                    #expect(page.hosts.count { $0.updates.contains { $0.status == "upgradable" } } == one.upgradable)
                }
            }
        }

        private func plain(_ hosts: [PlainHost], _ query: PatchQuery) -> Set<Patch> {
            var counts: [PlainHost.PlainOffer: Int] = [:]
            for host in hosts { for offer in Set(host.offers) { counts[offer, default: 0] += 1 } }
            return Set(
                counts.filter { offer, _ in
                    (query.text.map { offer.name.contains($0.lowercased()) } ?? true)
                        && (query.security.map { $0 == offer.security } ?? true)
                }.map { offer, count in
                    Patch(
                        name: offer.name, candidate: offer.candidate, origin: offer.originName,
                        security: offer.security,
                        hosts: count, upgradable: offer.candidate == "2" ? count : 0)
                })
        }

        private func sorted(_ patches: [Patch], _ sort: PatchSort) -> [Patch] {
            patches.sorted { left, right in
                if sort == .urgency, left.security != right.security { return left.security }
                if sort != .name, left.hosts != right.hosts { return left.hosts > right.hosts }
                if left.name != right.name { return left.name < right.name }
                if left.candidate != right.candidate { return left.candidate < right.candidate }
                if left.origin != right.origin { return left.origin < right.origin }
                return !left.security && right.security
            }
        }

        @Test(arguments: TestEngine.allCases) func packagesAndHostsAreFound(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                var fleet = PlainFleet(seed: 31)
                for _ in 0..<30 { try await fleet.add(store) }
                for text in ["ss", "nginx", "NGINX-common", "l", "nothing"] {
                    let result = try await store.read {
                        try $0.search.packages(organisation: "a", reach: .all, text, limit: 50)
                    }
                    let active = fleet.hosts.filter { $0.status == .active }
                    let names = PlainFleet.packages.filter { name in
                        name.contains(text.lowercased()) && active.contains { $0.packages[name] != nil }
                    }
                    #expect(Set(result.items.map(\.name)) == Set(names))
                    #expect(result.uncounted == 0)
                    for item in result.items {
                        #expect(item.installed == active.count { $0.packages[item.name] != nil })
                        #expect(item.pending == active.count { $0.offers.contains { $0.name == item.name } })
                    }
                }
                // Who reaches some of the hosts is told of what waits on those alone.
                let reach = Reach.selected([try LabelSelector("env=prod")])
                let some = try await store.read { try $0.search.packages(organisation: "a", reach: reach, "ss") }
                let prod = fleet.hosts.filter { $0.status == .active && $0.labels["env"] == "prod" }
                for item in some.items {
                    #expect(item.installed == nil)
                    #expect(item.pending == prod.count { $0.offers.contains { $0.name == item.name } })
                }
                let ranked = try await store.read { try $0.search.packages(organisation: "a", reach: .all, "nginx") }
                #expect(ranked.items.first?.name == "nginx")

                for text in ["web", "B1", "h-a-2", "10.0.1", "env=prod", "site=par", "\u{1}", ""] {
                    let result = try await store.read {
                        try $0.search.hosts(organisation: "a", reach: .all, text, limit: 200)
                    }
                    let needle = text.lowercased()
                    let expected = fleet.hosts.filter { host in
                        let labels = host.labels.map { "\($0.key)=\($0.value)" }
                        return !needle.isEmpty
                            && ([host.hostname, host.id] + host.addresses + labels).contains {
                                $0.lowercased().contains(needle)
                            }
                    }
                    #expect(Set(result.items.map(\.id)) == Set(expected.map(\.id)), "\(text)")
                    #expect(result.total == expected.count)
                    let within = try await store.read {
                        try $0.search.hosts(organisation: "a", reach: reach, text, limit: 200)
                    }
                    #expect(
                        Set(within.items.map(\.id)) == Set(expected.filter { $0.labels["env"] == "prod" }.map(\.id)))
                }
                let best = try await store.read {
                    try $0.search.hosts(organisation: "a", reach: .all, "web1", limit: 200)
                }
                let matches = best.items.map { $0.value == "web1" ? 0 : $0.value.hasPrefix("web1") ? 1 : 2 }
                #expect(matches == matches.sorted())
            }
        }

        @Test(arguments: TestEngine.allCases) func theTimelineIsWhole(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                var at = t0
                for round in 1...12 {
                    at = at.adding(seconds: 60)
                    let now = at
                    try await store.report(host, HostLook(["bash": "\(round)"]), Int64(round), at: now)
                    try await store.write { sql throws in
                        try sql.hosts.noteAgent(
                            organisation: "a", host: host.id, bootID: "boot\(round)", agentVersion: nil,
                            protocolVersion: nil, now: now.adding(seconds: 1))
                        try sql.hosts.setLabels(
                            organisation: "a", host: host.id, ["n": "\(round)"], actor: "user:1",
                            now: now.adding(seconds: 1))
                    }
                }
                var entries: [TimelineEntry] = []
                var cursor: TimelineCursor?
                repeat {
                    let after = cursor
                    let page = try await store.read {
                        try $0.timeline.page(organisation: "a", host: host.id, after: after, limit: 4)
                    }
                    entries += page.entries
                    cursor = page.next.flatMap { TimelineCursor("\($0)") }
                } while cursor != nil
                #expect(entries.map(\.time) == entries.map(\.time).sorted(by: >))
                // Twelve reports, boots and acts; the enrolment as event, act and first boot.
                #expect(entries.count == 12 * 3 + 3)
                #expect(Set(entries).count == entries.count)
                let whole = try await store.read { try $0.timeline.page(organisation: "a", host: host.id, limit: 500) }
                #expect(whole.entries == entries)
                let changes = entries.compactMap { entry -> Bool? in
                    guard case .report(let state, let previous) = entry.content else { return nil }
                    return previous.map { $0.set != state.digests.set }
                }
                #expect(changes == Array(repeating: true, count: 11))
                let quiet = try await store.read {
                    try $0.timeline.page(organisation: "a", host: host.id, acts: false, limit: 500)
                }
                #expect(quiet.entries.count == 12 * 2 + 2)
            }
        }
    }
}
