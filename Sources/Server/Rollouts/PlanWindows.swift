import Rollout
import Timestamps

/// Why a window is none.
struct PlanWindowError: Error, Hashable, Sendable {
    /// One sentence with its cure.
    var reason: String
}

/// Makes absolute times of a plan's window.
struct PlanWindows: Sendable {
    /// A window in absolute time.
    struct Occurrence: Hashable, Sendable {
        /// Its start,
        var start: Timestamp
        /// the last moment at which a host may begin,
        var lastSafeStart: Timestamp
        /// and its end.
        var end: Timestamp
        /// What people should know (a local time that a change of clocks moved); empty where nothing is.
        var note = ""
    }

    /// The window in that zone.
    func occurrence(of window: PlannedWindow, in zone: String) throws -> Occurrence {
        guard zone == "UTC", let start = Timestamp(rfc3339: window.start + ":00Z") else {
            throw PlanWindowError(reason: "the zone \(zone) is not known, or \(window.start) is no local time")
        }
        return Self.occurrence(from: start, minutes: window.minutes, note: "")
    }

    /// The last half hour, or a third of a shorter window, is for finishing.
    static func occurrence(from start: Timestamp, minutes: Int64, note: String) -> Occurrence {
        let seconds = minutes * 60
        let reserve = min(1800, seconds / 3)
        return Occurrence(
            start: start, lastSafeStart: start.adding(seconds: seconds - reserve), end: start.adding(seconds: seconds),
            note: note)
    }
}
