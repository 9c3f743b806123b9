import Access
import Digest
import HTML
import HTTPTypes
import Hummingbird
import JSON
import Pages
import Policy
import Schedule
import Store
import Timestamps
import Wire
import YAML

/// Policies: the list, one object, and the form that applies them.
enum PolicyPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(
            .get, "/policies", "policies", access: .permission(.policiesRead), parameters: ["kind", "after"], list),
        PageDeclaration(
            .get, "/policies/apply", "policies-apply", access: .permission(.policiesWrite), parameters: ["object"], form
        ),
        PageDeclaration(.post, "/policies/apply", "policies-apply", access: .permission(.policiesWrite), apply),
        PageDeclaration(
            .get, "/policies/{kind}/{name}", "policy", access: .permission(.policiesRead),
            parameters: ["after", "version"], show),
        PageDeclaration(
            .get, "/policies/HostGroup/{name}/windows.ics", "policy-calendar", access: .permission(.policiesRead),
            calendar),
    ]

    /// A form has at most 64 KiB with everything that browsers escape.
    private static let maximumText = 20_000

    private static func row(_ stored: StoredPolicy, _ sql: Transaction, _ organisation: String) throws -> PolicyRow {
        var row = PolicyRow(
            kind: stored.kind, name: stored.name, version: stored.since, appliedAt: stored.appliedAt)
        row.note = stored.json["metadata"]?["note"]?.string ?? ""
        row.digest = stored.digest.hex
        row.until = stored.until
        row.appliedBy = try ActivityText.name(stored.appliedBy, sql, organisation: organisation)
        return row
    }

    private static func list(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let present = try await call.policies().inForce()
        var model = PoliciesModel()
        let kinds = PolicyKinds.all.map { $0.kind }
        model.kind = kinds.contains(call.query["kind"] ?? "") ? call.query["kind"] ?? "" : ""
        model.kinds = kinds.map { kind in (kind, present.stored.count { $0.kind == kind }) }.filter { $0.1 > 0 }
        model.version = present.number
        model.digest = present.version?.digest.hex ?? ""
        model.appliedAt = present.version?.appliedAt
        model.unreadable = present.problems.map(\.description)
        model.mayApply = call.may(.policiesWrite)
        let chosen = present.stored.filter { model.kind.isEmpty || $0.kind == model.kind }
        let page = Page(chosen, after: call.query["after"])
        (model.total, model.next) = (chosen.count, page.next)
        let shown = page.rows
        let by = present.version?.appliedBy
        (model.rows, model.appliedBy) = try await call.state.store.read { sql in
            (
                try shown.map { try row($0, sql, organisation) },
                try by.map { try ActivityText.name($0, sql, organisation: organisation) } ?? ""
            )
        }
        return call.html(policiesPage(model, call.context()))
    }

    private static func show(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let (kind, name) = (call.path("kind"), call.path("name"))
        let wanted = call.query["version"].flatMap(Int64.init)
        let found = try await call.state.store.read { sql -> (PolicyModel, Bool)? in
            let history = try sql.policies.history(
                organisation: organisation, kind: kind, name: name, limit: 100)
            guard
                let stored = wanted == nil ? history.first : history.first(where: { $0.since == wanted })
            else { return nil }
            var model = PolicyModel(row: try row(stored, sql, organisation))
            model.yaml = stored.json.yaml()
            model.history = try history.map { try row($0, sql, organisation) }
            return (model, stored.until == nil)
        }
        guard let (stored, isInForce) = found else { throw Refusal(.noSuchPage) }
        var model = stored
        model.mayApply = call.may(.policiesWrite)
        if kind == HostGroup.kind, isInForce {
            model.calendar = call.context().to("policies", kind, name, "windows.ics")
        }
        if isInForce, call.may(.hostsRead) {
            let scope = try await call.policies().scope(kind, name, reach: call.reach(.hostsRead))
            model.rings = scope.rings
            model.untested = scope.untested.map { "\($0.name) (\($0.hosts))" }
            let page = Page(scope.rows, after: call.query["after"])
            let object = try await call.policies().inForce().set.objects.first { $0.kind == kind && $0.name == name }
            let isForHosts =
                [HostGroup.kind, RingPlan.kind, Site.kind].contains(kind) || object?.groups != nil
            if isForHosts { model.hosts = page.rows.map { ($0.id, $0.name, $0.ring ?? "") } }
            (model.total, model.next) = (scope.rows.count, page.next)
        }
        return call.html(policyPage(model, call.context()))
    }

    private static func calendar(_ call: PageCall) async throws -> Response {
        let (organisation, name, now, cache) = (
            try call.organisationID, call.path("name"), call.now, call.state.policies
        )
        let text = try await call.state.store.read { sql in
            try GroupCalendar(transaction: sql, cache: cache).text(name, organisation: organisation, now: now)
        }
        guard let text else { throw Refusal(.noSuchPage) }
        return .bytes(
            Array(text.utf8), type: "text/calendar; charset=utf-8", status: .ok,
            headers: .init())
    }

    private static func form(_ call: PageCall) async throws -> Response {
        let desk = try call.policies()
        var model = PolicyFormModel()
        model.maximum = maximumText
        model.version = try await desk.inForce().number
        let parts = (call.query["object"] ?? "").split(separator: "/", maxSplits: 1).map(String.init)
        if parts.count == 2 { model.text = try await desk.find(parts[0], parts[1]).json.yaml() }
        return call.html(policyFormPage(model, call.context()))
    }

    private static func apply(_ call: PageCall) async throws -> Response {
        let desk = try call.policies()
        var model = PolicyFormModel()
        model.maximum = maximumText
        // Browsers end lines with CR LF.
        model.text = (call.form?["text"] ?? "").replacing("\r\n", with: "\n")
        model.prunes = call.form?["prune"] == "yes"
        guard model.text.utf8.count <= maximumText else {
            throw Refusal(.bodyTooLarge(maximumText))
        }
        let proposal = try await desk.propose(
            PolicyUpload(files: [.init(name: "text", text: model.text)], prunes: model.prunes))
        model.version = proposal.present
        model.plan = proposal.plan.lines
        model.errors = proposal.errors.map(\.description)
        model.warnings = proposal.problems.filter { $0.severity == .warning }.map(\.description)
        guard call.form?["step"] == "apply", model.errors.isEmpty else {
            return call.html(
                policyFormPage(model, call.context()), status: model.errors.isEmpty ? .ok : .unprocessableContent)
        }
        let planned = call.form?["version"].flatMap(Int64.init)
        do {
            guard planned == proposal.present else { throw Refusal(.stale) }
            _ = try await desk.apply(proposal)
        } catch let refusal as Refusal where refusal.problem.status == 412 {
            model.problem =
                "The policies have changed since that plan was made (it started from version \(planned ?? 0)). This is the plan now; apply it if it is what you want."
            return call.html(policyFormPage(model, call.context()), status: .conflict)
        }
        return call.done(.policies, "policies")
    }

    /// A host's windows for its page.
    static func windows(_ host: HostRecord, _ sql: Transaction, _ call: PageCall) throws -> HostWindowsModel {
        let found = try HostCalendars(sql, call.state.policies, organisation: host.organisation)
            .preview(of: host, after: call.now, limit: 12)
        var model = HostWindowsModel()
        model.openings = found.rows.map { row in
            HostWindowsModel.Opening(
                local:
                    "\(row.zone.localTime(at: row.opening.start)) to \(row.zone.localTime(at: row.opening.end)) \(row.zone.name)"
                    .replacing("T", with: " "),
                opens: row.opening.start, shuts: row.opening.end, minutes: row.opening.seconds / 60,
                lastStart: row.lastSafeStart, windows: row.opening.occurrences.map(\.window).joined(separator: ", "),
                note: row.notes.joined(separator: " "))
        }
        model.why = found.why
        model.isOpen = found.isOpen
        model.frozen = found.frozenNow.map { "\($0.id): \($0.reason)" }
        (model.zone, model.site, model.siteZone) = (found.zone, found.site, found.siteZone)
        (model.groups, model.windows, model.freezes) = (found.groups, found.windows, found.freezes)
        model.seesPolicies = call.may(.policiesRead)
        return model
    }
}

extension PageCall {
    /// The policies of the call's organisation.
    func policies() throws -> PolicyDesk {
        PolicyDesk(
            state: state, organisation: try organisationID, actor: try person.actor,
            seesHosts: reach(.hostsRead) == .all, now: now)
    }
}
