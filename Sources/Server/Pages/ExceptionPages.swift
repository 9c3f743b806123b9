import Access
import HTML
import HTTPTypes
import Hummingbird
import Pages
import Priority
import Store
import Timestamps
import Wire

/// Accepted risks: the list, one with the forms that decide on it, and the form that asks for one.
enum ExceptionPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(
            .get, "/exceptions", "exceptions", access: .permission(.hostsRead), parameters: ["state", "after"], list),
        PageDeclaration(
            .get, "/exceptions/new", "exception-new", access: .permission(.exceptionsWrite),
            parameters: ["vulnerability", "host", "package"]
        ) { call in
            var model = ExceptionFormModel()
            model.values = call.query
            model.values["expires"] = String(call.now.adding(seconds: 30 * 86_400).description.prefix(10))
            return call.html(exceptionFormPage(model, call.context()))
        },
        PageDeclaration(.post, "/exceptions/new", "exception-new", access: .permission(.exceptionsWrite), create),
        PageDeclaration(.get, "/exceptions/{exception}", "exception", access: .permission(.hostsRead)) { call in
            try await answer(call, try await call.exceptions(.hostsRead).find(call.path("exception")))
        },
        PageDeclaration(
            .post, "/exceptions/{exception}/approve", "exception-approve", access: .permission(.exceptionsApprove)
        ) { call in
            try await decide(call) { desk in
                try await desk.approve(call.path("exception"), coversExploitation: call.field("covers") == "yes")
            }
        },
        PageDeclaration(
            .post, "/exceptions/{exception}/reject", "exception-reject", access: .permission(.exceptionsApprove)
        ) { call in
            try await decide(call) { desk in try await desk.reject(call.path("exception"), reason: reason(call)) }
        },
        PageDeclaration(
            .post, "/exceptions/{exception}/revoke", "exception-revoke", access: .permission(.exceptionsWrite)
        ) { call in
            try await decide(call) { desk in try await desk.revoke(call.path("exception"), reason: reason(call)) }
        },
    ]

    /// Why somebody ends one.
    private static func reason(_ call: PageCall) throws -> String {
        let reason = SubmittedText.shown(call.field("reason"), maximum: 1024)
        guard !reason.isEmpty else {
            throw Refusal(
                .unprocessable([
                    .init(pointer: "/reason", detail: "It says no reason.", cure: "Say why it ends.")
                ]))
        }
        return reason
    }

    private static func list(_ call: PageCall) async throws -> Response {
        var model = ExceptionsModel()
        model.state = ExceptionSchema.states.contains(call.query["state"] ?? "") ? call.query["state"] ?? "" : ""
        let all = try await call.exceptions(.hostsRead).list()
        model.states = ExceptionSchema.states.map { state in (state, all.count { $0.state == state }) }
        let chosen = model.state.isEmpty ? all : all.filter { $0.state == model.state }
        let page = Page(chosen, after: call.query["after"])
        model.rows = try await rows(page.rows, call)
        model.total = chosen.count
        model.next = page.next
        model.mayWrite = call.may(.exceptionsWrite)
        return call.html(exceptionsPage(model, call.context()))
    }

    private static func rows(_ list: [ExceptionDesk.Shown], _ call: PageCall) async throws -> [ExceptionRow] {
        let organisation = try call.organisationID
        return try await call.state.store.read { transaction in
            func name(_ id: String) throws -> String {
                try ActivityText.name(id, transaction, organisation: organisation)
            }
            return try list.map { shown in
                let stored = shown.stored
                var row = ExceptionRow(
                    id: stored.id, vulnerability: stored.vulnerability, state: shown.state,
                    requestedAt: stored.requestedAt, expires: stored.expires)
                row.sentence = shown.sentence
                if let by = stored.revokedBy {
                    row.sentence =
                        "\(shown.revocation) on \(stored.revokedAt?.description.prefix(10) ?? "") by \(try name(by)): \(stored.revocationReason)"
                }
                row.place = shown.hostname ?? (stored.selector.isEmpty ? "all hosts" : "hosts with \(stored.selector)")
                row.package = stored.package
                row.owner = try name(stored.owner)
                row.reason = stored.reason
                row.control = stored.compensatingControl
                row.requestedBy = try name(stored.requestedBy)
                row.approvedBy = try stored.approvedBy.map(name) ?? ""
                row.approvedAt = stored.approvedAt
                row.coversExploitation = stored.coversExploitation
                return row
            }
        }
    }

    private static func answer(
        _ call: PageCall, _ shown: ExceptionDesk.Shown, error: String = "", status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        guard let row = try await rows([shown], call).first else { throw Refusal(.noSuchPage) }
        var model = ExceptionModel(row: row)
        let desk = try call.exceptions(.hostsRead)
        let isOwn =
            shown.stored.requestedBy == desk.actor || shown.stored.owner == desk.actor
            || desk.names.contains(shown.stored.owner)
        model.mayApprove = call.may(.exceptionsApprove) && shown.state == "requested" && !isOwn
        model.mayRevoke = call.may(.exceptionsWrite) && ["requested", "active", "incomplete"].contains(shown.state)
        model.mayReject = model.mayApprove && !model.mayRevoke
        model.knownExploited = shown.exploitation.since
        model.error = error
        return call.html(exceptionPage(model, call.context()), status: status)
    }

    /// Does it; what the desk refuses is said on the exception's page.
    private static func decide(
        _ call: PageCall, _ body: (ExceptionDesk) async throws -> ExceptionDesk.Shown
    ) async throws -> Response {
        let desk = try call.exceptions(.hostsRead)
        let found = try await desk.find(call.path("exception"))
        do {
            _ = try await body(desk)
        } catch let refusal as Refusal where refusal.problem.status == 409 || refusal.problem.status == 422 {
            let problem = refusal.problem
            let faults = problem.errors.map { "\($0.detail) \($0.cure)" }.joined(separator: " ")
            return try await answer(
                call, found, error: faults.isEmpty ? "\(problem.detail) \(problem.cure)" : faults,
                status: .init(code: problem.status))
        }
        return call.done(.exception, "exceptions", found.stored.id)
    }

    private static func create(_ call: PageCall) async throws -> Response {
        var model = ExceptionFormModel()
        let names = ["vulnerability", "host", "selector", "package", "reason", "control", "owner", "expires"]
        model.values = Dictionary(uniqueKeysWithValues: names.map { ($0, call.field($0)) })
        func value(_ name: String) -> String? {
            let text = SubmittedText.shown(model.values[name] ?? "", maximum: name == "selector" ? 2048 : 255)
            return text.isEmpty ? nil : text
        }
        // Browsers end lines with CR LF; what is shown keeps its lines.
        func words(_ name: String) -> String {
            let lines = (model.values[name] ?? "").split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            return String(
                lines.map { SubmittedText.shown(String($0), maximum: 2000) }.joined(separator: "\n").prefix(2000))
        }
        guard let day = value("expires"), day.utf8.count == 10, let expires = Timestamp(rfc3339: "\(day)T23:59:59Z")
        else {
            model.errors["expires"] = "Write a day as 2026-12-31."
            return call.html(exceptionFormPage(model, call.context()), status: .badRequest)
        }
        do {
            let shown = try await call.exceptions(.hostsRead).create(
                ExceptionDesk.Draft(
                    vulnerability: value("vulnerability") ?? "", host: value("host"), selector: value("selector"),
                    package: value("package"), owner: value("owner"), reason: words("reason"),
                    compensatingControl: words("control"), expires: expires))
            return call.done(.exception, "exceptions", shown.stored.id)
        } catch let refusal as Refusal where refusal.problem.status == 422 {
            let places = ["compensatingControl": "control"]
            for fault in refusal.problem.errors {
                let field = String((fault.pointer ?? "").dropFirst())
                model.errors[places[field] ?? field] = "\(fault.detail) \(fault.cure)"
            }
            if model.errors.isEmpty { model.problem = "\(refusal.problem.detail) \(refusal.problem.cure)" }
            return call.html(exceptionFormPage(model, call.context()), status: .badRequest)
        }
    }
}

extension PageCall {
    /// Accepted risks, as whoever looks may see and change them.
    func exceptions(_ permission: Permission) throws -> ExceptionDesk {
        let person = try person
        var names: Set = [person.actor, person.principal.id]
        if let user = person.user { names.formUnion([user.id, user.name, user.displayName, user.email]) }
        names.remove("")
        return ExceptionDesk(
            state: state, organisation: try organisationID, reach: reach(permission), actor: person.actor,
            names: names, now: now)
    }
}
