import ArgumentParser
import JSON

/// The campaigns of an organisation, for commands.
struct CampaignClient {
    let client: OperatorClient
    let organisation: OrganisationOption

    init(_ client: OperatorClient, _ organisation: OrganisationOption) {
        self.client = client
        self.organisation = organisation
    }

    /// A campaign by its id, the beginning of its id, or a title that only one has.
    func find(_ text: String) async throws -> JSONValue {
        try await client.get(path(try await id(text)))
    }

    private func id(_ text: String) async throws -> String {
        let all = try await client.list(
            "/api/v1/campaigns", [("limit", "500"), organisation.query(client)], limit: 5000)
        if all.contains(where: { $0.text("id") == text }) { return text }
        var found = text.utf8.count >= 4 ? all.filter { $0.text("id").hasPrefix(text) } : []
        if found.isEmpty { found = all.filter { $0.text("title") == text } }
        if found.count > 1 {
            throw CommandFailure.failed(
                "\"\(text)\" may mean \(found.prefix(8).map(campaignTitle).joined(separator: ", ")).\nGive more of the id."
            )
        }
        return found.first?.text("id") ?? text
    }

    func path(_ id: String) -> String { organisation.path(client, "campaigns", id) }

    /// Decides something, and answers with the campaign.
    func post(_ id: String, _ verb: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await client.post(organisation.path(client, "campaigns", id, verb), body)
    }

    /// The hosts of its plan.
    func hosts(_ id: String, limit: Int) async throws -> [JSONValue] {
        try await list(id, "hosts", [], limit)
    }

    /// Its jobs.
    func jobs(_ id: String, state: String? = nil, limit: Int) async throws -> [JSONValue] {
        try await list(id, "jobs", [("state", state)], limit)
    }

    private func list(
        _ id: String, _ what: String, _ query: [(String, String?)], _ limit: Int
    ) async throws -> [JSONValue] {
        try await client.list(
            "/api/v1/campaigns/\(OperatorClient.escaped(id))/\(what)",
            query + [("limit", String(max(1, min(limit, 500)))), organisation.query(client)], limit: limit)
    }

    /// A job with its journal.
    func job(_ id: String, _ job: String) async throws -> JSONValue {
        try await client.get(organisation.path(client, "campaigns", id, "jobs", job))
    }
}

/// Ids of open campaigns for the shell; none where the server does not answer at once.
let campaignNames: CompletionKind = .custom { words, _, _ in
    func value(_ name: String) -> String? {
        words.firstIndex(of: name).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
    }
    var option: [String] = []
    for name in ["--data", "--context"] { if let value = value(name) { option += [name, value] } }
    guard let data = try? DataOption.parse(option), let client = try? data.client else { return [] }
    let organisation = value("--organisation") ?? environment("FETTLE_ORGANISATION") ?? client.organisation
    return await withTaskGroup(of: [String].self) { group in
        group.addTask {
            let query = [("organisation", organisation), ("limit", "200")]
            return ((try? await client.list("/api/v1/campaigns", query, limit: 200)) ?? []).map { $0.text("id") }
        }
        group.addTask {
            try? await Task.sleep(for: .seconds(2))
            return []
        }
        defer { group.cancelAll() }
        return await group.next() ?? []
    }
}
