public import Rollout
public import Timestamps

extension WindowNeeds {
    /// The needs of a job by what was measured.
    ///
    /// - Parameters:
    ///   - changes: Seconds from the start to the end of the change; nothing: ``minimumEstimate``.
    ///   - reboots: How many reboots the job may need.
    ///   - rebootTimes: Seconds of one reboot, down and up to healthy; nothing: ``perReboot``.
    ///   - rollsBack: Whether the window must hold the way back: a quarter of the change, at least ``minimumRollback``.
    public init(changes: MeasuredDurations, reboots: Int64, rebootTimes: MeasuredDurations, rollsBack: Bool) {
        self.init(estimate: changes.estimate ?? 0, actions: JobActions(reboot: .never, rollsBack: rollsBack))
        reboot = max(0, min(reboots, 10)) * (rebootTimes.estimate ?? Self.perReboot)
    }

    /// The part that changes packages, for a job whose reboot has a window of its own.
    public var withoutReboot: WindowNeeds {
        var needs = self
        needs.reboot = 0
        return needs
    }

    /// The part that only reboots: the way back is reserved again.
    public var rebootOnly: WindowNeeds {
        var needs = self
        needs.estimate = 0
        return needs
    }

    /// `65 minutes: 40 for the change, 15 to reboot, 10 to go back`.
    public var sentence: String {
        func minutes(_ seconds: Int64) -> Int64 { (seconds + 59) / 60 }
        var parts: [String] = []
        if estimate > 0 { parts.append("\(minutes(estimate)) for the change") }
        if reboot > 0 { parts.append("\(minutes(reboot)) to reboot") }
        if rollback > 0 { parts.append("\(minutes(rollback)) to go back") }
        return "\(minutes(total)) minutes: \(parts.joined(separator: ", "))"
    }
}

/// Whether a job fits into openings, and until when it may begin.
public enum WindowFit: Hashable, Sendable {
    /// It does: it may begin until then.
    case fits(WindowOpening, lastSafeStart: Timestamp)
    /// It does in two: the change in one, the reboot in a later one.
    case split(change: WindowOpening, lastSafeStart: Timestamp, reboot: WindowOpening, lastSafeReboot: Timestamp)
    /// It does not: the longest opening has so many seconds.
    case tooShort(longest: Int64)
    /// There is no opening.
    case closed

    /// The first openings that hold the job.
    ///
    /// - Parameters:
    ///   - openings: In order, as ``WindowCalendar/nextOpenings(after:limit:overridingFreezes:)`` gives them.
    ///   - now: A last safe start that has passed is none.
    ///   - splits: Whether change and reboot may have a window each where no window holds both.
    public init(_ needs: WindowNeeds, in openings: [WindowOpening], now: Timestamp, splits: Bool = false) {
        if let first = openings.first(where: { $0.lastSafeStart(needs).map { $0 >= now } ?? false }),
            let last = first.lastSafeStart(needs)
        {
            self = .fits(first, lastSafeStart: last)
            return
        }
        if splits, needs.reboot > 0, needs.estimate > 0 {
            for (index, change) in openings.enumerated() {
                guard let last = change.lastSafeStart(needs.withoutReboot), last >= now else { continue }
                // Touching openings are one: another one is another window.
                for reboot in openings[(index + 1)...] {
                    guard let lastReboot = reboot.lastSafeStart(needs.rebootOnly) else { continue }
                    self = .split(change: change, lastSafeStart: last, reboot: reboot, lastSafeReboot: lastReboot)
                    return
                }
                break
            }
        }
        self = openings.map(\.seconds).max().map { .tooShort(longest: $0) } ?? .closed
    }

    /// What a person needs to know, with the numbers.
    public func sentence(_ needs: WindowNeeds) -> String {
        switch self {
        case .fits(let opening, let last):
            "The window of \(opening.seconds / 60) minutes from \(opening.start) holds the job's \(needs.sentence). It may begin until \(last)."
        case .split(let change, let last, let reboot, let lastReboot):
            "No window holds the job's \(needs.sentence). The packages change in the window from \(change.start) (until \(last)), the reboot waits for that from \(reboot.start) (until \(lastReboot)); in between the host runs the old code."
        case .tooShort(let longest):
            "No window holds the job's \(needs.sentence). The longest has \(longest / 60) minutes; make it longer"
                + (needs.reboot > 0 ? ", let the reboot wait for the next window, or leave it out." : ".")
        case .closed:
            "No window opens within \(RecurrenceRule.maximumYearsAhead) years, or freezes cover all of them; correct the rule or the freeze."
        }
    }
}

extension WindowOpening {
    /// The last instant at which a job with those needs may begin; nil where the opening is too short for it.
    public func lastSafeStart(_ needs: WindowNeeds) -> Timestamp? {
        seconds >= needs.total ? end.adding(seconds: -needs.total) : nil
    }

    /// The opening as jobs carry it; nil where it is too short.
    public func window(for needs: WindowNeeds) -> HostJob.Window? {
        lastSafeStart(needs).map { HostJob.Window(notBefore: start, lastSafeStart: $0, notAfter: end) }
    }
}
