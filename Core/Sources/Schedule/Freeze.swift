public import Timestamps

/// When nothing may change: it wins over every window (rollouts.md, 2.7).
public struct Freeze: Hashable, Sendable {
    /// A day of every year.
    public struct MonthDay: Hashable, Sendable {
        /// 1 to 12.
        public let month: Int
        /// 1 to 31; the 29th of February is the 1st of March in other years.
        public let day: Int

        /// A day of the year, nil where no year has it.
        public init?(month: Int, day: Int) {
            guard (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: month, of: 2028) else {
                return nil
            }
            self.month = month
            self.day = day
        }

        /// Reads `12-20`.
        public init?(_ text: String) {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) }), let month = Int(parts[0]),
                let day = Int(parts[1])
            else { return nil }
            self.init(month: month, day: day)
        }

        func date(in year: Int) -> CivilDate? {
            CivilDate(year: year, month: month, day: day) ?? CivilDate(year: year, month: 3, day: 1)
        }
    }

    /// From when to when.
    public enum Span: Hashable, Sendable {
        /// From an instant to before another.
        case instants(from: Timestamp, to: Timestamp)
        /// From a local time to before another, on somebody's clocks.
        case local(from: LocalTime, to: LocalTime, MaintenanceWindow.Clocks)
        /// Every year from the beginning of a day to the end of another, into the next year where that is earlier.
        case yearly(from: MonthDay, through: MonthDay, MaintenanceWindow.Clocks)
    }

    /// Its name, as a window's.
    public let id: String
    /// Why: people read it where a window is closed.
    public let reason: String
    /// From when to when.
    public let span: Span

    /// The longest reason.
    public static let maximumReasonBytes = 500

    /// A freeze.
    ///
    /// - Throws: ``ScheduleError`` (`badWindow`) where it ends before it begins, or its name or reason is none.
    public init(id: String, reason: String, span: Span) throws(ScheduleError) {
        self.id = id
        self.reason = reason
        self.span = span
        func bad(_ text: String) -> ScheduleError {
            ScheduleError(.badWindow, "the freeze \"\(id.prefix(64))\" cannot be used: \(text)")
        }
        guard MaintenanceWindow.isValidID(id) else { throw bad("its name is 1 to 64 letters, digits, - _ and .") }
        guard !reason.isEmpty, reason.utf8.count <= Self.maximumReasonBytes else {
            throw bad("its reason has 1 to \(Self.maximumReasonBytes) bytes; people read it")
        }
        switch span {
        case .instants(let from, let to):
            guard from < to else { throw bad("it ends (\(to)) before it begins (\(from)); exchange them") }
        case .local(let from, let to, _):
            guard from < to else { throw bad("it ends (\(to)) before it begins (\(from)); exchange them") }
        case .yearly: break
        }
    }

    /// On whose clocks it runs; nil where it is of instants.
    public var clocks: MaintenanceWindow.Clocks? {
        switch span {
        case .instants: nil
        case .local(_, _, let clocks), .yearly(_, _, let clocks): clocks
        }
    }

    /// The stretches of time of which a part lies in `from` to before `to`, in order. Where the clocks jump over its start or
    /// end, or bring it twice, it is the longer.
    public func stretches(from: Timestamp, to: Timestamp, in zone: Zone) -> [Range<Timestamp>] {
        guard from < to else { return [] }
        switch span {
        case .instants(let first, let last): return first < to && last > from ? [first..<last] : []
        case .local(let first, let last, _):
            let range = zone.instants(of: first).earliest..<zone.instants(of: last).latest
            return range.lowerBound < to && range.upperBound > from ? [range] : []
        case .yearly(let first, let through, _):
            let years =
                zone.localTime(at: from).date.year
                - 1...max(
                    zone.localTime(at: from).date.year - 1, zone.localTime(at: to).date.year)
            let wraps = (through.month, through.day) < (first.month, first.day)
            var found: [Range<Timestamp>] = []
            for year in years.clamped(to: 1899...2300) {
                guard let begin = first.date(in: year), let last = through.date(in: wraps ? year + 1 : year) else {
                    continue
                }
                let range =
                    zone.instants(of: LocalTime(startOf: begin))
                    .earliest..<zone.instants(of: LocalTime(startOf: last.adding(days: 1))).latest
                if range.lowerBound < to, range.upperBound > from { found.append(range) }
            }
            return found
        }
    }
}
