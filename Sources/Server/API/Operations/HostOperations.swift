import Access
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// Hosts: what they are like, and decisions on their identity.
enum HostOperations {
    static let all: [Operation] =
        [list, show, difference, history, HostTimelineOperation.list, patches, scan, renew, release, revoke, retire]
        + HostLabels.all

    static let hostParameter: Parameter = .path(
        "host", .text(1...255), "The host's id, the beginning of it (from `h-` and two more), or its name.")

    private static let list: Operation = Operation(
        .get, "/api/v1/hosts", id: "listHosts", tag: .hosts, summary: "List hosts with their verdicts.",
        description:
            "All filters must hold. Of a host that is not judged, what rests on evidence is neither yes nor no.",
        access: .permission(.hostsRead),
        parameters: [
            .query("q", .text(1...255), "Only those whose name or id contains this, whatever its case."),
            .query("status", .oneOf(HostStatus.self), "Only those of this status."),
            .query(
                "labels", .text(1...LabelSelector.maximumBytes),
                "Only those that the selector selects: `site=berlin,tier in (web,api),!canary`."),
            .query("security", .boolean, "Whether security updates are pending, as last reported."),
            .query("pending", .boolean, "Whether any updates are pending, as last reported."),
            .query("silent", .boolean, "Whether they were not seen for more than three intervals."),
            .query("reboot", .oneOf(RebootState.self), "The verdict on a reboot."),
            .query("stale", .boolean, "Whether their package indexes are no evidence."),
            .query("broken", .boolean, "Whether packages are in a broken state."),
            .query("restarts", .boolean, "Whether something must be restarted."),
            .query("judged", .boolean, "Whether active hosts are judged: what they lack is known."),
            .query("operatingSystem", .text(1...255), "Only those of this operating system, as lists show it."),
            .query("package", .text(1...255), "Only those on which an update of this package waits."),
            .query("candidate", .text(1...255), "Only those on which the package's update to this version waits."),
            .query("sort", .oneOf(HostSort.self), "What by; the name by default."),
            .query("descending", .boolean, "The greatest first."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(HostSchema.summary), [.required("total", .count, "How many there are on all pages.")]
                ))
        ], traits: [.paginated]
    ) { call in
        let query = try call.hostQuery()
        let order = HostOrder(
            call.text("sort").flatMap { HostSort(rawValue: $0) } ?? .name, descending: call.bool("descending") ?? false)
        let after = call.cursor?.string.flatMap { HostCursor($0) }
        let json = HostJSON(state: call.state, now: call.now)
        return try await call.state.store.read { transaction in
            let page = try transaction.hostList.page(
                organisation: call.organisation, reach: call.reach, query, order: order, after: after,
                limit: call.limit, now: call.now)
            let items = try page.hosts.compactMap { item -> JSONValue? in
                guard let host = try transaction.hosts.show(organisation: call.organisation, id: item.id),
                    call.reach.includes(host.labels)
                else { return nil }
                return .object(try json.summary(host, transaction))
            }
            return .page(
                items, next: page.next.map { .string($0.description) }, more: ["total": .integer(Int64(page.total))])
        }
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/hosts/{host}", id: "showHost", tag: .hosts,
        summary: "Show all that is known of a host, and what is not.", access: .permission(.hostsRead),
        parameters: [hostParameter],
        responses: [
            .ok(.component(HostSchema.detail)), .problem(.conflict, "Several hosts match; `detail` names them."),
        ]
    ) { call in
        let json = HostJSON(state: call.state, now: call.now)
        return .json(try await call.state.store.read { try json.detail(call.host($0), $0) })
    }

    private static let difference: Operation = Operation(
        .get, "/api/v1/hosts/{host}/diff", id: "diffHost", tag: .hosts,
        summary: "Show which packages changed between two times.",
        description: "By the host's clock; by default from its first report to now.", access: .permission(.hostsRead),
        parameters: [
            hostParameter, .query("from", .time, "The earlier time."), .query("to", .time, "The later time."),
        ],
        responses: [
            .ok(.component(HostSchema.difference)), .problem(.conflict, "Several hosts match; `detail` names them."),
        ]
    ) { call in
        .json(try await call.state.store.read { try HostDifference.json(call, $0) })
    }

    private static let history: Operation = Operation(
        .get, "/api/v1/hosts/{host}/history", id: "listHostStates", tag: .hosts,
        summary: "List when the host looked how, the newest first.", access: .permission(.hostsRead),
        parameters: [hostParameter],
        responses: [
            .ok(.page(of: .component(HostSchema.state))),
            .problem(.conflict, "Several hosts match; `detail` names them."),
        ],
        traits: [.paginated]
    ) { call in
        let states = try await call.state.store.read { transaction in
            let host = try call.host(transaction)
            return try transaction.history.states(
                organisation: host.organisation, host: host.id,
                before: call.cursor?.integer.map(Timestamp.init(milliseconds:)), limit: call.limit + 1)
        }
        let page = states.prefix(call.limit)
        return .page(
            page.map(HostSchema.json),
            next: states.count > page.count ? page.last.map { .integer($0.observed.milliseconds) } : nil)
    }

    private static let patches: Operation = Operation(
        .get, "/api/v1/hosts/{host}/patches", id: "listHostPatches", tag: .hosts,
        summary: "List what one host lacks, and why it is not taken.", access: .permission(.hostsRead),
        parameters: [hostParameter, .query("security", .boolean, "Only security updates, or only others.")],
        responses: [
            .ok(
                .list(
                    of: .component(PatchSchema.update),
                    [
                        .required(
                            "unknown", .nullable(.anyText), "Why this is not known for certain; null where it is.")
                    ])),
            .problem(.conflict, "Several hosts match; `detail` names them."),
        ]
    ) { call in
        let security = call.bool("security")
        return try await call.state.store.read { transaction in
            let host = try call.host(transaction)
            let judgement = Judgement(
                host, call.state, offers: try call.state.freshness.verdict(host, transaction), now: call.now)
            let updates = try transaction.pendingUpdates.list(organisation: host.organisation, host: host.id)
            return .json([
                "items": .array(updates.filter { security == nil || $0.security == security }.map(HostJSON.update)),
                "unknown": judgement.unknown.map { .string($0) } ?? .null,
            ])
        }
    }

    // MARK: - Acts

    private static let scan: Operation = act(
        "scan", id: "scanHost", .hostsOperate, "Ask a host for a scan at its next check-in."
    ) { call, host, transaction in
        try transaction.hosts.requestScan(organisation: host.organisation, host: host.id, now: call.now)
        try call.audit("host.scan-requested", host, transaction)
    }

    private static let renew: Operation = act(
        "renew", id: "renewHost", .hostsManage, "Ask a host to renew its certificate at its next check-in."
    ) { call, host, transaction in
        try transaction.hosts.requestRenewal(organisation: host.organisation, host: host.id, now: call.now)
        try call.audit("host.renewal-requested", host, transaction)
    }

    private static let release: Operation = act(
        "release", id: "releaseHost", .hostsManage, "Let a host out of quarantine."
    ) { call, host, transaction in
        guard host.status == .quarantined else {
            throw Refusal(
                .init(
                    "not-quarantined", title: "The host is not in quarantine", status: 409,
                    detail: "Its status is \(host.status.rawValue).",
                    cure: host.status == .active ? "Nothing needs to be done." : "Enrol it again with a new token."))
        }
        // Whichever copy comes first gets a new token, the other is caught again.
        try transaction.hosts.setStatus(
            organisation: host.organisation, host: host.id, .active, reason: "", actor: call.caller.principal.id,
            now: call.now)
        try transaction.hosts.forgiveExchangeToken(organisation: host.organisation, host: host.id, now: call.now)
    }

    private static let revoke: Operation = act(
        "revoke", id: "revokeHost", .hostsManage, "Refuse the host's certificates from now on.",
        body: BodyDeclaration(.object([.required("reason", .text(1...1024), "Why; it enters the audit log.")]))
    ) { call, host, transaction in
        try transaction.hosts.setStatus(
            organisation: host.organisation, host: host.id, .revoked, reason: call.body["reason"]?.string ?? "",
            actor: call.caller.principal.id, now: call.now)
    }

    private static let retire: Operation = act(
        "retire", id: "retireHost", .hostsManage, "Take a host out of service; its history stays.",
        body: BodyDeclaration(
            .object([.optional("reason", .text(1...1024), "Why; it enters the audit log.")]), isRequired: false)
    ) { call, host, transaction in
        try transaction.hosts.setStatus(
            organisation: host.organisation, host: host.id, .retired,
            reason: call.body["reason"]?.string ?? "retired by an operator", actor: call.caller.principal.id,
            now: call.now)
    }

    /// An operation that does one thing to one host and answers with the host.
    private static func act(
        _ verb: String, id: String, _ permission: Permission, _ summary: String, body: BodyDeclaration? = nil,
        _ change: @escaping @Sendable (Call, HostRecord, Transaction) throws -> Void
    ) -> Operation {
        Operation(
            .post, PathTemplate(stringLiteral: "/api/v1/hosts/{host}/\(verb)"), id: id, tag: .hosts, summary: summary,
            access: .permission(permission), parameters: [hostParameter], body: body,
            responses: [
                .ok(.component(HostSchema.summary), "It is done; this is the host now."),
                .problem(.conflict, "Several hosts match, or the host's status does not allow it."),
            ]
        ) { call in
            let json = HostJSON(state: call.state, now: call.now)
            return .json(
                try await call.state.store.write { transaction in
                    let host = try call.host(transaction)
                    try change(call, host, transaction)
                    let changed = try transaction.hosts.show(organisation: host.organisation, id: host.id)
                    return .object(try json.summary(changed ?? host, transaction))
                })
        }
    }
}

