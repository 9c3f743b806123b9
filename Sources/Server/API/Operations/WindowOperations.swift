import Access
import HTTPTypes
import JSON
import Schedule
import Store
import Timestamps

/// When hosts may change, by the policies in force.
enum WindowOperations {
    static let all: [Operation] = [preview, calendar]

    /// The most openings of one answer.
    static let maximum: Int64 = 200

    private static let preview: Operation = Operation(
        .get, "/api/v1/hosts/{host}/windows", id: "previewHostWindows", tag: .policies,
        summary: "Say when a host may change next, and why where it may not.",
        description: """
            By the policies in force: windows united, freezes taken away, on the clocks of the host, of its site or of a fixed \
            zone, with what changes of clocks do to each.
            """, access: .permission(.hostsRead),
        parameters: [
            HostOperations.hostParameter,
            .query("count", .integer(1...maximum), "How many openings; 8 by default."),
            .query("after", .time, "After when; now by default."),
        ],
        responses: [
            .ok(.component(component)), .problem(.conflict, "Several hosts match; `detail` names them."),
        ]
    ) { call in
        let after = call.time("after") ?? call.now
        return .json(
            try await call.state.store.read { sql in
                let host = try call.host(sql)
                let calendars = try HostCalendars(sql, call.state.policies, organisation: host.organisation)
                return json(
                    try calendars.preview(of: host, after: after, limit: Int(call.integer("count") ?? 8)))
            })
    }

    private static let calendar: Operation = Operation(
        .get, "/api/v1/groups/{group}/windows.ics", id: "showGroupCalendar", tag: .policies,
        summary: "The windows and freezes of a group as iCalendar (RFC 5545).",
        description:
            "Windows as rules, freezes of two years as events. Where the group's hosts have several zones, each window is there once for each.",
        access: .permission(.policiesRead),
        parameters: [.path("group", .text(1...63), "The name of a HostGroup.")],
        responses: [ResponseDeclaration(.ok, "The calendar.", .anyText, mediaType: "text/calendar")]
    ) { call in
        let group = try call.path("group")
        let text = try await call.state.store.read { sql in
            try GroupCalendar(transaction: sql, cache: call.state.policies)
                .text(group, organisation: call.organisation, now: call.now)
        }
        guard let text else { throw Refusal(.missing("group", group)) }
        return Answer(content: .bytes(Array(text.utf8), type: "text/calendar; charset=utf-8"))
    }

    private static let component = Schema.Component(
        "HostWindows",
        .object([
            .required("host", .anyText), .required("hostname", .anyText),
            .required("zone", .nullable(.anyText), "The host's zone; null where it has not said it."),
            .required("site", .nullable(.anyText)), .required("siteZone", .nullable(.anyText)),
            .required("groups", .array(.anyText)), .required("windows", .array(.anyText)),
            .required("freezes", .array(.anyText)),
            .required("open", .boolean, "Whether it may change at the time that was asked for."),
            .required("frozen", .array(.anyText), "The freezes in force then, with why."),
            .required("why", .anyText, "Why there is no opening, and what to do; empty where there is one."),
            .required("version", .count, "The version of the policies."),
            .required(
                "items",
                .array(
                    .object([
                        .required("opens", .anyText, "Local time."), .required("shuts", .anyText, "Local time."),
                        .required("zone", .anyText, "On whose clocks those are."), .required("utc", .time),
                        .required("utcEnd", .time), .required("minutes", .count),
                        .required(
                            "lastStart", .nullable(.time),
                            "Until when the shortest job may begin, with a reboot and a way back; null where none fits."
                        ),
                        .required("windows", .array(.anyText), "The occurrences that it is made of."),
                        .required("note", .anyText, "What clocks and freezes do to it."),
                    ]))),
        ]))

    static func json(_ found: HostWindows) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        func texts(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        return [
            "host": .string(found.host.id), "hostname": .string(found.host.hostname), "zone": text(found.zone),
            "site": text(found.site), "siteZone": text(found.siteZone), "groups": texts(found.groups),
            "windows": texts(found.windows), "freezes": texts(found.freezes), "open": .bool(found.isOpen),
            "frozen": texts(found.frozenNow.map { "\($0.id): \($0.reason)" }), "why": .string(found.why),
            "version": .integer(found.version),
            "items": .array(
                found.rows.map { row in
                    [
                        "opens": .string("\(row.zone.localTime(at: row.opening.start))"),
                        "shuts": .string("\(row.zone.localTime(at: row.opening.end))"),
                        "zone": .string(row.zone.name), "utc": .string(row.opening.start.description),
                        "utcEnd": .string(row.opening.end.description), "minutes": .integer(row.opening.seconds / 60),
                        "lastStart": row.lastSafeStart.map { .string($0.description) } ?? .null,
                        "windows": texts(row.opening.occurrences.map(\.description)),
                        "note": .string(row.notes.joined(separator: " ")),
                    ]
                }),
        ]
    }
}
