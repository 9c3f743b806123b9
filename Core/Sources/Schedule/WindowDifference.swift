public import Timestamps

/// An occurrence that lies elsewhere under other zone data or after a host moved: people see it before it holds.
public struct WindowDifference: Hashable, Sendable {
    /// Which.
    public var id: MaintenanceWindow.Occurrence.ID
    /// When it was to begin; nil where there was none.
    public var before: Timestamp?
    /// When it begins now; nil where there is none.
    public var after: Timestamp?
}

extension WindowCalendar {
    /// How long before its start an occurrence can no longer be moved by a change of the host's zone: a day.
    public static let zoneChangeNotice: Int64 = 86_400

    /// The occurrences from `from` to before `to` that lie elsewhere in `other`: the same windows with newer zone data.
    public func differences(to other: WindowCalendar, from: Timestamp, to: Timestamp) -> [WindowDifference] {
        func starts(_ calendar: WindowCalendar) -> [MaintenanceWindow.Occurrence.ID: Timestamp] {
            var found: [MaintenanceWindow.Occurrence.ID: Timestamp] = [:]
            for part in calendar.windows {
                for occurrence in part.window.occurrences(from: from, to: to, in: part.zone) {
                    found[occurrence.id] = occurrence.start
                }
            }
            return found
        }
        let mine = starts(self)
        let theirs = starts(other)
        return Set(mine.keys).union(theirs.keys).sorted().compactMap { id in
            mine[id] == theirs[id] ? nil : WindowDifference(id: id, before: mine[id], after: theirs[id])
        }
    }

    /// How far back of a change of zone openings are looked for; they repeat at most every few days.
    public static let zoneChangeReach: Int64 = 400 * 86_400

    /// The next openings of a host whose zone changed: what begins within a day after the change is as it was, and what was
    /// open or granted then does not come a second time (rollouts.md, 4.1 and 2.8, 27).
    ///
    /// - Parameters:
    ///   - limit: How many, at most ``maximumResults``.
    ///   - before: The host's calendar before the change.
    ///   - changedAt: When the host reported its new zone.
    public func nextOpenings(
        after time: Timestamp, limit: Int, since before: WindowCalendar, changedAt: Timestamp
    )
        -> ChangedOpenings
    {
        let limit = max(0, min(limit, Self.maximumResults))
        let switchover = changedAt.adding(seconds: Self.zoneChangeNotice)
        let wanted = min(time, changedAt)
        let from = max(wanted, switchover.adding(seconds: -Self.zoneChangeReach))
        var cut: [String] = []
        if from > wanted { cut.append("openings before \(from) were not looked for; ask for a later time") }
        let old = before.openings(from: from, to: switchover)
        // A change of zone moves a start by two days at most: nothing older can come again.
        let recent = old.filter { $0.start >= switchover.adding(seconds: -7 * 86_400) }
        let seen = Set(recent.flatMap(\.occurrences))
        let cursor = max(time, switchover, old.map(\.end).max() ?? switchover)
        let asked = limit + recent.count + 1
        if asked > Self.maximumResults, limit > 0 {
            cut.append("more than \(Self.maximumResults) openings were asked for; ask for fewer")
        }
        let new = nextOpenings(after: cursor, limit: asked)
            .filter { $0.start >= cursor && $0.occurrences.contains { !seen.contains($0) } }
        return ChangedOpenings(
            openings: Array((old.filter { $0.end > time } + new).prefix(limit)), cut: cut)
    }
}

/// What a host may still use around a change of its zone.
public struct ChangedOpenings: Hashable, Sendable {
    /// The openings, in order.
    public var openings: [WindowOpening]
    /// Where the answer was cut, a sentence each; empty where it is whole.
    public var cut: [String]
}
