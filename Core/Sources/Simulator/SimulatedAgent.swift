import Rollout
import Timestamps

/// An agent's disk, its host, and what it has in memory.
struct SimulatedAgent {
    /// A job's journal on the disk.
    struct Journal {
        var job: String
        var order: AgentOrder
        var entries: [JobEntry] = []
        /// How many of them would survive a power cut.
        var synced = 0
        var acknowledged: Int64 = 0
        var isEnded: Bool { entries.last?.phase == .commit && entries.last?.kind == .result }
    }

    let index: Int
    // The disk.
    var journal: Journal?
    /// Jobs that have ended and were acknowledged.
    var past: Set<String> = []
    var lastFence: Int64 = 0
    /// The highest version of the server's words about its jobs.
    var lastVersion: Int64 = 0
    // The host.
    var isOn = true
    var isCut = false
    var longCut: ClosedRange<Timestamp>?
    var boot = 1
    /// How far the package manager is, in files: 0 as before, ``goal`` at the goal.
    var position = 0
    var changedInBoot = 0
    var isUnwell = false
    var hasBadPackage = false
    var rollbackFails = false
    var rebootFails = false
    var hasFullDisk = false
    var mirrorLies = false
    /// Seconds that the package manager needs for a file.
    var pace: Int64 = 4
    /// What its user will say of it.
    var feedback: Bool?
    /// What was fetched for the running job.
    var contents = ""
    /// How often it was put off, by campaign.
    var deferrals: [Int: Deferral] = [:]
    /// Seconds by which the local clock is wrong,
    var clockOffset: Int64 = 0
    /// the last time that was trusted,
    var trusted = Timestamp(milliseconds: 0)
    /// and when, by a clock that only runs forward within a boot.
    var trustedAt = Timestamp(milliseconds: 0)
    /// in this one.
    var trustedBoot = 0
    /// A copy of the disk of between two jobs, and whether the disk is one.
    var saved: (past: Set<String>, lastFence: Int64, lastVersion: Int64, position: Int)?
    var wasRestored = false
    /// Whether a second host with its disk has spoken for it.
    var isCloned = false
    /// Whether the package manager runs on in its own scope while the agent is away.
    var toolRuns = false
    // The memory.
    var generation = 0
    var job: AgentJob?
    var effects: [AgentJob.Effect] = []
    var running: AgentJob.Effect?
    var token = 0
    var nonce = ""
    var nonces = 0
    var offers: [Offer] = []
    var willFlush = false
    /// A second job at the same time (broken).
    var parked: [(Journal, AgentJob)] = []

    init(index: Int) { self.index = index }

    /// Takes a snapshot of the whole machine, where no job is under way.
    mutating func save() {
        if journal == nil { saved = (past, lastFence, lastVersion, position) }
    }

    static let goal = 6
    static let steps = 2
    static let actions = JobActions(
        preScripts: [
            PlannedScript(name: "drain", text: "#!/bin/sh", isIdempotent: true, undo: "#!/bin/sh"),
            PlannedScript(name: "once", text: "#!/bin/sh", isIdempotent: false),
        ],
        postScripts: [PlannedScript(name: "warm", text: "#!/bin/sh", isIdempotent: false)],
        stopServices: ["web.service"],
        healthChecks: [HealthCheck(name: "web", probe: .unit("web.service"))], settleTime: 10, consecutivePasses: 2,
        snapshot: .required)

    var packages: PackagesState { position == 0 ? .pre : position == Self.goal ? .goal : .mixed }
    var bootID: String { "boot\(boot)" }
}
