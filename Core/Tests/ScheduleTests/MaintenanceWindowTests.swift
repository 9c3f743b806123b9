import Rollout
import Schedule
import Testing
import Timestamps

@Suite struct MaintenanceWindowTests {
    private func local(_ text: String) throws -> LocalTime { try LocalTime(text) }
    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    private func window(
        _ rule: String?, _ start: String, _ minutes: Int64, _ zone: String, id: String = "w", plus: Int = 0,
        gap: MaintenanceWindow.GapPolicy = .shift, excluded: [String] = [], extra: [String] = [],
        overrides: [WindowOverride] = []
    ) throws -> MaintenanceWindow {
        let start = try local(start)
        return try MaintenanceWindow(
            id: id, rule: rule.map { try RecurrenceRule($0) }, firstDay: start.date, secondOfDay: start.secondOfDay,
            plusDays: plus, minutes: minutes, clocks: .zone(zone), gapPolicy: gap,
            excludedDays: excluded.map { try local($0 + "T00:00").date }, extraStarts: extra.map(local),
            overrides: overrides)
    }

    private func calendar(_ windows: [MaintenanceWindow], freezes: [Freeze] = []) throws -> WindowCalendar {
        let names = windows.map(\.clocks) + freezes.compactMap(\.clocks)
        return try WindowCalendar(
            windows: windows, freezes: freezes,
            zones: WindowZones(
                named: names.compactMap {
                    guard case .zone(let name) = $0 else { return nil }
                    return try ZoneFiles.zone(name)
                }))
    }

    /// Every case of rollouts.md 4.1 and 4.2 and the issue: the day before, the day of the change, and the day after.
    @Test(arguments: [
        // New York: 02:30 does not exist on the 8th of March, 01:30 comes twice on the 1st of November.
        ("America/New_York", "2026-03-07T02:30", "07:30 07:30* 06:30"),
        ("America/New_York", "2026-10-31T01:30", "05:30 05:30+ 06:30"),
        ("Europe/Berlin", "2026-03-28T02:30", "01:30 01:30* 00:30"),
        ("Europe/Berlin", "2026-10-24T02:30", "00:30 00:30+ 01:30"),
        // Half an hour.
        ("Australia/Lord_Howe", "2026-10-03T02:15", "15:45 15:45* 15:15"),
        ("Australia/Lord_Howe", "2026-04-04T01:45", "14:45 14:45+ 15:15"),
        // At midnight.
        ("America/Sao_Paulo", "2018-11-03T00:00", "03:00 03:00* 02:00"),
        ("Africa/Cairo", "2024-04-25T00:30", "22:30 22:30* 21:30"),
        ("Asia/Tehran", "2022-03-21T00:30", "21:00 21:00* 20:00"),
        // Ramadan.
        ("Africa/Casablanca", "2024-03-09T02:30", "01:30 01:30+ 02:30"),
        ("Africa/Casablanca", "2024-04-13T02:30", "02:30 02:30* 01:30"),
        // Two hours, and a change on the evening before.
        ("Antarctica/Troll", "2026-03-28T02:00", "02:00 02:00* 00:00"),
        ("America/Nuuk", "2023-03-24T22:30", "01:30 01:30* 00:30"),
        // A day that never was: its window is the next day's.
        ("Pacific/Apia", "2011-12-29T12:00", "22:00 22:00* 22:00"),
    ])
    func clockChanges(_ zone: String, _ first: String, _ starts: String) throws {
        let rule = "FREQ=DAILY;COUNT=3"
        let found = try window(rule, first, 60, zone).nextOccurrences(
            after: time("2000-01-01T00:00:00Z"), limit: 9, in: ZoneFiles.zone(zone))
        #expect(found.count == 3)
        let sorted = found.sorted { $0.id.start < $1.id.start }
        let text = sorted.map { occurrence in
            let mark = occurrence.resolution == .shifted ? "*" : occurrence.resolution == .first ? "+" : ""
            return occurrence.start.description.dropFirst(11).prefix(5) + mark
        }
        #expect(text.joined(separator: " ") == starts)
        #expect(found.allSatisfy { $0.seconds == 3600 })
        // Skipped, the day is none, and COUNT counts on.
        let skipped = try window(rule, first, 60, zone, gap: .skip).nextOccurrences(
            after: time("2000-01-01T00:00:00Z"), limit: 9, in: ZoneFiles.zone(zone))
        #expect(skipped.count == 3)
        #expect(skipped.allSatisfy { $0.resolution != .shifted })
        #expect(skipped.map(\.id.start).contains(sorted[1].id.start) == (sorted[1].resolution != .shifted))
    }

