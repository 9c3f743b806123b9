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

    @Test func aSeedRepeats() {
        let first = Simulation(seed: 9, options: .stormy(seed: 9)).run(traces: true)
        let second = Simulation(seed: 9, options: .stormy(seed: 9)).run(traces: true)
        #expect(first.trace == second.trace)
        #expect(first.steps == second.steps)
    }
}
