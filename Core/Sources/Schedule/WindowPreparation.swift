public import Timestamps

/// What happens before a window opens: files are fetched, and sleeping hosts are woken. Neither changes a host, so that
/// neither needs the window.
public struct WindowPreparation: Hashable, Sendable {
    /// From how many seconds before the opening on files are fetched; 0 to 7 days. 0: in the window.
    public var download: Int64
    /// How many seconds before the opening sleeping hosts are woken; 0 to a day. 0: not at all.
    public var wake: Int64

    /// Files a day before, nobody woken.
    public static let standard = WindowPreparation(download: 86_400, wake: 0)

    /// Lead times in seconds, brought into their bounds.
    public init(download: Int64, wake: Int64) {
        self.download = max(0, min(download, 7 * 86_400))
        self.wake = max(0, min(wake, 86_400))
    }

    /// When a host begins to fetch: spread over the first half of the lead, so that a fleet does not ask at once and the
    /// second half is left for slow lines.
    ///
    /// - Parameter spread: The host's place in it, 0 to 65,535: from a digest of host and campaign.
    public func downloadStart(before opening: WindowOpening, spread: UInt16) -> Timestamp {
        opening.start.adding(seconds: -download + download / 2 * Int64(spread) / 65_536)
    }

    /// When a magic packet is sent; nil where hosts are not woken.
    public func wakeTime(before opening: WindowOpening) -> Timestamp? {
        wake == 0 ? nil : opening.start.adding(seconds: -wake)
    }
}

/// What becomes of a host that was away in its window.
public enum CatchUpPolicy: Hashable, Sendable {
    /// It waits for the next one.
    case wait
    /// It may begin when it is back, within so many seconds after the missed window's end, after so many seconds of being up
    /// (rollouts.md, 2.7: a host that was off gets a grace before anything is forced).
    case whenBack(within: Int64, grace: Int64)
}

extension WindowCalendar {
    /// The opening that a host gets for one that it missed: as long as that, never in a freeze, cut where the next begins.
    ///
    /// - Parameters:
    ///   - missed: What it missed.
    ///   - back: When it was seen again.
    /// - Returns: Nil where it waits for the next.
    public func catchUp(_ policy: CatchUpPolicy, missed: WindowOpening, back: Timestamp) -> WindowOpening? {
        guard case .whenBack(let within, let grace) = policy, within > 0 else { return nil }
        // In the window itself it is not late.
        let start = max(back.adding(seconds: max(0, grace)), missed.end)
        let latest = missed.end.adding(seconds: within)
        guard start <= latest else { return nil }
        var end = start.adding(seconds: missed.seconds)
        if let next = nextOpenings(after: start, limit: 1).first {
            // It may be open already: then it needs no catching up.
            guard next.start > start else { return nil }
            end = min(end, next.start)
        }
        for part in freezes {
            for stretch in part.freeze.stretches(from: start, to: end, in: part.zone) {
                guard stretch.lowerBound > start else { return nil }
                end = min(end, stretch.lowerBound)
            }
        }
        return WindowOpening(start: start, end: end, occurrences: missed.occurrences, overridesFreeze: false)
    }
}
