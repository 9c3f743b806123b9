public import Timestamps

extension RecurrenceRule: CustomStringConvertible {
    /// The rule in RFC 5545's text, always the same for the same rule: `FREQ=MONTHLY;BYDAY=2TU`. Read again, it is equal.
    public var description: String { text(end: endText) }

    /// The text with another `UNTIL`; see RFC 5545, which wants one in UTC where the start has a zone.
    public func text(untilUTC: Timestamp) -> String {
        text(end: "UNTIL=\(Self.basic(untilUTC))")
    }

    private func text(end: String?) -> String {
        var parts = ["FREQ=\(frequency.rawValue)"]
        if interval != 1 { parts.append("INTERVAL=\(interval)") }
        if let end { parts.append(end) }
        if !months.isEmpty { parts.append("BYMONTH=\(list(months))") }
        if !monthDays.isEmpty { parts.append("BYMONTHDAY=\(list(monthDays))") }
        if !days.isEmpty {
            parts.append(
                "BYDAY=" + days.map { ($0.ordinal.map(String.init) ?? "") + $0.weekday.code }.joined(separator: ","))
        }
        if !positions.isEmpty { parts.append("BYSETPOS=\(list(positions))") }
        if weekStart != .monday { parts.append("WKST=\(weekStart.code)") }
        return parts.joined(separator: ";")
    }

    private var endText: String? {
        switch end {
        case .never: nil
        case .count(let count): "COUNT=\(count)"
        case .date(let date): "UNTIL=\(Self.basic(LocalTime(startOf: date)).prefix(8))"
        case .localTime(let time): "UNTIL=\(Self.basic(time))"
        case .instant(let time): "UNTIL=\(Self.basic(time))"
        }
    }

    private func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ",") }

    /// `20261121T220000Z`.
    static func basic(_ time: Timestamp) -> String {
        basic(LocalTime(secondsSinceEpoch: Int(time.seconds))) + "Z"
    }

    /// `20261121T220000`.
    static func basic(_ time: LocalTime) -> String {
        func digits(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let second = time.secondOfDay
        return digits(time.date.year, 4) + digits(time.date.month, 2) + digits(time.date.day, 2) + "T"
            + digits(second / 3600, 2) + digits(second / 60 % 60, 2) + digits(second % 60, 2)
    }
}
