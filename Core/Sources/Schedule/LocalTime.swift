public import Timestamps

/// A time on the clocks of some place, without saying which: what people plan in.
public struct LocalTime: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The date.
    public var date: CivilDate
    /// Seconds since the midnight that began it, 0 to 86,399.
    public var secondOfDay: Int

    /// A time of a day; nil where the second is of another day.
    public init?(date: CivilDate, secondOfDay: Int) {
        guard (0..<86_400).contains(secondOfDay) else { return nil }
        self.date = date
        self.secondOfDay = secondOfDay
    }

    /// Reads `2026-11-21T22:00` or `2026-11-21T22:00:30`; second 60 counts as 59.
    public init(_ text: String) throws(ScheduleError) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                guard (0x30...0x39).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 0x30)
            }
            return value
        }
        guard bytes.count == 16 || bytes.count == 19, bytes[4] == 0x2D, bytes[7] == 0x2D,
            bytes[10] == 0x54 || bytes[10] == 0x20, bytes[13] == 0x3A, bytes.count == 16 || bytes[16] == 0x3A,
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = bytes.count == 19 ? number(17..<19) : 0, hour < 24, minute < 60,
            second <= 60
        else {
            throw ScheduleError(
                .badLocalTime, "\"\(text.prefix(40))\" is no local time; write it like 2026-11-21T22:00, without a zone"
            )
        }
        guard let date = CivilDate(year: year, month: month, day: day) else {
            throw ScheduleError(.badLocalTime, "there is no day \(text.prefix(10)); check month and day")
        }
        self.date = date
        secondOfDay = hour * 3600 + minute * 60 + min(second, 59)
    }

    /// The local time that is `seconds` after 1970-01-01T00:00 on the same clocks.
    public init(secondsSinceEpoch seconds: Int) {
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        date = CivilDate(daysSinceEpoch: days)
        secondOfDay = seconds - days * 86_400
    }

    /// Seconds since 1970-01-01T00:00 on the same clocks.
    public var secondsSinceEpoch: Int { date.daysSinceEpoch * 86_400 + secondOfDay }

    /// The order of those clocks.
    public static func < (left: LocalTime, right: LocalTime) -> Bool {
        left.secondsSinceEpoch < right.secondsSinceEpoch
    }

    /// `2026-11-21T22:00`, with seconds where there are some.
    public var description: String {
        // RFC 3339 in UTC, of which a local time is the first part.
        let text = Timestamp(seconds: Int64(secondsSinceEpoch)).description
        return String(text.prefix(secondOfDay % 60 == 0 ? text.count - 4 : text.count - 1))
    }
}
