import Digest
import Hummingbird
import Inventory
import JSON
import Store
import Timestamps
import Wire

extension OperatorRoutes {
    /// `GET /api/v1/hosts`: filters q, status, security=pending, silent=true, organisation.
    func hosts(_ query: Query) async throws -> Response {
        let limit = try query.limit()
        var status: HostStatus?
        if let text = query["status"] {
            guard let known = HostStatus(rawValue: text) else {
                let all = HostStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refusal(.malformed("status is one of \(all)", pointer: "/status"))
            }
            status = known
        }
        let filter = HostFilter(
            status: status, nameContains: query["q"], securityOnly: query["security"] == "pending")
        let silentOnly = query["silent"] == "true"
        let after = try query["after"].map(Self.pageKey)
        let now = state.clock.now()
        let json = HostJSON(state: state, now: now)
        let organisation = query.organisation
        let (items, next) = try await state.store.read { transaction in
            var items: [JSONValue] = []
            var key = after
            // Silence depends on each host's interval, so it is judged here, and pages are read until one is full.
            while true {
                let page = try transaction.hosts.list(
                    organisation: organisation, filter: filter, after: key, limit: limit)
                for host in page.hosts {
                    key = HostPageKey(hostname: host.hostname, id: host.id)
                    let fields = try json.summary(host, transaction)
                    if silentOnly, fields["silent"] != .bool(true) { continue }
                    items.append(.object(fields))
                    if items.count == limit {
                        return (items, page.next == nil && host.id == page.hosts.last?.id ? nil : key)
                    }
                }
                guard page.next != nil else { return (items, nil) }
            }
        }
        return .json(
            ["items": .array(items)], headers: query.link(after: next.map { "\($0.id) \($0.hostname)" }))
    }

    private static func pageKey(_ text: String) throws(Refusal) -> HostPageKey {
        guard let space = text.firstIndex(of: " ") else {
            throw Refusal(.malformed("after is not from a link of this API", pointer: "/after"))
        }
        return HostPageKey(hostname: String(text[text.index(after: space)...]), id: String(text[..<space]))
    }

    /// `GET /api/v1/hosts/{host}`.
    func host(_ name: String, _ query: Query) async throws -> Response {
        let host = try await find(name, query)
        let json = HostJSON(state: state, now: state.clock.now())
        return .json(try await state.store.read { try json.detail(host, $0) })
    }

    /// `GET /api/v1/hosts/{host}/diff?from&to`: by the host's clock; from its first report, to now.
    func difference(_ name: String, _ query: Query) async throws -> Response {
        let host = try await find(name, query)
        let to = try query.time("to") ?? state.clock.now().adding(seconds: 366 * 86_400)
        let asked = try query.time("from")
        let (from, difference) = try await state.store.read { transaction in
            var from = asked
            if from == nil { from = try Self.firstReport(host, transaction) }
            let start = from ?? Timestamp(milliseconds: 0)
            return (
                start,
                try transaction.history.difference(organisation: host.organisation, host: host.id, from: start, to: to)
            )
        }
        guard let difference else {
            throw Refusal(
                .init(
                    "no-history", title: "There is no history for that time", status: 404,
                    detail: "The host had not reported yet at \(from).",
                    cure: "See the times it reported: fettle hosts history \(host.hostname)"))
        }
        var changes: [JSONValue] = difference.added.map {
            Self.change("added", $0.name, $0.architecture, before: "", after: $0.version)
        }
        changes += difference.removed.map {
            Self.change("removed", $0.name, $0.architecture, before: $0.version, after: "")
        }
        changes += difference.changed.map {
            Self.change("changed", $0.to.name, $0.to.architecture, before: $0.from.version, after: $0.to.version)
        }
        changes.sort {
            ($0["name"]?.string ?? "", $0["change"]?.string ?? "") < (
                $1["name"]?.string ?? "", $1["change"]?.string ?? ""
            )
        }
        let end = min(to, state.clock.now())
        return .json([
            "host": .string(host.id), "from": .string(from.description), "to": .string(end.description),
            "changes": .array(changes),
        ])
    }

    private static func firstReport(_ host: HostRecord, _ transaction: Transaction) throws -> Timestamp? {
        var oldest: Timestamp?
        var before: Timestamp?
        while true {
            let states = try transaction.history.states(
                organisation: host.organisation, host: host.id, before: before, limit: 1000)
            guard let last = states.last else { return oldest }
            oldest = last.observed
            before = last.observed
        }
    }

    private static func change(
        _ change: String, _ name: String, _ architecture: String, before: String, after: String
    ) -> JSONValue {
        [
            "change": .string(change), "name": .string(name), "architecture": .string(architecture),
            "before": .string(before), "after": .string(after),
        ]
    }