extension Call {
    /// The host that the path names: by id, by name, or by the beginning of an id; only within reach. One out of reach
    /// answers as one that does not exist.
    func host(_ transaction: Transaction) throws -> HostRecord {
        let text = try path("host")
        var found = try transaction.hosts.named(organisation: organisation, text)
        if found.isEmpty, text.hasPrefix("h-"), text.utf8.count >= 4 {
            found = try transaction.hosts.withPrefix(organisation: organisation, text)
        }
        found = found.filter { reach.includes($0.labels) }
        // A machine that was enrolled again has its old entry too: the one in service is meant.
        let active = found.filter { $0.status == .active || $0.status == .quarantined }
        let candidates = active.isEmpty ? found : active
        guard let host = candidates.first else { throw Refusal(.missing("host", text)) }
        guard candidates.count == 1 else { throw Refusal(.ambiguous(text, candidates.prefix(8).map(\.id))) }
        return host
    }

    /// A parameter that is a label selector; nil where it is absent.
    func selector(_ name: String) throws(Refusal) -> LabelSelector? {
        guard let text = text(name) else { return nil }
        do {
            return try LabelSelector(text)
        } catch {
            throw Refusal(
                .unprocessable([
                    .init(
                        parameter: "query \(name)", detail: "Character \(error.offset + 1): \(error.expected).",
                        cure: "Write for example site=berlin,tier in (web,api),!canary.")
                ]))
        }
    }

