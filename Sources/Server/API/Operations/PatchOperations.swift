import Access
import HTTPTypes
import JSON
import Store

/// What is missing, over all hosts.
enum PatchOperations {
    static let all: [Operation] = [list]

    private static let list: Operation = Operation(
        .get, "/api/v1/patches", id: "listPatches", tag: .patches,
        summary: "List what is missing over all active hosts, by package and offered version.",
        access: .permission(.hostsRead),
        parameters: [
            .query("q", .text(1...255), "Only packages whose name contains this, whatever its case."),
            .query("security", .boolean, "Only security updates, or only others."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(PatchSchema.patch),
                    [
                        .required(
                            "hosts", .nullable(PatchSchema.judged),
                            "How many active hosts the list speaks of, and how many of these are not judged; null where you see some hosts only."
                        )
                    ]))
        ], traits: [.paginated]
    ) { call in
        let after = call.cursor.flatMap { place -> (name: String, candidate: String)? in
            guard let name = place[0]?.string, let candidate = place[1]?.string else { return nil }
            return (name, candidate)
        }
        let patches = try await call.state.store.read { transaction in
            var visible: Set<String>?
            if case .selected = call.reach { visible = try call.reachableHosts(transaction) }
            return try transaction.pendingUpdates.packages(
                organisation: call.organisation, security: call.bool("security"), nameContains: call.text("q"),
                hosts: visible, after: after, limit: call.limit + 1)
        }
        let page = patches.prefix(call.limit)
        var hosts: JSONValue = .null
        if call.reach == .all {
            let census = try await call.state.census.current(call.state)
            hosts = census.counts(call.organisation).json(asOf: census.time)
        }
        return .page(
            page.map(PatchSchema.json),
            next: patches.count > page.count ? page.last.map { [.string($0.name), .string($0.candidate)] } : nil,
            more: ["hosts": hosts])
    }
}

extension Call {
    /// The ids of all hosts within reach.
    func reachableHosts(_ transaction: Transaction) throws -> Set<String> {
        var result: Set<String> = []
        var key: HostPageKey?
        repeat {
            let page = try transaction.hosts.list(
                organisation: organisation, after: key, limit: Hosts.largestPage)
            for host in page.hosts where reach.includes(host.labels) { result.insert(host.id) }
            key = page.next
        } while key != nil
        return result
    }
}
