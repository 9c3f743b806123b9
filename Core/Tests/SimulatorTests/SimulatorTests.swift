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
}

@Suite struct StormTests {
    /// How many seeds; `FETTLE_SIM_SEEDS` asks for more, and `FETTLE_FUZZ_SEED` for others (`make soak`).
    static let seeds = number("FETTLE_SIM_SEEDS") ?? 100
    static let first = ((number("FETTLE_FUZZ_SEED") ?? 1) - 1) * seeds

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init).flatMap {
            (1...1_000_000).contains($0) ? $0 : nil
        }
    }

    /// Loss, duplication, reordering, crashes, power cuts, partitions, halts: every promise is kept, and everything ends.
    @Test(arguments: 0..<2) func seedsKeepEveryPromise(_ part: UInt64) {
        var seen: Set<String> = []
        for seed in stride(from: Self.first + part, to: Self.first + Self.seeds, by: 2) {
            let result = Simulation(seed: seed, options: .stormy(seed: seed)).run()
            #expect(result.violation == nil, "SIM \(result.report)")
            if result.violation != nil { return }
            seen.formUnion(result.jobs.map(\.word) + result.campaigns.map(\.rawValue))
        }
        // A storm in which everything ends alike would prove little.
        for word in ["succeeded", "rolled-back", "cancelled", "expired", "completed", "completed-with-exceptions"] {
            #expect(seen.contains(word), "no \(word) among \(seen.sorted())")
        }
        print("storm: every second of \(Self.seeds) seeds from \(Self.first + part) on, ends: \(seen.sorted())")
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

@Suite struct MutationTests {
    /// Each broken guard is noticed by the promise that it holds, within a bounded number of seeds.
    @Test(arguments: SimulationOptions.Mutation.allCases)
    func eachBrokenGuardIsNoticed(_ mutation: SimulationOptions.Mutation) {
        var others: [Int] = []
        // Rare ones begin near a seed that is known to show them, for time's sake.
        let starts: [SimulationOptions.Mutation: UInt64] = [
            .bootNotRead: 106, .suspectsAreFree: 132, .confirmFailsOpen: 16, .lastSafeStartIgnored: 16,
            .terminalRevives: 16,
        ]
        let start = starts[mutation] ?? 0
        for seed in start..<start + 300 {
            var options = SimulationOptions.stormy(seed: seed)
            options.mutation = mutation
            let result = Simulation(seed: seed, options: options).run()
            guard let violation = result.violation else { continue }
            if violation.invariant == mutation.invariant {
                return
            }
            others.append(violation.invariant)
        }
        Issue.record("\(mutation) was never noticed by \(mutation.invariant), but by \(others)")
    }
}