    /// Notes in the audit log what the caller did to a host.
    func audit(_ action: String, _ host: HostRecord, _ transaction: Transaction, detail: JSONValue = [:]) throws {
        try transaction.audit.append(
            organisation: host.organisation, actor: caller.principal.id, action: action, subject: "host:\(host.id)",
            detail: detail, now: now)
    }

    /// The filters of a list of hosts.
    fileprivate func hostQuery() throws(Refusal) -> HostQuery {
        var query = HostQuery()
        query.text = text("q")
        if let status = text("status").flatMap({ HostStatus(rawValue: $0) }) { query.statuses = [status] }
        query.selector = try selector("labels")
        query.security = bool("security")
        query.pending = bool("pending")
        query.silent = bool("silent")
        if let reboot = text("reboot").flatMap({ RebootState(rawValue: $0) }) { query.reboot = [reboot] }
        query.stale = bool("stale")
        query.broken = bool("broken")
        query.restarts = bool("restarts")
        query.judged = bool("judged")
        if let system = text("operatingSystem") { query.operatingSystems = [system] }
        if let package = text("package") {
            query.patch = PatchFilter(name: package, candidate: text("candidate"))
        } else if text("candidate") != nil {
            throw Refusal(
                .unprocessable([
                    .init(
                        parameter: "query candidate", detail: "A version without its package means nothing.",
                        cure: "Send package too.")
                ]))
        }
        return query
    }
}
