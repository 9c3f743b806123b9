import Schedule
import Timestamps

/// Makes windows of events: which zone a time is in, and what it is on the window's clocks.
struct ICalendarPlaces {
    var zone: @Sendable (String) -> Zone?
    var floating: MaintenanceWindow.Clocks
    /// What `X-LIC-LOCATION` says of the calendar's own zone names.
    var locations: [String: String]
    private var known: [String: Zone] = [:]

    init(
        zone: @escaping @Sendable (String) -> Zone?, floating: MaintenanceWindow.Clocks, locations: [String: String]
    ) {
        self.zone = zone
        self.floating = floating
        self.locations = locations
    }

    /// A time, with the zone that it is in; nil: floating.
    struct Moment {
        var local: LocalTime
        var zone: Zone?
        var isDate: Bool
        var line: Int

        var instant: Timestamp { (zone ?? .utc).instant(of: local).time }
    }

    mutating func freeze(_ event: ICalendarEvent, _ id: String) throws(ICalendarError) -> Freeze {
        for name in ["RRULE", "RDATE", "EXRULE"] {
            if let property = event.first(name) {
                throw ICalendarError(
                    property.line, "a freeze with \(name) is not supported; write each as an event of its own")
            }
        }
        let start = try start(event)
        guard let end = try end(event, start) else {
            throw ICalendarError(event.line, "the freeze has no DTEND and no DURATION; add DTEND")
        }
        var reason = event.text("SUMMARY") ?? id
        if reason.hasPrefix("Freeze: ") { reason.removeFirst(8) }
        if reason.isEmpty { reason = id }
        while reason.utf8.count > Freeze.maximumReasonBytes { reason.removeLast() }
        let span: Freeze.Span =
            if let zone = start.zone, !start.isDate {
                .instants(from: zone.instant(of: start.local).time, to: end.instant)
            } else {
                .local(from: start.local, to: end.local, floating)
            }
        do { return try Freeze(id: id, reason: reason, span: span) } catch {
            throw ICalendarError(event.line, "\(error)")
        }
    }

    mutating func window(
        _ event: ICalendarEvent, _ id: String, _ changes: [ICalendarEvent], _ notes: inout [String]
    ) throws(ICalendarError) -> MaintenanceWindow {
        let start = try start(event)
        let minutes = try minutes(event, start)
        let clocks: MaintenanceWindow.Clocks = start.zone.map { .zone($0.name) } ?? floating
        var rule: RecurrenceRule?
        if let rules = event.properties["RRULE"] {
            guard rules.count == 1 else {
                throw ICalendarError(rules[1].line, "a second RRULE is not supported; make an event of each")
            }
            do { rule = try RecurrenceRule(String(rules[0].value)) } catch {
                throw ICalendarError(rules[0].line, "\(error)")
            }
            try check(rule, start, rules[0].line)
        }
        if let property = event.first("EXRULE") {
            throw ICalendarError(property.line, "EXRULE is not supported (RFC 5545 has taken it back); write EXDATE")
        }
        var extra = try times(event, "RDATE", start)
        if rule == nil { extra.append(start.local) }
        var excluded: [CivilDate] = []
        for property in event.properties["EXDATE"] ?? [] {
            for moment in try moments(property) {
                if moment.isDate {
                    excluded.append(moment.local.date)
                    continue
                }
                let found = try planned(moment, start, hasRule: rule != nil, extra)
                extra.removeAll { found.contains($0) }
                excluded += found.filter { $0.secondOfDay == start.local.secondOfDay && rule != nil }.map(\.date)
                if found.isEmpty {
                    notes.append(
                        "line \(property.line): EXDATE \(shown(moment, start)) is no start of this event, and was left out"
                    )
                }
            }
        }
        var overrides: [WindowOverride] = []
        for change in changes { overrides.append(try override(change, start, minutes, rule != nil, extra)) }
        do {
            let window = try MaintenanceWindow(
                id: id, rule: rule, firstDay: rule == nil ? nil : start.local.date,
                secondOfDay: start.local.secondOfDay,
                minutes: minutes, clocks: clocks, excludedDays: excluded, extraStarts: extra, overrides: overrides)
            notes += window.warnings.map { "line \(event.line): \($0)" }
            return window
        } catch { throw ICalendarError(event.line, "\(error)") }
    }

    /// A first start that the rule does not have counts for some readers and not for others.
    private func check(_ rule: RecurrenceRule?, _ start: Moment, _ line: Int) throws(ICalendarError) {
        guard let rule else { return }
        let day = start.local.date
        guard RecurrenceRule.years.contains(day.year) else { throw ICalendarError(line, "years are 1900 to 2299") }
        let first = rule.dates(
            firstDay: day, from: day, through: day.adding(days: RecurrenceRule.maximumYearsAhead * 366),
            secondOfDay: start.local.secondOfDay, limit: 1
        ).first
        guard first == day else {
            throw ICalendarError(
                line,
                "DTSTART (\(start.local)) is none of the rule's days, and calendars differ in what that means; "
                    + (first.map { "begin on \(LocalTime(startOf: $0).description.prefix(10))" }
                        ?? "the rule has no day at all: correct it"))
        }
    }

