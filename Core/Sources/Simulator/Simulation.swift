public import Rollout

/// One run of a server, agents and a network in virtual time, decided by its seed and options alone.
///
///     let result = Simulation(seed: 7, options: .stormy(seed: 7)).run()
///     if let violation = result.violation { print(result.report) }
public struct Simulation: Sendable {
    /// Decides every draw.
    public var seed: UInt64
    /// What goes wrong.
    public var options: SimulationOptions

    /// A run that has not begun.
    public init(seed: UInt64, options: SimulationOptions) {
        self.seed = seed
        self.options = options
    }

    /// What came of a run.
    public struct Result: Sendable {
        /// The promise that was broken first; nil where all were kept.
        public var violation: Violation?
        /// How the campaigns ended.
        public var campaigns: [Campaign.State]
        /// How the last attempts ended, by campaign and host.
        public var jobs: [HostJob.State]
        /// Durable writes of each component.
        public var writes: [String: Int]
        /// How many steps it took.
        public var steps: Int
        /// How often each transition, phase and fault occurred.
        public var coverage: [String: Int]
        /// For a broken promise: what led to it, a line a step, readable.
        public var trace: [String]
        /// Seed, options, promise and the last of the trace: what a person needs to begin.
        public var report: String
    }

    /// Runs to the end, or to the first broken promise; then once more, with its trace kept.
    public func run(traces: Bool = false) -> Result {
        var world = World(seed: seed, options: options, traces: traces)
        world.run()
        if world.invariants.violation != nil, !traces {
            world = World(seed: seed, options: options, traces: true)
            world.run()
        }
        let violation = world.invariants.violation
        var report = ""
        if let violation {
            report =
                "seed \(seed) breaks invariant \(violation.invariant): \(violation.description)\noptions: \(options)\n"
                + world.trace.suffix(80).joined(separator: "\n")
        }
        var jobs: [HostJob.State] = []
        for campaign in world.store.campaigns.indices {
            for host in world.agents.indices {
                if let job = world.store.latest(campaign, host) { jobs.append(job.state) }
            }
        }
        return Result(
            violation: violation, campaigns: world.store.campaigns.map(\.state), jobs: jobs, writes: world.writes,
            steps: world.steps, coverage: world.coverage, trace: world.trace, report: report)
    }
}
