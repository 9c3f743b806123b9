import Timestamps

extension RecurrenceRule {
    /// Reads a rule: `FREQ=MONTHLY;BYDAY=2TU`, with or without `RRULE:` before it. Parts may come in any order, once each.
    ///
    /// - Throws: ``ScheduleError`` with the part that is wrong or not supported, by its name and number, and what to write.
    public init(_ text: String) throws(ScheduleError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw ScheduleError(
                .badRule, "a rule of \(text.utf8.count) bytes: it may have \(Self.maximumBytes); make two windows of it"
            )
        }
        var body = Substring(text)
        if body.prefix(6).uppercased() == "RRULE:" { body = body.dropFirst(6) }
        var reader = RuleReader()
        var number = 0
        for part in body.split(separator: ";", omittingEmptySubsequences: false) {
            number += 1
            try reader.take(part, number)
        }
        self = try reader.finish()
    }
}

/// The parts of a rule as they come.
private struct RuleReader {
    private var values: [String: (value: Substring, place: String)] = [:]

    /// What RFC 5545 and 7529 have besides, and what to write instead.
    private static let unsupported: [String: String] = [
        "BYSECOND": "windows begin on a time of day, which is the window's start",
        "BYMINUTE": "write the time as the window's start; a second time of day is a second window",
        "BYHOUR": "write the time as the window's start; a second time of day is a second window",
        "BYWEEKNO": "write the months with BYMONTH and the weekday with BYDAY",
        "BYYEARDAY": "write BYMONTH and BYMONTHDAY",
        "BYEASTER": "write the dates as extra ones (RDATE)",
        "RSCALE": "rules are of the Gregorian calendar",
        "SKIP": "days that do not exist are passed over; for the last of a month write BYMONTHDAY=-1",
    ]
    private static let known: Set<String> = [
        "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST",
    ]

    mutating func take(_ part: Substring, _ number: Int) throws(ScheduleError) {
        let place = "part \(number) (\(part.prefix(40)))"
        guard let equals = part.firstIndex(of: "="), equals > part.startIndex,
            part.index(after: equals) < part.endIndex
        else {
            throw ScheduleError(
                .badRule,
                "\(place) of the rule is no NAME=VALUE; write it like FREQ=MONTHLY;BYDAY=2TU, without spaces and without a ; at the end"
            )
        }
        let name = part[..<equals].uppercased()
        if let cure = Self.unsupported[name] {
            throw ScheduleError(.unsupportedRule, "\(name) in \(place) is not supported: \(cure)")
        }
        guard Self.known.contains(name) else {
            throw ScheduleError(
                .unsupportedRule,
                "\(name.prefix(40)) in \(place) is not known; there are \(Self.known.sorted().joined(separator: ", "))")
        }
        guard values.updateValue((part[part.index(after: equals)...], place), forKey: name) == nil else {
            throw ScheduleError(.badRule, "\(name) comes a second time in \(place); keep one, with a list of values")
        }
    }

    func finish() throws(ScheduleError) -> RecurrenceRule {
        guard let frequency = values["FREQ"] else {
            throw ScheduleError(.badRule, "the rule has no FREQ; begin it with FREQ=WEEKLY or FREQ=MONTHLY")
        }
        let unit = frequency.value.uppercased()
        if ["HOURLY", "MINUTELY", "SECONDLY"].contains(unit) {
            throw ScheduleError(
                .unsupportedRule,
                "FREQ=\(unit) in \(frequency.place) is not supported: windows are of days; write FREQ=DAILY and one window for each hour"
            )
        }
        guard let known = RecurrenceRule.Frequency(rawValue: unit) else {
            throw ScheduleError(
                .badRule, "\(frequency.place) is no frequency; write DAILY, WEEKLY, MONTHLY or YEARLY")
        }
        var rule = RecurrenceRule(known)
        rule.interval = try numbers("INTERVAL", 1...RecurrenceRule.maximumInterval, most: 1).first ?? 1
        rule.months = try numbers("BYMONTH", 1...12)
        rule.monthDays = try signed("BYMONTHDAY", 31)
        rule.positions = try signed("BYSETPOS", 366)
        rule.days = try days()
        if let start = values["WKST"] {
            guard let day = Weekday(code: start.value) else {
                throw ScheduleError(.badRule, "\(start.place) is no weekday; write MO, TU, WE, TH, FR, SA or SU")
            }
            rule.weekStart = day
        }
        rule.end = try end()
        try check(rule)
        return rule
    }

    /// What RFC 5545 forbids together.
    private func check(_ rule: RecurrenceRule) throws(ScheduleError) {
        let frequency = rule.frequency
        if frequency == .weekly, let place = values["BYMONTHDAY"]?.place {
            throw ScheduleError(
                .badRule, "\(place): BYMONTHDAY does not go with FREQ=WEEKLY (RFC 5545, 3.3.10); write FREQ=MONTHLY")
        }
        if let place = values["BYDAY"]?.place, rule.days.contains(where: { $0.ordinal != nil }) {
            if frequency == .daily || frequency == .weekly {
                throw ScheduleError(
                    .badRule,
                    "\(place): the so-many-th weekday does not go with FREQ=\(frequency.rawValue) (RFC 5545, 3.3.10); write FREQ=MONTHLY"
                )
            }
            if let day = rule.days.first(where: { abs($0.ordinal ?? 0) > 5 }),
                frequency == .monthly || !rule.months.isEmpty
            {
                throw ScheduleError(
                    .badRule, "\(place): no month has \(abs(day.ordinal ?? 0)) of a weekday; write -5 to 5")
            }
        }
        if let place = values["BYSETPOS"]?.place {
            if frequency == .daily || frequency == .weekly {
                throw ScheduleError(
                    .unsupportedRule,
                    "BYSETPOS with FREQ=\(frequency.rawValue) in \(place) is not supported: name the weekdays themselves in BYDAY"
                )
            }
            if !rule.hasOwnDays && rule.months.isEmpty {
                throw ScheduleError(
                    .badRule,
                    "\(place): BYSETPOS chooses among the days of BYDAY or BYMONTHDAY (RFC 5545, 3.3.10); add one")
            }
        }
    }

