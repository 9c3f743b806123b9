import Access
import Foundation
import Store
import Timestamps

/// How long the lists behind the pages take, at 10,000 and 100,000 hosts, on both engines.
struct ReadsBenchmark: Sendable {
    let bench: Bench

    /// The design's budget for list and search pages: p95, in milliseconds.
    private static let limit = 50.0
    private static let runs = 60
    private static let sizes = [10_000, 100_000]

    func run() async -> [Budget] {
        var budgets: [Budget] = []
        for hosts in Self.sizes {
            for engine in FettleBench.Engine.allCases where bench.engines.contains(engine) {
                do { budgets += try await measure(engine, hosts) } catch {
                    budgets.append(
                        Budget(what: "pages at \(hosts) hosts, \(engine.rawValue)", unit: "ms", note: "\(error)"))
                }
            }
        }
        return budgets
    }

    private func measure(_ engine: FettleBench.Engine, _ hosts: Int) async throws -> [Budget] {
        let fleet = try ReadsFleet(hosts: hosts)
        switch engine {
        case .sqlite:
            let path = "\(bench.cache)/\(fleet.key).sqlite"
            if !FileManager.default.fileExists(atPath: path) {
                Progress.step("pages: writing \(hosts) hosts into \(path), once")
                forgetOlder(hosts, but: path)
                try await load(fleet, "sqlite:\(path).new")
                try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
            }
            return try await measure("SQLite", "sqlite:\(path)", fleet)
        case .postgresql:
            let postgres = try PostgresForBench(bench)
            defer { postgres.stop() }
            Progress.step("pages: writing \(hosts) hosts into PostgreSQL")
            try await load(fleet, postgres.url)
            return try await measure("PostgreSQL", postgres.url, fleet)
        }
    }

    private func load(_ fleet: ReadsFleet, _ address: String) async throws {
        let store = try await Store.open(address, program: "fettle-bench", now: ReadsFleet.now)
        try await fleet.load(store)
        if address.hasPrefix("postgres") {
            // As autovacuum would have a minute later.
            try await store.write { transaction in _ = try transaction.execute("ANALYZE") }
        }
        await store.close()
    }