    /// `GET /api/v1/hosts/{host}/history`: the newest first.
    func history(_ name: String, _ query: Query) async throws -> Response {
        let host = try await find(name, query)
        let limit = try query.limit()
        let before = try query.time("after")
        let states = try await state.store.read { transaction in
            try transaction.history.states(
                organisation: host.organisation, host: host.id, before: before, limit: limit)
        }
        let items = states.map { item -> JSONValue in
            [
                "observed": .string(item.observed.description), "recorded": .string(item.recorded.description),
                "cause": .string(item.cause), "bootID": item.bootID.map { .string($0) } ?? .null,
                "set": .string(item.digests.set.hex), "offers": .string(item.digests.offers.hex),
                "facts": .string(item.digests.facts.hex), "sequence": .integer(item.sequence),
            ]
        }
        let next = states.count == limit ? states.last?.observed.description : nil
        return .json(["items": .array(items)], headers: query.link(after: next))
    }

    /// `POST /api/v1/hosts/{host}/revoke|release|retire|scan|renew`.
    func act(_ verb: String, on name: String, _ query: Query, _ request: Request) async throws -> Response {
        var body = try await Self.body(request)
        let reason = try body.optionalString("reason", maximumBytes: 1024) ?? ""
        try body.finish()
        let host = try await find(name, query)
        let now = state.clock.now()
        let (organisation, id) = (host.organisation, host.id)
        func set(_ status: HostStatus, _ reason: String) async throws {
            try await state.store.write { transaction in
                try transaction.hosts.setStatus(
                    organisation: organisation, host: id, status, reason: reason, actor: Self.actor, now: now)
            }
        }
        switch verb {
        case "revoke":
            guard !reason.isEmpty else { throw Refusal(.malformed("a revocation needs a reason", pointer: "/reason")) }
            try await set(.revoked, reason)
        case "retire": try await set(.retired, reason.isEmpty ? "retired by an operator" : reason)
        case "release": try await release(host, now)
        case "scan":
            try await state.store.write { try $0.hosts.requestScan(organisation: organisation, host: id, now: now) }
        case "renew":
            try await state.store.write { try $0.hosts.requestRenewal(organisation: organisation, host: id, now: now) }
        default: throw Refusal(.notFound(request.uri.path))
        }
        let json = HostJSON(state: state, now: now)
        return .json(
            .object(
                try await state.store.read { transaction in
                    try json.summary(transaction.hosts.show(organisation: organisation, id: id) ?? host, transaction)
                }))
    }

    /// Lets a host out of quarantine: whichever copy comes first gets a new token, the other is caught again.
    private func release(_ host: HostRecord, _ now: Timestamp) async throws {
        guard host.status == .quarantined else {
            throw Refusal(
                .init(
                    "not-quarantined", title: "The host is not in quarantine", status: 409,
                    detail: "Its status is \(host.status.rawValue).",
                    cure: host.status == .active ? "Nothing needs to be done." : "Enrol it again with a new token."))
        }
        try await state.store.write { transaction in
            try transaction.hosts.setStatus(
                organisation: host.organisation, host: host.id, .active, reason: "", actor: Self.actor, now: now)
            try transaction.hosts.forgiveExchangeToken(organisation: host.organisation, host: host.id, now: now)
        }
    }

    /// The host that a person means: by id, by name, or by the beginning of an id.
    func find(_ text: String, _ query: Query) async throws -> HostRecord {
        if let entry = state.store.directory.host(text),
            query["organisation"].map({ $0 == entry.host.organisation }) ?? true
        {
            let host = entry.host
            return try await state.store.read { transaction in
                try transaction.hosts.show(organisation: host.organisation, id: host.id) ?? host
            }
        }
        let organisation = query.organisation
        let found = try await state.store.read { transaction in
            let named = try transaction.hosts.named(organisation: organisation, text)
            if !named.isEmpty || !text.hasPrefix("h-") || text.utf8.count < 4 { return named }
            var matches: [HostRecord] = []
            var key: HostPageKey?
            repeat {
                let page = try transaction.hosts.list(organisation: organisation, after: key, limit: Hosts.largestPage)
                matches += page.hosts.filter { $0.id.hasPrefix(text) }
                key = page.next
            } while key != nil
            return matches
        }
        // A machine that was enrolled again has its old entry too: the one in service is meant.
        let active = found.filter { $0.status == .active || $0.status == .quarantined }
        let candidates = active.isEmpty ? found : active
        guard let host = candidates.first else { throw Refusal(.missing("host", text)) }
        guard candidates.count == 1 else { throw Refusal(.ambiguous(text, candidates.prefix(8).map(\.id))) }
        return host
    }
}
