import ArgumentParser
import Glibc
import ICalendar
import JSON
import Rollout
import Schedule
import Timestamps

/// `fettle windows preview`.
struct WindowsPreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview",
        abstract: "Show when a host may change next, or when a window opens, across changes of the clocks.",
        discussion: """
            With HOST: by the policies in force on the server, with freezes, and why where nothing opens. Else of one window, \
            without a server.

            A rule is of RFC 5545 (FREQ, INTERVAL, COUNT, UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST) or a release \
            calendar by name: \(ReleaseCalendar.all.map(\.name).joined(separator: ", ")). What else there is of a window: \
            docs/windows.md.

            Examples:
              fettle windows preview web1
              fettle windows preview web1 --next 30 --after 2027-03-01T00:00:00Z
              fettle windows preview --rule second-tuesday --plus 3d --start 22:00 --duration 4h --zone Europe/Berlin
              fettle windows preview --rule 'FREQ=WEEKLY;BYDAY=SU' --start 02:30 --duration 2h --zone Europe/Berlin --next 30
              fettle windows preview --rule 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU' --start 2026-12-01T22:00 --duration 90m \
            --zone America/New_York -o json
              fettle windows preview --rule last-friday --start 22:00 --duration 4h --zone UTC --ical > windows.ics
              fettle windows preview --calendar windows.ics --zone Europe/Berlin
            """)

    @Argument(help: "A host: its windows by the policies in force.", completion: hostNames)
    var host: String?
    @Option(help: "On which days: a rule of RFC 5545, or a release calendar's name.")
    var rule: String?
    @Option(help: "The time of day (22:00), or the first day with it (2026-12-01T22:00).")
    var start: String?
    @Option(help: "How long: 4h, 90m, 1h30m; elapsed time, whatever the clocks do.")
    var duration: String?
    @Option(help: "On whose clocks: an IANA zone; of a calendar's times without one.")
    var zone = "UTC"
    @Option(help: "How many days after the rule's day it begins: 3d; -2d before.")
    var plus = "0d"
    @Option(help: "What becomes of a start that the clocks jump over: shift (as much after the jump), or skip.")
    var gap = "shift"
    @Option(
        help: ArgumentHelp("A freeze of every year, its last day included: 12-20..01-06.", valueName: "from..through"))
    var freeze: [String] = []
    @Option(
        help: ArgumentHelp("Whether a job with a change so long, a reboot and a way back fits: 40m.", valueName: "time")
    )
    var job: String?
    @Option(
        help: ArgumentHelp("Windows of an iCalendar file instead of a rule; - for standard input.", valueName: "file"))
    var calendar: String?
    @Option(help: "How many; 1 to 1,000.")
    var next = 8
    @Option(help: "After when: RFC 3339, like 2027-03-01T00:00:00Z; without it, now.")
    var after: String?
    @Flag(help: "Print the window as iCalendar.")
    var ical = false
    @OptionGroup var output: OutputOption
    @OptionGroup(title: "Which server") var data: DataOption
    @OptionGroup var organisation: OrganisationOption

    func validate() throws {
        if host != nil {
            guard rule == nil, start == nil, duration == nil, calendar == nil, freeze.isEmpty, !ical, plus == "0d"
            else {
                throw ValidationError(
                    "a host's windows are those of the policies; leave out --rule, --start, --duration, --plus, --freeze, --calendar and --ical"
                )
            }
            guard (1...200).contains(next) else { throw ValidationError("--next is 1 to 200 for a host") }
            return
        }
        guard (1...WindowCalendar.maximumResults).contains(next) else {
            throw ValidationError("--next is 1 to \(WindowCalendar.maximumResults)")
        }
        if calendar == nil {
            guard rule != nil, start != nil, duration != nil else {
                throw ValidationError("--rule, --start and --duration say the window; or --calendar a file of windows")
            }
        } else if rule != nil || start != nil || duration != nil || plus != "0d" {
            throw ValidationError("--calendar has the windows; leave out --rule, --start, --duration and --plus")
        }
    }

    func run() async throws {
        if let host { return try await HostWindowsText.show(host, self) }
        do {
            try preview()
        } catch let error as ScheduleError {
            throw CommandFailure.failed(error.description)
        } catch let error as ICalendarError {
            throw CommandFailure.failed("\(calendar ?? ""), \(error.description)")
        }
    }

    private func preview() throws {
        let zones = ZoneFolder()
        let own = try zones.zone(zone)
        let now = Timestamp(seconds: Int64(Glibc.time(nil)))
        let time = try after.map { text in
            guard let time = Timestamp(rfc3339: text) else {
                throw ValidationError("--after is a time like 2027-03-01T00:00:00Z")
            }
            return time
        }
        let from = time ?? now
        var windows: [MaintenanceWindow] = []
        var freezes = try freeze.enumerated().map { number, text in try yearly(text, number + 1) }
        if let calendar {
            let read = try ICalendarReader(floating: .zone(own.name)) { try? zones.zone($0) }.read(
                InputFile.bytes(calendar, most: ICalendarReader.maximumBytes))
            windows = read.windows
            freezes += read.freezes
            for note in read.notes { say("\(calendar), \(note)") }
            if windows.isEmpty { throw CommandFailure.failed("\(calendar) has no event that is a window") }
        } else {
            windows = [try window()]
        }
        for window in windows { for warning in window.warnings { say(warning) } }
        let known = try windows.map { window -> Zone in
            if case .zone(let name) = window.clocks { return try zones.zone(name) }
            return own
        }
        if ical {
            var feed = ICalendarFeed(
                name: "Maintenance windows", domain: "preview.fettle", produced: now, from: from,
                to: from.adding(seconds: 2 * 366 * 86_400))
            for (window, zone) in zip(windows, known) {
                feed.add(window, in: zone, title: "Maintenance: \(window.id)", sequence: 0)
            }
            for freeze in freezes { feed.add(freeze, in: own, sequence: 0) }
            return emit(feed.text)
        }
        let union = try WindowCalendar(
            windows: windows, freezes: freezes, zones: WindowZones(host: own, site: own, named: known + [own]))
        let needs = try job.map { text in
            WindowNeeds(estimate: try minutes(text, "--job") * 60, actions: JobActions())
        }
        let openings = union.nextOpenings(after: from, limit: next)
        let items = openings.map { item($0, union, needs, own) }
        let shown = Shown(
            items,
            [
                .member("opens"), .member("shuts"), .member("utc"),
                Column("MINUTES") { $0["minutes"]?.integer.map(String.init) ?? "" },
                Column("LAST START", wide: needs == nil, raw: { $0.text("lastStart") }) {
                    $0["fits"]?.bool == false ? "too short" : $0.text("lastStart")
                }, .member("note"),
            ], empty: "No window opens.", name: { $0.text("utc") })
        emit(try output.text(shown))
        for note in shown.notes { say(note) }
        if let needs { say(WindowFit(needs, in: openings, now: from, splits: true).sentence(needs)) }
    }

    private func item(
        _ opening: WindowOpening, _ union: WindowCalendar, _ needs: WindowNeeds?, _ zone: Zone
    ) -> JSONValue {
        var notes: [String] = []
        for part in union.windows {
            for occurrence in part.window.occurrences(from: opening.start, to: opening.end, in: part.zone)
            where opening.occurrences.contains(occurrence.id) {
                if let note = occurrence.note(in: part.zone), !notes.contains(note) { notes.append(note) }
                if occurrence.start < opening.start || occurrence.end > opening.end { notes.append("Cut by a freeze.") }
            }
        }
        return [
            "opens": .string("\(zone.localTime(at: opening.start))"),
            "shuts": .string("\(zone.localTime(at: opening.end))"),
            "zone": .string(zone.name), "utc": .string(opening.start.description),
            "utcEnd": .string(opening.end.description), "minutes": .integer(opening.seconds / 60),
            "lastStart": needs.flatMap { opening.lastSafeStart($0) }.map { .string($0.description) } ?? .null,
            "fits": needs.map { .bool(opening.lastSafeStart($0) != nil) } ?? .null,
            "occurrences": .array(opening.occurrences.map { .string($0.description) }),
            "note": .string(notes.joined(separator: " ")),
        ]
    }

    private func window() throws -> MaintenanceWindow {
        let text = start ?? ""
        let local: LocalTime
        var firstDay: CivilDate?
        if text.utf8.count <= 8 {
            local = try LocalTime("2000-01-01T" + text)
        } else {
            local = try LocalTime(text)
            firstDay = local.date
        }
        guard plus.hasSuffix("d"), let days = Int(plus.dropLast()) else {
            throw ValidationError("--plus is a number of days, like 3d or -2d")
        }
        guard let policy = MaintenanceWindow.GapPolicy(rawValue: gap) else {
            throw ValidationError("--gap is shift or skip")
        }
        return try MaintenanceWindow(
            id: "window", rule: ReleaseCalendar.rule(rule ?? ""), firstDay: firstDay, secondOfDay: local.secondOfDay,
            plusDays: days, minutes: minutes(duration ?? "", "--duration"), clocks: .zone(zone), gapPolicy: policy)
    }

    private func yearly(_ text: String, _ number: Int) throws -> Freeze {
        let parts = text.split(separator: "..", omittingEmptySubsequences: false)
        guard parts.count == 2, let from = Freeze.MonthDay(String(parts[0])),
            let through = Freeze.MonthDay(String(parts[1]))
        else {
            throw ValidationError("--freeze is two days of the year, like 12-20..01-06")
        }
        return try Freeze(
            id: "freeze-\(number)", reason: text, span: .yearly(from: from, through: through, .zone(zone)))
    }

    /// `4h`, `90m`, `1h30m`.
    private func minutes(_ text: String, _ option: String) throws -> Int64 {
        var total: Int64 = 0
        var number = ""
        for character in text {
            switch character {
            case "0"..."9": number.append(character)
            case "h" where !number.isEmpty:
                total += (Int64(number.prefix(6)) ?? 0) * 60
                number = ""
            case "m" where !number.isEmpty:
                total += Int64(number.prefix(6)) ?? 0
                number = ""
            default: number = "?"
            }
        }
        guard number.isEmpty, total > 0 else { throw ValidationError("\(option) is a time like 4h, 90m or 1h30m") }
        return total
    }
}
