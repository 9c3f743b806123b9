public import Timestamps

/// A day of the week, in the order of ISO 8601.
public enum Weekday: Int, Hashable, Sendable, Comparable, CaseIterable {
    /// The days, from 0 on.
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday

    /// The day's two letters in RFC 5545: `MO`.
    public var code: String {
        switch self {
        case .monday: "MO"
        case .tuesday: "TU"
        case .wednesday: "WE"
        case .thursday: "TH"
        case .friday: "FR"
        case .saturday: "SA"
        case .sunday: "SU"
        }
    }

    /// The day of those two letters, capital or small; nil where they name none.
    public init?(code: some StringProtocol) {
        let upper = code.uppercased()
        guard let day = Self.allCases.first(where: { $0.code == upper }) else { return nil }
        self = day
    }

    /// The day so many days later; earlier where the number is negative.
    public func adding(days: Int) -> Weekday {
        Weekday(rawValue: ((rawValue + days) % 7 + 7) % 7) ?? self
    }

    /// The order of a week that begins on Monday.
    public static func < (left: Weekday, right: Weekday) -> Bool { left.rawValue < right.rawValue }
}

extension CivilDate {
    /// The date's day of the week.
    public var weekday: Weekday {
        // 1970-01-01 was a Thursday.
        Weekday.thursday.adding(days: daysSinceEpoch % 7)
    }

    /// The date so many days later; earlier where the number is negative.
    public func adding(days: Int) -> CivilDate {
        CivilDate(daysSinceEpoch: daysSinceEpoch + days)
    }

    /// `2026-11-21`.
    var text: String { String(LocalTime(startOf: self).description.prefix(10)) }
}

extension LocalTime {
    /// The midnight that begins a date.
    public init(startOf date: CivilDate) {
        self.init(secondsSinceEpoch: date.daysSinceEpoch * 86_400)
    }
}
