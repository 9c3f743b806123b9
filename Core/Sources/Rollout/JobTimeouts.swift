import JSON

/// How long the server waits for a job's next word, by the phase that it was last heard in (rollouts.md, 2.4), in seconds.
/// Each is longer than the agent's own limit by ``allowance``: the agent ends its step itself, and its word must travel.
public struct JobTimeouts: Hashable, Sendable {
    /// Seconds that one run of the package manager may take.
    public var step: Int64
    /// Seconds of the longest script.
    public var script: Int64
    /// Seconds after a change within which checks may fail.
    public var settle: Int64

    /// Limits by hand.
    public init(step: Int64 = 1800, script: Int64 = 900, settle: Int64 = 60) {
        self.step = step
        self.script = script
        self.settle = settle
    }

    /// The limits of a plan's actions.
    public init(_ actions: JobActions) {
        self.init(
            step: actions.stepTimeout, script: (actions.preScripts + actions.postScripts).map(\.timeout).max() ?? 0,
            settle: actions.settleTime)
    }

    /// Seconds that are added to each: report, network and one missed check-in.
    public static let allowance: Int64 = 600
    /// Seconds after a window within which a clock may differ.
    public static let skew: Int64 = 300
    /// Seconds for a host to come back from a reboot.
    public static let boot: Int64 = 45 * 60
    /// Seconds after which a suspect job is lost.
    public static let lost: Int64 = 72 * 3600
    /// Seconds that an installed job may wait for its reboot.
    public static let rebootPending: Int64 = 72 * 3600

    /// Seconds until a job last heard in this phase is suspect.
    public func timeout(_ phase: JobPhase) -> Int64 {
        let own: Int64 =
            switch phase {
            case .received: 900
            case .prefetch: 6 * 3600
            case .waitWindow, .confirm: 900
            case .preflight, .snapshot, .rescan, .rollbackVerify: 600
            case .preScript, .postScript: script + 30
            case .quiesce, .restart, .mutateIntent, .commit: 300
            case .apply, .repair: step + 30
            case .reboot, .postBoot, .rollbackReboot: Self.boot
            case .health: settle + 600
            case .rollback: max(3600, step + 30)
            }
        return own + Self.allowance
    }

    var json: JSONValue {
        ["step": .integer(step), "script": .integer(script), "settle": .integer(settle)]
    }

    init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            step: try object.integer("step", in: 0...86_400), script: try object.integer("script", in: 0...86_400),
            settle: try object.integer("settle", in: 0...86_400))
        try object.finish()
    }
}
