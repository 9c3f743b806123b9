import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct VerdictsTests {
        /// What is open keeps the date of its first event; every change is one event with before and after.
        @Test(arguments: TestEngine.allCases) func changesAreKept(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let look = HostLook(["openssl": "3.0.1"], offers: [("openssl", "3.0.1", "3.0.2", true)])
                try await store.report(host, look, 1, at: t0, now: t0)
                let key = Verdicts.Key(package: 1, vulnerability: "CVE-2026-1")
                let later = t0.adding(seconds: 60)
                let steps: [(String, String, Timestamp)] = [
                    ("", "affected", t0), ("affected", "", later), ("", "affected", later),
                ]
                for (index, step) in steps.enumerated() {
                    try await store.write { sql throws in
                        try sql.verdicts.record(
                            organisation: "a", [.init(key: key, before: step.0, after: step.1, at: step.2)],
                            catalogue: digest("feeds \(index)"))
                    }
                    let open = try await store.read { sql throws in try sql.verdicts.open(organisation: "a") }
                    #expect(open == (step.1.isEmpty ? [:] : [key: step.2]))
                }
                try await store.read { sql throws in
                    let changes = try sql.verdicts.changes(organisation: "a", vulnerability: "CVE-2026-1", limit: 2)
                    #expect(changes.map(\.before) == ["", "affected"] && changes.map(\.at) == [later, later])
                    let hosts = try sql.verdicts.hosts(organisation: "a")
                    #expect(hosts.map(\.hostname) == ["web1"] && hosts[0].set == look.set.digest)
                    let ids = try #require(try sql.verdicts.packages(organisation: "a", set: look.set.digest))
                    #expect(try sql.verdicts.packages(ids).values.map(\.name) == ["openssl"])
                    let offers = try sql.verdicts.offers(pendingSet: try #require(hosts[0].pendingSet))
                    #expect(offers.map(\.candidate) == ["3.0.2"])
                    #expect(try sql.verdicts.fleetStamp() > 0)
                }
            }
        }
    }
}
