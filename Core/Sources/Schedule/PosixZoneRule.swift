import Timestamps

/// The rule at the end of a TZif file: a POSIX `TZ` string, with the hours of RFC 8536 3.3.1 (-167 to 167).
struct PosixZoneRule: Hashable, Sendable {
    /// A day of the year.
    enum Day: Hashable {
        /// `Jn`: 1 to 365, the 29th of February never counted.
        case julian(Int)
        /// `n`: 0 to 365, it counted.
        case zeroBased(Int)
        /// `Mm.w.d`: weekday d (0: Sunday) of week w (5: the last) of month m.
        case weekday(month: Int, week: Int, day: Int)
    }
    /// When the clocks change, by the clocks before.
    struct Change: Hashable {
        var day: Day
        var seconds: Int
    }
    /// Seconds east of UTC.
    let standard: Int
    /// Seconds east of UTC of the other half year, with its start and end; nil where there is none.
    let daylight: Daylight?
    struct Daylight: Hashable {
        var offset: Int
        var start: Change
        var end: Change
    }

    /// Seconds east of UTC at an instant.
    func offset(at seconds: Int64) -> Int {
        guard daylight != nil else { return standard }
        // The last change at or before: none is more than a year and a week back.
        return changes(from: seconds - 400 * 86_400, to: seconds).last?.offset ?? standard
    }

    /// The changes after `from` and up to `to`, in the order of time. An end and a start at the same instant are a start.
    func changes(from: Int64, to: Int64) -> [(at: Int64, offset: Int)] {
        guard let daylight, from < to else { return [] }
        let first = year(from) - 1
        // A rule holds for ever; nobody asks beyond the four digits of a year.
        let last = min(year(to) + 1, first + 12_000)
        guard first <= last else { return [] }
        var result: [(at: Int64, offset: Int)] = []
        for year in first...last {
            let start = instant(daylight.start, year, offset: standard)
            let end = instant(daylight.end, year, offset: daylight.offset)
            for change in [(at: end, offset: standard), (at: start, offset: daylight.offset)]
            where change.at > from && change.at <= to {
                result.append(change)
            }
        }
        result.sort { left, right in
            left.at != right.at ? left.at < right.at : left.offset == standard && right.offset != standard
        }
        return result
    }

    private func year(_ seconds: Int64) -> Int {
        CivilDate(daysSinceEpoch: Int(max(-100_000_000_000, min(seconds, 300_000_000_000)) / 86_400)).year
    }

    private func instant(_ change: Change, _ year: Int, offset: Int) -> Int64 {
        let newYear = Self.days(year, 1, 1)
        let isLeap = CivilDate.days(inMonth: 2, of: year) == 29
        let day: Int
        switch change.day {
        case .julian(let number): day = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
        case .zeroBased(let number): day = newYear + number
        case .weekday(let month, let week, let weekday):
            let first = Self.days(year, month, 1)
            // 1970-01-01 was a Thursday.
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            var dayOfMonth = 1 + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            while dayOfMonth > CivilDate.days(inMonth: month, of: year) { dayOfMonth -= 7 }
            day = first + dayOfMonth - 1
        }
        return Int64(day) * 86_400 + Int64(change.seconds) - Int64(offset)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        CivilDate(year: year, month: month, day: day)?.daysSinceEpoch ?? 0
    }
}

extension PosixZoneRule {
    /// Reads a rule of at most 256 bytes; nil where it is none.
    init?(_ text: some Collection<UInt8>) {
        guard text.count <= 256 else { return nil }
        var reader = Reader(bytes: Array(text))
        guard reader.name(), let west = reader.time(maximumHours: 24) else { return nil }
        standard = -west
        if reader.isAtEnd {
            daylight = nil
            return
        }
        guard reader.name() else { return nil }
        var offset = -west + 3600
        if !reader.isAt(0x2C) {
            guard let west = reader.time(maximumHours: 24) else { return nil }
            offset = -west
        }
        guard reader.take(0x2C), let start = reader.change(), reader.take(0x2C), let end = reader.change(),
            reader.isAtEnd
        else { return nil }
        daylight = Daylight(offset: offset, start: start, end: end)
    }

    private struct Reader {
        var bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }
        func isAt(_ byte: UInt8) -> Bool { at < bytes.count && bytes[at] == byte }

        mutating func take(_ byte: UInt8) -> Bool {
            guard isAt(byte) else { return false }
            at += 1
            return true
        }

        mutating func name() -> Bool {
            let start = at
            if take(0x3C) {
                while at < bytes.count, bytes[at] != 0x3E { at += 1 }
                return take(0x3E) && at - start >= 5
            }
            while at < bytes.count, (0x41...0x5A).contains(bytes[at] & 0xDF) { at += 1 }
            return at - start >= 3
        }

        mutating func number(maximum: Int) -> Int? {
            let start = at
            var value = 0
            while at < bytes.count, (0x30...0x39).contains(bytes[at]), at - start < 4 {
                value = value * 10 + Int(bytes[at] - 0x30)
                at += 1
            }
            return at > start && value <= maximum ? value : nil
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time(maximumHours: Int) -> Int? {
            var sign = 1
            if take(0x2D) { sign = -1 } else { _ = take(0x2B) }
            guard let hours = number(maximum: maximumHours) else { return nil }
            var seconds = hours * 3600
            if take(0x3A) {
                guard let minutes = number(maximum: 59) else { return nil }
                seconds += minutes * 60
                if take(0x3A) {
                    guard let rest = number(maximum: 59) else { return nil }
                    seconds += rest
                }
            }
            return sign * seconds
        }

        mutating func change() -> Change? {
            let day: Day
            if take(0x4A) {
                guard let number = number(maximum: 365), number >= 1 else { return nil }
                day = .julian(number)
            } else if take(0x4D) {
                guard let month = number(maximum: 12), month >= 1, take(0x2E), let week = number(maximum: 5), week >= 1,
                    take(0x2E), let weekday = number(maximum: 6)
                else { return nil }
                day = .weekday(month: month, week: week, day: weekday)
            } else {
                guard let number = number(maximum: 365) else { return nil }
                day = .zeroBased(number)
            }
            guard take(0x2F) else { return Change(day: day, seconds: 7200) }
            guard let seconds = time(maximumHours: 167) else { return nil }
            return Change(day: day, seconds: seconds)
        }
    }
}
