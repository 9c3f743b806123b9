public import Timestamps

extension RecurrenceRule {
    /// The rule's days from `from` to `through`, both included, in order.
    ///
    /// The work is bounded by ``years``, whatever the rule: a rule that never comes costs a look at every day.
    ///
    /// - Parameters:
    ///   - firstDay: The day from which intervals, counts and whole weeks are counted, and before which there is none, in ``years``;
    ///     nil where the rule needs none (``firstDayReason``).
    ///   - secondOfDay: The time of day, for a rule that ends at a time.
    ///   - limit: The most days that are wanted.
    ///   - counts: Whether a day counts for `COUNT`: one whose time the clocks jump over may not.
    public func dates(
        firstDay: CivilDate?, from: CivilDate, through: CivilDate, secondOfDay: Int = 0, limit: Int = .max,
        counts: (CivilDate) -> Bool = { _ in true }
    ) -> [CivilDate] {
        let first = max(from.daysSinceEpoch, Self.firstOfAll)
        let last = min(through.daysSinceEpoch, Self.lastOfAll, lastDay(secondOfDay: secondOfDay))
        guard first <= last, firstDay.map({ Self.years.contains($0.year) }) ?? true else { return [] }
        let expansion = Expansion(self, firstDay: firstDay, from: CivilDate(daysSinceEpoch: first))
        var remaining = Int.max
        if case .count(let count) = end { remaining = count }
        var period = remaining == .max ? expansion.period(before: first) : 0
        var found: [CivilDate] = []
        while expansion.start(ofPeriod: period) <= last {
            for day in expansion.days(inPeriod: period) where day >= expansion.anchor {
                guard day <= last else { return found }
                let date = CivilDate(daysSinceEpoch: day)
                if remaining != .max {
                    guard counts(date) else { continue }
                    remaining -= 1
                }
                if day >= first { found.append(date) }
                if remaining == 0 || found.count >= limit { return found }
            }
            period += 1
        }
        return found
    }

    private func lastDay(secondOfDay: Int) -> Int {
        switch end {
        case .never, .count: Int.max
        case .date(let date): date.daysSinceEpoch
        case .localTime(let time): time.date.daysSinceEpoch - (secondOfDay > time.secondOfDay ? 1 : 0)
        // No zone is two days from UTC; the instant itself is for who knows the zone.
        case .instant(let time): Int(time.seconds) / 86_400 + 2
        }
    }

    private static let firstOfAll = (CivilDate(year: years.lowerBound, month: 1, day: 1)?.daysSinceEpoch) ?? 0
    private static let lastOfAll = (CivilDate(year: years.upperBound, month: 12, day: 31)?.daysSinceEpoch) ?? 0
}

/// A rule's periods, numbered from that of the first day on, and the days in each.
private struct Expansion {
    let rule: RecurrenceRule
    /// The first day, in days since 1970.
    let anchor: Int
    private let anchorDate: CivilDate
    private let weekdays: Set<Weekday>
    private let ordinals: [RecurrenceRule.Day]
    private let monthDays: [Int]
    private let months: [Int]

    init(_ rule: RecurrenceRule, firstDay: CivilDate?, from: CivilDate) {
        self.rule = rule
        // A rule that needs no first day says the same from any day on.
        anchorDate = firstDay ?? CivilDate(year: from.year - 1, month: 1, day: 1) ?? from
        anchor = anchorDate.daysSinceEpoch
        var weekdays = Set(rule.days.filter { $0.ordinal == nil }.map(\.weekday))
        ordinals = rule.days.filter { $0.ordinal != nil }
        var monthDays = rule.monthDays
        var months = rule.months
        if !rule.hasOwnDays {
            switch rule.frequency {
            case .daily: break
            case .weekly: weekdays = [anchorDate.weekday]
            case .monthly: monthDays = [anchorDate.day]
            case .yearly:
                monthDays = [anchorDate.day]
                if months.isEmpty { months = [anchorDate.month] }
            }
        }
        self.weekdays = weekdays
        self.monthDays = monthDays
        self.months = months
    }