    /// A window over a change has its length, and says what the clocks show at its end; the notes name both times.
    @Test func clockChangesAreSaid() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        let over = try window("FREQ=YEARLY", "2026-10-24T22:00", 480, "Europe/Berlin")
            .nextOccurrences(after: time("2026-01-01T00:00:00Z"), limit: 1, in: berlin)[0]
        #expect(over.start.description == "2026-10-24T20:00:00Z")
        #expect(over.end.description == "2026-10-25T04:00:00Z")
        #expect(over.note(in: berlin)?.contains("back by 60 minutes in it: it ends at 2026-10-25T05:00") == true)
        let gap = try window("FREQ=YEARLY", "2026-03-29T02:30", 60, "Europe/Berlin")
            .nextOccurrences(after: time("2026-01-01T00:00:00Z"), limit: 1, in: berlin)[0]
        #expect(gap.note(in: berlin)?.contains("jump over 2026-03-29T02:30: it begins at 2026-03-29T03:30") == true)
    }

    /// A Friday window over midnight is open on Saturday at 01:00 and shut on Friday at 01:00 (kured's mistake).
    @Test func midnightBelongsToTheDayBefore() throws {
        let calendar = try calendar([window("FREQ=WEEKLY;BYDAY=FR", "2026-11-20T22:00", 240, "UTC")])
        #expect(try calendar.isOpen(at: time("2026-11-28T01:00:00Z")))
        #expect(try !calendar.isOpen(at: time("2026-11-27T01:00:00Z")))
        #expect(try calendar.isOpen(at: time("2026-11-27T22:00:00Z")))
        #expect(try !calendar.isOpen(at: time("2026-11-28T02:00:00Z")))
        #expect(
            calendar.nextOpenings(after: try time("2026-11-28T01:00:00Z"), limit: 1)[0].occurrences[0].description
                == "w/2026-11-27T22:00")
    }

    /// "Second Tuesday plus three days", where the days cross the month's end too.
    @Test func daysAfterARelease() throws {
        let utc = Zone.utc
        let patch = try window("FREQ=MONTHLY;BYDAY=2TU", "2026-01-01T22:00", 240, "UTC", plus: 3)
        let found = patch.nextOccurrences(after: try time("2026-11-01T00:00:00Z"), limit: 3, in: utc)
        #expect(found.map(\.localStart.description) == ["2026-11-13T22:00", "2026-12-11T22:00", "2027-01-15T22:00"])
        let last = try window("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01T22:00", 240, "UTC", plus: 3)
        let next = last.nextOccurrences(after: try time("2026-10-01T00:00:00Z"), limit: 2, in: utc)
        #expect(next.map(\.localStart.description) == ["2026-11-02T22:00", "2026-11-30T22:00"])
        let quarterly = try window("FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=3TU", "2026-01-01T22:00", 240, "UTC", plus: -2)
        #expect(
            quarterly.nextOccurrences(after: try time("2026-02-01T00:00:00Z"), limit: 4, in: utc).map(
                \.localStart.description)
                == ["2026-04-19T22:00", "2026-07-19T22:00", "2026-10-18T22:00", "2027-01-17T22:00"])
        // An end in UTC is of the release's day (ical.net#736: in an overlap it is the first time).
        let until = try window("FREQ=DAILY;UNTIL=20201025T003000Z", "2020-10-23T02:30", 60, "Europe/Amsterdam")
        #expect(
            until.nextOccurrences(
                after: try time("2020-01-01T00:00:00Z"), limit: 9, in: try ZoneFiles.zone("Europe/Amsterdam")
            ).count == 3)
        let before = try window("FREQ=DAILY;UNTIL=20201025T002959Z", "2020-10-23T02:30", 60, "Europe/Amsterdam")
        #expect(
            before.nextOccurrences(
                after: try time("2020-01-01T00:00:00Z"), limit: 9, in: try ZoneFiles.zone("Europe/Amsterdam")
            ).count == 2)
    }

    @Test func overridesChangeOneOccurrence() throws {
        let window = try window(
            "FREQ=WEEKLY;BYDAY=TU", "2026-12-01T22:00", 120, "UTC", excluded: ["2027-01-12"],
            overrides: [
                .init(start: local("2026-12-08T22:00"), change: .cancelled),
                .init(start: local("2026-12-15T22:00"), change: .moved(to: local("2027-02-03T20:00"), minutes: nil)),
                .init(start: local("2026-12-22T22:00"), change: .resized(minutes: 300)),
                .init(start: local("2026-12-24T08:00"), change: .extra(minutes: 60)),
                .init(start: local("2026-12-30T22:00"), change: .cancelled),
                .init(start: local("2027-01-12T22:00"), change: .moved(to: local("2027-01-13T22:00"), minutes: nil)),
            ])
        let found = window.nextOccurrences(after: try time("2026-12-01T00:00:00Z"), limit: 12, in: .utc)
        #expect(
            found.map { "\($0.localStart) \($0.seconds / 60)" } == [
                "2026-12-01T22:00 120", "2026-12-22T22:00 300", "2026-12-24T08:00 60", "2026-12-29T22:00 120",
                "2027-01-05T22:00 120", "2027-01-19T22:00 120", "2027-01-26T22:00 120", "2027-02-02T22:00 120",
                "2027-02-03T20:00 120", "2027-02-09T22:00 120", "2027-02-16T22:00 120", "2027-02-23T22:00 120",
            ])
        // It keeps its name wherever it goes: a host starts at most once in it.
        #expect(found.first { $0.localStart.description == "2027-02-03T20:00" }?.id.description == "w/2026-12-15T22:00")
        #expect(
            window.danglingOverrides(in: .utc).map(\.start.description) == ["2026-12-30T22:00", "2027-01-12T22:00"])
    }

    @Test func freezesWin() throws {
        let weekly = try window("FREQ=DAILY", "2026-12-01T22:00", 240, "Europe/Berlin")
        let yearly = try Freeze(
            id: "christmas", reason: "Christmas trade",
            span: .yearly(from: #require(.init("12-20")), through: #require(.init("01-06")), .zone("Europe/Berlin")))
        let absolute = try Freeze(
            id: "cut", reason: "Cut-over",
            span: .instants(from: time("2026-12-10T22:00:00Z"), to: time("2026-12-10T23:00:00Z")))
        let calendar = try calendar([weekly], freezes: [yearly, absolute])
        // Shut in the middle: two openings of one occurrence.
        let cut = calendar.openings(from: try time("2026-12-10T12:00:00Z"), to: try time("2026-12-11T12:00:00Z"))
        #expect(
            cut.map { "\($0.start) \($0.end)" } == [
                "2026-12-10T21:00:00Z 2026-12-10T22:00:00Z", "2026-12-10T23:00:00Z 2026-12-11T01:00:00Z",
            ])
        #expect(cut[0].occurrences == cut[1].occurrences)
        // The window of the 19th is cut at midnight in Berlin, and that of the 6th of January is none.
        let around = calendar.openings(from: try time("2026-12-19T12:00:00Z"), to: try time("2027-01-08T12:00:00Z"))
        #expect(
            around.map { "\($0.start) \($0.end)" } == [
                "2026-12-19T21:00:00Z 2026-12-19T23:00:00Z", "2027-01-06T23:00:00Z 2027-01-07T01:00:00Z",
                "2027-01-07T21:00:00Z 2027-01-08T01:00:00Z",
            ])
        #expect(calendar.freezes(at: try time("2026-12-31T12:00:00Z")).map(\.id) == ["christmas"])
        #expect(try !calendar.isOpen(at: time("2030-12-24T22:00:00Z")))
    }

    /// Overrides are ordinary unless they say that they hold in a freeze, and then only for who has that signed.
    @Test func onlyASignedOverrideHoldsInAFreeze() throws {
        let freeze = try Freeze(
            id: "f", reason: "Audit",
            span: .local(from: local("2026-12-10T00:00"), to: local("2026-12-12T00:00"), .zone("UTC")))
        for overrides in [false, true] {
            let window = try window(
                "FREQ=WEEKLY;BYDAY=TU", "2026-12-01T22:00", 120, "UTC",
                overrides: [
                    .init(start: local("2026-12-11T23:00"), change: .extra(minutes: 120), overridesFreeze: overrides)
                ])
            let calendar = try calendar([window], freezes: [freeze])
            let inside = try time("2026-12-11T23:30:00Z")
            #expect(!calendar.isOpen(at: inside))
            #expect(calendar.isOpen(at: inside, overridingFreezes: true) == overrides)
            let found = calendar.openings(
                from: try time("2026-12-11T00:00:00Z"), to: try time("2026-12-13T00:00:00Z"), overridingFreezes: true)
            #expect(found.count == 1)
            #expect(found[0].overridesFreeze == overrides)
            #expect(found[0].seconds == (overrides ? 7200 : 3600))
        }
    }

    /// A freeze is never shorter than somebody may have meant, where clocks change at its ends.
    @Test func freezesAreTheLongerAtClockChanges() throws {
        let berlin = try ZoneFiles.zone("Europe/Berlin")
        let autumn = try Freeze(
            id: "a", reason: "r",
            span: .local(from: local("2026-10-25T02:30"), to: local("2026-10-25T02:45"), .zone("Europe/Berlin")))
        let stretch = autumn.stretches(
            from: try time("2026-10-24T00:00:00Z"), to: try time("2026-10-26T00:00:00Z"), in: berlin)
        #expect(stretch == [try time("2026-10-25T00:30:00Z")..<time("2026-10-25T01:45:00Z")])
        let spring = try Freeze(
            id: "s", reason: "r",
            span: .local(from: local("2026-03-29T02:30"), to: local("2026-03-29T02:40"), .zone("Europe/Berlin")))
        #expect(
            spring.stretches(from: try time("2026-03-28T00:00:00Z"), to: try time("2026-03-30T00:00:00Z"), in: berlin)
                == [try time("2026-03-29T00:30:00Z")..<time("2026-03-29T01:40:00Z")])
    }

    @Test func windowsAreUnited() throws {
        let calendar = try calendar([
            window("FREQ=DAILY", "2026-12-01T22:00", 120, "UTC", id: "night"),
            window("FREQ=WEEKLY;BYDAY=SA", "2026-12-01T00:00", 600, "UTC", id: "weekend"),
            window("FREQ=WEEKLY;BYDAY=SU", "2026-12-01T23:00", 10, "UTC", id: "inside"),
        ])
        let found = calendar.nextOpenings(after: try time("2026-12-04T12:00:00Z"), limit: 4)
        #expect(
            found.map { "\($0.start) \($0.end) \($0.occurrences.map(\.window).joined(separator: "+"))" } == [
                "2026-12-04T22:00:00Z 2026-12-05T10:00:00Z night+weekend",
                "2026-12-05T22:00:00Z 2026-12-06T00:00:00Z night",
                "2026-12-06T22:00:00Z 2026-12-07T00:00:00Z inside+night",
                "2026-12-07T22:00:00Z 2026-12-08T00:00:00Z night",
            ])
        // Two long ones a week apart stay two (googlecloudrobotics/core#575); what is always open is cut.
        let two = try self.calendar([window("FREQ=WEEKLY;BYDAY=MO,TH", "2026-12-01T00:00", 2160, "UTC")])
        #expect(
            two.nextOpenings(after: try time("2026-12-01T12:00:00Z"), limit: 4).map(\.seconds) == [
                129_600, 129_600, 129_600, 129_600,
            ])
        let always = try self.calendar([window("FREQ=DAILY", "2026-12-01T00:00", 1440, "UTC")])
        let cut = always.nextOpenings(after: try time("2027-12-01T12:00:00Z"), limit: 3)
        #expect(cut.count == 3)
        #expect(cut.allSatisfy { $0.seconds <= WindowCalendar.maximumOpening })
        #expect(zip(cut, cut.dropFirst()).allSatisfy { $0.end == $1.start })
    }

    /// Whatever the windows, freezes and zones: openings are sorted and apart, agree with `isOpen` and with each other, and
    /// a job that begins at the last safe moment is over at the end.
    @Test func openingsKeepTheirWord() throws {
        var generator = RuleGenerator(seed: 41)
        var asked = 0
        for _ in 0..<80 {
            let name = generator.pick(RecurrenceOracleTests.zones)
            var windows: [MaintenanceWindow] = []
            for index in 0..<generator.number(1...3) {
                let day = CivilDate(daysSinceEpoch: generator.number(15_000...20_000))
                windows.append(
                    try MaintenanceWindow(
                        id: "w\(index)", rule: RecurrenceRule(generator.rule()), firstDay: day,
                        secondOfDay: generator.number(0...95) * 900, plusDays: generator.number(-3...3),
                        minutes: Int64(generator.pick([5, 45, 240, 1440, 3000, 10_080])), clocks: .zone(name),
                        gapPolicy: generator.chance(50) ? .shift : .skip))
            }
            var freezes: [Freeze] = []
            if generator.chance(60) {
                freezes.append(
                    try Freeze(
                        id: "f", reason: "r",
                        span: .yearly(
                            from: #require(.init(month: generator.number(1...12), day: generator.number(1...28))),
                            through: #require(.init(month: generator.number(1...12), day: generator.number(1...28))),
                            .zone(name))))
            }
            let calendar = try calendar(windows, freezes: freezes)
            let start = Timestamp(
                seconds: Int64(generator.number(15_000...20_500)) * 86_400 + Int64(generator.number(0...86_399)))
            let found = calendar.nextOpenings(after: start, limit: 12)
            for (one, two) in zip(found, found.dropFirst()) {
                #expect(
                    one.end < two.start
                        || (one.end == two.start && one.seconds + two.seconds > WindowCalendar.maximumOpening))
            }
            for opening in found {
                asked += 1
                #expect(opening.start < opening.end && opening.end > start && !opening.occurrences.isEmpty)
                let edges = [
                    opening.start, opening.start.adding(seconds: opening.seconds / 2),
                    Timestamp(milliseconds: opening.end.milliseconds - 1),
                ]
                #expect(edges.allSatisfy { calendar.isOpen(at: $0) })
                #expect(edges.allSatisfy { calendar.freezes(at: $0).isEmpty })
                let needs = WindowNeeds(
                    changes: MeasuredDurations([Int64(generator.number(60...7200))]),
                    reboots: Int64(generator.number(0...2)),
                    rebootTimes: MeasuredDurations([]), rollsBack: generator.chance(50))
                if let last = opening.lastSafeStart(needs) {
                    #expect(last >= opening.start && last.adding(seconds: needs.total) <= opening.end)
                } else {
                    #expect(opening.seconds < needs.total)
                }
            }
            // Between two openings it is shut, and the next one after any time is the one that is listed.
            for (one, two) in zip(found, found.dropFirst()) where one.end < two.start {
                #expect(!calendar.isOpen(at: one.end))
                #expect(!calendar.isOpen(at: Timestamp(milliseconds: two.start.milliseconds - 1)))
                #expect(calendar.nextOpenings(after: one.end, limit: 1).first?.start == two.start)
            }
        }
        #expect(asked > 250)
    }

    @Test func theFitIsSaidWithNumbers() throws {
        let calendar = try calendar([window("FREQ=DAILY", "2026-12-01T22:00", 60, "UTC")])
        let now = try time("2026-12-01T12:00:00Z")
        let openings = calendar.nextOpenings(after: now, limit: 4)
        let short = WindowNeeds(
            changes: MeasuredDurations([600]), reboots: 1, rebootTimes: MeasuredDurations([]), rollsBack: true)
        #expect(
            WindowFit(short, in: openings, now: now)
                == .fits(openings[0], lastSafeStart: try time("2026-12-01T22:15:00Z")))
        #expect(
            WindowFit(short, in: openings, now: now).sentence(short)
                == "The window of 60 minutes from 2026-12-01T22:00:00Z holds the job's 45 minutes: 20 for the change, 15 to reboot, 10 to go back. It may begin until 2026-12-01T22:15:00Z."
        )
        // Too late today: tomorrow.
        let late = try time("2026-12-01T22:15:01Z")
        #expect(
            WindowFit(short, in: openings, now: late)
                == .fits(openings[1], lastSafeStart: try time("2026-12-02T22:15:00Z")))
        // 40 for the change, 20 to reboot: too much for one hour, not for two.
        let long = WindowNeeds(
            changes: MeasuredDurations(Array(1...19).map { Int64($0) * 60 } + Array(repeating: 2400, count: 20)),
            reboots: 1,
            rebootTimes: MeasuredDurations([960]), rollsBack: true)
        #expect([long.estimate, long.reboot, long.rollback] == [2400, 1200, 600])
        #expect(WindowFit(long, in: openings, now: now) == .tooShort(longest: 3600))
        #expect(
            WindowFit(long, in: openings, now: now).sentence(long).contains(
                "70 minutes: 40 for the change, 20 to reboot, 10 to go back. The longest has 60 minutes"))
        #expect(
            WindowFit(long, in: openings, now: now, splits: true)
                == .split(
                    change: openings[0], lastSafeStart: try time("2026-12-01T22:10:00Z"), reboot: openings[1],
                    lastSafeReboot: try time("2026-12-02T22:30:00Z")))
        #expect(WindowFit(long, in: [], now: now) == .closed)
    }

    @Test func estimatesComeFromWhatWasMeasured() {
        #expect(MeasuredDurations([]).estimate == nil)
        #expect(MeasuredDurations([100, 400]).estimate == 500)
        #expect(MeasuredDurations(Array(1...100)).estimate == 95)
        #expect(MeasuredDurations(Array(1...20)).estimate == 19)
        #expect(MeasuredDurations(Array(1...212)).basis == "the 95th percentile of 212 jobs")
        let nothing = WindowNeeds(
            changes: MeasuredDurations([]), reboots: 2, rebootTimes: MeasuredDurations([]), rollsBack: false)
        #expect(nothing.total == 1200 + 1800)
    }

    @Test func beforeAndAfterAWindow() throws {
        let calendar = try calendar(
            [window("FREQ=WEEKLY;BYDAY=TU", "2026-12-01T22:00", 120, "UTC")],
            freezes: [
                Freeze(
                    id: "f", reason: "r",
                    span: .instants(from: time("2026-12-03T09:00:00Z"), to: time("2026-12-03T20:00:00Z")))
            ])
        let missed = calendar.nextOpenings(after: try time("2026-12-01T00:00:00Z"), limit: 1)[0]
        let preparation = WindowPreparation(download: 86_400, wake: 600)
        #expect(preparation.downloadStart(before: missed, spread: 0).description == "2026-11-30T22:00:00Z")
        #expect(preparation.downloadStart(before: missed, spread: .max) < (try time("2026-12-01T10:00:00Z")))
        #expect(preparation.wakeTime(before: missed)?.description == "2026-12-01T21:50:00Z")
        #expect(WindowPreparation.standard.wakeTime(before: missed) == nil)

        let policy = CatchUpPolicy.whenBack(within: 2 * 86_400, grace: 3600)
        func catchUp(_ back: String, _ policy: CatchUpPolicy = policy) throws -> String? {
            calendar.catchUp(policy, missed: missed, back: try time(back)).map { "\($0.start) \($0.end)" }
        }
        #expect(try catchUp("2026-12-02T10:00:00Z") == "2026-12-02T11:00:00Z 2026-12-02T13:00:00Z")
        #expect(try catchUp("2026-12-02T10:00:00Z", .wait) == nil)
        // Back at the end of the window, into a freeze, in it, and too late.
        #expect(try catchUp("2026-12-01T22:30:00Z") == "2026-12-02T00:00:00Z 2026-12-02T02:00:00Z")
        #expect(try catchUp("2026-12-03T07:30:00Z") == "2026-12-03T08:30:00Z 2026-12-03T09:00:00Z")
        #expect(try catchUp("2026-12-03T10:00:00Z") == nil)
        #expect(try catchUp("2026-12-04T10:00:00Z") == nil)
    }

    /// A host that moves keeps the windows of the next day, and gets no window twice (rollouts.md 2.8, 27).
    @Test func movedHostsAndNewZoneData() throws {
        let window = try MaintenanceWindow(
            id: "w", rule: RecurrenceRule("FREQ=DAILY"), secondOfDay: 22 * 3600, minutes: 60, clocks: .host)
        let berlin = try WindowCalendar(windows: [window], zones: WindowZones(host: ZoneFiles.zone("Europe/Berlin")))
        let newYork = try WindowCalendar(
            windows: [window], zones: WindowZones(host: ZoneFiles.zone("America/New_York")))
        let changed = try time("2026-12-01T12:00:00Z")
        let answer = newYork.nextOpenings(after: changed, limit: 3, since: berlin, changedAt: changed)
        #expect(answer.cut.isEmpty)
        let found = answer.openings
        #expect(
            found.map(\.start.description) == ["2026-12-01T21:00:00Z", "2026-12-03T03:00:00Z", "2026-12-04T03:00:00Z"])
        let all = found.flatMap(\.occurrences)
        #expect(Set(all).count == all.count)
        let difference = berlin.differences(to: newYork, from: changed, to: changed.adding(seconds: 86_400))
        #expect(difference.first?.before?.description == "2026-12-01T21:00:00Z")
        #expect(difference.first?.after?.description == "2026-12-02T03:00:00Z")
        #expect(berlin.differences(to: berlin, from: changed, to: changed.adding(seconds: 864_000)).isEmpty)
        let error = #expect(throws: ScheduleError.self) { try WindowCalendar(windows: [window], zones: WindowZones()) }
        #expect(error?.description.contains("has not said its zone") == true)
    }

    @Test func contradictionsAreRefused() throws {
        func refused(_ part: String, _ make: () throws -> Any) {
            let error = #expect(throws: ScheduleError.self) { _ = try make() }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
        refused("INTERVAL counts from the first day") {
            try MaintenanceWindow(
                id: "w", rule: RecurrenceRule("FREQ=DAILY;INTERVAL=2"), secondOfDay: 0, minutes: 60, clocks: .host)
        }
        refused("4 minutes") { try window("FREQ=DAILY", "2026-12-01T22:00", 4, "UTC") }
        refused("10081 minutes") { try window("FREQ=DAILY", "2026-12-01T22:00", 10_081, "UTC") }
        refused("no rule and no date") { try window(nil, "2026-12-01T22:00", 60, "UTC") }
        refused("is 1 to 64 letters") { try window("FREQ=DAILY", "2026-12-01T22:00", 60, "UTC", id: "a b") }
        refused("40 days") { try window("FREQ=DAILY", "2026-12-01T22:00", 60, "UTC", plus: 40) }
        refused("two overrides") {
            try window(
                "FREQ=DAILY", "2026-12-01T22:00", 60, "UTC",
                overrides: [
                    .init(start: local("2026-12-08T22:00"), change: .cancelled),
                    .init(start: local("2026-12-08T22:00"), change: .resized(minutes: 5)),
                ])
        }
        refused("before it begins") {
            try Freeze(
                id: "f", reason: "r",
                span: .instants(from: time("2026-12-02T00:00:00Z"), to: time("2026-12-01T00:00:00Z")))
        }
        refused("called \"w\"") {
            let one = try window("FREQ=DAILY", "2026-12-01T22:00", 60, "UTC")
            return try calendar([one, one])
        }
        refused("no zone here") {
            try WindowCalendar(
                windows: [window("FREQ=DAILY", "2026-12-01T22:00", 60, "Mars/Olympus")], zones: WindowZones())
        }
        #expect(Freeze.MonthDay("02-30") == nil)
        #expect(Freeze.MonthDay("13-01") == nil)
    }

    /// Hourly windows over years: what is looked for is bounded by time, and an answer that was cut says so.
    @Test func aChangeOfZoneIsBoundedByTime() throws {
        let windows = try (0..<24).map { hour in
            try MaintenanceWindow(
                id: "h\(hour)", rule: RecurrenceRule("FREQ=DAILY"), secondOfDay: hour * 3600, minutes: 20, clocks: .host
            )
        }
        let changed = try #require(Timestamp(rfc3339: "2026-12-01T12:00:00Z"))
        let berlin = try WindowCalendar(windows: windows, zones: WindowZones(host: ZoneFiles.zone("Europe/Berlin")))
        let tokyo = try WindowCalendar(windows: windows, zones: WindowZones(host: ZoneFiles.zone("Asia/Tokyo")))
        let soon = tokyo.nextOpenings(after: changed, limit: 100, since: berlin, changedAt: changed)
        #expect(soon.cut.isEmpty && soon.openings.count == 100)
        #expect(zip(soon.openings, soon.openings.dropFirst()).allSatisfy { $0.end <= $1.start })
        #expect(Set(soon.openings.flatMap(\.occurrences)).count == 100)
        let late = tokyo.nextOpenings(
            after: changed.adding(seconds: -500 * 86_400), limit: 10, since: berlin, changedAt: changed)
        #expect(late.cut.count == 1 && late.cut[0].contains("were not looked for"))
        #expect(
            late.openings[0].start
                >= changed.adding(seconds: WindowCalendar.zoneChangeNotice - WindowCalendar.zoneChangeReach - 1200))
        let many = tokyo.nextOpenings(after: changed, limit: 1000, since: berlin, changedAt: changed)
        #expect(many.cut.contains { $0.contains("ask for fewer") })
    }
}
