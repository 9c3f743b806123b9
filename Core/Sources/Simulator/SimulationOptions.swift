/// What a run may do to its server, its agents and the messages between them. Rates are in a thousand.
public struct SimulationOptions: Hashable, Sendable {
    /// A moment of going down: around the n-th durable write of a component.
    public struct CrashPoint: Hashable, Sendable {
        /// `server`, or `agent0` and so on.
        public var component: String
        /// Which write, from 1.
        public var write: Int
        /// Whether the write is still made.
        public var after: Bool

        /// A crash point.
        public init(component: String, write: Int, after: Bool) {
            self.component = component
            self.write = write
            self.after = after
        }
    }
    /// A guard that is broken on purpose, to see that the check it holds notices.
    public enum Mutation: String, CaseIterable, Sendable {
        /// Suspects are not counted against the budget (1).
        case suspectsAreFree
        /// An unanswered confirmation counts as a ticket (2).
        case confirmFailsOpen
        /// A host's fence is not raised (3).
        case fenceStays
        /// Two jobs of one host at the same time (4).
        case jobsInParallel
        /// Both sides take every moment for one inside the window (5).
        case lastSafeStartIgnored
        /// Tickets are issued while the campaign is halted (11).
        case ticketsWhileHalted
        /// A late word revives a job that has ended (12).
        case terminalRevives
        /// After a crash the job is forgotten (13).
        case forgetsAfterCrash
        /// The journal is not synced before effects (14).
        case journalNotSynced
        /// A reboot that nobody ordered is not noticed (16).
        case bootNotRead
        /// A rollback counts as verified without a scan (17).
        case rollbackNotVerified
        /// Mending installs the older packages (24).
        case repairDowngrades
        /// Reports are acknowledged before they are kept (31).
        case acknowledgesEarly

        /// The number of the invariant that notices.
        public var invariant: Int {
            switch self {
            case .suspectsAreFree: 1
            case .confirmFailsOpen: 2
            case .fenceStays: 3
            case .jobsInParallel: 4
            case .lastSafeStartIgnored: 5
            case .ticketsWhileHalted: 11
            case .terminalRevives: 12
            case .forgetsAfterCrash: 13
            case .journalNotSynced: 14
            case .bootNotRead: 16
            case .rollbackNotVerified: 17
            case .repairDowngrades: 24
            case .acknowledgesEarly: 31
            }
        }
    }

    /// How many hosts.
    public var hosts = 2
    /// How many campaigns over all of them, at the same time.
    public var campaigns = 1
    /// How many hosts of a campaign may be disturbed at once.
    public var budget: Int64 = 1
    /// Messages that are lost,
    public var loss: Int64 = 0
    /// that arrive twice,
    public var duplication: Int64 = 0
    /// and the most milliseconds that one takes: more than between two of them is reordering.
    public var delay: Int64 = 50
    /// Store writes around which the server goes down.
    public var serverCrashes: Int64 = 0
    /// Journal writes around which the agent is killed,
    public var agentCrashes: Int64 = 0
    /// or the host's power cut.
    public var powerCuts: Int64 = 0
    /// How many times a run cuts a host from the network for up to five hours.
    public var partitions = 0
    /// How many times in a run, at any moment, a host's power is cut.
    public var randomPowerCuts = 0
    /// Whether an operator halts the campaign somewhere, and then decides.
    public var halts = false
    /// Releases whose approvals the signer refuses.
    public var refusals: Int64 = 0
    /// Whether an operator wants a campaign back that has ended.
    public var rollsBackLate = false
    /// Hosts whose checks fail at the goal.
    public var unwell: Int64 = 0
    /// Hosts whose packages cannot be configured.
    public var badPackages: Int64 = 0
    /// Hosts on which going back does nothing.
    public var rollbackFails: Int64 = 0
    /// Hosts that do not reboot when told to.
    public var rebootFails: Int64 = 0
    /// Runs in which a host is cut off for ninety hours: longer than a silent job is waited for.
    public var longCuts: Int64 = 0
    /// Whether the packages need a reboot.
    public var needsReboot = true
    /// Minutes of the window.
    public var windowMinutes: Int64 = 180
    /// Exact crash points.
    public var crashPoints: [CrashPoint] = []
    /// A broken guard.
    public var mutation: Mutation?

    /// Nothing goes wrong.
    public init() {}

    /// A mix of everything, drawn from the seed.
    public static func stormy(seed: UInt64) -> SimulationOptions {
        var random = SplitMix64(seed: seed, component: "options")
        var options = SimulationOptions()
        options.budget = 1 + random.below(2)
        options.campaigns = random.chance(300) ? 2 : 1
        options.loss = random.below(200)
        options.duplication = random.below(200)
        options.delay = random.chance(500) ? 200 : 60_000
        options.serverCrashes = random.chance(500) ? random.below(60) : 0
        options.agentCrashes = random.chance(600) ? random.below(60) : 0
        options.powerCuts = random.chance(400) ? random.below(30) : 0
        options.partitions = Int(random.below(3))
        options.randomPowerCuts = Int(random.below(3))
        options.halts = random.chance(500)
        options.unwell = random.chance(300) ? 500 : 0
        options.badPackages = random.chance(300) ? 400 : 0
        options.rollbackFails = random.chance(200) ? 500 : 0
        options.needsReboot = random.chance(600)
        options.rebootFails = random.chance(200) ? 500 : 0
        options.longCuts = 150
        options.windowMinutes = random.chance(300) ? 60 : 180
        options.refusals = random.chance(200) ? 500 : 0
        options.rollsBackLate = random.chance(200)
        return options
    }
}
