public import Timestamps

extension MaintenanceWindow {
    /// One time that the window is open, before freezes.
    public struct Occurrence: Hashable, Sendable {
        /// What names an occurrence for ever, wherever it is moved: a host starts at most one job in it (rollouts.md 2.8, 27).
        public struct ID: Hashable, Sendable, Comparable, CustomStringConvertible {
            /// The window's ``MaintenanceWindow/id``.
            public var window: String
            /// The local start as the rule has it.
            public var start: LocalTime

            /// The name of the occurrence of that window and planned local start.
            public init(window: String, start: LocalTime) {
                self.window = window
                self.start = start
            }
            /// `patch-night/2026-12-11T22:00`.
            public var description: String { "\(window)/\(start)" }
            /// By window, then by time.
            public static func < (left: ID, right: ID) -> Bool {
                left.window != right.window
                    ? left.window.utf8.lexicographicallyPrecedes(right.window.utf8) : left.start < right.start
            }
        }

        /// What names it.
        public var id: ID
        /// When it begins,
        public var start: Timestamp
        /// and when it is over.
        public var end: Timestamp
        /// The local start, of a moved one the new.
        public var localStart: LocalTime
        /// How the local start became an instant.
        public var resolution: Zone.Resolution
        /// Whether it holds in a freeze too, for who may override freezes.
        public var overridesFreeze: Bool
        /// Whether an override made or changed it.
        public var isOverride: Bool

        /// Its length.
        public var seconds: Int64 { end.seconds(since: start) }

        /// What people should know of the clocks; nil where nothing is.
        public func note(in zone: Zone) -> String? {
            switch resolution {
            case .shifted:
                return
                    "The clocks jump over \(localStart): it begins at \(zone.localTime(at: start)), as much after the jump."
            case .first: return "\(localStart) comes twice: it begins the first time."
            case .only: break
            }
            let change = zone.offset(at: end) - zone.offset(at: start)
            guard change != 0 else { return nil }
            return "The clocks go \(change > 0 ? "forward" : "back") by \(abs(change) / 60) minutes in it: "
                + "it ends at \(zone.localTime(at: end)) and is as long as ever."
        }
    }

    /// The window's occurrences of which a part lies in `from` to before `to`, in the order of their starts; freezes are for
    /// ``WindowCalendar``.
    ///
    /// - Parameter zone: That of the window's ``clocks``.
    public func occurrences(from: Timestamp, to: Timestamp, in zone: Zone) -> [Occurrence] {
        guard from < to else { return [] }
        var changed: [LocalTime: WindowOverride] = [:]
        for override in overrides { changed[override.start] = override }
        var starts = Set(dates)
        for override in overrides { if case .extra = override.change { starts.insert(override.start) } }
        if rule != nil {
            // No occurrence is longer than a week, no clock more than 26 hours from UTC.
            let reach: Int64 = Self.minutes.upperBound * 60 + 2 * 93_600
            let first = LocalTime(secondsSinceEpoch: Int(clamped(from.seconds) - reach)).date
            let last = LocalTime(secondsSinceEpoch: Int(clamped(to.seconds) + 2 * 93_600)).date
            for date in ruleDays(from: first, through: last, in: zone) {
                if let start = LocalTime(date: date, secondOfDay: secondOfDay) { starts.insert(start) }
            }
        }
        // A moved one may come from anywhere.
        for override in overrides where !starts.contains(override.start) {
            guard case .moved = override.change, let moved = occurrence(at: override.start, override, in: zone),
                moved.start < to, moved.end > from, has(override.start, in: zone)
            else { continue }
            starts.insert(override.start)
        }
        var found: [Occurrence] = []
        for start in starts {
            guard let occurrence = occurrence(at: start, changed[start], in: zone), occurrence.start < to,
                occurrence.end > from
            else { continue }
            found.append(occurrence)
        }
        return found.sorted { $0.start != $1.start ? $0.start < $1.start : $0.id < $1.id }
    }

    /// Whether the window has an occurrence of that local start, before overrides.
    public func has(_ start: LocalTime, in zone: Zone) -> Bool {
        if dates.contains(start) { return true }
        return start.secondOfDay == secondOfDay && !ruleDays(from: start.date, through: start.date, in: zone).isEmpty
    }

