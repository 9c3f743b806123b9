import Foundation
import Rollout
import Simulator
import Testing

@Suite struct SimulatorTests {
    @Test func nothingGoesWrong() {
        let result = Simulation(seed: 1, options: SimulationOptions()).run(traces: true)
        #expect(result.violation == nil, "SIM \(result.report)")
        #expect(result.campaigns == [.completed], "SIM \(result.trace.suffix(60).joined(separator: "\n"))")
        #expect(result.jobs == [.terminal(.succeeded), .terminal(.succeeded)])
    }

    /// A signer that says no once asks people again, and the rest goes on as if it had not.
    @Test func refusedApprovalsAreAskedForAgain() {
        var options = SimulationOptions()
        options.refusals = 500
        let results = (0..<8).map { Simulation(seed: $0, options: options).run(traces: true) }
        #expect(results.allSatisfy { $0.violation == nil })
        #expect(results.contains { $0.trace.filter { $0.contains("approve of campaign") }.count > 1 })
        #expect(results.contains { $0.campaigns == [.completed] })
    }

    @Test func whatIsCompletedGoesBack() {
        var options = SimulationOptions()
        options.rollsBackLate = true
        let result = Simulation(seed: 1, options: options).run(traces: true)
        #expect(result.violation == nil, "SIM \(result.report)")
        #expect(result.campaigns == [.rolledBack], "SIM \(result.trace.suffix(60).joined(separator: "\n"))")
        #expect(result.jobs.count { $0 == .terminal(.rolledBack) } == 2)
    }

    @Test func aSeedRepeats() {
        let first = Simulation(seed: 9, options: .stormy(seed: 9)).run(traces: true)
        let second = Simulation(seed: 9, options: .stormy(seed: 9)).run(traces: true)
        #expect(first.trace == second.trace)
        #expect(first.steps == second.steps)
    }

    /// The same in another process, whose dictionaries have another order.
    @Test func aSeedRepeatsInAnotherProcess() async throws {
        let here = Self.digest()
        let child = try await #require(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            print("digest \(SimulatorTests.digest()).")
        }
        let text = String(decoding: child.standardOutputContent, as: UTF8.self)
        #expect(text.contains("digest \(here)."), "here \(here), there \(text)")
    }

    /// Of the traces of some storms, with one and with several rings.
    static func digest() -> UInt64 {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        for seed in 0..<UInt64(12) {
            for line in Simulation(seed: seed, options: .stormy(seed: seed)).run(traces: true).trace {
                for byte in line.utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
            }
        }
        return digest
    }
}

@Suite struct StormTests {
    /// The budget of `make test`; `FETTLE_SIM_SEEDS=FROM..TO` or a number takes another, and with a number `FETTLE_FUZZ_SEED`
    /// the next ones (`make soak`).
    static let seeds: Range<UInt64> = {
        let environment = ProcessInfo.processInfo.environment
        let text = environment["FETTLE_SIM_SEEDS"] ?? ""
        let bounds = text.split(separator: ".").compactMap { UInt64($0) }
        // What cannot be read, or is no seed at all, would prove nothing.
        if !text.isEmpty,
            bounds.isEmpty || bounds.count > 2 || bounds == [0] || bounds.count == 2 && bounds[0] >= bounds[1]
        {
            return 0..<0
        }
        if bounds.count == 2, bounds[0] < bounds[1] { return bounds[0]..<bounds[1] }
        let count = min(max(1, bounds.first ?? 320), 1_000_000)
        let round = environment["FETTLE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
        let first = min(max(1, round) - 1, 1_000_000) * count
        return first..<(first + count)
    }()

    /// Seeds beyond the fixed ones that found something: a clone that silenced its host, a disk of the past that was told
    /// its last job once more, and a campaign that nobody approved in time. The checker and the model were wrong.
    @Test(arguments: [864, 2374, 3037, 3075, 8932, 9176] as [UInt64]) func seedsThatFoundSomething(seed: UInt64) {
        let result = Simulation(seed: seed, options: .stormy(seed: seed)).run()
        #expect(result.violation == nil, "\(result.report)")
    }

    /// Everything that goes wrong, over the fixed seeds: every promise is kept, everything ends, and nothing of rollouts.md 2.1
    /// to 2.4 and no fault is left out.
    @Test func seedsKeepEveryPromise() async throws {
        try #require(!Self.seeds.isEmpty, "FETTLE_SIM_SEEDS is a number from 1 on, or FROM..TO")
        let start = ContinuousClock.now
        let coverage = await withTaskGroup(of: SimulationCoverage.self) { group in
            for part in 0..<UInt64(4) {
                group.addTask {
                    var coverage = SimulationCoverage()
                    for seed in Self.seeds where seed % 4 == part {
                        let simulation = Simulation(seed: seed, options: .stormy(seed: seed))
                        let result = simulation.run()
                        coverage.add(result)
                        if result.violation != nil {
                            let small = simulation.shrunken(budget: 40)
                            Issue.record("SIM \(result.report)\nshrunken:\n\(small?.result.report ?? "")")
                            break
                        }
                    }
                    return coverage
                }
            }
            var all = SimulationCoverage()
            for await part in group { all.add(part) }
            return all
        }
        let seconds = Double((ContinuousClock.now - start).components.seconds) + 1
        print("\(coverage.table)\n\(Int(Double(Self.seeds.count) * 60 / seconds)) seeds a minute")
        // What is rare needs as many seeds as the fixed ones.
        if Self.seeds.count >= 320 { #expect(coverage.missing.isEmpty, "never seen: \(coverage.missing)") }
    }
}

@Suite struct CrashPointTests {
    /// Every durable write of the plain run, of the server and of both agents, once before and once after it.
    @Test(arguments: ["server", "agent0", "agent1"], [false, true])
    func everyCrashPoint(_ component: String, _ after: Bool) throws {
        let plain = Simulation(seed: 1, options: SimulationOptions()).run()
        let writes = try #require(plain.writes[component])
        #expect(writes > 20)
        for write in 1...writes {
            var options = SimulationOptions()
            options.crashPoints = [.init(component: component, write: write, after: after)]
            let result = Simulation(seed: 1, options: options).run()
            #expect(result.violation == nil, "SIM \(result.report)")
            if result.violation != nil { return }
            for job in result.jobs {
                #expect(
                    [.terminal(.succeeded), .terminal(.failedNoChange), .terminal(.rolledBack)].contains(job),
                    "\(component) \(write) \(after): \(job)")
            }
        }
    }
}
