import Schedule
import Testing
import Timestamps

/// python-dateutil is the oracle: an independent reading of RFC 5545.
@Suite struct RecurrenceOracleTests {
    /// Days of generated rules over twelve years, from a first day inside or before them.
    @Test func daysAsDateutilHasThem() throws {
        var generator = RuleGenerator(seed: 5545)
        var lines: [String] = []
        var mine: [String] = []
        for _ in 0..<3000 {
            let text = generator.rule()
            let rule = try RecurrenceRule(text)
            #expect(try RecurrenceRule(rule.description) == rule, "\(text)")
            let first = CivilDate(daysSinceEpoch: generator.number(16_000...20_500))
            let from = first.adding(days: generator.number(-400...2500))
            let through = from.adding(days: generator.number(0...2500))
            lines.append("\(day(first))\t\(rule)\t\(day(from))\t\(day(through))")
            mine.append(rule.dates(firstDay: first, from: from, through: through).map(day).joined(separator: " "))
        }
        let theirs = try Python.run(
            """
            import sys, datetime
            from dateutil.rrule import rrulestr
            # rules that never come: dateutil looks until the year 9999
            import types, dateutil.rrule
            dateutil.rrule.datetime = types.SimpleNamespace(**{**vars(datetime), 'MAXYEAR': 2045})
            parse = lambda text: datetime.datetime.strptime(text, '%Y-%m-%d')
            for line in sys.stdin:
                first, rule, start, end = line.rstrip('\\n').split('\\t')
                found = rrulestr(rule, dtstart=parse(first)).between(parse(start), parse(end), inc=True)
                print(' '.join(day.strftime('%Y-%m-%d') for day in found))
            """, input: lines.map { $0 + "\n" }.joined())
        #expect(theirs.count == lines.count)
        let wrong = lines.indices.filter { theirs[$0] != mine[$0] }
        #expect(
            wrong.isEmpty,
            "\(wrong.count) of \(lines.count): \(wrong.prefix(5).map { "\(lines[$0]): \(mine[$0].prefix(200)), dateutil \(theirs[$0].prefix(200))" })"
        )
        #expect(mine.filter { !$0.isEmpty }.count > 1900)
    }

    static let zones = [
        "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca",
        "Asia/Tehran", "Pacific/Apia", "Antarctica/Troll", "America/Nuuk", "Africa/Cairo", "Asia/Gaza", "UTC",
    ]

    /// Instants of generated windows in zones with gaps and overlaps, with ends in UTC, excluded days and extra ones. Half of
    /// them begin within the hours in which clocks change.
    @Test func instantsAsDateutilAndZoneinfoHaveThem() throws {
        var generator = RuleGenerator(seed: 335)
        var lines: [String] = []
        var mine: [String] = []
        for _ in 0..<2000 {
            let name = generator.pick(Self.zones)
            let zone = try ZoneFiles.zone(name)
            let skip = generator.chance(25)
            var text = generator.rule(count: !skip)
            let first = CivilDate(daysSinceEpoch: generator.number(14_000...19_500))
            let second = generator.chance(50) ? generator.number(0...14) * 900 : generator.number(0...1439) * 60
            if !text.contains("COUNT"), generator.chance(30) {
                let until = Timestamp(
                    seconds: Int64(first.daysSinceEpoch + generator.number(10...2000)) * 86_400
                        + Int64(generator.number(0...95) * 900))
                text += ";UNTIL=\(basic(until))"
            }
            let excluded =
                generator.chance(30) ? (0..<5).map { _ in first.adding(days: generator.number(0...200)) } : []
            let extra = try (generator.chance(30) ? 2 : 0).times {
                try #require(
                    LocalTime(
                        date: first.adding(days: generator.number(0...400)), secondOfDay: generator.number(0...95) * 900
                    ))
            }
            let window = try MaintenanceWindow(
                id: "w", rule: RecurrenceRule(text), firstDay: first, secondOfDay: second, minutes: 60,
                clocks: .zone(name), gapPolicy: skip ? .skip : .shift, excludedDays: excluded, extraStarts: extra)
            let from = Timestamp(seconds: Int64(first.daysSinceEpoch) * 86_400 - 172_800)
            let to = from.adding(seconds: Int64(generator.number(100...1500)) * 86_400)
            var starts = window.occurrences(from: from, to: to, in: zone).map(\.start).filter { $0 >= from }
            starts = Set(starts).sorted()
            let start = try #require(LocalTime(date: first, secondOfDay: second))
            lines.append(
                [
                    name, "\(start)", text, "\(from.seconds)", "\(to.seconds)", skip ? "skip" : "shift",
                    excluded.map { "\(LocalTime(date: $0, secondOfDay: second) ?? start)" }.joined(separator: " "),
                    extra.map(\.description).joined(separator: " "),
                ].joined(separator: "\t"))
            mine.append(starts.map { "\($0.seconds)" }.joined(separator: " "))
        }
        let theirs = try Python.run(
            """
            import sys, datetime, zoneinfo
            from dateutil.rrule import rrulestr, rruleset
            # rules that never come: dateutil looks until the year 9999
            import types, dateutil.rrule
            dateutil.rrule.datetime = types.SimpleNamespace(**{**vars(datetime), 'MAXYEAR': 2045})
            utc = datetime.timezone.utc
            for line in sys.stdin:
                name, first, rule, start, end, gaps, excluded, extra = line.rstrip('\\n').split('\\t')
                zone = zoneinfo.ZoneInfo(name)
                parse = lambda text: datetime.datetime.fromisoformat(text).replace(tzinfo=zone)
                found = rruleset()
                # local times are sorted as such: an until in UTC wants aware ones
                found.rrule(rrulestr(rule, dtstart=parse(first)))
                for text in excluded.split(): found.exdate(parse(text))
                instants = set()
                limit = datetime.datetime.fromtimestamp(int(end) + 200000, zone)
                def add(local):
                    instant = local.astimezone(utc)
                    back = instant.astimezone(zone).replace(tzinfo=None)
                    if gaps == 'skip' and back != local.replace(tzinfo=None): return
                    seconds = int(instant.timestamp())
                    if int(start) <= seconds < int(end): instants.add(seconds)
                for local in found:
                    if local > limit: break
                    add(local)
                for text in extra.split(): add(parse(text))
                print(' '.join(map(str, sorted(instants))))
            """, input: lines.map { $0 + "\n" }.joined())
        #expect(theirs.count == lines.count)
        let wrong = lines.indices.filter { theirs[$0] != mine[$0] }
        #expect(
            wrong.isEmpty,
            "\(wrong.count) of \(lines.count): \(wrong.prefix(5).map { "\(lines[$0]): \(mine[$0].prefix(200)), dateutil \(theirs[$0].prefix(200))" })"
        )
        #expect(mine.filter { !$0.isEmpty }.count > 1000)
    }

    /// "The so-many-th weekday plus days" as one rule says the same days as the rule and the days.
    @Test func shiftedRulesAreTheSameDays() throws {
        var generator = RuleGenerator(seed: 7)
        let from = try #require(CivilDate(year: 2026, month: 1, day: 1))
        var shifted = 0
        for _ in 0..<4000 {
            let rule = try RecurrenceRule(generator.rule(count: false))
            let days = generator.number(-10...10)
            guard rule.firstDayReason == nil, let other = rule.shifted(days: days) else { continue }
            shifted += days == 0 ? 0 : 1
            let mine = rule.dates(firstDay: nil, from: from, through: from.adding(days: 800)).map {
                $0.adding(days: days)
            }
            let theirs = other.dates(
                firstDay: nil, from: from.adding(days: days), through: from.adding(days: 800 + days))
            let isSame = mine == theirs
            #expect(isSame, "\(rule) plus \(days): \(other)")
            #expect(try RecurrenceRule(other.description) == other)
        }
        #expect(shifted > 30)
        #expect(
            try RecurrenceRule("FREQ=MONTHLY;BYDAY=2TU").shifted(days: 1)?.description
                == "FREQ=MONTHLY;BYMONTHDAY=9,10,11,12,13,14,15;BYDAY=WE")
        #expect(try RecurrenceRule("FREQ=MONTHLY;BYDAY=-1FR").shifted(days: 1) == nil)
        #expect(try RecurrenceRule("FREQ=MONTHLY;BYDAY=4TU").shifted(days: 3) == nil)
        #expect(try RecurrenceRule("FREQ=MONTHLY;BYDAY=5SA").shifted(days: -9) == nil)
    }

    private func day(_ date: CivilDate) -> String { String(LocalTime(startOf: date).description.prefix(10)) }

    private func basic(_ time: Timestamp) -> String {
        String(time.description.filter { $0 != "-" && $0 != ":" })
    }
}

extension Int {
    fileprivate func times<T>(_ make: () throws -> T) rethrows -> [T] { try (0..<self).map { _ in try make() } }
}
