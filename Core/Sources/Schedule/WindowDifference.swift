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

    /// The next openings of a host whose zone changed: what begins within a day after the change is as it was, and what was
    /// open or granted then does not come a second time (rollouts.md, 4.1 and 2.8, 27).
    ///
    /// - Parameters:
    ///   - before: The host's calendar before the change.
    ///   - changedAt: When the host reported its new zone.
    public func nextOpenings(
        after time: Timestamp, limit: Int, since before: WindowCalendar, changedAt: Timestamp
    )
        -> [WindowOpening]
    {
        let switchover = changedAt.adding(seconds: Self.zoneChangeNotice)
        let old = before.nextOpenings(after: min(time, changedAt), limit: Self.maximumResults)
            .filter { $0.start < switchover }
        let seen = Set(old.flatMap(\.occurrences))
        let latest = old.map(\.end).max() ?? switchover
        let new = nextOpenings(after: max(time, switchover), limit: min(limit + old.count + 1, Self.maximumResults))
            .filter { $0.start >= max(switchover, latest) && $0.occurrences.contains { !seen.contains($0) } }
        return Array((old.filter { $0.end > time } + new).prefix(max(0, limit)))
    }
}