    /// Databases of older schemas.
    private func forgetOlder(_ hosts: Int, but path: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: bench.cache)) ?? []
        for name in names where name.hasPrefix("fleet-\(hosts)-") && "\(bench.cache)/\(name)" != path {
            try? FileManager.default.removeItem(atPath: "\(bench.cache)/\(name)")
        }
    }

    private func measure(_ engine: String, _ address: String, _ fleet: ReadsFleet) async throws -> [Budget] {
        Progress.step("pages: \(fleet.hosts) hosts on \(engine)")
        let before = memory(of: getpid())?.privateBytes ?? 0
        let start = ContinuousClock.now
        let store = try await Store.open(address, program: "fettle-bench", now: ReadsFleet.now)
        let opened = seconds(ContinuousClock.now - start)
        let counting = ContinuousClock.now
        try await store.followFleet()
        let counted = seconds(ContinuousClock.now - counting)
        let held = Double((memory(of: getpid())?.privateBytes ?? 0) - before) / 1e6
        var budgets: [Budget] = []
        for page in Self.pages {
            var times: [Double] = []
            var cpu: [Double] = []
            var random = SplitMix64(state: 3)
            for run in 0..<Self.runs {
                // What a second brings to this fleet: its check-ins, and a report or two that change a host.
                for _ in 0..<(fleet.hosts / 300) {
                    store.directory.touch(host: "h-\(random.below(fleet.hosts))", at: ReadsFleet.now)
                }
                let changed = "h-\(random.below(fleet.hosts))"
                try await store.write { transaction in
                    try transaction.hosts.bumpState(
                        organisation: ReadsFleet.organisation, host: changed, now: ReadsFleet.now)
                }
                let begin = (ContinuousClock.now, ownCPUSeconds())
                try await store.read { transaction in try page.read(transaction, run) }
                times.append(seconds(ContinuousClock.now - begin.0) * 1000)
                cpu.append((ownCPUSeconds() - begin.1) * 1000)
            }
            budgets.append(
                Budget(
                    what:
                        "\(page.what) at \(fleet.hosts) hosts, \(engine), p95 (p50 \(rounded(percentile(0.5, of: times))), "
                        + "CPU \(rounded(percentile(0.5, of: cpu))))",
                    figure: percentile(0.95, of: times), limit: Self.limit, unit: "ms", note: Self.note))
            Progress.step(
                "  \(page.what): p50 \(rounded(percentile(0.5, of: times))) ms, p95 "
                    + "\(rounded(percentile(0.95, of: times))) ms, most \(rounded(times.max() ?? 0)) ms; CPU p50 \(rounded(percentile(0.5, of: cpu))) ms"
            )
        }
        await store.close()
        budgets.append(
            Budget(
                what: "\(fleet.hosts) hosts into memory, \(engine)", figure: opened, unit: "s",
                note: "when a server starts; counting what is installed follows, in steps beside its other work "
                    + "(\(rounded(counted)) s), and all of it is \(rounded(held)) MB of this process"))
        return budgets
    }

    private static let note =
        "the whole answer as the page needs it, with exact totals and facets, between two of which a second's check-ins "
        + "and a changed host came; 1,000 packages and up to 200 waiting updates a host, no two alike"

    /// What is read for one page.
    private struct Page: Sendable {
        let what: String
        let read: @Sendable (Transaction, Int) throws -> Void
    }

    private static let prod = Reach.selected([LabelSelector([.isIn(key: "env", values: ["prod"])])])

    private static func list(
        _ what: String, _ reach: Reach = .all, _ order: HostOrder = HostOrder(), after: HostCursor? = nil,
        _ ask: @escaping @Sendable (inout HostQuery, Int) -> Void = { _, _ in }
    ) -> Page {
        Page(what: "hosts, \(what)") { transaction, run in
            var query = HostQuery()
            ask(&query, run)
            let page = try transaction.hostList.page(
                organisation: ReadsFleet.organisation, reach: reach, query, order: order, after: after, limit: 100,
                now: ReadsFleet.now)
            guard page.total > 0 else { throw BenchmarkError("the list \(what) is empty") }
        }
    }

    private static let pages: [Page] = [
        Page(what: "Today") { transaction, _ in
            let organisation = ReadsFleet.organisation
            let counts = try transaction.fleetCounts.counts(
                organisation: organisation, reach: .all, now: ReadsFleet.now)
            guard counts.security > 0, counts.silent > 0 else { throw BenchmarkError("Today counts nothing") }
            _ = try transaction.patchList.page(organisation: organisation, reach: .all, sort: .urgency, limit: 10)
            _ = try transaction.events.list(organisation: organisation, limit: 20)
        },
        list("all by name"),
        list("security pending, most first", .all, HostOrder(.security, descending: true)) { query, _ in
            query.statuses = [.active]
            query.security = true
        },
        list(
            "a later page, last seen first", .all, HostOrder(.lastSeen, descending: true),
            after: HostCursor(value: ReadsFleet.now.milliseconds - 300_000, hostname: "m", id: "h-5")),
        list("by a label-limited reader", prod, HostOrder(.pending, descending: true)) { query, _ in
            query.silent = true
        },
        list("by label and text") { query, run in
            query.selector = LabelSelector([.isIn(key: "site", values: [["berlin", "oslo"][run % 2]])])
            query.text = "\(run % 10)1"
        },
        list("waiting for one patch") { query, run in
            query.patch = PatchFilter(name: names[run % names.count])
        },
        Page(what: "patches, most urgent") { transaction, run in
            _ = try transaction.patchList.page(
                organisation: ReadsFleet.organisation, reach: .all, PatchQuery(text: run % 2 == 0 ? nil : "lib"))
        },
        Page(what: "patches, by a label-limited reader") { transaction, _ in
            _ = try transaction.patchList.page(organisation: ReadsFleet.organisation, reach: prod)
        },
        Page(what: "patches, first time for a reader's labels") { transaction, run in
            let reach = Reach.selected([
                LabelSelector([.isNotIn(key: "rack", values: ["r\(run)"])])
            ])
            _ = try transaction.patchList.page(organisation: ReadsFleet.organisation, reach: reach)
        },
        Page(what: "search") { transaction, run in
            let text = ["lib", "ssl", "web-1", "python3", "10.0.7", "site=oslo", "e"][run % 7]
            let organisation = ReadsFleet.organisation
            let hosts = try transaction.search.hosts(organisation: organisation, reach: .all, text)
            let packages = try transaction.search.packages(organisation: organisation, reach: .all, text)
            guard hosts.total + packages.total > 0 else { throw BenchmarkError("nothing holds \(text)") }
        },
        Page(what: "one host's timeline") { transaction, run in
            _ = try transaction.timeline.page(organisation: ReadsFleet.organisation, host: "h-\(run)")
        },
    ]

    /// Packages that hosts of the fleet wait for.
    private static let names: [String] = (try? ReadsFleet(hosts: 1))?.names.prefix(300).map { $0 } ?? []
}
