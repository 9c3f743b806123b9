import Simulator
import Testing

@Suite struct MutationTests {
    /// Every invariant of rollouts.md 2.8 has its broken guard.
    @Test func everyInvariantHasItsMutation() {
        #expect(SimulationOptions.Mutation.allCases.map(\.invariant) == Array(1...35))
    }

    /// Each broken guard is noticed, within a bounded number of seeds, and first of all by the promise that it holds; the same
    /// seed with the guard whole keeps every promise.
    @Test(arguments: SimulationOptions.Mutation.allCases)
    func eachBrokenGuardIsNoticed(_ mutation: SimulationOptions.Mutation) {
        for seed in 0..<UInt64(300) {
            var options = SimulationOptions.provoking(mutation, seed: seed)
            let result = Simulation(seed: seed, options: options).run(traces: true)
            guard let violation = result.violation else { continue }
            #expect(violation.invariant == mutation.invariant, "seed \(seed) with \(mutation): \(violation)")
            options.mutation = nil
            let whole = Simulation(seed: seed, options: options).run()
            #expect(whole.violation == nil, "seed \(seed) without \(mutation): \(whole.report)")
            return
        }
        Issue.record("\(mutation) was never noticed")
    }

    /// A failing run becomes smaller, and still fails in the same way.
    @Test func failingRunsAreShrunken() throws {
        let simulation = Simulation(seed: 0, options: .provoking(.opensEarly, seed: 0))
        let small = try #require(simulation.shrunken(budget: 60))
        #expect(small.result.violation?.invariant == 8)
        #expect(small.simulation.options.hosts <= simulation.options.hosts)
        #expect(small.simulation.options.loss == 0 && small.result.report.contains("seed 0 breaks invariant 8"))
        #expect(Simulation(seed: 1, options: SimulationOptions()).shrunken() == nil)
    }
}
