import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct ReportsTests {
        @Test(arguments: TestEngine.allCases) func inOrderOnceAndOnDisk(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let looks = (1...5).map { HostLook(["a": "\($0)"], facts: "{\"n\":\($0)}") }
                @Sendable func submission(_ numbers: [Int64], gap: Bool = false) -> ReportSubmission {
                    ReportSubmission(
                        organisation: "a", host: host.id, incarnation: "i1",
                        entries: numbers.map { looks[Int($0) - 1].entry($0, at: t0.adding(seconds: $0)) },
                        acceptsGap: gap)
                }
                func accept(_ numbers: [Int64], gap: Bool = false) async throws -> ReportOutcome {
                    try await store.write { try $0.reports.accept(submission(numbers, gap: gap), now: t0) }
                }
                // Nothing is uploaded: everything is asked for at once, without repetition.
                var outcome = try await accept([1, 2])
                #expect(outcome.accepted == 0)
                #expect(outcome.nextReport == 1)
                #expect(outcome.needed.count == 5)
                #expect(Set(outcome.needed) == Set(looks[0].digests.names + looks[1].digests.names))
                try await store.write { try looks[0].put("a", in: $0) }
                outcome = try await accept([1, 2])
                #expect(outcome.accepted == 1)
                #expect(outcome.nextReport == 2)
                #expect(Set(outcome.needed) == [looks[1].digests.names[0], looks[1].digests.names[2]])
                for look in looks { try await store.write { try look.put("a", in: $0) } }
                outcome = try await accept([1, 2, 3])
                #expect(outcome == ReportOutcome(nextReport: 4, needed: [], accepted: 2))
                // Again, and out of order.
                #expect(try await accept([1, 2, 3]) == ReportOutcome(nextReport: 4, needed: [], accepted: 0))
                #expect(try await accept([5]) == ReportOutcome(nextReport: 4, needed: [], accepted: 0))
                #expect(store.directory.host(host.id)?.host.digests == looks[2].digests)
                // After a restore of the server the agent no longer has what lies between.
                #expect(try await accept([5], gap: true) == ReportOutcome(nextReport: 6, needed: [], accepted: 1))
                let record = try #require(store.directory.host(host.id)?.host)
                #expect(record.digests == looks[4].digests)
                #expect(record.nextReport == 6)
                #expect(record.observedAt == t0.adding(seconds: 5))
                try await store.read { sql throws in
                    let states = try sql.history.states(organisation: "a", host: host.id)
                    #expect(states.map(\.sequence) == [5, 3, 2, 1])
                    let audit = try sql.audit.list(organisation: "a").map { String(decoding: $0.event, as: UTF8.self) }
                    #expect(audit.contains { $0.contains("reports.skipped") && $0.contains("\"from\":4") })
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func anotherIncarnationCountsFromOne(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let look = HostLook(["a": "1"])
                #expect(try await store.report(host, look, 1).nextReport == 2)
                #expect(try await store.report(host, look, 2).nextReport == 3)
                #expect(try await store.report(host, look, 1, incarnation: "i2").nextReport == 2)
                // The first queue comes back: its numbers still count as taken.
                #expect(try await store.report(host, look, 2).accepted == 0)
                #expect(try await store.report(host, look, 3) == ReportOutcome(nextReport: 4, needed: [], accepted: 1))
            }
        }

        @Test(arguments: TestEngine.allCases) func onlyActiveHostsReport(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let look = HostLook(["a": "1"])
                try await store.write {
                    try $0.hosts.setStatus(
                        organisation: "a", host: host.id, .quarantined, reason: "cloned", actor: "server", now: t0)
                }
                await #expect(throws: HostError.notActive(host.id, .quarantined, reason: "cloned")) {
                    try await store.report(host, look, 1)
                }
                await #expect(throws: HostError.unknown(host.id)) {
                    try await store.write {
                        try $0.reports.accept(
                            ReportSubmission(organisation: "b", host: host.id, incarnation: "i", entries: []), now: t0)
                    }
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func pendingUpdatesFollowTheOffers(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let one = try await store.enrol("web1")
                let two = try await store.enrol("web2")
                let first = HostLook(["x": "1", "y": "1"], offers: [("x", "1", "2", true), ("y", "1", "2", false)])
                let second = HostLook(["x": "1"], offers: [("x", "1", "2", true)])
                try await store.report(one, first, 1)
                try await store.report(two, second, 1)
                try await store.read { sql throws in
                    let packages = try sql.pendingUpdates.packages(organisation: "a")
                    #expect(packages.map(\.name) == ["x", "y"])
                    #expect(packages.map(\.hosts) == [2, 1])
                    #expect(packages.map(\.upgradable) == [2, 1])
                    #expect(packages.map(\.security) == [true, false])
                    #expect(packages[0].origin == "Debian-Security bookworm-security/main")
                    #expect(try sql.pendingUpdates.packages(organisation: "a", securityOnly: true).map(\.name) == ["x"])
                    #expect(try sql.pendingUpdates.packages(organisation: "a", nameContains: "Y").map(\.name) == ["y"])
                    #expect(try sql.pendingUpdates.packages(organisation: "a", after: ("x", "2")).map(\.name) == ["y"])
                    #expect(try sql.pendingUpdates.packages(organisation: "b").isEmpty)
                    #expect(try sql.pendingUpdates.list(organisation: "a", host: one.id).map(\.name) == ["x", "y"])
                    #expect(
                        try sql.pendingUpdates.hosts(organisation: "a", name: "x").map(\.hostname) == ["web1", "web2"])
                    #expect(try sql.hosts.show(organisation: "a", id: one.id)?.securityCount == 1)
                    #expect(try sql.hosts.count(organisation: "a", filter: HostFilter(securityOnly: true)) == 2)
                }
                try await store.report(one, HostLook(["x": "2", "y": "2"]), 2)
                try await store.write {
                    try $0.hosts.setStatus(organisation: "a", host: two.id, .retired, reason: "", actor: "u", now: t0)
                }
                try await store.read { sql throws in
                    #expect(try sql.pendingUpdates.packages(organisation: "a").isEmpty)
                    #expect(try sql.pendingUpdates.list(organisation: "a", host: one.id).isEmpty)
                    #expect(try sql.hosts.show(organisation: "a", id: one.id)?.pendingCount == 0)
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func aHostCountsOnceWhateverItsArchitectures(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                let both = try await store.enrol("both")
                let one = try await store.enrol("one")
                let single = offerSet([("x", "1", "2", true)])
                var foreign = single.offers[0]
                foreign.architecture = "i386"
                foreign.security = false
                foreign.status = .held
                var look = HostLook(["x": "1"])
                look.offers = OfferSet(indexes: single.indexes, offers: single.offers + [foreign], installedFrom: [:])
                try await store.report(both, look, 1)
                look.offers = single
                try await store.report(one, look, 1)
                try await store.read { sql throws in
                    for securityOnly in [false, true] {
                        let packages = try sql.pendingUpdates.packages(organisation: "a", securityOnly: securityOnly)
                        #expect(packages.map(\.hosts) == [2])
                        #expect(packages.map(\.upgradable) == [2])
                    }
                    #expect(
                        try sql.pendingUpdates.hosts(organisation: "a", name: "x").map(\.architecture)
                            == ["amd64", "i386", "amd64"])
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func hostsThatWaitForTheSameShareOneSet(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let one = try await store.enrol("web1")
                let two = try await store.enrol("web2")
                let foreign = try await store.enrol("web3", organisation: "b")
                let offers = [("x", "1", "2", true), ("y", "1", "2", false)]
                // Their offers differ, what waits does not.
                try await store.report(one, HostLook(["x": "1", "y": "1"], offers: offers), 1)
                let other = OfferSet(
                    indexes: offerSet(offers).indexes, offers: offerSet(offers).offers, installedFrom: ["z:amd64": [0]])
                var look = HostLook(["x": "1", "y": "1", "z": "1"], offers: offers)
                look.offers = other
                try await store.report(two, look, 1)
                try await store.report(foreign, look, 1)
                try await store.read { sql throws in
                    let sets = try sql.rows(
                        "SELECT organisation, updates, update_count, security_count FROM pending_sets ORDER BY organisation"
                    ) { row in (try row.text(), try row.text(), try row.integer(), try row.integer()) }
                    #expect(sets.map(\.0) == ["a", "b"])
                    #expect(sets.allSatisfy { $0.1 == ",1,2," && $0.2 == 2 && $0.3 == 1 })
                    let view = try sql.rows(
                        "SELECT host, name, security FROM pending_updates WHERE organisation = 'a' ORDER BY host, name"
                    ) { row in "\(try row.text()) \(try row.text()) \(try row.integer())" }
                    #expect(view == ["\(one.id) x 1", "\(one.id) y 0", "\(two.id) x 1", "\(two.id) y 0"])
                }
                // Once nobody waits for it, the set goes.
                for host in [one, two] { try await store.report(host, HostLook(["x": "2"]), 2) }
                try await store.write { sql throws in
                    try sql.execute("DELETE FROM host_states WHERE organisation = 'a' AND sequence = 1")
                    try sql.documents.collect(storedBefore: t0.adding(seconds: 1))
                    let left = try sql.rows("SELECT updates FROM pending_sets ORDER BY id") { row in try row.text() }
                    #expect(left == [",1,2,", ""])
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func whatWasStoredBeforePendingSetsIsDerivedWhenOpened(
            engine: TestEngine
        ) async throws {
            let address = try await engine.newDatabase()
            var store = try await Store.open(address, program: "test", now: t0)
            try await store.write { _ = try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            let host = try await store.enrol("web1")
            let many = (0..<200).map { ("p\($0)", "1", "2", $0 % 2 == 0) }
            let look = HostLook(["x": "1"], offers: many)
            try await store.report(host, look, 1)
            // As the version before stored them.
            try await store.write { sql throws in
                try sql.execute(
                    "UPDATE offer_sets SET content = ?1, pending_set = NULL", look.offers.document.bytes)
                try sql.execute("UPDATE hosts SET pending_set = NULL")
                try sql.execute("DELETE FROM pending_sets")
            }
            await store.close()
            store = try await Store.open(address, program: "test", now: t0)
            try await store.read { sql throws in
                #expect(try sql.pendingUpdates.list(organisation: "a", host: host.id).count == 200)
                #expect(try sql.documents.offerSet(organisation: "a", look.offers.digest) == look.offers)
            }
            await store.close()
        }

        @Test(arguments: TestEngine.allCases) func damagedOffersAreAnErrorWithACure(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let look = HostLook(["x": "1"], offers: (0..<100).map { ("p\($0)", "1", "2", false) })
                try await store.write { try look.put("a", in: $0) }
                try await store.write { sql throws in
                    let stored = try sql.first("SELECT content FROM offer_sets") { row in try row.blob() }
                    // zstd's magic number: they are packed.
                    #expect(stored?.prefix(4) == [0x28, 0xB5, 0x2F, 0xFD])
                    #expect((stored?.count ?? 0) * 3 < look.offers.document.bytes.count)
                    try sql.execute("UPDATE offer_sets SET content = ?1", Array((stored ?? []).dropLast(5)))
                }
                await #expect(throws: StoreError.self) {
                    try await store.read { try $0.documents.offerSet(organisation: "a", look.offers.digest) }
                }
                // 2^40 bytes announced in a frame of a few: refused before a byte is reserved.
                let bomb: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]
                try await store.write { _ = try $0.execute("UPDATE offer_sets SET content = ?1", bomb) }
                await #expect(throws: StoreError.self) {
                    try await store.read { try $0.documents.offerSet(organisation: "a", look.offers.digest) }
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func aNewNameIsKnownWithItsTimes(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let look = HostLook(["a": "1"], facts: "{\"name\":\"renamed\"}")
                try await store.write { try look.put("a", in: $0) }
                let seen = t0.adding(seconds: 100)
                _ = try await store.write { sql throws in
                    try sql.reports.accept(
                        ReportSubmission(
                            organisation: "a", host: host.id, incarnation: "i1", entries: [look.entry(1, at: seen)]),
                        now: seen.adding(seconds: 5)
                    ) { facts in
                        FactsSummary(
                            hostname: "renamed", operatingSystem: "Debian 12",
                            json: String(decoding: facts, as: UTF8.self))
                    }
                }
                let record = try #require(store.directory.host(host.id)?.host)
                #expect(record.hostname == "renamed")
                #expect(record.operatingSystem == "Debian 12")
                #expect(record.summary == "{\"name\":\"renamed\"}")
                try await store.read { sql throws in
                    func name(_ at: Timestamp, _ known: Timestamp) throws -> String? {
                        try sql.assets.attribute(
                            organisation: "a", asset: host.asset, name: "hostname", at: at, asKnownAt: known)?.value
                    }
                    #expect(try name(seen, seen.adding(seconds: 5)) == "renamed")
                    #expect(try name(seen, seen.adding(seconds: 4)) == nil)
                    #expect(try name(t0, seen.adding(seconds: 5)) == nil)
                }
            }
        }
    }
}
