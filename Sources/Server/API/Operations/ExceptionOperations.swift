import Access
import HTTPTypes
import JSON
import Priority
import Store
import Timestamps

/// Accepted risks: asked for, approved by another person, ended.
enum ExceptionOperations {
    static let all: [Operation] = [list, create, show, approve, reject, revoke]

    private static let parameter: Parameter = .path("exception", .text(1...64), "The exception's id.")

    /// Words of a person, on as many lines as they want.
    private static let words: Schema = .matching(#"^[^\u0000-\u0008\u000B-\u001F\u007F]*$"#, 1...2000)

    private static let list: Operation = Operation(
        .get, "/api/v1/exceptions", id: "listExceptions", tag: .vulnerabilities,
        summary: "List accepted risks, the newest first.",
        description: "Those that have ended stay in the list: `state` says how.", access: .permission(.hostsRead),
        parameters: [
            .query("vulnerability", .text(1...255), "Only of this vulnerability, by any of its ids."),
            .query("state", .oneOf(ExceptionSchema.states), "Only in this state."),
        ],
        responses: [.ok(.page(of: .component(ExceptionSchema.component)))], traits: [.paginated]
    ) { call in
        let all = try await call.exceptions.list(vulnerability: call.text("vulnerability"))
            .filter { shown in call.text("state").map { $0 == shown.state } ?? true }
        // By time and id, as the store sorts them; one that is made meanwhile shifts nothing.
        let rest = all.drop { shown in
            guard let time = call.cursor?[0]?.integer, let id = call.cursor?[1]?.string else { return false }
            return (-shown.stored.requestedAt.milliseconds, shown.stored.id) <= (-time, id)
        }
        let page = rest.prefix(call.limit)
        return .page(
            page.map(ExceptionSchema.json),
            next: rest.count > page.count
                ? page.last.map { [.integer($0.stored.requestedAt.milliseconds), .string($0.stored.id)] } : nil)
    }

    private static let create: Operation = Operation(
        .post, "/api/v1/exceptions", id: "createException", tag: .vulnerabilities,
        summary: "Ask for a risk to be accepted for a time.",
        description: """
            It holds once another person has approved it. Until it ends what it covers is shown as accepted, and has no \
            date; it ends at its time, when somebody revokes it, and when the vulnerability becomes known to be exploited.
            """, access: .permission(.exceptionsWrite),
        body: BodyDeclaration(
            .object([
                .required("vulnerability", .text(1...255), "Any of its ids."),
                .optional("host", .text(1...255), "Only on this host: its id or name."),
                .optional("selector", .text(1...2048), "Only on hosts that this label selector selects."),
                .optional("package", .text(1...255), "Only in this package, or in those of this source."),
                .optional("owner", .text(1...255), "Who answers for it; whoever asks by default."),
                .required("reason", words, "Why it is not patched."),
                .required("compensatingControl", words, "What stands in for the patch."),
                .required("expires", .time, "When it ends: within 366 days."),
            ])), responses: [.created(.component(ExceptionSchema.component), "It waits for approval.")]
    ) { call in
        let body = call.body
        let shown = try await call.exceptions.create(
            ExceptionDesk.Draft(
                vulnerability: body["vulnerability"]?.string ?? "", host: body["host"]?.string,
                selector: body["selector"]?.string, package: body["package"]?.string, owner: body["owner"]?.string,
                reason: body["reason"]?.string ?? "", compensatingControl: body["compensatingControl"]?.string ?? "",
                expires: body["expires"]?.string.flatMap { Timestamp(rfc3339: $0) } ?? call.now))
        return .created(ExceptionSchema.json(shown), at: "/api/v1/exceptions/\(shown.stored.id)")
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/exceptions/{exception}", id: "showException", tag: .vulnerabilities,
        summary: "Show an accepted risk.", access: .permission(.hostsRead), parameters: [parameter],
        responses: [.ok(.component(ExceptionSchema.component))]
    ) { call in .json(ExceptionSchema.json(try await call.exceptions.find(try call.path("exception")))) }

    private static let approve: Operation = Operation(
        .post, "/api/v1/exceptions/{exception}/approve", id: "approveException", tag: .vulnerabilities,
        summary: "Accept a risk that another person asks to accept.",
        description: "Neither who asked for it nor its owner can.", access: .permission(.exceptionsApprove),
        parameters: [parameter],
        body: BodyDeclaration(
            .object([
                .optional(
                    "coversExploitation", .boolean,
                    "Whether it holds although the vulnerability is, or becomes, known to be exploited; false by default."
                )
            ]), isRequired: false),
        responses: [
            .ok(.component(ExceptionSchema.component), "It holds."),
            .problem(.conflict, "It is your own, was decided, or the vulnerability is known to be exploited."),
        ]
    ) { call in
        .json(
            ExceptionSchema.json(
                try await call.exceptions.approve(
                    try call.path("exception"), coversExploitation: call.body["coversExploitation"]?.bool ?? false)))
    }

    private static let reject: Operation = Operation(
        .post, "/api/v1/exceptions/{exception}/reject", id: "rejectException", tag: .vulnerabilities,
        summary: "Refuse a risk that another person asks to accept.", access: .permission(.exceptionsApprove),
        parameters: [parameter],
        body: BodyDeclaration(.object([.required("reason", words, "Why; it enters the audit log.")])),
        responses: [
            .ok(.component(ExceptionSchema.component), "It is refused."), .problem(.conflict, "It was decided before."),
        ]
    ) { call in
        .json(
            ExceptionSchema.json(
                try await call.exceptions.reject(
                    try call.path("exception"), reason: call.body["reason"]?.string ?? "")))
    }

    private static let revoke: Operation = Operation(
        .post, "/api/v1/exceptions/{exception}/revoke", id: "revokeException", tag: .vulnerabilities,
        summary: "End an accepted risk now, or withdraw what was asked for.",
        access: .permission(.exceptionsWrite), parameters: [parameter],
        body: BodyDeclaration(.object([.required("reason", words, "Why; it enters the audit log.")])),
        responses: [
            .ok(.component(ExceptionSchema.component), "It has ended."), .problem(.conflict, "It had ended before."),
        ]
    ) { call in
        .json(
            ExceptionSchema.json(
                try await call.exceptions.revoke(
                    try call.path("exception"), reason: call.body["reason"]?.string ?? "")))
    }
}

/// How exceptions look in the document.
enum ExceptionSchema {
    static let states = ["requested", "active", "expired", "reopened", "revoked", "incomplete"]

