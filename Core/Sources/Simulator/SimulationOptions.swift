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
        /// How long it is down, in seconds; 0: as usual.
        public var downFor: Int64

        /// A crash point.
        public init(component: String, write: Int, after: Bool, downFor: Int64 = 0) {
            self.downFor = downFor
            self.component = component
            self.write = write
            self.after = after
        }
    }
    /// A guard that is broken on purpose, to see that the check it holds notices: one for each invariant of rollouts.md 2.8.
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
        /// Permits and tickets are given in a freeze (6).
        case freezeIgnored
        /// The agent's clock stands still at the end of its window (7).
        case windowEndIgnored
        /// A ring opens while the one before is still watched (8).
        case opensEarly
        /// What a mirror sends is installed unseen (9).
        case digestsUnchecked
        /// A campaign runs without its approvals (10).
        case runsUnapproved
        /// Tickets are issued while the campaign is halted (11).
        case ticketsWhileHalted
        /// A late word revives a job that has ended (12).
        case terminalRevives
        /// After a crash the job is forgotten (13).
        case forgetsAfterCrash
        /// The journal is not synced before effects (14).
        case journalNotSynced
        /// A reboot that nobody ordered is not noticed (15).
        case bootNotRead
        /// Health and rescan are answered without a look (16).
        case healthNotAsked
        /// A rollback counts as verified without a scan (17).
        case rollbackNotVerified
        /// Some audit records are not written (18).
        case auditDropped
        /// Silent hosts are not counted by the gate (19).
        case silentUncounted
        /// Batches with open members count for a go (20).
        case openCohortCounted
        /// Users may put a job off as often as they like (21).
        case deferralsUnbounded
        /// An emergency's grant names one approver (22).
        case emergencyByOne
        /// Documents are believed whoever signed them (23).
        case signatureUnchecked
        /// Mending installs the older packages (24).
        case repairDowngrades
        /// The demanded snapshot is not made (25).
        case snapshotSkipped
        /// Hosts that must not change together do (26).
        case togetherAllowed
        /// A job that failed is tried again in the same window (27).
        case occurrenceTwice
        /// The local clock is believed when it goes back (28).
        case clockBelieved
        /// Stopping the agent stops the package manager (29).
        case killsTool
        /// A host without network takes an old ticket for a new one (30).
        case offlineStartsLate
        /// Reports are acknowledged before they are kept (31).
        case acknowledgesEarly
        /// Excluded hosts get permits (32).
        case excludedGranted
        /// Permits of ended jobs stay held (33).
        case permitsLeak
        /// Jobs lose their timers (34).
        case timersLost
        /// Nobody tells a campaign that its jobs have ended (35).
        case neverSettles

        /// The number of the invariant that notices.
        public var invariant: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
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
    /// How many times in a run, at any moment, an agent is killed.
    public var randomKills = 0
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
    /// Hosts that do not reboot when told to, and whose undo scripts fail.
    public var rebootFails: Int64 = 0
    /// Runs in which a host is cut off for ninety hours: longer than a silent job is waited for.
    public var longCuts: Int64 = 0
    /// Whether the packages need a reboot.
    public var needsReboot = true
    /// Minutes of the window.
    public var windowMinutes: Int64 = 180
    /// How many rings; with one a campaign has none of its own.
    public var rings = 1
    /// Whether a freeze begins in the middle.
    public var freezes = false
    /// Hosts whose mirror sends other bytes than the release has.
    public var mirrorChanges: Int64 = 0
    /// Answers that come with a forged one before them: another signer's, another host's, or an old one.
    public var forgeries: Int64 = 0
    /// How many times in a run a host's clock jumps, by up to two hours.
    public var clockJumps = 0
    /// How many times a host is set back to a snapshot of its disk, or its disk runs twice.
    public var restores = 0
    /// How many hosts are cloned: two with one identity.
    public var clones = 0
    /// Hosts whose disk is full when they look.
    public var diskFull: Int64 = 0
    /// Sub-steps at which the package manager dies.
    public var toolCrashes: Int64 = 0
    /// How many times somebody excludes a host.
    public var exclusions = 0
    /// Hosts whose package manager needs a quarter of an hour for a file.
    public var slow: Int64 = 0
    /// Power cuts after which a host is off for hours.
    public var longOffs: Int64 = 0
    /// Whether the first campaign is an emergency.
    public var isEmergency = false
    /// Whether neighbours must never change together.
    public var neverTogether = false
    /// Claims that a user puts off.
    public var deferrals: Int64 = 0
    /// Hosts whose user says how it went; every fourth of them that it broke.
    public var feedback: Int64 = 0
    /// Whether somebody changes the budget while it runs.
    public var budgetChanges = false
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
        options.randomKills = Int(random.below(4))
        options.unwell = random.chance(300) ? 500 : 0
        options.badPackages = random.chance(300) ? 400 : 0
        options.rollbackFails = random.chance(200) ? 500 : 0
        options.needsReboot = random.chance(600)
        options.rebootFails = random.chance(200) ? 500 : 0
        options.longCuts = 150
        options.windowMinutes = random.chance(300) ? 60 : 180
        options.refusals = random.chance(200) ? 500 : 0
        options.rollsBackLate = random.chance(200)
        options.freezes = random.chance(300)
        options.mirrorChanges = random.chance(200) ? 300 : 0
        options.forgeries = random.chance(300) ? 200 : 0
        options.clockJumps = random.chance(300) ? 1 + Int(random.below(3)) : 0
        options.restores = random.chance(150) ? 1 : 0
        options.clones = random.chance(100) ? 1 : 0
        options.diskFull = random.chance(200) ? 300 : 0
        options.toolCrashes = random.chance(300) ? 60 : 0
        options.exclusions = random.chance(250) ? 1 : 0
        options.slow = random.chance(150) ? 500 : 0
        options.longOffs = random.chance(250) ? 400 : 0
        options.isEmergency = random.chance(150)
        options.neverTogether = random.chance(250)
        options.deferrals = random.chance(300) ? 400 : 0
        options.feedback = random.chance(400) ? 400 : 0
        options.budgetChanges = random.chance(200)
        if random.chance(500) {
            options.rings = 3 + Int(random.below(2))
            options.campaigns = 1
            options.hosts =
                random.chance(30)
                ? 100 + Int(random.below(101))
                : random.chance(200) ? 20 + Int(random.below(30)) : 4 + Int(random.below(8))
            options.budget = options.hosts > 20 ? 8 : 2
            if options.hosts > 20 {
                // Many hosts that mostly work: so that gates have something to say go to.
                options.serverCrashes = min(options.serverCrashes, 5)
                options.badPackages = min(options.badPackages, 10)
                options.unwell = min(options.unwell, 10)
                options.rebootFails = min(options.rebootFails, 10)
                options.delay = min(options.delay, 5000)
            }
        }
        return options
    }
}

