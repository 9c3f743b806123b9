import Access
import HTTPTypes
import JSON
import Store
import Wire

/// The labels of one host: a resource of its own, for the rest of a host changes all the time.
enum HostLabels {
    static let all: [Operation] = [show, replace, merge]

    /// A label's name and value, as ``LabelSelector`` reads them.
    static let name = Schema.Text(minimum: 1, maximum: 253, pattern: "^[A-Za-z0-9._/-]+$")
    static let value = Schema.Text(maximum: 253, pattern: "^[A-Za-z0-9._-]*$")
    /// The most labels of a host.
    static let maximum = 64

    private static let labels: Schema = .map(.string(value), names: name, maximum: maximum)
    private static let path: PathTemplate = "/api/v1/hosts/{host}/labels"
    private static let changed: [ResponseDeclaration] = [
        .ok(labels, "The labels now."), .problem(.conflict, "Several hosts match; `detail` names them."),
    ]

    private static let show: Operation = Operation(
        .get, path, id: "showHostLabels", tag: .hosts, summary: "Show a host's labels.",
        access: .permission(.hostsRead), parameters: [HostOperations.hostParameter],
        responses: [.ok(labels), .problem(.conflict, "Several hosts match; `detail` names them.")]
    ) { call in
        .json(try await call.state.store.read { json(try call.host($0).labels) })
    }

    private static let replace: Operation = Operation(
        .put, path, id: "replaceHostLabels", tag: .hosts, summary: "Replace a host's labels.",
        access: .permission(.hostsOperate), parameters: [HostOperations.hostParameter],
        body: BodyDeclaration(labels), responses: changed, traits: [.conditional]
    ) { call in
        let wanted = (call.body.object ?? [:]).compactMapValues(\.string)
        return .json(try await call.state.store.write { try set(call, $0) { _ in wanted } })
    }

    private static let merge: Operation = Operation(
        .patch, path, id: "changeHostLabels", tag: .hosts, summary: "Set some labels of a host; null removes one.",
        access: .permission(.hostsOperate), parameters: [HostOperations.hostParameter],
        body: .mergePatch(.map(.nullable(.string(value)), names: name, maximum: maximum)), responses: changed,
        traits: [.conditional]
    ) { call in
        let patch = call.body.object ?? [:]
        return .json(
            try await call.state.store.write { transaction in
                try set(call, transaction) { labels in
                    labels.merging(patch.compactMapValues(\.string)) { $1 }.filter { patch[$0.key] != .null }
                }
            })
    }

    private static func json(_ labels: [String: String]) -> JSONValue { .object(labels.mapValues { .string($0) }) }

    private static func set(
        _ call: Call, _ transaction: Transaction, _ change: ([String: String]) -> [String: String]
    ) throws -> JSONValue {
        let host = try call.host(transaction)
        try call.requireMatch(json(host.labels))
        let labels = change(host.labels)
        guard labels.count <= maximum else {
            throw Refusal(
                .unprocessable([
                    .init(
                        pointer: "", detail: "The host would have \(labels.count) labels.",
                        cure: "Keep to \(maximum) at most.")
                ]))
        }
        // Labels say who reaches a host: whoever reaches some only must not move one in or out of anybody's reach.
        guard call.reach == .all else {
            throw Refusal(
                .forbidden("Labels decide who reaches a host: changing them needs hosts:operate on all hosts."))
        }
        if labels != host.labels {
            try transaction.hosts.setLabels(
                organisation: host.organisation, host: host.id, labels, actor: call.caller.principal.id, now: call.now)
        }
        return json(labels)
    }
}
