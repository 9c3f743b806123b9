import Access
import Digest
import HTTPTypes
import Hummingbird
import Pages
import Priority
import Store
import Timestamps
import Wire

/// Evidence before patches: the list, one place with the forms that note what was done.
enum EvidencePages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/evidence", "evidence", access: .permission(.hostsRead), parameters: ["after"], list),
        PageDeclaration(.get, "/evidence/{host}/{vulnerability}", "evidence-one", access: .permission(.hostsRead)) {
            call in try await answer(call)
        },
        PageDeclaration(
            .post, "/evidence/{host}/{vulnerability}/taken", "evidence-taken", access: .permission(.hostsOperate)
        ) { call in
            let digest = call.field("digest").lowercased()
            return try await note(call, .hostsOperate) { desk, vulnerability, host in
                guard digest.isEmpty || SHA256Digest(hex: digest) != nil else {
                    throw Refusal(
                        .unprocessable([
                            .init(
                                pointer: "/digest", detail: "It is not 64 hexadecimal digits.",
                                cure: "Give what sha256sum prints.")
                        ]))
                }
                let held = try await desk.list(host: call.path("host"), vulnerability: vulnerability).first
                if held?.hold.next?.step == .verdict {
                    _ = try await desk.record([(.verdict, digest)], of: vulnerability, on: host)
                } else {
                    _ = try await desk.take(digest, of: vulnerability, on: host)
                }
            }
        },
        PageDeclaration(
            .post, "/evidence/{host}/{vulnerability}/waive", "evidence-waive", access: .permission(.exceptionsApprove)
        ) { call in
            let reason = SubmittedText.shown(call.field("reason"), maximum: 1024)
            return try await note(call, .exceptionsApprove) { desk, vulnerability, host in
                _ = try await desk.waive(vulnerability, reason: reason, on: host)
            }
        },
    ]

    private static func desk(_ call: PageCall) throws -> EvidenceDesk {
        EvidenceDesk(
            state: call.state, organisation: try call.organisationID, reach: call.reach(.hostsRead),
            actor: try call.person.actor, now: call.now)
    }

    private static func list(_ call: PageCall) async throws -> Response {
        var model = EvidenceListModel()
        switch try await RiskReading.read(call) {
        case .failure(let gap): model.gap = gap
        case .success(let reading):
            let all = try await desk(call).list()
            let page = Page(all, after: call.query["after"])
            model.rows = try await rows(page.rows, call)
            model.total = all.count
            model.blocking = all.count { $0.hold.blocksInstallation }
            model.next = page.next
            model.scope = reading.scope
        }
        return call.html(evidenceListPage(model, call.context()))
    }

    private static func rows(_ list: [EvidenceDesk.Held], _ call: PageCall) async throws -> [EvidenceRow] {
        let organisation = try call.organisationID
        return try await call.state.store.read { transaction in
            func name(_ id: String) throws -> String {
                try ActivityText.name(id, transaction, organisation: organisation)
            }
            return try list.map { held in
                var row = EvidenceRow(
                    host: held.host.id, hostname: held.host.hostname, vulnerability: held.vulnerability,
                    since: held.hold.since)
                row.packages = held.packages
                row.isBlocking = held.hold.blocksInstallation
                row.next = held.hold.next?.step.rawValue ?? ""
                row.due = held.hold.next?.due
                row.isLate = row.due.map { $0 < call.now } ?? false
                row.records = try EvidenceHold.Step.allCases.compactMap { step in
                    try held.hold.records[step].map { (step.rawValue, $0.at, try name($0.by), $0.digest) }
                }
                row.waivedBy = try held.hold.waiver.map { try name($0.by) } ?? ""
                row.waived = held.hold.waiver?.at
                row.reason = held.reason
                return row
            }
        }
    }

    private static func answer(
        _ call: PageCall, error: String = "", status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        // Of a host beyond reach as of one that there is not; and nothing is held where nothing is known.
        try await find(call, .hostsRead)
        guard call.state.vulnerabilities.knowledge != nil,
            call.state.vulnerabilities.risk(try call.organisationID) != nil
        else { throw Refusal(.noSuchPage) }
        let held: [EvidenceDesk.Held]
        do {
            held = try await desk(call).list(host: call.path("host"), vulnerability: call.path("vulnerability"))
        } catch let refusal as Refusal where refusal.problem.status == 404 {
            throw Refusal(.noSuchPage)
        }
        guard let row = try await rows(held, call).first(where: { $0.host == call.path("host") }) else {
            throw Refusal(.noSuchPage)
        }
        var model = EvidenceModel(row: row)
        model.mayRecord = call.may(.hostsOperate)
        model.mayWaive = call.may(.exceptionsApprove)
        model.error = error
        return call.html(evidencePage(model, call.context()), status: status)
    }

    /// Refuses where the host is not within reach.
    private static func find(_ call: PageCall, _ permission: Permission) async throws {
        let (organisation, id, reach) = (try call.organisationID, call.path("host"), call.reach(permission))
        let found = try await call.state.store.read { try $0.hosts.show(organisation: organisation, id: id) }
        guard let found, reach.includes(found.labels) else { throw Refusal(.noSuchPage) }
    }

    /// Notes it; what the desk refuses is said on the page.
    private static func note(
        _ call: PageCall, _ permission: Permission,
        _ body: (EvidenceDesk, String, @escaping @Sendable (Transaction) throws -> HostRecord) async throws -> Void
    ) async throws -> Response {
        let (organisation, id, reach) = (try call.organisationID, call.path("host"), call.reach(permission))
        let vulnerability = call.path("vulnerability")
        try await find(call, permission)
        do {
            try await body(try desk(call), vulnerability) { transaction in
                guard let host = try transaction.hosts.show(organisation: organisation, id: id),
                    reach.includes(host.labels)
                else { throw Refusal(.noSuchPage) }
                return host
            }
        } catch let refusal as Refusal where refusal.problem.status == 409 || refusal.problem.status == 422 {
            let problem = refusal.problem
            let faults = problem.errors.map { "\($0.detail) \($0.cure)" }.joined(separator: " ")
            return try await answer(
                call, error: faults.isEmpty ? "\(problem.detail) \(problem.cure)" : faults,
                status: .init(code: problem.status))
        }
        return call.done(.evidence, "evidence", id, vulnerability)
    }
}