extension SimulationOptions {
    /// A storm that gives that broken guard every occasion to show.
    public static func provoking(_ mutation: Mutation, seed: UInt64) -> SimulationOptions {
        var options = stormy(seed: seed)
        options.mutation = mutation
        (options.rings, options.hosts, options.isEmergency, options.budgetChanges) = (1, 3, false, false)
        switch mutation {
        case .opensEarly, .silentUncounted, .openCohortCounted, .neverSettles:
            (options.rings, options.campaigns, options.hosts) = (3, 1, 12)
            (options.budget, options.longCuts, options.longOffs, options.powerCuts) = (4, 900, 1000, 15)
        case .suspectsAreFree: (options.budget, options.longOffs, options.powerCuts, options.hosts) = (1, 1000, 40, 4)
        case .confirmFailsOpen, .ticketsWhileHalted:
            (options.halts, options.delay, options.hosts, options.budget) = (true, 60_000, 5, 2)
        case .lastSafeStartIgnored:
            (options.halts, options.windowMinutes, options.partitions, options.delay) = (true, 60, 3, 60_000)
        case .freezeIgnored: (options.freezes, options.slow, options.budget, options.hosts) = (true, 1000, 1, 5)
        case .windowEndIgnored: (options.slow, options.windowMinutes) = (1000, 60)
        case .digestsUnchecked: options.mirrorChanges = 500
        case .terminalRevives: (options.longCuts, options.partitions, options.delay) = (900, 3, 60_000)
        case .forgetsAfterCrash: (options.agentCrashes, options.powerCuts, options.toolCrashes) = (80, 60, 100)
        case .journalNotSynced: (options.powerCuts, options.randomPowerCuts) = (80, 6)
        case .bootNotRead: (options.randomPowerCuts, options.powerCuts) = (6, 60)
        case .healthNotAsked, .rollbackNotVerified:
            (options.unwell, options.rollbackFails, options.badPackages) = (600, 600, 300)
        case .deferralsUnbounded: options.deferrals = 800
        case .emergencyByOne: options.isEmergency = true
        case .signatureUnchecked: options.forgeries = 200
        case .repairDowngrades: (options.agentCrashes, options.badPackages, options.toolCrashes) = (60, 400, 60)
        case .killsTool: (options.randomKills, options.slow) = (12, 1000)
        case .togetherAllowed: (options.neverTogether, options.budget, options.hosts) = (true, 4, 4)
        case .clockBelieved: options.clockJumps = 8
        case .offlineStartsLate:
            (options.powerCuts, options.longOffs, options.windowMinutes, options.longOffs) = (80, 1000, 60, 1000)
        case .acknowledgesEarly: options.serverCrashes = 80
        case .excludedGranted: (options.exclusions, options.hosts) = (2, 4)
        case .occurrenceTwice: (options.unwell, options.halts) = (1000, false)
        case .timersLost: (options.loss, options.partitions) = (100, 2)
        default: break
        }
        return options
    }
}
