import Schedule
import Testing
import Timestamps

@Suite struct RecurrenceRuleTests {
    /// What is not supported is named, with the part and what to write.
    @Test(arguments: [
        ("FREQ=HOURLY", "FREQ=HOURLY", "one window for each hour"),
        ("FREQ=SECONDLY;BYDAY=TU", "FREQ=SECONDLY", "FREQ=DAILY"),
        ("FREQ=DAILY;BYHOUR=22,23", "BYHOUR in part 2 (BYHOUR=22,23)", "a second time of day is a second window"),
        ("FREQ=DAILY;BYMINUTE=5", "BYMINUTE in part 2", "window's start"),
        ("FREQ=DAILY;BYSECOND=5", "BYSECOND in part 2", "window's start"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO in part 2", "BYMONTH"),
        ("FREQ=YEARLY;BYYEARDAY=-1", "BYYEARDAY in part 2", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYEASTER=0", "BYEASTER in part 2", "RDATE"),
        ("RSCALE=CHINESE;FREQ=YEARLY", "RSCALE in part 1", "Gregorian"),
        ("FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD", "SKIP in part 3", "BYMONTHDAY=-1"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1", "BYSETPOS with FREQ=WEEKLY in part 3", "BYDAY"),
        ("FREQ=WEEKLY;X-FOO=1", "X-FOO in part 2", "BYMONTHDAY"),
    ])
    func unsupportedPartsAreNamed(_ text: String, _ what: String, _ cure: String) {
        let error = #expect(throws: ScheduleError.self) { try RecurrenceRule(text) }
        #expect(error?.code == .unsupportedRule)
        #expect(error?.description.contains(what) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains(cure) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        "", ";", "FREQ", "FREQ=", "=DAILY", "FREQ=SOMETIMES", "INTERVAL=2", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1,2",
        "FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=10001", "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101", "FREQ=DAILY;UNTIL=20270229", "FREQ=DAILY;UNTIL=2027-01-01",
        "FREQ=DAILY;UNTIL=20270101T2500", "FREQ=DAILY;UNTIL=30000101", "FREQ=WEEKLY;BYDAY=", "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=2TU", "FREQ=DAILY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=0TU", "FREQ=MONTHLY;BYDAY=6TU",
        "FREQ=YEARLY;BYDAY=54TU", "FREQ=YEARLY;BYMONTH=2;BYDAY=6TU", "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=1,,2",
        "FREQ=MONTHLY;BYMONTH=13", "FREQ=MONTHLY;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=0",
        "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=367", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;", "FREQ=DAILY; INTERVAL=2",
        "FREQ=WEEKLY;WKST=XX", "FREQ=MONTHLY;BYMONTHDAY=99999999999999999999", "FREQ=WEEKLY;BYDAY=ΤU",
        "FREQ=MONTHLY;BYMONTHDAY=" + Array(repeating: "1", count: 65).joined(separator: ","),
        String(repeating: "FREQ=DAILY;", count: 60),
    ])
    func whatSaysNothingIsRefused(_ text: String) {
        let error = #expect(throws: ScheduleError.self) { try RecurrenceRule(text) }
        #expect((error?.description.count ?? 0) > 20)
    }

    @Test(arguments: [
        ("RRULE:freq=monthly;byday=2tu", "FREQ=MONTHLY;BYDAY=2TU"),
        ("BYDAY=FR,MO,MO;INTERVAL=1;FREQ=WEEKLY;WKST=MO", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1,+15,1;BYMONTH=7,1", "FREQ=MONTHLY;BYMONTH=1,7;BYMONTHDAY=-1,1,15"),
        ("FREQ=DAILY;UNTIL=20271231", "FREQ=DAILY;UNTIL=20271231"),
        ("FREQ=DAILY;UNTIL=20271231T220060", "FREQ=DAILY;UNTIL=20271231T220059"),
        ("FREQ=DAILY;UNTIL=20271231T220000Z", "FREQ=DAILY;UNTIL=20271231T220000Z"),
        ("FREQ=YEARLY;BYDAY=20MO,-1SU,SA", "FREQ=YEARLY;BYDAY=20MO,SA,-1SU"),
    ])
    func oneRuleHasOneText(_ text: String, _ canonical: String) throws {
        #expect(try RecurrenceRule(text).description == canonical)
    }

    /// The examples of RFC 5545, 3.8.5.3, that are of the subset, and its errata's.
    @Test(arguments: [
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05",
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24"
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05",
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31"
        ),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "1997-09-04 1997-10-07 1997-11-06"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3", "1997-09-29", "1997-09-29 1997-10-30 1997-11-27"),
        (
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15",
            "2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30"
        ),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3", "1996-11-05",
            "1996-11-05 2000-11-07 2004-11-02"
        ),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "1997-09-02", "1998-02-13 1998-03-13 1998-11-13"),
        ("FREQ=YEARLY;BYDAY=20MO;COUNT=3", "1997-05-19", "1997-05-19 1998-05-18 1999-05-17"),
        ("FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU", "1997-09-07", "1997-09-07 1997-09-28 1997-11-02 1997-11-30"),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3", "1997-09-28", "1997-09-28 1997-10-29 1997-11-28"),
        // Days that a month or a year does not have are passed over.
        ("FREQ=MONTHLY;COUNT=4", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"),
        ("FREQ=YEARLY;COUNT=3", "2096-02-29", "2096-02-29 2104-02-29 2108-02-29"),
    ])
    func examples(_ text: String, _ first: String, _ days: String) throws {
        let first = try LocalTime(first + "T00:00").date
        let found = try RecurrenceRule(text).dates(firstDay: first, from: first, through: first.adding(days: 9000))
        #expect(found.map { LocalTime(startOf: $0).description.prefix(10) }.joined(separator: " ") == days)
    }

    /// Rules that never come, and rules that come every day, are answered at once from any time to any other.
    @Test(arguments: [
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=DAILY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "FREQ=DAILY", "FREQ=DAILY;COUNT=10000;BYMONTH=1",
        "FREQ=YEARLY;BYDAY=53MO;BYMONTHDAY=1", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
        "FREQ=WEEKLY;INTERVAL=1000;BYMONTH=2",
    ])
    func noRuleHangs(_ text: String) throws {
        let rule = try RecurrenceRule(text)
        let far = try #require(CivilDate(year: 999_999, month: 1, day: 1))
        let past = try #require(CivilDate(year: -999_999, month: 1, day: 1))
        for first in [CivilDate(daysSinceEpoch: 0), past, far] {
            #expect(rule.dates(firstDay: first, from: past, through: far).count < 150_000)
            #expect(rule.dates(firstDay: first, from: far, through: past).isEmpty)
        }
        let window = try MaintenanceWindow(
            id: "w", rule: rule, firstDay: CivilDate(daysSinceEpoch: 20_000), secondOfDay: 0, minutes: 60, clocks: .host
        )
        for time in [Int64.min, -10_000_000_000_000, 0, 1_800_000_000_000, 10_000_000_000_000, .max] {
            #expect(window.nextOccurrences(after: Timestamp(milliseconds: time), limit: 3, in: .utc).count <= 3)
        }
    }

    @Test func surprisesAreSaid() throws {
        func warnings(_ text: String, _ first: String? = nil) throws -> [String] {
            try RecurrenceRule(text).warnings(firstDay: first.map { try LocalTime($0 + "T00:00").date })
        }
        #expect(try warnings("FREQ=MONTHLY;BYMONTHDAY=31").first?.contains("BYMONTHDAY=-1") == true)
        #expect(try warnings("FREQ=MONTHLY", "2026-01-30").first?.contains("day 30") == true)
        #expect(try warnings("FREQ=YEARLY", "2028-02-29").first?.contains("leap years") == true)
        #expect(try warnings("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").first?.contains("never comes") == true)
        #expect(try warnings("FREQ=MONTHLY;BYDAY=5FR").first?.contains("-1") == true)
        #expect(try warnings("FREQ=MONTHLY;BYDAY=-1FR").isEmpty)
        #expect(try warnings("FREQ=MONTHLY;BYMONTHDAY=-1").isEmpty)
        #expect(try warnings("FREQ=YEARLY;BYMONTH=1,3;BYMONTHDAY=31").isEmpty)
        #expect(try warnings("FREQ=DAILY").isEmpty)
    }

    @Test func releaseCalendarsAreRules() throws {
        for calendar in ReleaseCalendar.all {
            let rule = try ReleaseCalendar.rule(calendar.name)
            #expect(rule.description == calendar.rule)
            #expect(rule.firstDayReason == nil)
        }
        #expect(try ReleaseCalendar.rule("FREQ=DAILY").description == "FREQ=DAILY")
        let error = #expect(throws: ScheduleError.self) { try ReleaseCalendar.rule("patch-tuesday") }
        #expect(error?.description.contains("second-tuesday") == true)
    }

    /// Whatever bytes come, the reader says yes or no, and what it reads it writes and reads again.
    @Test func randomTextNeverTraps() throws {
        var generator = RuleGenerator(seed: 99)
        let pieces = [
            "FREQ=", "DAILY", "MONTHLY", ";", "BYDAY=", "2TU", ",", "-1", "=", "UNTIL=", "20270101", "T", "Z", "COUNT=",
            "0", "é", "\0",
        ]
        for _ in 0..<20_000 {
            var text = generator.chance(50) ? generator.rule() : ""
            for _ in 0..<generator.number(0...6) {
                let at = text.index(text.startIndex, offsetBy: generator.number(0...text.count))
                text.insert(contentsOf: generator.pick(pieces), at: at)
            }
            if let rule = try? RecurrenceRule(text) { #expect(try RecurrenceRule(rule.description) == rule, "\(text)") }
        }
    }
}
