import Access
import HTTPTypes
import JSON
import Store

/// Search across hosts and packages.
enum SearchOperations {
    static let all: [Operation] = [search]

    private static let search: Operation = Operation(
        .get, "/api/v1/search", id: "search", tag: .search,
        summary: "Find hosts and packages by a piece of their names.",
        description: "The best first: equal to the text, then beginning with it, then holding it, whatever its case.",
        access: .permission(.hostsRead),
        parameters: [
            Parameter(
                place: .query, name: "q", schema: .text(1...FleetSearch.longestText), isRequired: true,
                description: "What to look for: in names, ids, labels and addresses of hosts, and in packages' names."),
            .query("limit", .integer(1...200), "How many of each kind at most; 20 by default."),
        ],
        responses: [
            .ok(
                .object([
                    .required("hosts", found(host)), .required("packages", found(package)),
                    .required(
                        "uncounted", .count,
                        "Hosts whose packages are not counted yet, shortly after a start: some may be missing."),
                ]))
        ]
    ) { call in
        let text = call.text("q") ?? ""
        let limit = Int(call.integer("limit") ?? 20)
        return .json(
            try await call.state.store.read { transaction in
                let hosts = try transaction.search.hosts(
                    organisation: call.organisation, reach: call.reach, text, limit: limit)
                let packages = try transaction.search.packages(
                    organisation: call.organisation, reach: call.reach, text, limit: limit)
                return [
                    "hosts": [
                        "total": .integer(Int64(hosts.total)),
                        "items": .array(
                            hosts.items.map {
                                [
                                    "id": .string($0.id), "hostname": .string($0.hostname),
                                    "field": .string($0.field.rawValue), "value": .string($0.value),
                                ]
                            }),
                    ],
                    "packages": [
                        "total": .integer(Int64(packages.total)),
                        "items": .array(
                            packages.items.map {
                                [
                                    "name": .string($0.name), "pending": .integer(Int64($0.pending)),
                                    "installed": $0.installed.map { .integer(Int64($0)) } ?? .null,
                                ]
                            }),
                    ],
                    "uncounted": .integer(Int64(packages.uncounted)),
                ]
            })
    }

    private static func found(_ item: Schema) -> Schema {
        .object([.required("total", .count, "How many there are."), .required("items", .array(item, count: 0...200))])
    }

    private static let host: Schema = .object([
        .required("id", HostSchema.id), .required("hostname", .anyText),
        .required("field", .oneOf(FoundHost.Field.self), "Where the text was found."),
        .required("value", .anyText, "What was found."),
    ])

    private static let package: Schema = .object([
        .required("name", .anyText), .required("pending", .count, "On how many hosts an update waits."),
        .required("installed", .nullable(.count), "On how many hosts it is installed; null where that is not known."),
    ])
}
