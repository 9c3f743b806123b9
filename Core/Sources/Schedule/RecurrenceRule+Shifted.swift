extension RecurrenceRule {
    /// The rule of the days that lie so many days after its own, where a rule can say them; nil where it cannot, and dates
    /// must be listed.
    ///
    /// "The second Tuesday plus three days" is the Friday among the 11th to 17th (rollouts.md, 4.1): that holds as long as no
    /// such day falls into another month.
    public func shifted(days shift: Int) -> RecurrenceRule? {
        if shift == 0 { return self }
        guard positions.isEmpty, monthDays.isEmpty, case .never = end, let weekday = days.first?.weekday else {
            return nil
        }
        var rule = self
        switch frequency {
        case .daily: return nil
        case .weekly:
            guard interval == 1, months.isEmpty else { return nil }
            rule.days = days.map { .init($0.weekday.adding(days: shift)) }.sorted()
        case .monthly, .yearly:
            // Without a month the ordinal is of the year.
            guard frequency == .monthly || !months.isEmpty else { return nil }
            var wanted: Set<Int> = []
            for day in days {
                // A fifth one is not in every month.
                guard let ordinal = day.ordinal, (1...4).contains(ordinal), day.weekday == weekday else { return nil }
                let first = 7 * (ordinal - 1) + 1 + shift
                guard first >= 1, first + 6 <= 28 else { return nil }
                wanted.formUnion(first...first + 6)
            }
            rule.days = [.init(weekday.adding(days: shift))]
            rule.monthDays = wanted.sorted()
        }
        return rule
    }
}
