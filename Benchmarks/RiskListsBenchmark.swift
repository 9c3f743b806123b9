import Access
import Digest
import Foundation
import Inventory
import Matching
import Priority
import Store
import Timestamps

@testable import Server

/// What lists of vulnerabilities and findings and the work queue take: of the first who asks after something changed, and of
/// whoever asks next.
struct RiskListsBenchmark: Sendable {
    private static let sources = 1_000
    private static let vulnerabilities = 2_000
    private static let exposed = 40
    private static let kernels = 6
    let bench: Bench

    func run() -> [Budget] {
        let hosts = bench.riskHosts
        Progress.step("risk: \(hosts) hosts")
        do { return try measure(hosts) } catch {
            return [Budget(what: "lists of risk at \(hosts) hosts", limit: 50, unit: "ms", note: "\(error)")]
        }
    }

    private func measure(_ hosts: Int) throws -> [Budget] {
        let now = Timestamp(seconds: 1_790_000_000)
        let risk = fleet(hosts, now)
        let decisions = decisions(hosts, now)
        let catalogue = try Catalogue(try CatalogueBuilder().bytes())
        let knowledge = VulnerabilityDesk.Knowledge(
            catalogue: catalogue, matcher: try Matcher([catalogue]), digest: catalogue.digest,
            typical: TypicalLikelihood(), hasExploited: true)
        var policy = DeadlinePolicy.bod2604
        policy.pauses = [.noFix, .offline]
        let shelf = RiskShelf()
        let question = RiskShelf.Question(
            organisation: "o", reach: .all, policy: policy, decisions: decisions, catalogue: catalogue.digest)
        func view() -> RiskView {
            shelf.view(question, revision: 1, now: now) { now in
                RiskView(
                    risk: risk, knowledge: knowledge, policy: question.policy, decisions: question.decisions,
                    reach: question.reach, lists: RiskLists(), now: now)
            }
        }
        func milliseconds(_ work: () throws -> Void) rethrows -> Double {
            let start = ContinuousClock.now
            try work()
            return seconds(ContinuousClock.now - start) * 1000
        }
        let findings = risk.hosts.reduce(0) { sum, host in
            sum + host.exposed.reduce(0) { $0 + (risk.packages[$1]?.open.count ?? 0) }
        }
        let patches = risk.hosts.reduce(0) { $0 + $1.plan.patches.count }
        let queued = view().queue()
        guard !queued.isEmpty, patches > 0 else { throw BenchmarkError("nothing waits in the queue") }
        let groups = queued.reduce(0) { $0 + $1.open.count }
        shelf.drop(olderThan: now.adding(seconds: 3600))
        let note =
            "\(hosts) hosts, no two alike, with \(findings) findings and \(patches) patches that wait on them; three hosts in "
            + "a hundred away, \(decisions.exceptions.count) accepted risks; the queue has \(queued.count) patches and looks "
            + "at \(groups) groups of findings; time on the clock, without HTTP, JSON and HTML"
        var budgets: [Budget] = []
        for (name, list) in Self.lists {
            // What several share counts for the first that needs it; here each is the first.
            shelf.drop(olderThan: now.adding(seconds: 3600))
            let first = try milliseconds { try list(view()) }
            var next: [Double] = []
            for _ in 0..<60 { next.append(try milliseconds { try list(view()) }) }
            budgets.append(
                Budget(what: "\(name) at \(hosts) hosts, first after a change", figure: first, unit: "ms", note: note))
            budgets.append(
                Budget(
                    what: "\(name) at \(hosts) hosts, p95", figure: percentile(0.95, of: next), limit: 50, unit: "ms",
                    note: note))
        }
        budgets.append(
            Budget(
                what: "memory of the benchmark with all lists",
                figure: memory(of: getpid()).map { Double($0.resident) / 1e6 },
                unit: "MB", note: note))
        return budgets
    }

    /// What pages and the API's lists read for one page.
    private static let lists: [(String, @Sendable (RiskView) throws -> Void)] = [
        (
            "list of vulnerabilities",
            { view in
                let reading = RiskReading(view: view)
                _ = (view.vulnerabilities().prefix(50).map(reading.row), reading.scope)
            }
        ),
        ("list of findings", { view in _ = try view.findings(FindingFilter(), from: 1000, limit: 50) }),
        (
            "work queue",
            { view in
                let reading = RiskReading(view: view)
                let queue = view.queue()
                _ = (queue.prefix(50).map(reading.row), reading.scope)
                _ = CapacityForecast(queue, perWeek: 1000, now: view.now).summary
                _ = view.selection(count: 5)
            }
        ),
    ]

    // MARK: The fleet

    private struct Dice {
        var state: UInt64 = 88_172_645_463_325_252

        mutating func below(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
    }

