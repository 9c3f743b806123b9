public import Schedule
import Timestamps

/// What a calendar says about windows and freezes.
public struct ICalendarWindows: Hashable, Sendable {
    /// Its windows,
    public var windows: [MaintenanceWindow] = []
    /// and freezes: events of the category `FREEZE`.
    public var freezes: [Freeze] = []
    /// What was left out or means less here, each with its line.
    public var notes: [String] = []
}

/// Reads windows from a calendar (RFC 5545): its events, with rules, exceptions and changed occurrences.
///
/// What cannot mean the same here is an error with line and cure, never a window that is open at another time.
public struct ICalendarReader: Sendable {
    /// The zone of an IANA name; nil where there is none.
    public var zone: @Sendable (String) -> Zone?
    /// On whose clocks events without a zone run.
    public var floating: MaintenanceWindow.Clocks

    /// The most bytes of a calendar,
    public static let maximumBytes = 4 << 20
    /// the most events,
    public static let maximumEvents = 2000
    /// and how deep its components may lie in one another.
    public static let maximumDepth = 4

    /// A reader.
    public init(floating: MaintenanceWindow.Clocks = .host, zone: @escaping @Sendable (String) -> Zone?) {
        self.zone = zone
        self.floating = floating
    }

    /// Reads a calendar's bytes.
    public func read(_ bytes: [UInt8]) throws(ICalendarError) -> ICalendarWindows {
        guard bytes.count <= Self.maximumBytes else {
            throw ICalendarError(
                1, "the calendar has \(bytes.count) bytes, and may have \(Self.maximumBytes); export fewer events")
        }
        var result = ICalendarWindows()
        let contents = try components(ICalendarLines.properties(bytes), &result)
        var places = ICalendarPlaces(zone: zone, floating: floating, locations: contents.locations)
        var ids: Set<String> = []
        // Changed occurrences follow their event, wherever they stand.
        var order: [String] = []
        var groups: [String: (master: ICalendarEvent?, changes: [ICalendarEvent])] = [:]
        for event in contents.events {
            let uid = event.uid ?? "line-\(event.line)"
            if groups[uid] == nil { order.append(uid) }
            if event.first("RECURRENCE-ID") != nil {
                groups[uid, default: (nil, [])].changes.append(event)
            } else if groups[uid]?.master == nil {
                groups[uid, default: (nil, [])].master = event
            } else {
                throw ICalendarError(event.line, "a second event has the UID \"\(uid.prefix(80))\"; give each its own")
            }
        }
        for uid in order {
            guard let group = groups[uid] else { continue }
            guard let master = group.master else {
                throw ICalendarError(
                    group.changes[0].line,
                    "RECURRENCE-ID changes an event that is not in this calendar; export the whole calendar")
            }
            if master.isCancelled {
                result.notes.append("line \(master.line): the event is cancelled, and was left out")
                continue
            }
            var id = master.windowID
            var number = 2
            while !ids.insert(id).inserted {
                id = "\(master.windowID.prefix(58))-\(number)"
                number += 1
            }
            if master.isFreeze {
                result.freezes.append(try places.freeze(master, id))
            } else {
                result.windows.append(try places.window(master, id, group.changes, &result.notes))
            }
        }
        return result
    }

    private func components(
        _ properties: [ICalendarProperty], _ result: inout ICalendarWindows
    ) throws(ICalendarError)
        -> (events: [ICalendarEvent], locations: [String: String])
    {
        var events: [ICalendarEvent] = []
        var locations: [String: String] = [:]
        var stack: [String] = []
        var zoneName: String?
        var sawCalendar = false
        for property in properties {
            switch property.name {
            case "BEGIN":
                let kind = property.value.uppercased()
                guard stack.isEmpty == (kind == "VCALENDAR") else {
                    throw ICalendarError(
                        property.line, "BEGIN:\(kind.prefix(40)) is not inside one VCALENDAR; is the file whole?")
                }
                guard stack.count < Self.maximumDepth else {
                    throw ICalendarError(
                        property.line, "components lie more than \(Self.maximumDepth) deep; export the calendar anew")
                }
                stack.append(kind)
                sawCalendar = true
                if kind == "VEVENT" {
                    guard events.count < Self.maximumEvents else {
                        throw ICalendarError(
                            property.line, "a calendar may have \(Self.maximumEvents) events; export fewer")
                    }
                    events.append(ICalendarEvent(line: property.line))
                } else if kind == "VTODO" || kind == "VJOURNAL" {
                    result.notes.append("line \(property.line): \(kind) is no event, and was left out")
                }
                zoneName = nil
            case "END":
                guard let last = stack.popLast(), last == property.value.uppercased() else {
                    throw ICalendarError(
                        property.line,
                        "END:\(property.value.prefix(40)) ends nothing that has begun; is the file whole?")
                }
            default:
                guard let inside = stack.last else {
                    throw ICalendarError(
                        property.line, "\(property.name.prefix(40)) is outside of VCALENDAR; is this an iCalendar file?"
                    )
                }
                if inside == "VEVENT", stack.count == 2 {
                    events[events.count - 1].properties[property.name, default: []].append(property)
                } else if inside == "VTIMEZONE" {
                    if property.name == "TZID" { zoneName = String(property.value) }
                    if property.name == "X-LIC-LOCATION", let zoneName { locations[zoneName] = String(property.value) }
                }
            }
        }
        let last = properties.last?.line ?? 1
        guard stack.isEmpty else {
            throw ICalendarError(
                last, "the calendar ends inside \(stack.last?.prefix(40) ?? ""); it was cut off: fetch it again")
        }
        guard sawCalendar else { throw ICalendarError(last, "there is no BEGIN:VCALENDAR; is this an iCalendar file?") }
        return (events, locations)
    }
}

/// The properties of one event.
struct ICalendarEvent {
    var line: Int
    var properties: [String: [ICalendarProperty]] = [:]

    func first(_ name: String) -> ICalendarProperty? { properties[name]?.first }
    func text(_ name: String) -> String? { first(name).map { ICalendarText.unescaped($0.value) } }

    var uid: String? { text("UID") }
    var isCancelled: Bool { first("STATUS")?.value.uppercased() == "CANCELLED" }
    var isFreeze: Bool {
        (properties["CATEGORIES"] ?? []).contains { property in
            property.value.split(separator: ",").contains { $0.uppercased() == "FREEZE" }
        }
    }

    /// A name for the window: its own where Fettle wrote the event, else what its `UID` has before the `@`.
    var windowID: String {
        if let id = text("X-FETTLE-ID"), MaintenanceWindow.isValidID(id) { return id }
        let base = (uid ?? "line-\(line)").prefix { $0 != "@" }
        let name = String(
            base.utf8.prefix(60).map { byte -> Character in
                let scalar = Character(UnicodeScalar(byte))
                return MaintenanceWindow.isValidID(String(scalar)) ? scalar : "-"
            })
        return name.isEmpty ? "line-\(line)" : name
    }
}