    private mutating func override(
        _ event: ICalendarEvent, _ start: Moment, _ minutes: Int64, _ hasRule: Bool, _ extra: [LocalTime]
    ) throws(ICalendarError)
        -> WindowOverride
    {
        guard let property = event.first("RECURRENCE-ID"), let moment = try moments(property).first else {
            throw ICalendarError(event.line, "RECURRENCE-ID has no time")
        }
        if property.parameters["RANGE"] != nil {
            throw ICalendarError(
                property.line, "RECURRENCE-ID;RANGE is not supported; end the event with UNTIL and begin another")
        }
        let matches = try self.planned(moment, start, hasRule: hasRule, extra)
        guard let planned = matches.first ?? (moment.zone?.name == start.zone?.name ? moment.local : nil) else {
            throw ICalendarError(
                property.line,
                "RECURRENCE-ID \(shown(moment, start)) is no start of this event; write it as the event's own start, "
                    + "with its TZID")
        }
        if event.isCancelled { return WindowOverride(start: planned, change: .cancelled) }
        let own = try self.start(event)
        let length = try self.minutes(event, own)
        let moved = try local(own, start)
        return WindowOverride(
            start: planned,
            change: moved == planned
                ? .resized(minutes: length) : .moved(to: moved, minutes: length == minutes ? nil : length))
    }

    private mutating func start(_ event: ICalendarEvent) throws(ICalendarError) -> Moment {
        guard let property = event.first("DTSTART"), let moment = try moments(property).first else {
            throw ICalendarError(
                event.line, "the event has no DTSTART; add one, like DTSTART;TZID=Europe/Berlin:20261201T220000")
        }
        return moment
    }

    /// Where the event says its end; nil where it says none.
    private mutating func end(_ event: ICalendarEvent, _ start: Moment) throws(ICalendarError) -> Moment? {
        if let property = event.first("DTEND"), let end = try moments(property).first {
            guard (end.zone == nil) == (start.zone == nil), end.isDate == start.isDate else {
                throw ICalendarError(
                    property.line, "DTEND is of another kind than DTSTART; give both a zone, or neither")
            }
            return end
        }
        guard let property = event.first("DURATION") else {
            guard start.isDate else { return nil }
            var end = start
            end.local = LocalTime(startOf: start.local.date.adding(days: 1))
            return end
        }
        let seconds = try duration(property)
        let instant = start.instant.adding(seconds: seconds)
        var end = start
        end.zone = start.zone == nil ? nil : .utc
        end.local = LocalTime(secondsSinceEpoch: Int(instant.seconds))
        return end
    }

    private mutating func minutes(_ event: ICalendarEvent, _ start: Moment) throws(ICalendarError) -> Int64 {
        guard !start.isDate else {
            throw ICalendarError(
                start.line, "a window of whole days has no time; write its hours, like 20261201T220000")
        }
        guard let end = try end(event, start) else {
            throw ICalendarError(event.line, "the event has no end; add DURATION:PT4H or DTEND")
        }
        let seconds = end.instant.seconds(since: start.instant)
        guard seconds > 0, seconds % 60 == 0 else {
            throw ICalendarError(end.line, "the event lasts \(seconds) seconds; write whole minutes")
        }
        return seconds / 60
    }

    /// `PT4H30M`. Days are as long as the clocks make them, and windows are not: they are refused.
    private func duration(_ property: ICalendarProperty) throws(ICalendarError) -> Int64 {
        let text = property.value.uppercased()
        let bad = ICalendarError(
            property.line,
            "DURATION \"\(text.prefix(40))\" is none; write hours and minutes, like PT4H or PT90M (a day: PT24H)")
        guard text.hasPrefix("PT"), text.utf8.count <= 24 else { throw bad }
        var total: Int64 = 0
        var number: Int64?
        var units: [Character] = []
        for character in text.dropFirst(2) {
            if let digit = character.wholeNumberValue, character.isASCII {
                let next = (number ?? 0) * 10 + Int64(digit)
                guard next < 1_000_000_000 else { throw bad }
                number = next
                continue
            }
            guard let value = number, !units.contains(character) else { throw bad }
            switch character {
            case "H": total += value * 3600
            case "M": total += value * 60
            case "S": total += value
            default: throw bad
            }
            units.append(character)
            number = nil
        }
        guard number == nil, !units.isEmpty else { throw bad }
        return total
    }

