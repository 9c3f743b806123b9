import Store
import Testing
import Timestamps

extension StoreTests {
    /// Since when a host has what it did not have at first.
    @Suite struct ArrivalsTests {
        private static let day: Int64 = 86_400
        private func day(_ number: Int64) -> Timestamp { t0.adding(seconds: number * Self.day) }

        private func arrivals(_ store: Store, _ host: String) async throws -> [String: Timestamp] {
            try await store.read { sql throws in
                let one = try sql.packageArrivals.of(organisation: "a", host: host)
                #expect(try sql.packageArrivals.all(organisation: "a")[host] ?? [:] == one)
                return one
            }
        }

        /// What came later has a date; updates, ways back and what was there at first have none. What goes and comes back
        /// within 30 days was never away.
        @Test(arguments: TestEngine.allCases) func whatComesHasADate(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let steps: [([String: String], [String: Int64])] = [
                    (["openssl": "1"], [:]),
                    (["openssl": "2"], [:]),
                    (["openssl": "1", "nginx": "1"], ["nginx": 2]),
                    (["openssl": "1", "nginx": "2"], ["nginx": 2]),
                    (["nginx": "2"], ["nginx": 2]),
                    (["openssl": "1"], [:]),
                    (["openssl": "1", "nginx": "2"], ["nginx": 2]),
                    (["nginx": "3"], ["nginx": 2]),
                ]
                for (number, step) in steps.enumerated() {
                    let at = day(Int64(number))
                    try await store.report(host, HostLook(step.0), Int64(number + 1), at: at, now: at)
                    let expected = Dictionary(
                        uniqueKeysWithValues: step.1.map { ("deb\t\($0.key)", day($0.value)) })
                    #expect(try await arrivals(store, host.id) == expected, "report \(number)")
                }
                // Away for longer: a clock of its own.
                try await store.report(host, HostLook(["openssl": "1", "nginx": "3"]), 9, at: day(40), now: day(40))
                #expect(
                    try await arrivals(store, host.id) == ["deb\topenssl": day(40), "deb\tnginx": day(2)])
                try await store.report(host, HostLook(["openssl": "1"]), 10, at: day(41), now: day(41))
                try await store.write { sql throws in try sql.packageArrivals.forget(before: day(42)) }
                try await store.report(host, HostLook(["openssl": "1", "nginx": "1"]), 11, at: day(80), now: day(43))
                #expect(
                    try await arrivals(store, host.id) == ["deb\topenssl": day(40), "deb\tnginx": day(43)],
                    "a clock that runs ahead dates nothing into the future")
            }
        }

        /// A database that was filled before this was kept is read for it once, to the same end.
        @Test(arguments: TestEngine.allCases) func theHistoryTellsTheSame(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            var store = try await Store.open(address, program: "test", now: t0)
            try await store.write { sql throws in
                try sql.organisations.create(Organisation(id: "a", name: "A", createdAt: t0))
            }
            let host = try await store.enrol("web1")
            let looks = [
                ["openssl": "1"], ["openssl": "1", "nginx": "1"], ["nginx": "1"], ["nginx": "2", "curl": "1"],
            ]
            for (number, look) in looks.enumerated() {
                let at = day(Int64(number))
                try await store.report(host, HostLook(look), Int64(number + 1), at: at, now: at)
            }
            let expected = ["deb\tnginx": day(1), "deb\tcurl": day(3)]
            #expect(try await arrivals(store, host.id) == expected)
            try await store.write { sql throws in
                try sql.execute("DELETE FROM package_arrivals")
                try sql.execute("UPDATE hosts SET arrivals_read = 0")
            }
            await store.close()
            for _ in 0..<2 {
                store = try await Store.open(address, program: "test", now: t0)
                #expect(try await arrivals(store, host.id) == expected)
                await store.close()
            }
        }

        /// A machine that is enrolled again goes on with its clocks; another machine, and another organisation's, does not.
        @Test(arguments: TestEngine.allCases) func enrolledAgainTheClocksRunOn(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                try await store.report(host, HostLook(["openssl": "1"]), 1, at: t0, now: t0)
                try await store.report(host, HostLook(["openssl": "1", "nginx": "1"]), 2, at: day(1), now: day(1))
                var again = newHost("again")
                again.evidence = newHost("web1").evidence
                let second = again
                let new = try await store.write { try $0.hosts.enrol(second, now: day(5)) }
                let other = try await store.write { try $0.hosts.enrol(newHost("web2"), now: day(5)) }
                try await store.read { sql throws in
                    let enrolled = Dictionary(
                        uniqueKeysWithValues: try sql.verdicts.hosts(organisation: "a").map { ($0.id, $0.enrolled) })
                    #expect(enrolled == [host.id: t0, new.id: t0, other.id: day(5)])
                }
                #expect(try await arrivals(store, new.id) == ["deb\tnginx": day(1)])
                let look = HostLook(["openssl": "2", "nginx": "1", "curl": "1"])
                try await store.report(new, look, 1, at: day(6), now: day(6))
                try await store.report(other, look, 1, at: day(6), now: day(6))
                #expect(try await arrivals(store, new.id) == ["deb\tnginx": day(1), "deb\tcurl": day(6)])
                #expect(try await arrivals(store, other.id).isEmpty)
            }
        }
    }
}
