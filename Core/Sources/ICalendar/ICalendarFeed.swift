public import Schedule
public import Timestamps

/// Windows and freezes as a calendar that other programs subscribe to (RFC 5545).
///
/// A window is one recurring event where a rule can say it, with `EXDATE` and `RDATE` where the clocks jump over its start, so
/// that readers who resolve that differently agree; else its occurrences are listed. Freezes are opaque events of their own.
public struct ICalendarFeed: Sendable {
    /// From when on, and until when, exceptions and lists are written out.
    public let from: Timestamp
    /// See ``from``.
    public let to: Timestamp
    private let stamp: String
    private let domain: String
    private let name: String
    private var zones: [String: Zone] = [:]
    private var body = ICalendarText()

    /// A calendar without events.
    ///
    /// - Parameters:
    ///   - name: What people see it called.
    ///   - domain: Whose names these are: part of every `UID`, so that two servers' events stay apart.
    ///   - produced: When it was made.
    ///   - from: Where what it lists begins,
    ///   - to: and ends.
    public init(name: String, domain: String, produced: Timestamp, from: Timestamp, to: Timestamp) {
        self.name = name
        self.domain = domain
        self.from = from
        self.to = max(from, to)
        stamp = ICalendarText.utc(produced)
    }

    /// Adds a window as it is on the clocks of `zone`. Its `UID`s are made of its name, the zone's and the domain, and stay.
    ///
    /// - Parameters:
    ///   - title: What people see.
    ///   - sequence: How often it was edited: readers take the highest.
    public mutating func add(_ window: MaintenanceWindow, in zone: Zone, title: String, sequence: Int) {
        if let rule = window.rule, let event = recurring(window, rule, zone) {
            if zone.name != "UTC" { zones[zone.name] = zone }
            begin(uid(window, zone), title, "WINDOW", sequence)
            body.line("X-FETTLE-ID:\(window.id)")
            body.line("DTSTART\(event.start)")
            body.line("DURATION:\(ICalendarText.duration(window.minutes * 60))")
            body.line("RRULE:\(event.rule)")
            for text in event.excluded { body.line("EXDATE\(text)") }
            for text in event.added { body.line("RDATE\(text)") }
            end()
            for override in window.overrides { add(override, of: window, zone, title, sequence) }
        } else {
            addList(window, zone, title, sequence)
        }
    }

    /// Adds a freeze, one event for each time that it comes.
    public mutating func add(_ freeze: Freeze, in zone: Zone, sequence: Int) {
        for stretch in freeze.stretches(from: from, to: to, in: zone) {
            let start = ICalendarText.utc(stretch.lowerBound)
            begin("freeze-\(freeze.id)-\(start)@\(domain)", "Freeze: \(freeze.reason)", "FREEZE", sequence)
            body.line("X-FETTLE-ID:\(freeze.id)")
            body.line("DTSTART:\(start)")
            body.line("DTEND:\(ICalendarText.utc(stretch.upperBound))")
            end(isOpaque: true)
        }
    }

    /// The calendar.
    public var text: String {
        var whole = ICalendarText()
        whole.line("BEGIN:VCALENDAR")
        whole.line("VERSION:2.0")
        whole.line("PRODID:-//Fettle//Maintenance windows//EN")
        whole.line("CALSCALE:GREGORIAN")
        whole.line("METHOD:PUBLISH")
        whole.text("X-WR-CALNAME", name)
        whole.line("REFRESH-INTERVAL;VALUE=DURATION:PT1H")
        for name in zones.keys.sorted() {
            if let zone = zones[name] { whole.zone(zone, from: from, to: to) }
        }
        return whole.text + body.text + "END:VCALENDAR\r\n"
    }

    private func uid(_ window: MaintenanceWindow, _ zone: Zone) -> String {
        "\(window.id).\(String(zone.name.map { $0 == "/" ? "-" : $0 }))@\(domain)"
    }

    private mutating func begin(_ uid: String, _ title: String, _ category: String, _ sequence: Int) {
        body.line("BEGIN:VEVENT")
        body.text("UID", uid)
        body.line("DTSTAMP:\(stamp)")
        body.line("SEQUENCE:\(max(0, sequence))")
        body.text("SUMMARY", title)
        body.line("CATEGORIES:\(category)")
    }

    private mutating func end(isOpaque: Bool = false) {
        body.line("TRANSP:\(isOpaque ? "OPAQUE" : "TRANSPARENT")")
        body.line("END:VEVENT")
    }

    /// `;TZID=Europe/Berlin:20261121T220000`, or with `Z`.
    private func time(_ local: LocalTime, _ zone: Zone) -> String {
        zone.name == "UTC" ? ":\(ICalendarText.time(local))Z" : ";TZID=\(zone.name):\(ICalendarText.time(local))"
    }

