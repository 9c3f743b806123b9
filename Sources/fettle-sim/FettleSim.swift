import ArgumentParser
import JSON
import Rollout
import Simulator

/// Runs the deterministic simulator: one seed with its trace, a range of seeds, or for as long as told.
@main
struct FettleSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fettle-sim",
        abstract: "Simulates campaigns: production reducers, virtual time, seeded faults, 35 invariants.",
        discussion: """
            A seed decides everything. --seed prints the trace of one run, and of a run that breaks a promise the smallest
            one that still breaks it. --seeds and --minutes run many, and print what occurred how often.
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "Run this seed and print its trace.") var seed: UInt64?
    @Option(help: "Run these seeds: FROM..TO, the last one not included.") var seeds: String?
    @Option(help: "Run seeds for so many minutes, from --seed or 0 on.") var minutes: Double?
    @Option(help: "How many hosts, 2 to 200; the seed decides unless said.") var hosts: Int?
    @Option(help: "How many rings, 1 to 16; the seed decides unless said.") var rings: Int?
    @Option(name: [.short, .long], help: "text or json.") var output = Output.text

    func validate() throws {
        guard seed != nil || seeds != nil || minutes != nil else {
            throw ValidationError("say --seed N, --seeds FROM..TO, or --minutes N")
        }
        if let hosts, !(2...200).contains(hosts) { throw ValidationError("--hosts is 2 to 200") }
        if let rings, !(1...16).contains(rings) { throw ValidationError("--rings is 1 to 16") }
        if seeds != nil, minutes != nil { throw ValidationError("say either --seeds or --minutes") }
        if seeds != nil, seed != nil { throw ValidationError("say either --seed or --seeds") }
        if let minutes, !(minutes > 0) { throw ValidationError("--minutes is more than 0") }
        if seeds != nil, range == nil { throw ValidationError("--seeds is FROM..TO, as in 0..1000") }
    }

    func run() throws {
        if let seed, minutes == nil, seeds == nil { return try one(seed) }
        try many()
    }

    private var range: Range<UInt64>? {
        guard let seeds else { return nil }
        let parts = seeds.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt64($0) }
        return parts.count == 2 && parts[0] < parts[1] ? parts[0]..<parts[1] : nil
    }

    private func simulation(_ seed: UInt64) -> Simulation {
        var options = SimulationOptions.stormy(seed: seed)
        if let hosts { options.hosts = hosts }
        if let rings {
            options.rings = rings
            if rings > 1 { options.campaigns = 1 }
        }
        return Simulation(seed: seed, options: options)
    }

    private func one(_ seed: UInt64) throws {
        let simulation = simulation(seed)
        let result = simulation.run(traces: true)
        let small = result.violation == nil ? nil : simulation.shrunken()
        switch output {
        case .json: print(json(seed, result, small))
        case .text:
            print(result.trace.joined(separator: "\n"))
            print("campaigns: \(result.campaigns.map(\.rawValue).joined(separator: ", ")); \(result.steps) steps")
            if let violation = result.violation {
                print("seed \(seed) breaks invariant \(violation.invariant): \(violation.description)")
            }
            if let small { print("the smallest run that breaks it:\n\(small.result.report)") }
        }
        if result.violation != nil { throw ExitCode.failure }
    }

    private func many() throws {
        let start = ContinuousClock.now
        var coverage = SimulationCoverage()
        var next = range?.lowerBound ?? seed ?? 0
        var count = 0
        var steps = 0
        var failed: [UInt64] = []
        var shrunken: [JSONValue] = []
        func isOver() -> Bool {
            if let range { return next >= range.upperBound }
            return ContinuousClock.now - start >= .seconds((minutes ?? 0) * 60)
        }
        while !isOver() {
            let simulation = simulation(next)
            let result = simulation.run()
            coverage.add(result)
            steps += result.steps
            if result.violation != nil {
                failed.append(next)
                // The smallest run of the first few; of the rest the seeds are enough.
                let small = failed.count <= 10 ? simulation.shrunken()?.result : nil
                switch output {
                case .text: print(small?.report ?? result.report)
                case .json:
                    shrunken.append([
                        "seed": .integer(Int64(clamping: next)), "report": .string((small ?? result).report),
                    ])
                }
            }
            next += 1
            count += 1
        }
        let elapsed = (ContinuousClock.now - start).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        let rate = Int64(Double(count) * 60 / max(seconds, 0.001))
        switch output {
        case .json:
            let value: JSONValue = [
                "seeds": .integer(Int64(count)), "steps": .integer(Int64(steps)), "seedsPerMinute": .integer(rate),
                "failed": .array(failed.map { .integer(Int64(clamping: $0)) }),
                "reports": .array(shrunken),
                "again": failed.first.map { .string(again($0)) } ?? .null,
                "coverage": .object(coverage.counts.mapValues { .integer(Int64($0)) }),
                "missing": .array(coverage.missing.map(JSONValue.string)),
            ]
            print(String(decoding: value.canonicalBytes(), as: UTF8.self))
        case .text:
            print(coverage.table)
            print("\(count) seeds, \(steps) steps, \(rate) seeds a minute, \(failed.count) broke a promise")
            if !failed.isEmpty { print("again: \(again(failed[0]))") }
            if !coverage.missing.isEmpty { print("never seen: \(coverage.missing.joined(separator: "; "))") }
        }
        if !failed.isEmpty { throw ExitCode.failure }
    }

    /// The command that repeats a run.
    private func again(_ seed: UInt64) -> String {
        "fettle-sim --seed \(seed)" + (hosts.map { " --hosts \($0)" } ?? "") + (rings.map { " --rings \($0)" } ?? "")
    }

    private func json(
        _ seed: UInt64, _ result: Simulation.Result, _ small: (simulation: Simulation, result: Simulation.Result)?
    ) -> String {
        var fields: [String: JSONValue] = [
            "seed": .integer(Int64(clamping: seed)), "steps": .integer(Int64(result.steps)),
            "campaigns": .array(result.campaigns.map { .string($0.rawValue) }),
            "trace": .array(result.trace.map(JSONValue.string)),
        ]
        if let violation = result.violation {
            fields["violation"] = [
                "invariant": .integer(Int64(violation.invariant)), "text": .string(violation.description),
            ]
        }
        if let small {
            fields["shrunken"] = [
                "options": .string("\(small.simulation.options)"),
                "trace": .array(small.result.trace.map(JSONValue.string)),
            ]
        }
        return String(decoding: JSONValue.object(fields).canonicalBytes(), as: UTF8.self)
    }
}