    private func fleet(_ hosts: Int, _ now: Timestamp) -> FleetRisk {
        var random = Dice()
        var risk = FleetRisk(catalogue: SHA256.hash([]), asOf: now)
        let names = (0..<Self.vulnerabilities).map { "CVE-2026-\(10_000 + $0)" }
        for name in names {
            var facts = VulnerabilityFacts(id: name)
            facts.isExploitationKnown = true
            risk.vulnerabilities[name] = FleetRisk.KnownVulnerability(
                facts: facts, score: RiskScore(facts, typical: TypicalLikelihood(), now: now), summary: "a flaw")
        }
        func add(_ number: Int, _ name: String, _ source: String, _ version: String, _ count: Int) {
            var open: [FleetRisk.OpenFinding] = []
            for _ in 0..<count {
                let name = names[random.below(names.count)]
                guard !open.contains(where: { $0.vulnerability == name }) else { continue }
                var finding = FleetRisk.OpenFinding(formerly: name, reason: "")
                finding.verdict = .affected
                finding.fixed = random.below(2) == 0 ? "2" : nil
                open.append(finding)
                let since = now.adding(seconds: -Int64(random.below(90 * 86_400)))
                risk.open[Verdicts.Key(package: Int64(number), vulnerability: name)] = Verdicts.Open(
                    verdict: "affected", since: since, fixKnown: finding.fixed == nil ? nil : since)
            }
            risk.packages[Int64(number)] = FleetRisk.JudgedPackage(
                package: SoftwarePackage(
                    scheme: "deb", distribution: "debian-12", name: name, architecture: "amd64", version: version,
                    source: source, sourceVersion: version), unknown: "", open: open)
        }
        for number in 0..<Self.sources * 3 { add(number, "p\(number)", "s\(number / 3)", "1", 1 + random.below(4)) }
        let firstKernel = Self.sources * 3
        for kernel in 0..<Self.kernels {
            add(firstKernel + kernel, "linux-image-6.1.0-\(kernel)-amd64", "linux", "6.1.\(kernel)-1", 30)
        }
        let kernels = (0..<Self.kernels - 1).map { kernel in
            let (running, next) = (firstKernel + kernel, firstKernel + Self.kernels - 1)
            let installed = InstalledKernel(
                package: "linux-image-6.1.0-\(Self.kernels - 1)-amd64", release: "6.1.0-\(Self.kernels - 1)-amd64",
                version: "6.1.\(Self.kernels - 1)-1")
            return HostKernels(
                [Int64(running), Int64(next)], risk.packages,
                KernelFacts(
                    running: "6.1.0-\(kernel)-amd64", runningVersion: "", flavour: "amd64", installed: [installed]))
        }
        var plans: [Int: PatchSteps] = [:]
        for number in 0..<hosts {
            let id = String(10_000_000 + number)
            let host = Verdicts.Host(
                id: id, hostname: "host-\(id)", labels: [:],
                enrolled: now.adding(seconds: -Int64(random.below(365 * 86_400))))
            var asset = AssetFacts(id: id, name: host.hostname)
            asset.exposure = .init([.open, .controlled, .small][random.below(3)], because: "label exposure")
            asset.criticality = .init(
                [.low, .medium, .high, .essential][random.below(4)], because: "label criticality")
            var packages: Set<Int64> = []
            var patches: [Int: PatchSteps] = [:]
            while packages.count < Self.exposed {
                let (source, mask) = (random.below(Self.sources), 1 + random.below(7))
                guard patches[source] == nil else { continue }
                let own = (0..<3).filter { mask & (1 << $0) != 0 }.map { Int64(source * 3 + $0) }
                packages.formUnion(own)
                patches[source] = plans[source * 8 + mask] ?? Self.patch("s\(source)", own, risk)
                plans[source * 8 + mask] = patches[source]
            }
            let kernel = random.below(Self.kernels - 1)
            packages.formUnion([Int64(firstKernel + kernel), Int64(firstKernel + Self.kernels - 1)])
            let list = packages.sorted()
            var entry = FleetRisk.HostRisk(
                host: host, asset: asset, packages: list,
                plan: FleetRisk.HostPlan(
                    patches: patches.sorted { $0.key < $1.key }.map(\.value).filter { !$0.closes.isEmpty }))
            entry.exposed = list
            entry.kernels = kernels[kernel]
            risk.hosts.append(entry)
        }
        return risk
    }

    private static func patch(_ source: String, _ packages: [Int64], _ risk: FleetRisk) -> PatchSteps {
        let open = packages.flatMap { risk.packages[$0]?.open ?? [] }
        let left = Set(open.filter { $0.fixed == nil }.map(\.vulnerability))
        return PatchSteps(
            source: source,
            steps: packages.map {
                VersionStep(name: risk.packages[$0]?.package.name ?? "", architecture: "amd64", from: "1", to: "2")
            }, closes: Set(open.map(\.vulnerability)).subtracting(left).sorted(), leaves: left.sorted(), cost: .none)
    }

    private func decisions(_ hosts: Int, _ now: Timestamp) -> RiskView.Decisions {
        var decisions = RiskView.Decisions()
        for number in stride(from: 0, to: hosts, by: 33) {
            var pause = StoredPause(
                id: "p\(number)", organisation: "o", reason: "offline", from: now.adding(seconds: -86_400),
                startedBy: "server")
            pause.host = String(10_000_000 + number)
            decisions.pauses.append(pause)
        }
        for number in 0..<20 {
            var exception = StoredException(
                id: "e\(number)", organisation: "o", vulnerability: "CVE-2026-\(10_000 + number * 97)", owner: "a",
                reason: "r", compensatingControl: "c", requestedBy: "a", requestedAt: now.adding(seconds: -900_000),
                expires: now.adding(seconds: 900_000))
            (exception.approvedBy, exception.approvedAt) = ("b", now.adding(seconds: -800_000))
            decisions.exceptions.append(exception)
        }
        return decisions
    }
}