    private func end() throws(ScheduleError) -> RecurrenceRule.End {
        let count = try numbers("COUNT", 1...RecurrenceRule.maximumCount, most: 1).first
        guard let until = values["UNTIL"] else { return count.map { .count($0) } ?? .never }
        guard count == nil else {
            throw ScheduleError(.badRule, "the rule has COUNT and UNTIL, and may have one of them (RFC 5545, 3.3.10)")
        }
        let bad = ScheduleError(
            .badRule,
            "\(until.place) is no time; write UNTIL=20271231 for a day, or UNTIL=20271231T220000Z for an instant in UTC"
        )
        guard let time = RecurrenceRule.basicTime(until.value) else { throw bad }
        guard RecurrenceRule.years.contains(time.local.date.year) else {
            throw ScheduleError(.badRule, "\(until.place): years are 1900 to 2299")
        }
        return switch time.kind {
        case .date: .date(time.local.date)
        case .local: .localTime(time.local)
        case .utc: .instant(Timestamp(seconds: Int64(time.local.secondsSinceEpoch)))
        }
    }

    private func days() throws(ScheduleError) -> [RecurrenceRule.Day] {
        guard let part = values["BYDAY"] else { return [] }
        var days: Set<RecurrenceRule.Day> = []
        for item in try items(part) {
            guard let weekday = Weekday(code: item.suffix(2)) else {
                throw ScheduleError(
                    .badRule, "\"\(item.prefix(12))\" in \(part.place) is no weekday; write like TU, 2TU or -1FR")
            }
            let number = item.dropLast(2)
            if number.isEmpty {
                days.insert(.init(weekday))
                continue
            }
            guard let ordinal = RecurrenceRule.number(number), ordinal != 0, abs(ordinal) <= 53 else {
                throw ScheduleError(
                    .badRule, "\"\(item.prefix(12))\" in \(part.place): the number is 1 to 53 or -53 to -1")
            }
            days.insert(.init(weekday, ordinal: ordinal))
        }
        return days.sorted()
    }

    private func signed(_ name: String, _ most: Int) throws(ScheduleError) -> [Int] {
        let found = try numbers(name, -most...most)
        if found.contains(0), let part = values[name] {
            throw ScheduleError(.badRule, "\(part.place): 0 is none; count from 1, or from -1 backwards")
        }
        return found
    }

    private func numbers(
        _ name: String, _ range: ClosedRange<Int>, most: Int = RecurrenceRule.maximumValues
    ) throws(ScheduleError) -> [Int] {
        guard let part = values[name] else { return [] }
        var found: Set<Int> = []
        let items = try items(part)
        for item in items {
            guard let number = RecurrenceRule.number(item), range.contains(number) else {
                throw ScheduleError(
                    .badRule,
                    "\"\(item.prefix(12))\" in \(part.place) is out of bounds: \(range.lowerBound) to \(range.upperBound)"
                )
            }
            found.insert(number)
        }
        guard items.count <= most else {
            throw ScheduleError(.badRule, "\(part.place) has \(items.count) values, and may have \(most)")
        }
        return found.sorted()
    }

    private func items(_ part: (value: Substring, place: String)) throws(ScheduleError) -> [Substring] {
        let items = part.value.split(separator: ",", omittingEmptySubsequences: false)
        guard items.count <= RecurrenceRule.maximumValues else {
            throw ScheduleError(
                .badRule, "\(part.place) has \(items.count) values, and may have \(RecurrenceRule.maximumValues)")
        }
        return items
    }
}

extension RecurrenceRule {
    /// Which kind of time a text in RFC 5545's basic form is.
    package enum BasicKind: Sendable { case date, local, utc }

    /// Reads `20261121`, `20261121T220000` or `20261121T220000Z`; second 60 counts as 59.
    package static func basicTime(_ text: some StringProtocol) -> (local: LocalTime, kind: BasicKind)? {
        let bytes = Array(text.utf8)
        guard bytes.count == 8 || bytes.count == 15 || bytes.count == 16 else { return nil }
        func digits(_ range: Range<Int>) -> Int? {
            var value = 0
            for index in range {
                guard (0x30...0x39).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 0x30)
            }
            return value
        }
        guard let year = digits(0..<4), let month = digits(4..<6), let day = digits(6..<8),
            let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        if bytes.count == 8 { return (LocalTime(startOf: date), .date) }
        guard bytes[8] == 0x54, let hour = digits(9..<11), let minute = digits(11..<13), let second = digits(13..<15),
            hour < 24, minute < 60, second <= 60, bytes.count == 15 || bytes[15] == 0x5A,
            let local = LocalTime(date: date, secondOfDay: hour * 3600 + minute * 60 + min(second, 59))
        else { return nil }
        return (local, bytes.count == 15 ? .local : .utc)
    }

    /// A decimal number of at most six digits, with or without a sign.
    static func number(_ text: some StringProtocol) -> Int? {
        var digits = text[...]
        if let sign = digits.first, sign == "+" || sign == "-" { digits = digits.dropFirst() }
        guard (1...6).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
