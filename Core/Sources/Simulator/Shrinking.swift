extension Simulation {
    /// Makes a run that breaks a promise smaller: faults and hosts are taken away as long as the same promise still breaks.
    ///
    /// - Parameter budget: The most runs that it may take.
    /// - Returns: The smallest run that was found, with its result; nil where this one breaks nothing.
    public func shrunken(budget: Int = 200) -> (simulation: Simulation, result: Result)? {
        let first = run()
        guard let invariant = first.violation?.invariant else { return nil }
        var best = self
        var result = first
        var left = budget
        /// Tries one with less; whether it still breaks the same promise.
        func accept(_ options: SimulationOptions) -> Bool {
            guard left > 0, options != best.options else { return false }
            left -= 1
            var next = best
            next.options = options
            let tried = next.run()
            guard tried.violation?.invariant == invariant else { return false }
            (best, result) = (next, tried)
            return true
        }
        var isSmaller = true
        while isSmaller, left > 0 {
            isSmaller = false
            for reduce in Self.reductions {
                var options = best.options
                reduce(&options)
                if accept(options) { isSmaller = true }
            }
        }
        return (best, result)
    }

    /// What can be taken away, the largest first.
    private static let reductions: [@Sendable (inout SimulationOptions) -> Void] = [
        { $0.hosts = max(2, $0.hosts / 2) }, { $0.hosts = max(2, $0.hosts - 1) }, { $0.campaigns = 1 },
        { $0.rings = 1 }, { $0.rings = min($0.rings, 2) }, { $0.loss = 0 }, { $0.duplication = 0 }, { $0.delay = 50 },
        { $0.serverCrashes = 0 }, { $0.agentCrashes = 0 }, { $0.powerCuts = 0 }, { $0.partitions = 0 },
        { $0.randomPowerCuts = 0 }, { $0.randomKills = 0 }, { $0.halts = false }, { $0.refusals = 0 },
        { $0.rollsBackLate = false },
        { $0.unwell = 0 }, { $0.badPackages = 0 }, { $0.rollbackFails = 0 }, { $0.rebootFails = 0 },
        { $0.longCuts = 0 }, { $0.needsReboot = false }, { $0.freezes = false }, { $0.mirrorChanges = 0 },
        { $0.forgeries = 0 }, { $0.clockJumps = 0 }, { $0.restores = 0 }, { $0.clones = 0 }, { $0.diskFull = 0 },
        { $0.toolCrashes = 0 }, { $0.exclusions = 0 }, { $0.slow = 0 }, { $0.longOffs = 0 },
        { $0.isEmergency = false }, { $0.neverTogether = false }, { $0.deferrals = 0 }, { $0.feedback = 0 },
        { $0.budgetChanges = false }, { $0.budget = 1 },
    ]
}