    static let component = Schema.Component(
        "Exception",
        .object([
            .required("id", .text(1...64)), .required("state", .oneOf(states)),
            .required("sentence", .anyText, "How it stands."), .required("vulnerability", .anyText),
            .required("host", .nullable(.anyText), "The host's id; null for several."),
            .required("hostname", .nullable(.anyText)), .required("selector", .anyText, "Empty for all hosts."),
            .required("package", .anyText, "Empty for all."), .required("owner", .anyText),
            .required("reason", .anyText), .required("compensatingControl", .anyText),
            .required("requestedBy", .anyText), .required("requested", .time), .required("expires", .time),
            .required("approvedBy", .nullable(.anyText)), .required("approved", .nullable(.time)),
            .required("coversExploitation", .boolean), .required("revokedBy", .nullable(.anyText)),
            .required("revoked", .nullable(.time)), .required("revocationReason", .anyText),
            .required("ended", .nullable(.time), "When it ended by itself."),
            .required(
                "knownExploitedStatus", .oneOf(["listed", "not-listed", "unknown"]),
                "Whether it is in CISA's catalogue; the sentence says why that is unknown, and the cure."),
        ]))

    static func json(_ shown: ExceptionDesk.Shown) -> JSONValue {
        let stored = shown.stored
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        func time(_ value: Timestamp?) -> JSONValue { value.map { .string($0.description) } ?? .null }
        return [
            "id": .string(stored.id), "state": .string(shown.state), "sentence": .string(shown.sentence),
            "vulnerability": .string(stored.vulnerability), "host": text(stored.host.isEmpty ? nil : stored.host),
            "hostname": text(shown.hostname), "selector": .string(stored.selector), "package": .string(stored.package),
            "owner": .string(stored.owner), "reason": .string(stored.reason),
            "compensatingControl": .string(stored.compensatingControl), "requestedBy": .string(stored.requestedBy),
            "requested": time(stored.requestedAt), "expires": time(stored.expires),
            "approvedBy": text(stored.approvedBy), "approved": time(stored.approvedAt),
            "coversExploitation": .bool(stored.coversExploitation), "revokedBy": text(stored.revokedBy),
            "revoked": time(stored.revokedAt), "revocationReason": .string(stored.revocationReason),
            "ended": time(stored.endedAt), "knownExploitedStatus": .string(shown.exploitation.word),
        ]
    }
}

extension Call {
    /// Accepted risks, as this caller may see and change them.
    var exceptions: ExceptionDesk {
        var names: Set = [caller.actor, caller.principal.id]
        if let user = caller.user { names.formUnion([user.id, user.name, user.displayName, user.email]) }
        names.remove("")
        return ExceptionDesk(
            state: state, organisation: organisation, reach: reach, actor: caller.actor, names: names, now: now)
    }
}