    /// The first day of a period.
    func start(ofPeriod period: Int) -> Int {
        let steps = period * rule.interval
        switch rule.frequency {
        case .daily: return anchor + steps
        case .weekly: return firstWeek + 7 * steps
        case .monthly:
            let month = firstMonth + steps
            return Self.day(month / 12, month % 12 + 1, 1)
        case .yearly: return Self.day(anchorDate.year + steps, 1, 1)
        }
    }

    /// A period that ends before a day, or the first.
    func period(before day: Int) -> Int {
        let date = CivilDate(daysSinceEpoch: day)
        let units =
            switch rule.frequency {
            case .daily: day - anchor
            case .weekly: (day - firstWeek) / 7
            case .monthly: date.year * 12 + date.month - 1 - firstMonth
            case .yearly: date.year - anchorDate.year
            }
        return max(0, units / rule.interval - 1)
    }

    /// The days of a period, in order.
    func days(inPeriod period: Int) -> [Int] {
        let start = start(ofPeriod: period)
        var found: [Int] = []
        switch rule.frequency {
        case .daily, .weekly:
            for day in start..<start + (rule.frequency == .daily ? 1 : 7) {
                let date = CivilDate(daysSinceEpoch: day)
                if (months.isEmpty || months.contains(date.month)) && isWanted(date) { found.append(day) }
            }
        case .monthly:
            let date = CivilDate(daysSinceEpoch: start)
            if months.isEmpty || months.contains(date.month) { add(date.year, date.month, &found) }
        case .yearly:
            let year = CivilDate(daysSinceEpoch: start).year
            for month in months.isEmpty ? Array(1...12) : months { add(year, month, &found) }
        }
        guard !rule.positions.isEmpty else { return found }
        let chosen = Set(rule.positions.map { $0 > 0 ? $0 - 1 : found.count + $0 })
        return found.indices.filter(chosen.contains).map { found[$0] }
    }

    private func add(_ year: Int, _ month: Int, _ found: inout [Int]) {
        let first = Self.day(year, month, 1)
        for day in first..<first + CivilDate.days(inMonth: month, of: year)
        where isWanted(CivilDate(daysSinceEpoch: day)) {
            found.append(day)
        }
    }

    private func isWanted(_ date: CivilDate) -> Bool {
        if !monthDays.isEmpty {
            let length = CivilDate.days(inMonth: date.month, of: date.year)
            guard monthDays.contains(date.day) || monthDays.contains(date.day - length - 1) else { return false }
        }
        if weekdays.isEmpty && ordinals.isEmpty { return true }
        let weekday = date.weekday
        if weekdays.contains(weekday) { return true }
        guard ordinals.contains(where: { $0.weekday == weekday }) else { return false }
        // Of the month, or of the year where no month is named.
        var place = date.day
        var length = CivilDate.days(inMonth: date.month, of: date.year)
        if rule.frequency == .yearly && rule.months.isEmpty {
            let newYear = Self.day(date.year, 1, 1)
            place = date.daysSinceEpoch - newYear + 1
            length = Self.day(date.year + 1, 1, 1) - newYear
        }
        let forwards = (place - 1) / 7 + 1
        let backwards = -((length - place) / 7 + 1)
        return ordinals.contains { $0.weekday == weekday && ($0.ordinal == forwards || $0.ordinal == backwards) }
    }

    private var firstMonth: Int { anchorDate.year * 12 + anchorDate.month - 1 }
    private var firstWeek: Int {
        anchor - (anchorDate.weekday.rawValue - rule.weekStart.rawValue + 7) % 7
    }

    private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        (CivilDate(year: year, month: month, day: day) ?? CivilDate(daysSinceEpoch: 0)).daysSinceEpoch
    }
}
