import ArgumentParser
import Foundation
import JSON
import TextTable

/// `make bench`: prints the budgets of the design that exist so far, with their figures and the peers' beside them.
@main
struct FettleBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fettle-bench", abstract: "Print the budgets with their figures, and the peers' beside them.",
        discussion: """
            Figures are CPU time, memory and bytes, which other work on the machine disturbs little; what was going on \
            is printed with them. How each is taken: docs/benchmarks.md.
            """)

    /// What can be measured alone.
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case agent
        case server
        case store
        case pages
        case risk
        case match
        case feeds
    }

    /// A database that the server's part runs on.
    enum Engine: String, ExpressibleByArgument, CaseIterable {
        case sqlite
        case postgresql
    }

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Argument(help: "What to measure (\(Part.allCases.map(\.rawValue).joined(separator: ", "))). Default: everything.")
    var parts: [Part] = []
    @Option(name: [.short, .long], help: "What to print.")
    var output: Output = .table
    @Option(help: "The folder of fettle and fettle-agent. Default: this program's own.")
    var programs: String?
    @Option(help: "The root of the sources, for the peers' and the test bed's scripts.")
    var source = "."
    @Option(help: "Where peers are installed once.")
    var cache = (ProcessInfo.processInfo.environment["HOME"] ?? "/tmp") + "/.cache/fettle/bench"
    @Option(help: "Hosts of the store's sizes.")
    var hosts = 10_000
    @Option(help: "Hosts of the lists of risk.")
    var riskHosts = 100_000
    @Option(
        help:
            "Only this engine for the server's part and the pages (\(Engine.allCases.map(\.rawValue).joined(separator: ", ")))."
    )
    var engine: Engine?
    @Flag(inversion: .prefixedNo, help: "Measure the server's peer too.")
    var peers = true

    func run() async throws {
        let bench = try Bench(
            programs: programs
                ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
                .deletingLastPathComponent().path,
            source: source, cache: cache, hosts: hosts, riskHosts: riskHosts,
            engines: engine.map { [$0] } ?? Set(Engine.allCases),
            peers: peers)
        defer { bench.cleanUp() }
        let load = loadAverage()
        let budgets = await bench.run(Set(parts.isEmpty ? Part.allCases : parts))
        let machine = "\(machineText()); load average \(load) before, \(loadAverage()) after"
        switch output {
        case .json:
            let report: JSONValue = [
                "machine": .string(machine), "budgets": .array(budgets.map(\.json)),
            ]
            print(report.prettyPrinted())
        case .table: printTable(budgets, machine)
        }
        if budgets.contains(where: { $0.figure == nil }) { throw ExitCode(1) }
    }

    private func printTable(_ budgets: [Budget], _ machine: String) {
        var table = TextTable("what", "figure", "budget", "verdict", "peer", "note")
        var notes: [String] = []
        for budget in budgets {
            if !budget.note.isEmpty, !notes.contains(budget.note) { notes.append(budget.note) }
            let note = notes.firstIndex(of: budget.note).map { "[\($0 + 1)]" } ?? ""
            let peers = budget.peerTexts
            table.add(
                .init(budget.what), .init(budget.figureText), .init(budget.limitText), .init(budget.verdict),
                .init(peers.first ?? ""), .init(note))
            for peer in peers.dropFirst() { table.add("", "", "", "", .init(peer), "") }
        }
        print(table.rendered(colour: false), terminator: "")
        print()
        for (number, note) in notes.enumerated() { print("[\(number + 1)] \(note)") }
        print(machine)
    }
}

/// A run: where things are, and the parts in their order.
struct Bench: Sendable {
    /// The agent's program.
    let agent: String
    /// The server's program.
    let fettle: String
    /// The root of the sources.
    let source: String
    /// Where peers are installed once.
    let cache: String
    /// Hosts of the store's sizes.
    let hosts: Int
    /// Hosts of the lists of risk.
    let riskHosts: Int
    /// What the server's part runs on.
    let engines: Set<FettleBench.Engine>
    /// Whether the server's peer is measured.
    let peers: Bool
    /// This run's own folder, removed at its end.
    let scratch: String

    init(
        programs: String, source: String, cache: String, hosts: Int, riskHosts: Int, engines: Set<FettleBench.Engine>,
        peers: Bool
    ) throws {
        self.engines = engines
        self.peers = peers
        agent = programs + "/fettle-agent"
        fettle = programs + "/fettle"
        self.source = source
        self.cache = cache
        self.hosts = hosts
        self.riskHosts = riskHosts
        for program in [agent, fettle] where !FileManager.default.isExecutableFile(atPath: program) {
            throw BenchmarkError(
                "\(program) is missing: run `make bench`, which builds it, or name its folder with --programs")
        }
        try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        // A short path: the operator's socket lies in it.
        var template = Array("/tmp/fettle-bench.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchmarkError("no folder can be made in /tmp") }
        scratch = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func cleanUp() {
        try? FileManager.default.removeItem(atPath: scratch)
    }

    /// Measures; what cannot be measured is a line that says why.
    func run(_ parts: Set<FettleBench.Part>) async -> [Budget] {
        var budgets: [Budget] = []
        var resting: AgentMemoryBenchmark?
        if parts.contains(.agent) {
            // It rests while the other parts are measured.
            do { resting = try await AgentMemoryBenchmark.start(self) } catch {
                budgets += AgentMemoryBenchmark.missing("\(error)")
            }
            budgets += ScanBenchmark(bench: self).run()
        }
        if parts.contains(.server) { budgets += await ServerBenchmark.run(self) }
        if parts.contains(.store) { budgets += await StoreBenchmark(bench: self).run() }
        if parts.contains(.pages) { budgets += await ReadsBenchmark(bench: self).run() }
        if parts.contains(.risk) { budgets += RiskListsBenchmark(bench: self).run() }
        if parts.contains(.match) { budgets += await MatchBenchmark(bench: self).run() }
        if parts.contains(.feeds) { budgets += FeedsBenchmark(bench: self).run() }
        if let resting { budgets = await resting.finish() + budgets }
        return budgets
    }
}

/// The load average of the last minute.
private func loadAverage() -> String {
    let text = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)) ?? "?"
    return String(text.prefix { $0 != " " })
}

/// Processor, memory, kernel.
private func machineText() -> String {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let models = info.split(separator: "\n").filter { $0.hasPrefix("model name") }
    let model = models.first?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown processor"
    let kernel = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? "?"
    return "\(models.count) x \(model), Linux \(kernel.trimmingCharacters(in: .whitespacesAndNewlines))"
}