    /// How a rule says it; nil where none can, or where its first start is jumped over.
    private func recurring(
        _ window: MaintenanceWindow, _ rule: RecurrenceRule, _ zone: Zone
    )
        -> (start: String, rule: String, excluded: [String], added: [String])?
    {
        guard let shifted = rule.shifted(days: window.plusDays) else { return nil }
        // Readers count the starts that the clocks jump over.
        if case .count = rule.end, window.gapPolicy == .skip { return nil }
        let horizon = zone.localTime(at: from).date
        let search = window.firstDay.map { rule.firstDayReason != nil ? $0 : max($0, horizon) } ?? horizon
        guard
            let first = rule.dates(
                firstDay: window.firstDay, from: search,
                through: search.adding(days: RecurrenceRule.maximumYearsAhead * 366),
                secondOfDay: window.secondOfDay, limit: 1
            ).first,
            let start = LocalTime(date: first.adding(days: window.plusDays), secondOfDay: window.secondOfDay),
            zone.instant(of: start).resolution != .shifted
        else { return nil }
        let text: String
        switch rule.end {
        case .never, .count: text = shifted.description
        case .instant(let until): text = shifted.text(untilUTC: until)
        case .localTime(let until): text = shifted.text(untilUTC: zone.instant(of: until).time)
        case .date(let date):
            // The whole day: times of windows have no seconds of their own after 23:59:59.
            guard let until = LocalTime(date: date, secondOfDay: 86_399) else { return nil }
            text = shifted.text(untilUTC: zone.instant(of: until).time)
        }
        let cancelled = Set(window.overrides.filter { $0.change == .cancelled }.map(\.start))
        var excluded = window.excludedDays.compactMap { LocalTime(date: $0, secondOfDay: window.secondOfDay) }
        var added = window.extraStarts
        for day in rule.dates(
            firstDay: window.firstDay, from: horizon.adding(days: -window.plusDays),
            through: zone.localTime(at: to).date.adding(days: -window.plusDays), secondOfDay: window.secondOfDay)
        {
            guard let planned = LocalTime(date: day.adding(days: window.plusDays), secondOfDay: window.secondOfDay)
            else { continue }
            let found = zone.instant(of: planned)
            guard found.resolution == .shifted, !excluded.contains(planned) else { continue }
            excluded.append(planned)
            if window.gapPolicy == .shift, !cancelled.contains(planned) { added.append(zone.localTime(at: found.time)) }
        }
        for override in window.overrides {
            switch override.change {
            case .cancelled:
                if !excluded.contains(override.start) { excluded.append(override.start) }
                added.removeAll { $0 == override.start }
            case .moved, .resized, .extra: break
            }
        }
        return (
            time(start, zone), text, excluded.sorted().map { time($0, zone) }, added.sorted().map { time($0, zone) }
        )
    }

    private mutating func add(
        _ override: WindowOverride, of window: MaintenanceWindow, _ zone: Zone, _ title: String, _ sequence: Int
    ) {
        var start = override.start
        var minutes = window.minutes
        switch override.change {
        case .cancelled: return
        case .moved(let to, let length):
            start = to
            minutes = length ?? minutes
        case .resized(let length): minutes = length
        case .extra(let length): minutes = length ?? minutes
        }
        if case .extra = override.change {
            begin("extra-\(ICalendarText.time(start))-\(uid(window, zone))", title, "WINDOW", sequence)
            body.line("X-FETTLE-ID:\(window.id)-\(ICalendarText.time(start))")
        } else {
            guard window.has(override.start, in: zone) else { return }
            begin(uid(window, zone), title, "WINDOW", sequence)
            body.line("X-FETTLE-ID:\(window.id)")
            // A start that the clocks jump over stands in the feed as what it becomes.
            let begins = zone.instant(of: override.start)
            let named = begins.resolution == .shifted ? zone.localTime(at: begins.time) : override.start
            body.line("RECURRENCE-ID\(time(named, zone))")
        }
        body.line("DTSTART\(time(start, zone))")
        body.line("DURATION:\(ICalendarText.duration(minutes * 60))")
        end()
    }

    /// The occurrences by instants, those of one length as one event.
    private mutating func addList(_ window: MaintenanceWindow, _ zone: Zone, _ title: String, _ sequence: Int) {
        var lengths: [Int64: [Timestamp]] = [:]
        for occurrence in window.occurrences(from: from, to: to, in: zone) {
            lengths[occurrence.seconds, default: []].append(occurrence.start)
        }
        for seconds in lengths.keys.sorted() {
            let starts = Set(lengths[seconds] ?? []).sorted()
            let own = seconds == window.minutes * 60
            begin((own ? "" : "\(seconds / 60)m-") + uid(window, zone), title, "WINDOW", sequence)
            body.line("X-FETTLE-ID:\(window.id)\(own ? "" : "-\(seconds / 60)m")")
            body.line("DTSTART:\(ICalendarText.utc(starts[0]))")
            body.line("DURATION:\(ICalendarText.duration(seconds))")
            if starts.count > 1 {
                body.line("RDATE:\(starts.dropFirst().map(ICalendarText.utc).joined(separator: ","))")
            }
            end()
        }
    }
}
