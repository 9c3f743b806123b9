import Access
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// Hosts: what they are like, and decisions on their identity.
enum HostOperations {
    static let all: [Operation] =
        [list, show, difference, history, patches, scan, renew, release, revoke, retire] + HostLabels.all

    static let hostParameter: Parameter = .path(
        "host", .text(1...255), "The host's id, the beginning of it (from `h-` and two more), or its name.")

    private static let list: Operation = Operation(
        .get, "/api/v1/hosts", id: "listHosts", tag: .hosts, summary: "List hosts with their verdicts.",
        description: "By name. All filters must hold.", access: .permission(.hostsRead),
        parameters: [
            .query("q", .text(1...255), "Only those whose name contains this, whatever its case."),
            .query("status", .oneOf(HostStatus.self), "Only those of this status."),
            .query(
                "labels", .text(1...LabelSelector.maximumBytes),
                "Only those that the selector selects: `site=berlin,tier in (web,api),!canary`."),
            .query("security", .boolean, "Only those with security updates pending, or without."),
            .query("silent", .boolean, "Only those silent for more than three intervals, or not."),
            .query("reboot", .boolean, "Only those that need a reboot, or are proved not to."),
            .query("judged", .boolean, "Only those whose pending updates are known, or not."),
        ],
        responses: [.ok(.page(of: .component(HostSchema.summary)), "Hosts by name.")], traits: [.paginated]
    ) { call in
        let selector = try call.selector("labels")
        let status = call.text("status").flatMap { HostStatus(rawValue: $0) }
        var filter = HostFilter(status: status, nameContains: call.text("q"))
        if call.bool("security") == true { filter.securityOnly = true }
        let wanted = filter
        let json = HostJSON(state: call.state, now: call.now)
        return try await call.state.store.read { transaction in
            var items: [JSONValue] = []
            var key = call.cursor.flatMap(HostPageKey.init(json:))
            // What labels and times select is judged here, so pages are read until one is full.
            while true {
                let page = try transaction.hosts.list(
                    organisation: call.organisation, filter: wanted, after: key, limit: call.limit)
                for host in page.hosts {
                    key = HostPageKey(hostname: host.hostname, id: host.id)
                    guard call.reach.includes(host.labels), selector?.selects(host.labels) ?? true else { continue }
                    let fields = try json.summary(host, transaction)
                    guard call.wants(host, fields) else { continue }
                    items.append(.object(fields))
                    if items.count == call.limit {
                        let isLast = page.next == nil && host.id == page.hosts.last?.id
                        return .page(items, next: isLast ? nil : key?.json)
                    }
                }
                guard page.next != nil else { return .page(items, next: nil) }
            }
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

    /// Whether a host passes the filters that its verdicts decide.
    fileprivate func wants(_ host: HostRecord, _ fields: [String: JSONValue]) -> Bool {
        if let wanted = bool("silent"), fields["silent"]?.bool != wanted { return false }
        if let wanted = bool("security"), !wanted, host.securityCount > 0 { return false }
        if let wanted = bool("reboot"), fields["reboot"]?["value"]?["required"]?.bool != wanted { return false }
        if let wanted = bool("judged"), (fields["pending"]?["value"] != nil) != wanted { return false }
        return true
    }
}

extension HostPageKey {
    var json: JSONValue { [.string(hostname), .string(id)] }

    init?(json: JSONValue) {
        guard let hostname = json[0]?.string, let id = json[1]?.string else { return nil }
        self.init(hostname: hostname, id: id)
    }
}