    private mutating func times(
        _ event: ICalendarEvent, _ name: String, _ start: Moment
    ) throws(ICalendarError)
        -> [LocalTime]
    {
        var found: [LocalTime] = []
        for property in event.properties[name] ?? [] {
            for moment in try moments(property) {
                guard !moment.isDate else {
                    throw ICalendarError(
                        property.line, "\(name) is a day without a time; write it like 20261201T220000")
                }
                found.append(try local(moment, start))
            }
        }
        return found
    }

    /// The event's starts that a time means, as the rule or `RDATE` has them: where a start is jumped over by the clocks, its
    /// instant is that of another local time, and the second pass of an hour that comes twice is no start at all.
    private func planned(
        _ moment: Moment, _ start: Moment, hasRule: Bool, _ extra: [LocalTime]
    ) throws(ICalendarError) -> [LocalTime] {
        func isStart(_ local: LocalTime) -> Bool {
            extra.contains(local) || (hasRule && local.secondOfDay == start.local.secondOfDay)
        }
        if moment.zone?.name == start.zone?.name, isStart(moment.local) { return [moment.local] }
        guard let zone = start.zone else {
            guard moment.zone == nil else { throw mixed(moment) }
            return []
        }
        guard moment.zone != nil else { throw mixed(moment) }
        let instant = moment.instant
        let day = zone.localTime(at: instant).date
        let candidates =
            extra
            + (hasRule
                ? [-1, 0, 1].compactMap {
                    LocalTime(date: day.adding(days: $0), secondOfDay: start.local.secondOfDay)
                } : [])
        return Set(candidates).sorted().filter { zone.instant(of: $0).time == instant }
    }

    /// The time on the clocks of the event's start.
    private func local(_ moment: Moment, _ start: Moment) throws(ICalendarError) -> LocalTime {
        if moment.isDate || moment.zone?.name == start.zone?.name { return moment.local }
        guard moment.zone != nil, let zone = start.zone else { throw mixed(moment) }
        let local = zone.localTime(at: moment.instant)
        guard zone.instant(of: local).time == moment.instant else {
            throw ICalendarError(
                moment.line,
                "the time is the second \(local) in \(zone.name), where the clocks go back, and a window on them begins the "
                    + "first time; write the event in UTC, with Z")
        }
        return local
    }

    private func mixed(_ moment: Moment) -> ICalendarError {
        ICalendarError(
            moment.line, "the time has a zone and DTSTART has none, or the other way round; give both one")
    }

    /// A time for a note.
    private func shown(_ moment: Moment, _ start: Moment) -> String {
        if moment.zone?.name == start.zone?.name { return moment.local.description }
        return (start.zone ?? .utc).localTime(at: moment.instant).description + " (\(moment.instant))"
    }

    private mutating func moments(_ property: ICalendarProperty) throws(ICalendarError) -> [Moment] {
        let kind = property.parameters["VALUE"]?.uppercased()
        if kind == "PERIOD" {
            throw ICalendarError(property.line, "VALUE=PERIOD is not supported; write an event of its own")
        }
        let named: Zone? = if let name = property.parameters["TZID"] { try place(name, property.line) } else { nil }
        var found: [Moment] = []
        for item in property.value.split(separator: ",", omittingEmptySubsequences: false) {
            guard found.count < MaintenanceWindow.maximumExceptions else {
                throw ICalendarError(
                    property.line,
                    "\(property.name) may have \(MaintenanceWindow.maximumExceptions) times; take out the past ones")
            }
            guard let time = RecurrenceRule.basicTime(item), (1600...9000).contains(time.local.date.year) else {
                throw ICalendarError(
                    property.line, "\"\(item.prefix(40))\" is no time; write it like 20261201T220000, with Z for UTC")
            }
            guard time.kind != .utc || named == nil else {
                throw ICalendarError(property.line, "the time is in UTC (Z) and in a zone (TZID); keep one")
            }
            found.append(
                Moment(
                    local: time.local, zone: time.kind == .utc ? .utc : time.kind == .date ? nil : named,
                    isDate: time.kind == .date, line: property.line))
        }
        return found
    }

    private mutating func place(_ name: String, _ line: Int) throws(ICalendarError) -> Zone {
        if let zone = known[name] { return zone }
        if name == "UTC" || name == "Etc/UTC" { return .utc }
        // Names of programs end in the IANA name: /freeassociation.sourceforge.net/Europe/Berlin.
        let parts = name.split(separator: "/")
        let candidates: [String] =
            [name, locations[name] ?? name] + [2, 3].map { parts.suffix($0).joined(separator: "/") }
        for candidate in candidates {
            if Zone.isValidName(candidate), let zone = zone(candidate) {
                known[name] = zone
                return zone
            }
        }
        throw ICalendarError(
            line,
            "the zone \"\(name.prefix(64))\" is not known here; export with IANA names, like TZID=Europe/Berlin, or in UTC"
        )
    }
}
