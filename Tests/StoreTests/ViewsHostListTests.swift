import Access
import Store
import Testing
import Timestamps

extension StoreTests {
    /// Lists and counts against a plain filter over all records.
    @Suite struct ViewsHostListTests {
        static let now = t0.adding(seconds: 3000)

        @Test(arguments: TestEngine.allCases) func filtersFacetsAndCountsAreThePlainOnes(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                var fleet = PlainFleet(seed: 11)
                for _ in 0..<60 { try await fleet.add(store) }
                var found = 0
                for round in 0..<160 {
                    // What changes between two lists shows in the second.
                    if round % 4 == 0 {
                        let at = Int.random(in: 0..<fleet.hosts.count, using: &fleet.random)
                        var host = fleet.hosts[at]
                        switch round / 4 % 3 {
                        case 0: try await fleet.report(&host, store, "a")
                        case 1: try await fleet.setLabels(&host, store, "a")
                        default: try await fleet.setStatus(&host, store, "a")
                        }
                        fleet.hosts[at] = host
                    }
                    let (query, reach) = (fleet.query(), fleet.reach())
                    let page = try await store.read {
                        try $0.hostList.page(organisation: "a", reach: reach, query, limit: 1000, now: Self.now)
                    }
                    let within = fleet.hosts.filter { reach.includes($0.labels) }
                    let expected = within.filter { $0.isFound(query, Self.now) }
                    #expect(Set(page.hosts.map(\.id)) == Set(expected.map(\.id)), "\(query)")
                    #expect(page.total == expected.count)
                    #expect(page.next == nil)
                    found += expected.count
                    checkFacets(page.facets, query, within)
                    for item in page.hosts { check(item, fleet) }
                }
                #expect(found > 500)
                let reach = fleet.reach()
                let counts = try await store.read {
                    try $0.fleetCounts.counts(organisation: "a", reach: reach, now: Self.now)
                }
                checkCounts(counts, fleet.hosts.filter { reach.includes($0.labels) })
            }
        }

        private func check(_ item: HostItem, _ fleet: PlainFleet) {
            guard let host = fleet.hosts.first(where: { $0.id == item.id }) else { return }
            #expect(item.hostname == host.hostname)
            #expect(item.labels == host.labels)
            #expect(item.unjudged == host.unjudged(Self.now))
            #expect(item.silent == host.isSilent(Self.now))
            #expect(item.lastSeen == host.lastSeen ?? host.reportedAt)
            // One package is there in two architectures.
            let security = host.offers.filter(\.security).reduce(0) { $0 + ($1.name == "libssl3" ? 2 : 1) }
            #expect(item.security == (host.reportedAt == nil ? nil : Int64(security)))
        }

