import Access
import Digest
import HTTPTypes
import JSON
import Store
import Timestamps

/// What happened to a host.
enum HostTimelineOperation {
    static let list: Operation = Operation(
        .get, "/api/v1/hosts/{host}/timeline", id: "listHostTimeline", tag: .hosts,
        summary: "List what happened to a host, the newest first.",
        description: "What people did to it is shown to whoever may read the audit log.",
        access: .permission(.hostsRead), parameters: [HostOperations.hostParameter],
        responses: [
            .ok(.page(of: .component(entry))), .problem(.conflict, "Several hosts match; `detail` names them."),
        ], traits: [.paginated]
    ) { call in
        let after = call.cursor?.string.flatMap { TimelineCursor($0) }
        let acts = call.caller.principal.may(.auditRead, organisation: call.organisation)
        let page = try await call.state.store.read { transaction in
            let host = try call.host(transaction)
            return try transaction.timeline.page(
                organisation: host.organisation, host: host.id, acts: acts, after: after, limit: call.limit)
        }
        return .page(page.entries.map(json), next: page.next.map { .string($0.description) })
    }

    private static let entry = Schema.Component(
        "TimelineEntry",
        .anyOf([
            .object([
                .required("time", .time), .required("kind", .oneOf(["report"])),
                .required("state", .component(HostSchema.state)),
                .required(
                    "changed", .array(.oneOf(["set", "offers", "facts"]), count: 0...3),
                    "Which documents differ from those before."),
            ]),
            .object([.required("time", .time), .required("kind", .oneOf(["boot"])), .required("bootID", .anyText)]),
            .object([
                .required("time", .time), .required("kind", .oneOf(["event"])), .required("event", .anyText),
                .required("detail", .anything, "Its members depend on the event."),
            ]),
            .object([
                .required("time", .time), .required("kind", .oneOf(["act"])), .required("actor", .anyText),
                .required("action", .anyText), .required("leaf", .count, "The event's id in the audit log."),
                .required("detail", .anything, "Its members depend on the action."),
            ]),
        ]))

    private static func json(_ entry: TimelineEntry) -> JSONValue {
        let time: JSONValue = .string(entry.time.description)
        switch entry.content {
        case .report(let state, let previous):
            var changed: [JSONValue] = []
            if state.digests.set != previous?.set { changed.append("set") }
            if state.digests.offers != previous?.offers { changed.append("offers") }
            if state.digests.facts != previous?.facts { changed.append("facts") }
            return ["time": time, "kind": "report", "state": HostSchema.json(state), "changed": .array(changed)]
        case .boot(let boot): return ["time": time, "kind": "boot", "bootID": .string(boot)]
        case .event(let event):
            return [
                "time": time, "kind": "event", "event": .string(event.kind),
                "detail": (try? JSONValue(parsing: Array(event.payload.utf8), limits: .message)) ?? .null,
            ]
        case .act(let act):
            return [
                "time": time, "kind": "act", "actor": .string(act.actor), "action": .string(act.action),
                "leaf": .integer(act.leaf), "detail": act.detail,
            ]
        }
    }
}
