import Hummingbird
import JSON
import Store
import Timestamps

extension OperatorRoutes {
    /// `GET /api/v1/patches`: filters host, security=true, q, organisation; grouped by package and candidate.
    ///
    /// Beside the items stands how many hosts they speak of, and how many of these were not judged.
    func patches(_ query: Query) async throws -> Response {
        if let name = query["host"] { return try await patches(ofHost: name, query) }
        let limit = try query.limit()
        let security = query["security"] == "true"
        let after = query["after"].flatMap { text -> (name: String, candidate: String)? in
            text.firstIndex(of: " ").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
        }
        let organisation = query.organisation
        let pages = try await state.store.read { transaction in
            try transaction.pendingUpdates.packages(
                organisation: organisation, securityOnly: security, nameContains: query["q"], after: after, limit: limit
            )
        }
        let items = pages.map { patch -> JSONValue in
            [
                "name": .string(patch.name), "candidate": .string(patch.candidate), "origin": .string(patch.origin),
                "security": .bool(patch.security), "hosts": .integer(patch.hosts),
                "upgradable": .integer(patch.upgradable),
            ]
        }
        let next = pages.count == limit ? pages.last.map { "\($0.name) \($0.candidate)" } : nil
        let census = try await state.census.current(state)
        let hosts = census.counts(organisation).json(asOf: census.time)
        return .json(["items": .array(items), "hosts": hosts], headers: query.link(after: next))
    }

    private func patches(ofHost name: String, _ query: Query) async throws -> Response {
        let host = try await find(name, query)
        let security = query["security"] == "true"
        let now = state.clock.now()
        let state = state
        let (updates, unknown) = try await state.store.read { transaction in
            let judgement = Judgement(host, state, offers: try state.freshness.verdict(host, transaction), now: now)
            return (
                try transaction.pendingUpdates.list(organisation: host.organisation, host: host.id), judgement.unknown
            )
        }
        var fields: [String: JSONValue] = [
            "items": .array(updates.filter { !security || $0.security }.map(HostJSON.update))
        ]
        if let unknown { fields["unknown"] = .string(unknown) }
        return .json(.object(fields))
    }
}
