import Access
import HTTPTypes
import JSON
import Store
import Timestamps

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
            .query("sort", .oneOf(PatchSort.self), "What by; by default security updates first, then how many hosts."),
        ],
        responses: [
            .ok(
                .page(
                    of: .component(PatchSchema.patch),
                    [
                        .required("total", .count, "How many there are on all pages."),
                        .required("hosts", PatchSchema.judged, "Of which hosts the list speaks."),
                    ]))
        ], traits: [.paginated]
    ) { call in
        let query = PatchQuery(text: call.text("q"), security: call.bool("security"))
        let sort = call.text("sort").flatMap { PatchSort(rawValue: $0) } ?? .urgency
        let after = call.cursor?.string.flatMap { PatchCursor($0) }
        let (page, counts) = try await call.state.store.read { transaction in
            (
                try transaction.patchList.page(
                    organisation: call.organisation, reach: call.reach, query, sort: sort, after: after,
                    limit: call.limit),
                try transaction.fleetCounts.counts(
                    organisation: call.organisation, reach: call.reach, now: call.now)
            )
        }
        var hosts: JSONValue = [
            "active": .integer(Int64(counts.active)), "unjudged": .integer(Int64(counts.active - counts.judged)),
            "silent": .integer(Int64(counts.silent)), "stale": .integer(Int64(counts.stale)),
            "asOf": .string(call.now.description),
        ]
        if call.reach == .all {
            // The census has looked into every document.
            let census = try await call.state.census.current(call.state)
            hosts = census.counts(call.organisation).json(asOf: census.time)
        }
        return .page(
            page.patches.map(PatchSchema.json), next: page.next.map { .string($0.description) },
            more: ["total": .integer(Int64(page.total)), "hosts": hosts])
    }
}
