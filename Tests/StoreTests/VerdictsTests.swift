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
                    #expect(open == (step.1.isEmpty ? [:] : [key: .init(verdict: step.1, since: step.2)]))
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
                }
            }
        }

        /// What another server has written is not written again; a verdict that becomes unknown keeps its date.
        @Test(arguments: TestEngine.allCases) func aChangeIsWrittenOnce(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let key = Verdicts.Key(package: 1, vulnerability: "CVE-2026-1")
                let later = t0.adding(seconds: 60)
                let opened = Verdicts.Change(key: key, before: "", after: "affected", at: t0)
                let unknown = Verdicts.Change(key: key, before: "affected", after: "unknown", at: later)
                let gone = Verdicts.Change(key: key, before: "unknown", after: Verdicts.Change.gone, at: later)
                for (index, change) in [opened, opened, unknown, unknown].enumerated() {
                    let revision = try await store.write { sql throws in
                        try sql.verdicts.record(organisation: "a", [change], catalogue: digest("feeds"))
                    }
                    #expect(revision == Int64(index + 1))
                }
                try await store.read { sql throws in
                    #expect(
                        try sql.verdicts.open(organisation: "a") == [key: .init(verdict: "unknown", since: t0)])
                    #expect(
                        try sql.verdicts.changes(organisation: "a", vulnerability: "CVE-2026-1", limit: 9).count == 2)
                }
                try await store.write { sql throws in
                    try sql.verdicts.noteFixes(organisation: "a", [key: later])
                    #expect(try sql.verdicts.open(organisation: "a")[key]?.fixKnown == later)
                    try sql.verdicts.record(organisation: "a", [gone], catalogue: digest("feeds"))
                }
                try await store.read { sql throws in
                    #expect(try sql.verdicts.open(organisation: "a").isEmpty)
                    let last = try sql.verdicts.changes(organisation: "a", vulnerability: "CVE-2026-1", limit: 1)
                    #expect(last.map(\.after) == ["gone"])
                    let before = try sql.verdicts.changes(
                        organisation: "a", vulnerability: "CVE-2026-1", until: t0, limit: 9)
                    #expect(before.map(\.after) == ["affected"], "what came after the view is not shown beside it")
                    let others = try sql.verdicts.changes(
                        organisation: "a", vulnerability: "CVE-2026-1", packages: [2], limit: 9)
                    #expect(others.isEmpty, "of packages that are out of reach")
                }
            }
        }

        /// A host that changes is told once its transaction is committed, and a watermark leaves none out.
        @Test(arguments: TestEngine.allCases) func changedHostsAreTold(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let (first, mark) = try await store.read { sql throws in try sql.verdicts.changedHosts(since: 0) }
                #expect(first.map(\.id) == [host.id] && first[0].host?.isActive == true)
                let (none, _) = try await store.read { sql throws in
                    try sql.verdicts.changedHosts(since: .max)
                }
                #expect(none.isEmpty)
                let look = HostLook(["openssl": "3.0.1"], offers: [])
                try await store.report(host, look, 1, at: t0, now: t0)
                let (second, _) = try await store.read { sql throws in try sql.verdicts.changedHosts(since: mark) }
                #expect(second.map(\.host?.set) == [look.set.digest])
            }
        }
    }
}
