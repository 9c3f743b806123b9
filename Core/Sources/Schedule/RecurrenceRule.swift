public import Timestamps

/// On which days something happens again: the subset of RFC 5545's recurrence rules (3.3.10) that windows need.
///
/// A rule yields days; the time of day is its window's. What it cannot say is refused by name when it is read, so that no
/// rule means something else here than in a calendar.
public struct RecurrenceRule: Hashable, Sendable {
    /// The unit that ``interval`` counts.
    public enum Frequency: String, Hashable, Sendable, CaseIterable {
        /// Every so many days,
        case daily = "DAILY"
        /// weeks,
        case weekly = "WEEKLY"
        /// months,
        case monthly = "MONTHLY"
        /// or years.
        case yearly = "YEARLY"
    }

    /// When it is over.
    public enum End: Hashable, Sendable {
        /// It has no end.
        case never
        /// After so many days, counted from the first; 1 to ``maximumCount``.
        case count(Int)
        /// After that day, on the window's own clocks.
        case date(CivilDate)
        /// After that time, on the window's own clocks.
        case localTime(LocalTime)
        /// After that instant.
        case instant(Timestamp)
    }

    /// A weekday of `BYDAY`.
    public struct Day: Hashable, Sendable {
        /// The weekday.
        public var weekday: Weekday
        /// Which of the month's or year's: 2 is the second, -1 the last; nil is each.
        public var ordinal: Int?

        /// A weekday, or the so-many-th.
        public init(_ weekday: Weekday, ordinal: Int? = nil) {
            self.weekday = weekday
            self.ordinal = ordinal
        }
    }

    /// The unit.
    public internal(set) var frequency: Frequency
    /// How many units lie between; 1 to ``maximumInterval``.
    public internal(set) var interval: Int = 1
    /// When it is over.
    public internal(set) var end: End = .never
    /// The weekdays, sorted; empty for all, or for the first day's.
    public internal(set) var days: [Day] = []
    /// The days of the month, 1 to 31 or -31 to -1 from the end, sorted.
    public internal(set) var monthDays: [Int] = []
    /// The months, sorted.
    public internal(set) var months: [Int] = []
    /// Which of a month's or year's days are taken: 1 is the first, -1 the last; sorted.
    public internal(set) var positions: [Int] = []
    /// The day on which weeks begin: it matters to every other week.
    public internal(set) var weekStart: Weekday = .monday

    /// The longest text of a rule.
    public static let maximumBytes = 512
    /// The most units between.
    public static let maximumInterval = 1000
    /// The most days that a rule may count.
    public static let maximumCount = 10_000
    /// The most values of one part.
    public static let maximumValues = 64
    /// The years in which rules are followed.
    public static let years = 1900...2299
    /// How far beyond the time asked for a rule's next day is sought: longer than any rule of the calendar waits but for
    /// those that never come.
    public static let maximumYearsAhead = 100

    init(_ frequency: Frequency) {
        self.frequency = frequency
    }

    /// Why the rule means nothing without a first day; nil where it needs none.
    public var firstDayReason: String? {
        if case .count = end { return "COUNT counts from the first day" }
        if interval > 1 { return "INTERVAL counts from the first day" }
        if hasOwnDays || frequency == .daily { return nil }
        return switch frequency {
        case .daily, .weekly: "FREQ=WEEKLY without BYDAY takes its weekday from the first day"
        case .monthly: "FREQ=MONTHLY without BYDAY or BYMONTHDAY takes its day from the first day"
        case .yearly: "FREQ=YEARLY without BYDAY or BYMONTHDAY takes its day from the first day"
        }
    }

    /// Whether it says itself which days it means.
    var hasOwnDays: Bool { !days.isEmpty || !monthDays.isEmpty }

    /// What people are surprised by: months or years without such a day.
    public func warnings(firstDay: CivilDate? = nil) -> [String] {
        var dates = monthDays
        if !hasOwnDays, frequency == .monthly || frequency == .yearly, let firstDay { dates = [firstDay.day] }
        var months = self.months
        if !hasOwnDays, frequency == .yearly, months.isEmpty, let firstDay { months = [firstDay.month] }
        let all = months.isEmpty ? Array(1...12) : months
        var warnings: [String] = []
        for day in dates where abs(day) >= 29 {
            let never = all.filter { abs(day) > CivilDate.days(inMonth: $0, of: 2028) }
            let sometimes = abs(day) == 29 && all.contains(2)
            if never.count == all.count {
                warnings.append("No month of the rule has a day \(day): it never comes; correct BYMONTHDAY or BYMONTH.")
            } else if sometimes && all == [2] {
                warnings.append("February has a day \(day) in leap years only: the other years have no such window.")
            } else if !never.isEmpty || sometimes {
                warnings.append(
                    "Months without a day \(day) are passed over; for the last day of every month write BYMONTHDAY=-1.")
            }
        }
        if days.contains(where: { abs($0.ordinal ?? 0) == 5 }), frequency == .monthly || !months.isEmpty {
            warnings.append(
                "Months without a fifth such weekday are passed over; for the last one of every month write -1.")
        }
        return warnings
    }
}

extension RecurrenceRule.Day: Comparable {
    /// By weekday, each before its ordinals.
    public static func < (left: Self, right: Self) -> Bool {
        (left.weekday.rawValue, left.ordinal ?? -100) < (right.weekday.rawValue, right.ordinal ?? -100)
    }
}
