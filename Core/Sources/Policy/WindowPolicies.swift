public import Schedule
public import Timestamps

/// A maintenance window: see `docs/windows.md`.
public struct WindowPolicy: PolicySpec {
    /// On which days; nil where only ``dates`` are.
    public var rule: PolicyRule?
    /// Starts besides the rule's.
    public var dates: [LocalTime] = []
    /// The day from which the rule counts.
    public var firstDay: CivilDate?
    /// The start, in seconds since midnight.
    public var start = 0
    /// How many days after the rule's day.
    public var plusDays: Int64 = 0
    /// How long, in seconds.
    public var duration: Int64 = 14_400
    /// On whose clocks.
    public var clocks = MaintenanceWindow.Clocks.host
    /// What becomes of a start that the clocks jump over.
    public var gap = MaintenanceWindow.GapPolicy.shift
    /// Days on which there is none.
    public var excluded: [CivilDate] = []
    /// Whose window it is.
    public var groups: [String] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Window"
    public static let about = "When hosts may change: on the days of a rule, so many elapsed minutes long."
    public static let codec = PolicyCodec<WindowPolicy>.object(WindowPolicy()) { keys in
        keys.optional(
            "rule", \.rule, .rule, "On which days: a rule of RFC 5545, or a release calendar's name: second-tuesday.")
        keys.key(
            "dates", \.dates, .list(.localTime, 1...MaintenanceWindow.maximumExceptions), "Starts besides the rule's.")
        keys.optional("firstDay", \.firstDay, .date, "The day from which intervals and counts are counted.")
        keys.required("start", \.start, .timeOfDay, "The time of day.")
        keys.key("plusDays", \.plusDays, .integer(-31...31), "How many days after the rule's day it begins.")
        keys.required("duration", \.duration, .duration(300...604_800), "How long, in elapsed time: 5m to 1w.")
        keys.required("clocks", \.clocks, .clocks, "On whose clocks: host, site, or a zone like Europe/Berlin.")
        keys.key("gap", \.gap, .choice, "What becomes of a start that the clocks jump over.")
        keys.key(
            "excluded", \.excluded, .list(.date, 1...MaintenanceWindow.maximumExceptions),
            "Days on which there is none.")
        keys.key(
            "groups", \.groups, .list(.reference(HostGroup.self), 1...200),
            "Whose window it is; every host's unless said.")
        keys.atLeastOne("rule", "dates")
        keys.check { window in
            do throws(ScheduleError) {
                _ = try window.window(named: "w")
                return nil
            } catch { return (window.rule == nil ? "dates" : "rule", error.description) }
        }
    }

    /// The window, with a name.
    public func window(named name: String) throws(ScheduleError) -> MaintenanceWindow {
        try MaintenanceWindow(
            id: name, rule: rule?.rule, firstDay: firstDay, secondOfDay: start, plusDays: Int(plusDays),
            minutes: duration / 60, clocks: clocks, gapPolicy: gap, excludedDays: excluded, extraStarts: dates)
    }
}

/// When nothing may change.
public struct Freezing: PolicySpec {
    /// From one local time to before another.
    public struct Between: Hashable, Sendable {
        /// Its beginning,
        public var from = LocalTime(secondsSinceEpoch: 0)
        /// and end.
        public var to = LocalTime(secondsSinceEpoch: 0)

        static let codec = PolicyCodec<Between>.object(Between()) { keys in
            keys.required("from", \.from, .localTime, "When it begins.")
            keys.required("to", \.to, .localTime, "When it is over.")
            keys.check {
                $0.from < $0.to ? nil : ("to", "it ends (\($0.to)) before it begins (\($0.from)); exchange them")
            }
        }
    }

    /// From a day of every year through another.
    public struct Yearly: Hashable, Sendable {
        /// Its first day,
        public var from: Freeze.MonthDay?
        /// and its last.
        public var through: Freeze.MonthDay?

        static let codec = PolicyCodec<Yearly>.object(Yearly()) { keys in
            keys.optional("from", \.from, .monthDay, "Its first day: 12-20.")
            keys.optional("through", \.through, .monthDay, "Its last day: 01-06.")
            keys.atLeastOne("from")
            keys.atLeastOne("through")
        }
    }

    /// Why.
    public var reason = ""
    /// Once,
    public var between: Between?
    /// or every year.
    public var yearly: Yearly?
    /// On whose clocks.
    public var clocks = MaintenanceWindow.Clocks.host
    /// Whose; empty: every host's.
    public var groups: [String] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Freeze"
    public static let about = "When nothing may change; it wins over every window."
    public static let codec = PolicyCodec<Freezing>.object(Freezing()) { keys in
        keys.required(
            "reason", \.reason, .words(Freeze.maximumReasonBytes / 4), "Why; people read it where a window is closed.")
        keys.optional("between", \.between, Between.codec, "Once.")
        keys.optional("yearly", \.yearly, Yearly.codec, "Every year.")
        keys.required("clocks", \.clocks, .clocks, "On whose clocks: host, site, or a zone like Europe/Berlin.")
        keys.key("groups", \.groups, .list(.reference(HostGroup.self), 1...200), "Whose; every host's unless said.")
        keys.exactlyOne("between", "yearly")
    }

    /// The freeze, with a name.
    public func freeze(named name: String) throws(ScheduleError) -> Freeze {
        if let between {
            return try Freeze(id: name, reason: reason, span: .local(from: between.from, to: between.to, clocks))
        }
        guard let from = yearly?.from, let through = yearly?.through else {
            // Not reached: the reader asks for one of both.
            return try Freeze(
                id: name, reason: "", span: .instants(from: Timestamp(seconds: 0), to: Timestamp(seconds: 0)))
        }
        return try Freeze(id: name, reason: reason, span: .yearly(from: from, through: through, clocks))
    }
}

/// How often a class of assets gets its releases.
public struct Cadence: PolicySpec {
    /// Whose.
    public var groups: [String] = []
    /// The days on which a release is frozen and its campaign begins.
    public var calendar: PolicyRule?
    /// How many days after.
    public var plusDays: Int64 = 0
    /// The day from which the rule counts.
    public var firstDay: CivilDate?
    /// Through which rings.
    public var rings = ""
    /// In which windows; empty: the hosts' own.
    public var windows: [String] = []

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Cadence"
    public static let about = "How often a class of assets gets its releases: by a rule or a vendor's release calendar."
    public static let codec = PolicyCodec<Cadence>.object(Cadence()) { keys in
        keys.required("groups", \.groups, .list(.reference(HostGroup.self)), "Whose.")
        keys.optional(
            "calendar", \.calendar, .rule,
            "When a release begins: \(ReleaseCalendar.all.map(\.name).joined(separator: ", ")), or a rule of RFC 5545.")
        keys.key("plusDays", \.plusDays, .integer(-31...31), "How many days after the calendar's day.")
        keys.optional("firstDay", \.firstDay, .date, "The day from which intervals and counts are counted.")
        keys.required("rings", \.rings, .reference(RingPlan.self), "Through which rings.")
        keys.key(
            "windows", \.windows, .list(.reference(WindowPolicy.self), 1...50),
            "In which windows; the hosts' own unless said.")
        keys.atLeastOne("calendar")
        keys.check { cadence in
            if let reason = cadence.calendar?.rule.firstDayReason, cadence.firstDay == nil {
                return ("calendar", "\(reason); add firstDay, like 2026-12-01")
            }
            return nil
        }
    }
}
