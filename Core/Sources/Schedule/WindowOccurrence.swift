public import Rollout
import Timestamps

/// How much of a window a job needs, in seconds: what its last safe start leaves free at the end (rollouts.md, 4.1).
public struct WindowNeeds: Hashable, Sendable {
    /// How long the change takes: the 95th percentile where it is known, at least ``minimumEstimate``.
    public var estimate: Int64
    /// For the reboots.
    public var reboot: Int64
    /// For the way back.
    public var rollback: Int64

    /// The shortest estimate: 20 minutes.
    public static let minimumEstimate: Int64 = 1200
    /// For one reboot: 15 minutes.
    public static let perReboot: Int64 = 900
    /// The shortest reserve for the way back: 10 minutes.
    public static let minimumRollback: Int64 = 600

    /// The needs of a plan's actions, whose change takes `estimate` seconds.
    public init(estimate: Int64, actions: JobActions) {
        self.estimate = max(estimate, Self.minimumEstimate)
        reboot = actions.reboot == .never || actions.maximumReboots == 0 ? 0 : Self.perReboot
        rollback = actions.rollsBack ? max(self.estimate / 4, Self.minimumRollback) : 0
    }

    /// Seconds in all.
    public var total: Int64 { estimate + reboot + rollback }
}

/// One planned window in absolute time: what offers and grants carry.
public struct WindowOccurrence: Hashable, Sendable {
    /// When the host may change.
    public var window: HostJob.Window
    /// How the local start became an instant.
    public var resolution: Zone.Resolution

    /// The occurrence of a plan's window on the clocks of `zone`, which is the window's own or, for `host`, the host's.
    /// The end is the start and so many elapsed minutes, whatever the clocks do in between.
    public init(_ planned: PlannedWindow, zone: Zone, needs: WindowNeeds) throws(ScheduleError) {
        let start = zone.instant(of: try LocalTime(planned.start))
        let length = planned.minutes * 60
        guard length >= needs.total else {
            func minutes(_ seconds: Int64) -> Int64 { (seconds + 59) / 60 }
            throw ScheduleError(
                .windowTooShort,
                "the window has \(planned.minutes) minutes, and the job needs \(minutes(needs.total)): "
                    + "\(minutes(needs.estimate)) for the change, \(minutes(needs.reboot)) for the reboot and "
                    + "\(minutes(needs.rollback)) to go back; make it longer, or leave out the reboot")
        }
        let end = start.time.adding(seconds: length)
        window = HostJob.Window(
            notBefore: start.time, lastSafeStart: end.adding(seconds: -needs.total), notAfter: end)
        resolution = start.resolution
    }
}
