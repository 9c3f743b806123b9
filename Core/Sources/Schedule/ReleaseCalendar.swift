/// When vendors publish: rules that windows follow at so many days' distance.
public struct ReleaseCalendar: Hashable, Sendable {
    /// Its name, which people write instead of a rule: `second-tuesday`.
    public var name: String
    /// The rule.
    public var rule: String
    /// Whose it is.
    public var about: String

    /// All that are known by name, sorted. What vendors change, people write as a rule.
    public static let all: [ReleaseCalendar] = [
        .init(
            name: "cisco-ios", rule: "FREQ=YEARLY;BYMONTH=3,9;BYDAY=4WE",
            about: "Cisco IOS and IOS XE: fourth Wednesday of March and September"),
        .init(name: "half-yearly", rule: "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1", about: "First of January and July"),
        .init(name: "last-friday", rule: "FREQ=MONTHLY;BYDAY=-1FR", about: "Last Friday of each month"),
        .init(name: "monthly", rule: "FREQ=MONTHLY;BYMONTHDAY=1", about: "First of each month"),
        .init(
            name: "oracle-quarterly", rule: "FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=3TU",
            about: "Oracle critical patch updates: third Tuesday of January, April, July and October"),
        .init(
            name: "quarterly", rule: "FREQ=YEARLY;BYMONTH=1,4,7,10;BYMONTHDAY=1",
            about: "First of January, April, July and October"),
        .init(
            name: "second-tuesday", rule: "FREQ=MONTHLY;BYDAY=2TU",
            about: "Microsoft, Adobe, SAP: second Tuesday of each month"),
    ]

    /// A rule, written out or by a calendar's name.
    ///
    /// - Throws: ``ScheduleError``; a name that is none is said with those that are.
    public static func rule(_ text: String) throws(ScheduleError) -> RecurrenceRule {
        if text.utf8.contains(0x3D) { return try RecurrenceRule(text) }
        let name = text.lowercased()
        guard let known = all.first(where: { $0.name == name }) else {
            throw ScheduleError(
                .badRule,
                "\"\(text.prefix(60))\" is no rule and no release calendar; write a rule like FREQ=MONTHLY;BYDAY=2TU, or one of \(all.map(\.name).joined(separator: ", "))"
            )
        }
        return try RecurrenceRule(known.rule)
    }
}
