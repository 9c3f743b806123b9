import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct OriginsTests {
        private static func index(_ name: String, at: Int64 = 0) -> RepositoryIndex {
            RepositoryIndex(
                origin: PackageOrigin(
                    origin: name, label: "", suite: "", codename: "bookworm", component: "main", site: "",
                    security: false), released: t0.adding(seconds: at), validUntil: nil)
        }

        private static func look(
            _ packages: [String: String], _ indexes: [RepositoryIndex], _ from: [String: [Int]]
        ) -> HostLook {
            var look = HostLook(packages)
            look.offers = OfferSet(
                indexes: indexes, offers: [],
                installedFrom: Dictionary(uniqueKeysWithValues: from.map { ("\($0.key):amd64", $0.value) }))
            return look
        }

        /// Reads and writes down where a host's packages came from, as the server does.
        private static func follow(_ store: Store, _ host: HostRecord) async throws -> [String: SoftwareOrigin] {
            let organisation = host.organisation
            let now = t0
            let number = try await store.write { sql throws in
                let known = try sql.packageOrigins.all(organisation: organisation)
                let current = try #require(
                    try sql.verdicts.hosts(organisation: organisation).first { $0.id == host.id })
                var reading = try #require(
                    try sql.packageOrigins.read(organisation: organisation, current, since: known[host.id]))
                reading.known.originSet = try sql.packageOrigins.intern(
                    organisation: organisation, reading.foreign, now: now)
                try sql.packageOrigins.record(organisation: organisation, host: host.id, reading.known)
                return reading.known.originSet
            }
            return try await store.read { sql throws in
                var host = try #require(
                    try sql.verdicts.hosts(organisation: organisation).first { $0.id == host.id })
                host.origins = number
                let software = try #require(host.software)
                let ids = try #require(try sql.verdicts.packages(organisation: organisation, software))
                let subjects = try sql.verdicts.subjects(ids)
                #expect(subjects.count == ids.count && Set(ids).count == ids.count)
                return Dictionary(uniqueKeysWithValues: subjects.values.map { ($0.package.name, $0.origin) })
            }
        }

        /// An origin once known survives a package whose repository is gone; what is not the distribution's has a number of
        /// its own, and hosts that are alike share one set.
        @Test(arguments: TestEngine.allCases) func originsAreRemembered(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let both = [Self.index("Debian"), Self.index("nginx")]
                let packages = ["openssl": "3.0.1", "nginx": "1.26-1", "tool": "1"]
                let from = ["openssl": [0], "nginx": [1], "tool": []]
                let first = try await store.enrol("web1")
                let second = try await store.enrol("web2")
                for host in [first, second] {
                    try await store.report(host, Self.look(packages, both, from), 1, at: t0, now: t0)
                    let origins = try await Self.follow(store, host)
                    #expect(origins["nginx"] == .thirdParty("nginx") && origins["openssl"] == .assumed)
                    guard case .unknown = origins["tool"] else {
                        Issue.record("nobody offers it: \(origins)")
                        continue
                    }
                }
                let sets = try await store.read { sql throws in
                    try sql.packageOrigins.all(organisation: "a").values.map(\.originSet)
                }
                #expect(Set(sets).count == 1 && sets[0] > 0)

                // The repository is gone, and the distribution offers one of that name.
                let later = t0.adding(seconds: 3600)
                let gone = Self.look(
                    packages.merging(["nginx-common": "1.22-9"]) { $1 }, [Self.index("Debian", at: 3600)],
                    ["openssl": [], "nginx": [], "tool": [], "nginx-common": [0]])
                try await store.report(first, gone, 2, at: later, now: later)
                let origins = try await Self.follow(store, first)
                #expect(origins["nginx"] == .thirdParty("nginx"), "as it was when it was listed")
                #expect(origins["openssl"] == .assumed, "the distribution's, as before")
                #expect(origins["nginx-common"] == .assumed)
                #expect(try await store.read { try $0.verdicts.packages([-1]).count } == 1)
            }
        }

        /// What a host told in a report that another one overtook is remembered too; without lists nothing is.
        @Test(arguments: TestEngine.allCases) func reportsInBetweenCount(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let packages = ["nginx": "1.26-1"]
                let none = Self.look(packages, [], [:])
                try await store.report(host, none, 1, at: t0, now: t0)
                #expect(try await Self.follow(store, host)["nginx"] == .assumed)
                let listed = Self.look(packages, [Self.index("Debian"), Self.index("nginx")], ["nginx": [1]])
                try await store.report(host, listed, 2, at: t0.adding(seconds: 60))
                let unlisted = Self.look(packages, [Self.index("Debian")], ["nginx": []])
                try await store.report(host, unlisted, 3, at: t0.adding(seconds: 120))
                #expect(try await Self.follow(store, host)["nginx"] == .thirdParty("nginx"))
                try await store.report(host, none, 4, at: t0.adding(seconds: 180))
                #expect(try await Self.follow(store, host)["nginx"] == .thirdParty("nginx"))
            }
        }

        /// What is closed keeps its clocks for a while, and is no longer closed once it is open.
        @Test(arguments: TestEngine.allCases) func closedClocksAreKept(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let key = Verdicts.Key(package: 1, vulnerability: "CVE-2026-1")
                let later = t0.adding(seconds: 60)
                let opened = Verdicts.Change(key: key, before: "", after: "affected", at: t0, fixKnown: t0)
                let gone = Verdicts.Change(key: key, before: "affected", after: Verdicts.Change.gone, at: later)
                func closed() async throws -> [Verdicts.Key: Verdicts.Closed] {
                    try await store.read { try $0.verdicts.closed(organisation: "a") }
                }
                for (change, isClosed) in [(opened, false), (gone, true), (gone, true), (opened, false), (gone, true)] {
                    try await store.write { sql throws in
                        try sql.verdicts.record(organisation: "a", [change], catalogue: digest("feeds"))
                    }
                    let expected = Verdicts.Closed(since: t0, fixKnown: t0, at: later)
                    #expect(try await closed() == (isClosed ? [key: expected] : [:]))
                }
                try await store.write { try $0.verdicts.forgetClosed(before: later) }
                #expect(try await closed().count == 1)
                try await store.write { try $0.verdicts.forgetClosed(before: later.adding(seconds: 1)) }
                #expect(try await closed().isEmpty)
            }
        }
    }
}
