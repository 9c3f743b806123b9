import Foundation
import ICalendar
import Schedule
import Testing
import Timestamps

@Suite struct ICalendarTests {
    private let from = Timestamp(seconds: 1_793_000_000)
    private let to = Timestamp(seconds: 1_793_000_000 + 800 * 86_400)
    private var reader: ICalendarReader { ICalendarReader { try? ZoneFiles.zone($0) } }

    private func feed(_ windows: [(MaintenanceWindow, Zone)], _ freezes: [Freeze] = []) -> String {
        var feed = ICalendarFeed(
            name: "Group web; Hamburg, all", domain: "fettle.example", produced: from, from: from, to: to)
        for (window, zone) in windows {
            feed.add(
                window, in: zone, title: "Window \(window.id), \"ä;\\\" \(String(repeating: "é", count: 60))",
                sequence: 3)
        }
        for freeze in freezes { feed.add(freeze, in: .utc, sequence: 1) }
        return feed.text
    }

    /// Windows in zones with gaps and overlaps, as python3-icalendar reads the feed and dateutil follows it: the same instants,
    /// and the calendar is well formed.
    @Test func aRealCalendarLibraryReadsTheFeed() throws {
        var generator = RuleGenerator(seed: 31)
        var windows: [(MaintenanceWindow, Zone)] = []
        for index in 0..<120 {
            let name = generator.pick(RecurrenceOracleTests.zones)
            let zone = try ZoneFiles.zone(name)
            let first = CivilDate(daysSinceEpoch: generator.number(20_500...21_200))
            let second = generator.chance(50) ? generator.number(0...14) * 900 : generator.number(0...1439) * 60
            var text = generator.rule()
            if !text.contains("COUNT"), generator.chance(30) { text += ";UNTIL=20280301" }
            let plain = try MaintenanceWindow(
                id: "w\(index)", rule: RecurrenceRule(text), firstDay: first, secondOfDay: second,
                plusDays: generator.chance(30) ? generator.number(-3...3) : 0, minutes: 90, clocks: .zone(name),
                gapPolicy: generator.chance(30) ? .skip : .shift)
            var overrides: [WindowOverride] = []
            let some = plain.occurrences(from: from, to: to, in: zone)
            for (number, occurrence) in some.prefix(3).enumerated() where generator.chance(50) {
                let elsewhere = try LocalTime(String(occurrence.id.start.description.prefix(11)) + "13:05")
                overrides.append(
                    .init(
                        start: occurrence.id.start,
                        change: [.cancelled, .moved(to: elsewhere, minutes: nil), .resized(minutes: 45)][number]))
            }
            windows.append(
                (
                    try MaintenanceWindow(
                        id: "w\(index)", rule: plain.rule, firstDay: first, secondOfDay: second,
                        plusDays: plain.plusDays,
                        minutes: 90, clocks: plain.clocks, gapPolicy: plain.gapPolicy,
                        excludedDays: some.dropFirst(4).prefix(1).map(\.id.start.date),
                        extraStarts: generator.chance(20) ? [LocalTime("2027-07-07T07:07")] : [], overrides: overrides),
                    zone
                ))
        }
        let text = feed(windows)
        let theirs = try Python.run(
            """
            import sys, datetime, zoneinfo, icalendar, types
            import dateutil.rrule
            dateutil.rrule.datetime = types.SimpleNamespace(**{**vars(datetime), 'MAXYEAR': 2040})
            from dateutil.rrule import rrulestr, rruleset
            utc = datetime.timezone.utc
            text = sys.stdin.buffer.read()
            assert all(len(line) <= 75 for line in text.split(b'\\r\\n')), 'folding'
            calendar = icalendar.Calendar.from_ical(text)
            assert calendar['X-WR-CALNAME'] == 'Group web; Hamburg, all', calendar['X-WR-CALNAME']
            zones = {}
            for zone in calendar.walk('VTIMEZONE'): zones[str(zone['TZID'])] = zone
            bounds = [datetime.datetime.fromtimestamp(\(from.seconds), utc), datetime.datetime.fromtimestamp(\(to.seconds), utc)]
            found = {}
            def aware(event, prop):
                value = prop.dt
                name = prop.params.get('TZID')
                if name:
                    assert name in zones, name
                    value = value.replace(tzinfo=zoneinfo.ZoneInfo(name))
                return value
            def every(event, name):
                values = event.get(name, [])
                for group in values if isinstance(values, list) else [values]:
                    zone = group.params.get('TZID')
                    for item in group.dts:
                        yield item.dt.replace(tzinfo=zoneinfo.ZoneInfo(zone)) if zone else item.dt
            events = calendar.walk('VEVENT')
            assert text.count(b'\\r\\nCATEGORIES:WINDOW\\r\\n') == len(events)
            raw = {}
            for line in text.decode().replace('\\r\\n ', '').splitlines():
                if line.startswith('UID:'): last = line[4:]
                if line.startswith('RRULE:'): raw[last] = line[6:]
            changed = {}
            for event in events:
                assert event['SUMMARY'].startswith('Window '), event['SUMMARY']
                assert event['SEQUENCE'] == 3
                if 'RECURRENCE-ID' in event:
                    moved = aware(event, event['RECURRENCE-ID'])
                    changed.setdefault(str(event['UID']), set()).add(moved.astimezone(utc))
            for event in events:
                uid = str(event['UID'])
                key = str(event['X-FETTLE-ID']).split('-')[0]
                start = aware(event, event['DTSTART'])
                length = int(event['DURATION'].dt.total_seconds()) // 60
                starts = found.setdefault(key, set())
                rules = rruleset()
                rules.rdate(start)
                if 'RRULE' in event:
                    rule = event['RRULE']
                    # icalendar 4 reads no ordinal of two digits, which RFC 5545 has: then the line itself
                    rule = rule.to_ical().decode() if rule else raw[uid]
                    rules.rrule(rrulestr(rule, dtstart=start))
                for day in every(event, 'RDATE'): rules.rdate(day)
                for day in every(event, 'EXDATE'): rules.exdate(day)
                for local in rules:
                    instant = local.astimezone(utc)
                    if instant >= bounds[1] + datetime.timedelta(days=2): break
                    if 'RECURRENCE-ID' not in event and instant in changed.get(uid, ()): continue
                    if instant + datetime.timedelta(minutes=length) > bounds[0] and instant < bounds[1]:
                        starts.add((int(instant.timestamp()), length))
            for key in sorted(found):
                print(key, ' '.join('%d/%d' % pair for pair in sorted(found[key])))
            """, input: text)
        var expected: [String: String] = [:]
        for (window, zone) in windows {
            let starts = Set(
                window.occurrences(from: from, to: to, in: zone).map { [$0.start.seconds, $0.seconds / 60] })
            expected[window.id] = starts.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }.map { "\($0[0])/\($0[1])" }
                .joined(separator: " ")
        }
        var seen = 0
        for line in theirs {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let window = windows.first { $0.0.id == parts[0] }
            #expect(expected[parts[0]] == parts[1], "\(window.map { "\($0.0)" } ?? parts[0])")
            seen += 1
            expected[parts[0]] = nil
        }
        #expect(expected.values.allSatisfy { $0.isEmpty })
        #expect(seen > 90)
    }

    /// What the feed says, the reader understands: the same occurrences.
    @Test func theReaderReadsTheFeed() throws {
        var windows: [(MaintenanceWindow, Zone)] = []
        for (index, name) in RecurrenceOracleTests.zones.enumerated() {
            let start = try LocalTime("2026-11-03T02:30")
            windows.append(
                (
                    try MaintenanceWindow(
                        id: "w\(index)", rule: RecurrenceRule("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU"),
                        firstDay: start.date,
                        secondOfDay: start.secondOfDay, minutes: 240, clocks: .zone(name),
                        excludedDays: [LocalTime("2026-11-15T00:00").date],
                        overrides: [
                            .init(start: LocalTime("2026-11-17T02:30"), change: .cancelled),
                            .init(
                                start: LocalTime("2026-11-29T02:30"),
                                change: .moved(to: LocalTime("2026-11-30T03:00"), minutes: 60)),
                            .init(start: LocalTime("2026-12-01T02:30"), change: .resized(minutes: 300)),
                        ]), try ZoneFiles.zone(name)
                ))
        }
        let freeze = try Freeze(
            id: "xmas", reason: "Christmas, all",
            span: .yearly(from: #require(.init("12-20")), through: #require(.init("01-06")), .zone("UTC")))
        let read = try reader.read(Array(feed(windows, [freeze]).utf8))
        #expect(read.notes.isEmpty)
        #expect(read.windows.map(\.id) == windows.map(\.0.id))
        for (index, (window, zone)) in windows.enumerated() {
            let mine = window.occurrences(from: from, to: to, in: zone).map { [$0.start, $0.end] }
            #expect(read.windows[index].occurrences(from: from, to: to, in: zone).map { [$0.start, $0.end] } == mine)
        }
        #expect(read.freezes.count == 3)
        #expect(read.freezes.allSatisfy { $0.reason == "Christmas, all" })
        #expect(
            read.freezes.flatMap { $0.stretches(from: from, to: to, in: .utc) }
                == freeze.stretches(from: from, to: to, in: .utc))
    }

    private func calendar(_ lines: String) -> [UInt8] {
        Array("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a@b\n\(lines)\nEND:VEVENT\nEND:VCALENDAR\n".utf8)
    }

    /// As other programs write them.
    @Test func foreignCalendars() throws {
        let text = """
            BEGIN:VCALENDAR\r
            BEGIN:VTIMEZONE\r
            TZID:Mitteleuropa\r
            X-LIC-LOCATION:Europe/Berlin\r
            BEGIN:STANDARD\r
            DTSTART:19701025T030000\r
            END:STANDARD\r
            END:VTIMEZONE\r
            BEGIN:VEVENT\r
            UID:1/x y@z\r
            RECURRENCE-ID:20261208T210000Z\r
            STATUS:CANCELLED\r
            DTSTART:20261208T210000Z\r
            END:VEVENT\r
            BEGIN:VEVENT\r
            UID:1/x y@z\r
            SUMMARY:Patch \r
             night\r
            DTSTART;TZID="Mitteleuropa":20261201T220000\r
            DTEND;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20261202T020000\r
            RRULE:FREQ=WEEKLY;BYDAY=TU;UNTIL=20270101T000000Z\r
            EXDATE;TZID=Europe/Berlin:20261215T220000,20261216T220001\r
            RDATE:20261224T100000Z\r
            BEGIN:VALARM\r
            TRIGGER:-PT15M\r
            END:VALARM\r
            END:VEVENT\r
            BEGIN:VTODO\r
            END:VTODO\r
            BEGIN:VEVENT\r
            UID:2\r
            STATUS:CANCELLED\r
            END:VEVENT\r
            BEGIN:VEVENT\r
            DTSTART:20261201T220000\r
            DURATION:PT1H30M\r
            END:VEVENT\r
            END:VCALENDAR\r

            """
        let read = try reader.read(Array(text.utf8))
        #expect(read.windows.map(\.id) == ["1-x-y", "line-34"])
        #expect(read.windows.map(\.clocks) == [.zone("Europe/Berlin"), .host])
        #expect(read.windows.map(\.minutes) == [240, 90])
        let starts = read.windows[0].occurrences(from: from, to: to, in: try ZoneFiles.zone("Europe/Berlin"))
        #expect(
            starts.map(\.localStart.description) == [
                "2026-12-01T22:00", "2026-12-22T22:00", "2026-12-24T11:00", "2026-12-29T22:00",
            ])
        #expect(read.notes.count == 3)
        #expect(read.notes.contains { $0.hasPrefix("line 22: EXDATE 2026-12-16T22:00:01") })
    }

    @Test(arguments: [
        ("DURATION:PT1H", 3, "no DTSTART"), ("DTSTART:20261201T220000", 3, "no end"),
        ("DTSTART:20261201T220000\nDURATION:P1D", 6, "PT24H"),
        ("DTSTART:20261201T220000\nDTEND:20261201T210000", 6, "-3600 seconds"),
        ("DTSTART;TZID=W. Europe Standard Time:20261201T220000\nDURATION:PT1H", 5, "IANA names"),
        ("DTSTART:20261301T220000\nDURATION:PT1H", 5, "no time"),
        ("DTSTART;TZID=Europe/Berlin:20261201T220000Z", 5, "keep one"),
        ("DTSTART;VALUE=DATE:20261201", 5, "whole days"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nRRULE:FREQ=HOURLY", 7, "FREQ=HOURLY"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=MO", 7, "begin on 2026-12-07"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY", 8, "second RRULE"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nEXRULE:FREQ=DAILY", 7, "EXDATE"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20261201T220000Z/PT1H", 7, "PERIOD"),
        ("DTSTART:20261201T220000\nDURATION:PT1H\nEXDATE:20261201T220000Z", 7, "give both one"),
        ("DTSTART:20261201T220000\nDURATION:PT200H", 3, "12000 minutes"),
        (
            "DTSTART:20261201T220000\nDURATION:PT1H\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261201T220000", 3,
            "not in this calendar"
        ),
        ("BEGIN:VALARM\nBEGIN:X\nBEGIN:Y", 7, "4 deep"), ("no colon", 5, "no NAME:VALUE"),
        ("END:VCALENDAR", 5, "ends nothing"),
    ])
    func whatCannotMeanTheSameIsRefused(_ lines: String, _ line: Int, _ cure: String) {
        let error = #expect(throws: ICalendarError.self) { try reader.read(calendar(lines)) }
        #expect(error?.line == line, "\(error?.description ?? "")")
        #expect(error?.description.contains(cure) == true, "\(error?.description ?? "")")
    }

    @Test func limitsHold() throws {
        for text in ["", "x", "BEGIN:VEVENT\n", "BEGIN:VCALENDAR\n", " folded\n", "A:b\n"] {
            #expect(throws: ICalendarError.self) { try reader.read(Array(text.utf8)) }
        }
        #expect(throws: ICalendarError.self) {
            try reader.read([UInt8](repeating: 0x0A, count: ICalendarReader.maximumBytes + 1))
        }
        #expect(throws: ICalendarError.self) { try reader.read([UInt8](repeating: 0x0A, count: 200_000)) }
        #expect(throws: ICalendarError.self) {
            try reader.read(Array(("A:" + String(repeating: "b", count: 70_000)).utf8))
        }
        #expect(throws: ICalendarError.self) { try reader.read([0x41, 0x3A, 0xFF]) }
        let many = String(repeating: "BEGIN:VEVENT\nEND:VEVENT\n", count: 2001)
        #expect(throws: ICalendarError.self) { try reader.read(Array("BEGIN:VCALENDAR\n\(many)END:VCALENDAR\n".utf8)) }
    }

    /// Whatever becomes of a calendar on its way, the reader answers with windows or a line.
    @Test func damagedCalendarsNeverTrap() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        let window = try MaintenanceWindow(
            id: "w", rule: RecurrenceRule("FREQ=MONTHLY;BYDAY=2TU"), secondOfDay: 9000, minutes: 240,
            clocks: .zone("Europe/Berlin"),
            extraStarts: [LocalTime("2026-12-24T10:00")],
            overrides: [.init(start: LocalTime("2026-12-08T02:30"), change: .resized(minutes: 60))])
        let whole = Array(feed([(window, berlin)]).utf8)
        let reader = ICalendarReader { $0 == "Europe/Berlin" ? berlin : nil }
        var generator = RuleGenerator(seed: 8)
        var good = 0
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<generator.number(1...4) {
                let at = generator.number(0...bytes.count - 1)
                switch generator.number(0...4) {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: generator.next())
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(contentsOf: bytes[at..<min(at + generator.number(1...90), bytes.count)], at: at)
                case 3: bytes[at] = generator.pick(Array("0129:;,=TZPM-\n \"".utf8))
                default: bytes.removeSubrange(at..<min(at + generator.number(1...200), bytes.count))
                }
                if bytes.isEmpty { bytes = [0x0A] }
            }
            if let read = try? reader.read(bytes) {
                good += 1
                for window in read.windows {
                    _ = window.occurrences(from: from, to: from.adding(seconds: 90 * 86_400), in: berlin)
                }
                for freeze in read.freezes { _ = freeze.stretches(from: from, to: to, in: berlin) }
            }
        }
        #expect(good > 100)
    }

    private func read(_ lines: String) throws -> (starts: [String], notes: [String]) {
        let read = try reader.read(calendar(lines))
        let found = read.windows[0].occurrences(
            from: Timestamp(seconds: 1_767_225_600), to: Timestamp(seconds: 1_798_761_600),
            in: try ZoneFiles.zone("Europe/Berlin"))
        return (found.map { "\($0.start)+\($0.seconds / 60)" }, read.notes)
    }

    /// Exceptions in UTC of a start that the clocks jump over (02:30 on 2026-03-29 is 01:30Z there).
    @Test func exceptionsInUTCFindAStartInAGap() throws {
        let event = "DTSTART;TZID=Europe/Berlin:20260322T023000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=3"
        let plain = try read(event).starts
        #expect(plain == ["2026-03-22T01:30:00Z+60", "2026-03-29T01:30:00Z+60", "2026-04-05T00:30:00Z+60"])
        for exception in [
            "EXDATE:20260329T013000Z", "EXDATE;TZID=Europe/Berlin:20260329T023000",
            "EXDATE;TZID=Europe/Berlin:20260329T033000", "EXDATE;TZID=America/New_York:20260328T213000",
        ] {
            let found = try read("\(event)\n\(exception)")
            #expect(found.starts == [plain[0], plain[2]], "\(exception)")
            #expect(found.notes.isEmpty, "\(exception)")
        }
        let moved = "\(event)\nEND:VEVENT\nBEGIN:VEVENT\nUID:a@b\nRECURRENCE-ID:20260329T013000Z\n"
        #expect(try read(moved + "STATUS:CANCELLED\nDTSTART:20260329T013000Z").starts == [plain[0], plain[2]])
        #expect(
            try read(moved + "DTSTART:20260330T100000Z\nDURATION:PT2H").starts
                == [plain[0], "2026-03-30T10:00:00Z+120", plain[2]])
        // A date of RDATE in the gap, taken back in UTC.
        let date = "DTSTART;TZID=Europe/Berlin:20260401T220000\nDURATION:PT1H\nRDATE;TZID=Europe/Berlin:20260329T023000"
        #expect(try read(date).starts.count == 2)
        #expect(try read("\(date)\nEXDATE:20260329T013000Z").starts == ["2026-04-01T20:00:00Z+60"])
    }

    /// 02:30 comes twice on 2026-10-25 in Berlin, at 00:30Z and 01:30Z; a window begins the first time.
    @Test func theSecondPassOfAnOverlapIsAnotherTime() throws {
        let event = "DTSTART;TZID=Europe/Berlin:20261025T023000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=2"
        #expect(try read("\(event)\nEXDATE:20261025T003000Z").starts == ["2026-11-01T01:30:00Z+60"])
        let second = try read("\(event)\nEXDATE:20261025T013000Z")
        #expect(second.starts == ["2026-10-25T00:30:00Z+60", "2026-11-01T01:30:00Z+60"])
        #expect(second.notes.contains { $0.contains("2026-10-25T01:30:00Z") && $0.contains("no start") })
        let change = "\(event)\nEND:VEVENT\nBEGIN:VEVENT\nUID:a@b\nRECURRENCE-ID:"
        for lines in [
            "\(event)\nRDATE:20261025T013000Z", change + "20261025T013000Z\nSTATUS:CANCELLED\nDTSTART:20261025T013000Z",
            change + "20261025T003000Z\nDTSTART:20261025T013000Z\nDURATION:PT1H",
        ] {
            let error = #expect(throws: ICalendarError.self) { try read(lines) }
            #expect(error?.description.contains("2026-10-25T0") == true, "\(error?.description ?? "")")
        }
    }

    /// python-dateutil follows the rule, and every start loses those whose instant an EXDATE in UTC names.
    @Test func exceptionsInUTCAgreeWithDateutil() throws {
        var generator = RuleGenerator(seed: 77)
        var lines: [String] = []
        var expected: [String] = []
        for name in RecurrenceOracleTests.zones {
            let zone = try ZoneFiles.zone(name)
            for _ in 0..<12 {
                let first = try LocalTime("2026-01-04T00:00").date.adding(days: generator.number(0...6))
                let second = generator.number(0...47) * 1800
                let start = try #require(LocalTime(date: first, secondOfDay: second))
                let text = { (time: Timestamp) in time.description.filter { $0 != "-" && $0 != ":" } }
                // Near changes of the clocks above all.
                var exceptions: [String] = []
                for change in zone.transitions(from: 1_767_225_600, to: 1_798_761_600) {
                    for _ in 0..<6 {
                        let at = Timestamp(seconds: (change.at / 1800 + Int64(generator.number(-5...5))) * 1800)
                        exceptions.append(text(at))
                    }
                    let near = zone.localTime(at: Timestamp(seconds: change.at)).date
                    for day in [-1, 0, 1] {
                        if let planned = LocalTime(date: near.adding(days: day), secondOfDay: second) {
                            exceptions.append(text(zone.instant(of: planned).time))
                        }
                    }
                }
                let local = start.description.filter { $0 != "-" && $0 != ":" } + "00"
                let stamp = String(local.prefix(15))
                let tz = name == "UTC" ? ":\(stamp)Z" : ";TZID=\(name):\(stamp)"
                let event =
                    "DTSTART\(tz)\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=360"
                    + exceptions.map { "\nEXDATE:\($0)" }.joined()
                let read = try reader.read(calendar(event))
                let found = read.windows[0].occurrences(
                    from: Timestamp(seconds: 1_760_000_000), to: Timestamp(seconds: 1_805_000_000), in: zone)
                expected.append(Set(found.map(\.start.seconds)).sorted().map(String.init).joined(separator: " "))
                lines.append("\(name)\t\(stamp)\t\(exceptions.joined(separator: ","))\n")
            }
        }
        let theirs = try Python.run(
            """
            import sys, datetime, zoneinfo
            from dateutil.rrule import rrule, DAILY
            utc = datetime.timezone.utc
            for line in sys.stdin:
                name, start, gone = line.rstrip('\\n').split('\\t')
                zone = zoneinfo.ZoneInfo(name)
                first = datetime.datetime.strptime(start, '%Y%m%dT%H%M%S')
                out = {datetime.datetime.strptime(t, '%Y%m%dT%H%M%SZ').replace(tzinfo=utc) for t in gone.split(',') if t}
                starts = {day.replace(tzinfo=zone).astimezone(utc) for day in rrule(DAILY, dtstart=first, count=360)}
                print(' '.join(str(int(t.timestamp())) for t in sorted(starts - out)))
            """, input: lines.joined())
        #expect(theirs == expected)
    }

    /// A cancelled or moved start that the clocks jump over is cancelled or moved in the feed too.
    @Test func changesOfAStartInAGapGoOutAndIn() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        for change in [
            WindowOverride.Change.cancelled, .resized(minutes: 240),
            .moved(to: try LocalTime("2027-03-29T05:00"), minutes: nil),
        ] {
            let window = try MaintenanceWindow(
                id: "w", rule: RecurrenceRule("FREQ=WEEKLY;BYDAY=SU"), secondOfDay: 9000, minutes: 60,
                clocks: .zone("Europe/Berlin"),
                overrides: [.init(start: LocalTime("2027-03-28T02:30"), change: change)])
            let read = try reader.read(Array(feed([(window, berlin)]).utf8))
            func spans(_ window: MaintenanceWindow) -> [[Timestamp]] {
                window.occurrences(from: from, to: to, in: berlin).map { [$0.start, $0.end] }
            }
            #expect(spans(read.windows[0]) == spans(window), "\(change)")
        }
    }

    /// EXDATE takes from the dates too, not from the rule's alone.
    @Test func excludedDaysTakeExtraStarts() throws {
        let night = try MaintenanceWindow(
            id: "w", rule: RecurrenceRule("FREQ=MONTHLY;BYDAY=2TU"), secondOfDay: 79_200, minutes: 60, clocks: .host,
            excludedDays: [LocalTime("2026-12-24T00:00").date],
            extraStarts: [LocalTime("2026-12-24T22:00"), LocalTime("2026-12-24T10:00"), LocalTime("2026-12-25T22:00")])
        let starts = night.occurrences(
            from: try #require(Timestamp(rfc3339: "2026-12-01T00:00:00Z")),
            to: try #require(Timestamp(rfc3339: "2027-01-01T00:00:00Z")), in: .utc
        ).map(\.localStart.description)
        #expect(starts == ["2026-12-08T22:00", "2026-12-24T10:00", "2026-12-25T22:00"])
        #expect(!night.has(try LocalTime("2026-12-24T22:00"), in: .utc))
    }
}
