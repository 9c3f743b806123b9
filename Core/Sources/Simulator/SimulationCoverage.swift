/// What the simulator must have done before its silence proves anything: every row of rollouts.md 2.1 to 2.4 and every fault.
public struct SimulationCoverage: Hashable, Sendable {
    /// How often each was seen.
    public private(set) var counts: [String: Int] = [:]

    /// Nothing seen.
    public init() {}

    /// Adds what a run has seen.
    public mutating func add(_ result: Simulation.Result) { counts.merge(result.coverage) { $0 + $1 } }

    /// Adds what others have seen.
    public mutating func add(_ other: SimulationCoverage) { counts.merge(other.counts) { $0 + $1 } }

    /// What was never seen.
    public var missing: [String] { Self.required.filter { counts[$0, default: 0] == 0 } }

    /// Every row with its number, as a table.
    public var table: String {
        let rows = Self.required + counts.keys.filter { !Self.known.contains($0) }.sorted()
        return rows.map { row in
            let number = String(counts[row, default: 0])
            return String(repeating: " ", count: max(0, 9 - number.count)) + number + "  " + row
        }.joined(separator: "\n")
    }

    private static let known = Set(required)

    /// The rows that must not be zero.
    public static let required: [String] =
        [
            "draft → freezing", "freezing → draft", "freezing → awaiting-approval", "awaiting-approval → scheduled",
            "awaiting-approval → draft", "awaiting-approval → rejected", "awaiting-approval → expired",
            "awaiting-approval → cancelled", "scheduled → running", "running → paused", "paused → running",
            "running → halting", "halting → halted", "halted → running", "halted → rolling-back",
            "rolling-back → rolled-back", "rolling-back → rollback-incomplete", "halted → closed-failed",
            "running → verifying", "verifying → completed", "verifying → completed-with-exceptions",
            "paused → halting", "running → cancelling", "cancelling → cancelled", "running → expired",
        ].map { "campaign: \($0)" }
        + [
            "pending → armed", "pending → skipped", "armed → open", "open → held", "held → open", "open → draining",
            "held → draining", "draining → soaking", "soaking → deciding", "deciding → passed",
            "deciding → needs-decision",
            "needs-decision → passed", "needs-decision → failed", "open → failed", "draining → failed",
            "soaking → failed", "deciding → failed",
        ].map { "ring: \($0)" }
        + [
            "ring: next batch", "ring: a go is withdrawn", "campaign: superseded", "ring: promoted by a person",
            "campaign: tail opens", "gate: go", "gate: halt",
            "gate: inconclusive", "feedback: works", "feedback: broken", "deferral: taken", "deferral: refused",
        ]
        + [
            "planned → offered", "offered → granted", "offered → expired", "offered → cancelled", "granted → accepted",
            "granted → cancelled", "accepted → running", "running → suspect", "suspect → running", "suspect → lost",
            "running → succeeded", "running → failed-no-change", "running → rolled-back", "running → rollback-failed",
            "running → refused", "running → awaiting-reboot", "running → failed-changed", "running → needs-repair",
            "offered → superseded", "granted → expired", "suspect → written-off",
        ].map { "job: \($0)" }
        + [
            "received result", "prefetch intent", "prefetch result", "wait-window intent", "wait-window result",
            "confirm intent", "confirm result", "preflight intent", "preflight result", "pre-script intent",
            "pre-script result", "quiesce intent", "quiesce result", "snapshot intent", "snapshot result",
            "mutate-intent intent", "apply intent", "apply result", "repair intent", "repair result",
            "post-script intent", "post-script result", "restart intent", "restart result", "reboot intent",
            "reboot result", "post-boot result", "health intent", "health result", "rescan intent", "rescan result",
            "rollback intent", "rollback result", "rollback-reboot intent", "rollback-reboot result",
            "rollback-verify intent", "rollback-verify result", "commit result",
        ].map { "agent: \($0)" }
        + [
            "prefetch", "confirm", "preflight", "pre-script", "quiesce", "snapshot", "mutate-intent", "apply",
            "restart",
            "health", "rescan", "rollback",
        ].map { "crash: \($0)" }
        + [
            "message lost", "message doubled", "message late or out of order", "forged document", "partition",
            "server killed", "agent killed", "power cut", "power cut around a journal write",
            "journal write torn or lost", "power cut in a run of the package manager",
            "agent stopped in a run of the package manager", "package manager dies", "host off for hours",
            "clock goes back", "clock goes forward", "a boot with its clock behind", "cloned host speaks",
            "forked journal is quarantined", "old document again", "freeze", "emergency",
            "host restored from a snapshot",
            "host is excluded", "disk full", "mirror sends other bytes", "a service breaks", "budget lowered",
        ].map { "fault: \($0)" }
}