        private func checkFacets(_ facets: HostFacets, _ query: HostQuery, _ hosts: [PlainHost]) {
            func count(_ change: (inout HostQuery) -> Void) -> Int {
                var other = query
                change(&other)
                return hosts.count { $0.isFound(other, Self.now) }
            }
            for status in HostStatus.allCases { #expect(facets.statuses[status] == count { $0.statuses = [status] }) }
            for state in RebootState.allCases { #expect(facets.reboot[state] == count { $0.reboot = [state] }) }
            #expect(facets.security == count { $0.security = true })
            #expect(facets.pending == count { $0.pending = true })
            #expect(facets.silent == count { $0.silent = true })
            #expect(facets.stale == count { $0.stale = true })
            #expect(facets.broken == count { $0.broken = true })
            #expect(facets.restarts == count { $0.restarts = true })
            #expect(facets.unjudged == count { $0.judged = false })
            for value in facets.operatingSystems {
                #expect(value.hosts == count { $0.operatingSystems = [value.value] })
            }
            for value in facets.labels {
                let parts = value.value.split(separator: "=").map(String.init)
                #expect(value.hosts == hosts.count { $0.isFound(query, Self.now) && $0.labels[parts[0]] == parts[1] })
            }
        }

        private func checkCounts(_ counts: FleetCounts, _ hosts: [PlainHost]) {
            let active = hosts.filter { $0.status == .active }
            let now = Self.now
            #expect(counts.active == active.count)
            #expect(counts.security == active.count { $0.offers.contains { $0.security } })
            #expect(
                counts.securityJudged == active.count { $0.offers.contains { $0.security } && $0.unjudged(now) == nil })
            #expect(counts.silent == active.count { $0.isSilent(now) })
            #expect(counts.stale == active.count { $0.isStale(now) })
            #expect(counts.judged == active.count { $0.unjudged(now) == nil })
            func unknown(_ fact: (PlainHost) -> Int64?) -> Int {
                active.count { $0.noEvidence(now) != nil || fact($0) == nil }
            }
            #expect(counts.brokenUnknown == unknown(\.broken))
            #expect(counts.restartsUnknown == unknown(\.restarts))
            for why in UnjudgedReason.allCases {
                #expect(counts.unjudged[why] ?? 0 == active.count { $0.unjudged(now) == why })
            }
            #expect(counts.lastReport == hosts.compactMap(\.reportedAt).max())
        }

        @Test(arguments: TestEngine.allCases) func pagesAreCompleteWhileHostsCome(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                var fleet = PlainFleet(seed: 5)
                for _ in 0..<50 { try await fleet.add(store) }
                let first = fleet.hosts
                for sort in HostSort.allCases {
                    for descending in [false, true] {
                        let order = HostOrder(sort, descending: descending)
                        let whole = try await store.read {
                            try $0.hostList.page(
                                organisation: "a", reach: .all, order: order, limit: 1000, now: Self.now)
                        }.hosts
                        #expect(whole == sorted(whole, order))
                        var seen: [String] = []
                        var cursor: HostCursor?
                        var pages = 0
                        repeat {
                            let after = cursor
                            let page = try await store.read {
                                try $0.hostList.page(
                                    organisation: "a", reach: .all, order: order, after: after, limit: 7, now: Self.now)
                            }
                            seen += page.hosts.map(\.id)
                            #expect(page.total >= first.count)
                            // As text, which is how callers carry it.
                            cursor = page.next.flatMap { HostCursor("\($0)") }
                            #expect((cursor == nil) == (page.next == nil))
                            pages += 1
                            if pages % 3 == 1 { try await fleet.add(store) }
                        } while cursor != nil
                        #expect(Set(seen).count == seen.count)
                        #expect(Set(seen).isSuperset(of: whole.map(\.id)))
                    }
                }
            }
        }

        private func sorted(_ hosts: [HostItem], _ order: HostOrder) -> [HostItem] {
            func value(_ host: HostItem) -> Int64 {
                switch order.sort {
                case .name: 0
                case .security: host.security ?? 0
                case .pending: host.pending ?? 0
                case .lastSeen: host.lastSeen?.milliseconds ?? .min
                case .lastScan: host.lastScan?.milliseconds ?? .min
                case .reboot: host.reboot == .required ? 2 : host.reboot == .unknown ? 1 : 0
                }
            }
            return hosts.sorted { left, right in
                let (a, b) = (value(left), value(right))
                if a != b { return order.descending ? a > b : a < b }
                let isBefore = (left.hostname, left.id) < (right.hostname, right.id)
                return order.descending && order.sort == .name ? !isBefore && left != right : isBefore
            }
        }

        /// All that a reader of one organisation can see.
        private struct Look: Equatable, Sendable {
            var hosts: HostPage
            var counts: FleetCounts
            var patches: PatchPage
            var foundHosts: [SearchResult<FoundHost>]
            var foundPackages: [SearchResult<FoundPackage>]
            var timeline: TimelinePage
            var item: HostItem?
        }

