public import Timestamps

/// When hosts may change, again and again: on the days of a rule (or of a list), from a time of day on, so many elapsed minutes
/// long (rollouts.md, 4.1).
///
/// The end is the start and the length, whatever the clocks do in between; a window over midnight belongs to the day on which
/// it begins.
public struct MaintenanceWindow: Hashable, Sendable {
    /// On whose clocks.
    public enum Clocks: Hashable, Sendable {
        /// Each host's own.
        case host
        /// Those of the host's site.
        case site
        /// Those of an IANA zone: `Europe/Berlin`.
        case zone(String)
    }

    /// What becomes of a start that the clocks jump over.
    public enum GapPolicy: String, Hashable, Sendable, CaseIterable {
        /// It lies as much after the jump as it would have been into it (RFC 5545, 3.3.5).
        case shift
        /// There is no window that day (RFC 5545, 3.3.10).
        case skip
    }

    /// Its name, which stays when it is edited: 1 to 64 letters, digits, `-`, `_` and `.`.
    public let id: String
    /// On which days; nil where only ``extraStarts`` are.
    public let rule: RecurrenceRule?
    /// The day from which the rule counts, and before which there is none; nil where the rule needs none.
    public let firstDay: CivilDate?
    /// The start in seconds since midnight.
    public let secondOfDay: Int
    /// How many days after the rule's day it begins: "second Tuesday plus three days"; -31 to 31.
    public let plusDays: Int
    /// The elapsed time from start to end; ``minutes`` has its bounds.
    public let minutes: Int64
    /// On whose clocks.
    public let clocks: Clocks
    /// What becomes of a start that the clocks jump over.
    public let gapPolicy: GapPolicy
    /// Days on which there is none, by the day of the start (`EXDATE`), sorted; an extra start at another time of such a day stays.
    public let excludedDays: [CivilDate]
    /// Starts besides the rule's (`RDATE`), sorted.
    public let extraStarts: [LocalTime]
    /// What was changed for single occurrences.
    public let overrides: [WindowOverride]

    /// The bounds of ``minutes``: five minutes to a week.
    public static let minutes: ClosedRange<Int64> = 5...10_080
    /// The most of ``excludedDays``, ``extraStarts`` and ``overrides`` each.
    public static let maximumExceptions = 1000

    /// A window; lists are sorted here.
    ///
    /// - Throws: ``ScheduleError`` (`badWindow`) with what contradicts itself or is out of bounds, and the cure.
    public init(
        id: String, rule: RecurrenceRule?, firstDay: CivilDate? = nil, secondOfDay: Int, plusDays: Int = 0,
        minutes: Int64, clocks: Clocks, gapPolicy: GapPolicy = .shift, excludedDays: [CivilDate] = [],
        extraStarts: [LocalTime] = [], overrides: [WindowOverride] = []
    ) throws(ScheduleError) {
        self.id = id
        self.rule = rule
        self.firstDay = firstDay
        self.secondOfDay = secondOfDay
        self.plusDays = plusDays
        self.minutes = minutes
        self.clocks = clocks
        self.gapPolicy = gapPolicy
        self.excludedDays = Set(excludedDays).sorted()
        self.extraStarts = Set(extraStarts).sorted()
        self.overrides = overrides
        try check()
    }

    /// What people are surprised by: see ``RecurrenceRule/warnings(firstDay:)``.
    public var warnings: [String] { rule?.warnings(firstDay: firstDay) ?? [] }

    /// Whether the text may name a window or a freeze.
    public static func isValidID(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
                    || $0 == 0x2E || $0 == 0x5F
            }
    }

    private func check() throws(ScheduleError) {
        func bad(_ reason: String) -> ScheduleError {
            ScheduleError(.badWindow, "the window \"\(id.prefix(64))\" cannot be used: \(reason)")
        }
        guard Self.isValidID(id) else { throw bad("its name is 1 to 64 letters, digits, - _ and .") }
        guard Self.minutes.contains(minutes) else {
            throw bad(
                "it has \(minutes) minutes; write \(Self.minutes.lowerBound) to \(Self.minutes.upperBound), a week")
        }
        guard (0..<86_400).contains(secondOfDay) else { throw bad("its start is no time of day") }
        guard (-31...31).contains(plusDays) else { throw bad("it is moved by \(plusDays) days; write -31 to 31") }
        guard rule != nil || !extraStarts.isEmpty else {
            throw bad("it has no rule and no date; add a rule like FREQ=WEEKLY;BYDAY=TU")
        }
        if let reason = rule?.firstDayReason, firstDay == nil {
            throw bad("\(reason); write the start with its first day, like 2026-12-01T22:00")
        }
        if let firstDay, !RecurrenceRule.years.contains(firstDay.year) { throw bad("years are 1900 to 2299") }
        for (name, count) in [
            ("excluded days", excludedDays.count), ("extra dates", extraStarts.count), ("overrides", overrides.count),
        ] where count > Self.maximumExceptions {
            throw bad("it has \(count) \(name), and may have \(Self.maximumExceptions); take out the past ones")
        }
        var seen: Set<LocalTime> = []
        for override in overrides {
            if let minutes = override.minutes, !Self.minutes.contains(minutes) {
                throw bad(
                    "an override has \(minutes) minutes; write \(Self.minutes.lowerBound) to \(Self.minutes.upperBound)"
                )
            }
            guard seen.insert(override.start).inserted else {
                throw bad("two overrides are of \(override.start); keep one")
            }
        }
    }
}

/// One occurrence that is not as the rule has it.
public struct WindowOverride: Hashable, Sendable {
    /// What becomes of it.
    public enum Change: Hashable, Sendable {
        /// There is none.
        case cancelled
        /// It begins at another time, and keeps its length or gets another.
        case moved(to: LocalTime, minutes: Int64?)
        /// It keeps its start and gets another length.
        case resized(minutes: Int64)
        /// There is one that the rule does not have; nil: as long as the others.
        case extra(minutes: Int64?)
    }

    /// The local start of the occurrence as the rule has it; of an extra one its own.
    public var start: LocalTime
    /// What becomes of it.
    public var change: Change
    /// Whether it holds in a freeze too, for who may override freezes (rollouts.md, 2.7): see
    /// ``WindowCalendar/openings(from:to:overridingFreezes:)``.
    public var overridesFreeze: Bool

    /// An override.
    public init(start: LocalTime, change: Change, overridesFreeze: Bool = false) {
        self.start = start
        self.change = change
        self.overridesFreeze = overridesFreeze
    }

    /// The length it gives, in minutes.
    var minutes: Int64? {
        switch change {
        case .cancelled: nil
        case .moved(_, let minutes), .extra(let minutes): minutes
        case .resized(let minutes): minutes
        }
    }
}
