public import Timestamps

/// How long something may stay open.
public enum RemediationTerm: Sendable, Hashable, CustomStringConvertible {
    /// That many hours.
    case hours(Int)
    /// That many days of 24 hours.
    case days(Int)
    /// That many calendar months: 31 January plus one month is the last day of February.
    case months(Int)
    /// At the next planned upgrade; there is no date.
    case onUpgrade

    /// The instant it ends, counted from `start`; nil where it has no date. Closed at that very instant is in time.
    public func due(from start: Timestamp) -> Timestamp? {
        switch self {
        case .hours(let hours): start.adding(seconds: Int64(hours) * 3600)
        case .days(let days): start.adding(seconds: Int64(days) * 86_400)
        case .months(let months): start.adding(months: months)
        case .onUpgrade: nil
        }
    }

    /// Reads `3 days`, `48 hours`, `1 month`, `2 weeks`, `fix on system upgrade`, `never`; what follows a `&` is no term.
    public init?(_ text: String) {
        let word = DecisionTable.normalised(text)
        let parts = word.split(separator: "&")[0...].first.map { $0.split(separator: " ") } ?? []
        if ["fix on system upgrade", "on upgrade", "never", "defer"].contains(parts.joined(separator: " ")) {
            self = .onUpgrade
            return
        }
        guard parts.count == 2, let number = Int(parts[0]), (0...3660).contains(number) else { return nil }
        switch parts[1] {
        case "hour", "hours": self = .hours(number)
        case "day", "days": self = .days(number)
        case "week", "weeks": self = .days(number * 7)
        case "month", "months": self = .months(number)
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .hours(let count): "\(count) hour\(count == 1 ? "" : "s")"
        case .days(let count): "\(count) day\(count == 1 ? "" : "s")"
        case .months(let count): "\(count) month\(count == 1 ? "" : "s")"
        case .onUpgrade: "at the next upgrade"
        }
    }
}

extension Timestamp {
    /// The same day and time that many months later; the last day of a month that is too short.
    func adding(months: Int) -> Timestamp {
        let day = Int((seconds >= 0 ? seconds : seconds - 86_399) / 86_400)
        let rest = milliseconds - Int64(day) * 86_400_000
        let date = CivilDate(daysSinceEpoch: day)
        let month = date.year * 12 + date.month - 1 + months
        let year = month >= 0 ? month / 12 : (month - 11) / 12
        let last = CivilDate.days(inMonth: month - year * 12 + 1, of: year)
        guard let later = CivilDate(year: year, month: month - year * 12 + 1, day: min(date.day, last)) else {
            return self
        }
        return Timestamp(milliseconds: Int64(later.daysSinceEpoch) * 86_400_000 + rest)
    }
}