    /// The overrides of occurrences that the window does not have: an edit of the rule has left them behind, or a date is wrong.
    public func danglingOverrides(in zone: Zone) -> [WindowOverride] {
        overrides.filter { override in
            if case .extra = override.change { return false }
            return !has(override.start, in: zone)
        }
    }

    /// The next occurrences that are not yet over, in the order of their starts; freezes are for ``WindowCalendar``.
    ///
    /// - Parameters:
    ///   - limit: How many, at most ``WindowCalendar/maximumResults``.
    ///   - zone: That of the window's ``clocks``.
    public func nextOccurrences(after time: Timestamp, limit: Int, in zone: Zone) -> [Occurrence] {
        Horizon.grow(after: time, limit: limit) { from, to in occurrences(from: from, to: to, in: zone) }
    }

    /// The extra starts without those that are excluded: EXDATE takes from rule and dates alike (RFC 5545, 3.8.5.1).
    private var dates: [LocalTime] {
        guard !excludedDays.isEmpty, !extraStarts.isEmpty else { return extraStarts }
        let excluded = Set(excludedDays)
        return extraStarts.filter { $0.secondOfDay != secondOfDay || !excluded.contains($0.date) }
    }

    /// The days of the starts by the rule, with its offset, without the excluded ones.
    private func ruleDays(from: CivilDate, through: CivilDate, in zone: Zone) -> [CivilDate] {
        guard let rule else { return [] }
        func start(_ ruleDay: CivilDate) -> (time: Timestamp, resolution: Zone.Resolution)? {
            LocalTime(date: ruleDay.adding(days: plusDays), secondOfDay: secondOfDay).map(zone.instant)
        }
        let found = rule.dates(
            firstDay: firstDay, from: from.adding(days: -plusDays), through: through.adding(days: -plusDays),
            secondOfDay: secondOfDay
        ) { day in gapPolicy == .shift || start(day)?.resolution != .shifted }
        let excluded = Set(excludedDays)
        return found.compactMap { ruleDay in
            // An end in UTC is of the rule's own day, before it is moved.
            if case .instant(let until) = rule.end,
                let own = LocalTime(date: ruleDay, secondOfDay: secondOfDay), zone.instant(of: own).time > until
            {
                return nil
            }
            let day = ruleDay.adding(days: plusDays)
            return excluded.contains(day) ? nil : day
        }
    }

    private func occurrence(at planned: LocalTime, _ override: WindowOverride?, in zone: Zone) -> Occurrence? {
        var start = planned
        var minutes = self.minutes
        switch override?.change {
        case nil: break
        case .cancelled: return nil
        case .moved(let to, let length):
            start = to
            minutes = length ?? minutes
        case .resized(let length): minutes = length
        case .extra(let length): minutes = length ?? minutes
        }
        let instant = zone.instant(of: start)
        if gapPolicy == .skip, instant.resolution == .shifted { return nil }
        return Occurrence(
            id: .init(window: id, start: planned), start: instant.time, end: instant.time.adding(seconds: minutes * 60),
            localStart: start, resolution: instant.resolution, overridesFreeze: override?.overridesFreeze ?? false,
            isOverride: override != nil)
    }

    /// Within the years that rules are followed, and a margin.
    private func clamped(_ seconds: Int64) -> Int64 { max(-2_300_000_000, min(seconds, 10_500_000_000)) }
}

/// Looks further and further ahead until enough is found, but not for ever.
enum Horizon {
    /// What ends after `time`, of intervals that `find` gives in order for a stretch of time.
    static func grow<Interval: TimeInterval>(
        after time: Timestamp, limit: Int, find: (Timestamp, Timestamp) -> [Interval]
    ) -> [Interval] {
        let limit = min(limit, WindowCalendar.maximumResults)
        guard limit > 0 else { return [] }
        var days: Int64 = 45
        let most = Int64(RecurrenceRule.maximumYearsAhead) * 366
        while true {
            let horizon = time.adding(seconds: min(days, most) * 86_400)
            let found = find(time, horizon).filter { $0.end > time }
            // What touches the horizon may not be whole, and what follows may begin before it.
            let whole = days >= most ? found[...] : found.prefix { $0.end < horizon }
            if whole.count >= limit || days >= most { return Array(whole.prefix(limit)) }
            days *= 3
        }
    }
}

/// Something from one instant to another.
protocol TimeInterval {
    var start: Timestamp { get }
    var end: Timestamp { get }
}

extension MaintenanceWindow.Occurrence: TimeInterval {}