        @Test(arguments: TestEngine.allCases) func nothingOfOthersIsListedCountedOrFound(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                var ours = PlainFleet(seed: 1)
                for _ in 0..<5 { try await ours.add(store) }
                func look() async throws -> Look {
                    try await store.read { sql throws in
                        let texts = ["secret", "ssl", "web", "h-", "10."]
                        return Look(
                            hosts: try sql.hostList.page(organisation: "a", reach: .all, now: Self.now),
                            counts: try sql.fleetCounts.counts(organisation: "a", reach: .all, now: Self.now),
                            patches: try sql.patchList.page(organisation: "a", reach: .all),
                            foundHosts: try texts.map { try sql.search.hosts(organisation: "a", reach: .all, $0) },
                            foundPackages: try texts.map {
                                try sql.search.packages(organisation: "a", reach: .all, $0)
                            },
                            timeline: try sql.timeline.page(organisation: "a", host: "h-b-web1"),
                            item: try sql.hostList.item(organisation: "a", reach: .all, id: "h-b-web1", now: Self.now))
                    }
                }
                let before = try await look()
                let theirs = try await store.enrol("web1", organisation: "b")
                let look2 = HostLook(
                    ["secret-product": "1", "openssl": "1"], offers: [("secret-product", "1", "2", true)],
                    facts: "{\"b\":1}")
                try await store.report(theirs, look2, 1)
                #expect(try await look() == before)
                let found = try await store.read { sql throws in
                    try sql.search.packages(organisation: "b", reach: .all, "secret")
                }
                #expect(found.items == [FoundPackage(name: "secret-product", pending: 1, installed: 1)])
                #expect(
                    try await store.read { try $0.hostList.page(organisation: "none", reach: .all, now: Self.now) }
                        .total == 0)
            }
        }

        @Test(arguments: TestEngine.allCases) func aNewServerSeesTheSame(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            let store = try await Store.open(address, program: "test", connections: 4, now: t0)
            try await store.write { try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            var fleet = PlainFleet(seed: 3)
            for _ in 0..<30 { try await fleet.add(store) }
            func look(_ store: Store) async throws -> ([HostItem], HostFacets, [Patch], [FoundPackage]) {
                try await store.read { sql throws in
                    let page = try sql.hostList.page(organisation: "a", reach: .all, limit: 100, now: Self.now)
                    return (
                        page.hosts, page.facets, try sql.patchList.page(organisation: "a", reach: .all).patches,
                        try sql.search.packages(organisation: "a", reach: .all, "ss").items
                    )
                }
            }
            let before = try await look(store)
            await store.close()
            let again = try await Store.open(address, program: "test", connections: 4, now: t0)
            let after = try await look(again)
            #expect(after.0 == before.0)
            #expect(after.1 == before.1)
            #expect(after.2 == before.2)
            #expect(after.3 == before.3)
            await again.close()
        }

        @Test func twoServersFollowEachOther() async throws {
            let address = try await TestEngine.postgresql.newDatabase()
            let one = try await Store.open(address, program: "test", connections: 4, now: t0)
            try await one.write { try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            let two = try await Store.open(address, program: "test", connections: 4, now: t0)
            var fleet = PlainFleet(seed: 8)
            for _ in 0..<12 { try await fleet.add(one) }
            let token = try await two.read { try $0.fleetCounts.token(organisation: "a") }
            try await one.flushPresence()
            try await two.refreshDirectory()
            try await two.followFleet()
            func look(_ store: Store) async throws -> [HostItem] {
                try await store.read { try $0.hostList.page(organisation: "a", reach: .all, now: Self.now) }.hosts
            }
            #expect(try await look(two) == look(one))
            #expect(try await two.read { try $0.fleetCounts.token(organisation: "a") } != token)
            // A host that only the other server sees is not silent here.
            let seen = try #require(fleet.hosts.first { $0.status == .active })
            one.directory.touch(host: seen.id, at: t0.adding(seconds: 9000))
            try await one.flushPresence()
            try await two.followFleet()
            let item = try await two.read {
                try $0.hostList.item(organisation: "a", reach: .all, id: seen.id, now: t0.adding(seconds: 9001))
            }
            #expect(item?.silent == false)
            #expect(item?.lastSeen == t0.adding(seconds: 9000))
            await one.close()
            await two.close()
        }
    }
}
