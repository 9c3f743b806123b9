import Access
import Digest
import HTTPTypes
import JSON
import Store

/// Who did what.
enum AuditOperations {
    static let all: [Operation] = [list]

    private static let list: Operation = Operation(
        .get, "/api/v1/audit", id: "listAuditEvents", tag: .audit,
        summary: "List an organisation's audit log, the oldest first.", access: .permission(.auditRead),
        responses: [.ok(.page(of: .component(leaf)))], traits: [.paginated]
    ) { call in
        let leaves = try await call.state.store.read { transaction in
            try transaction.audit.list(
                organisation: call.organisation, after: call.cursor?.integer ?? 0, limit: call.limit + 1)
        }
        let page = leaves.prefix(call.limit)
        return .page(
            try page.map { leaf in
                [
                    "id": .integer(leaf.id), "hash": .string(leaf.hash.hex),
                    "event": try JSONValue(parsing: leaf.event, limits: .message),
                    "personal": try leaf.personal.map { try JSONValue(parsing: $0, limits: .message) } ?? .null,
                ]
            }, next: leaves.count > page.count ? page.last.map { .integer($0.id) } : nil)
    }

    /// The event as it is hashed.
    private static let event = Schema.Component(
        "AuditEvent",
        .object([
            .required("organisation", .anyText), .required("time", .time), .required("actor", .anyText),
            .required("action", .anyText), .required("subject", .anyText),
            .required("detail", .anything, "What else is worth keeping; its members depend on the action."),
            .optional("personal", .object([.required("commitment", .digest)]), "Stands for the personal data."),
        ]))

    private static let leaf = Schema.Component(
        "AuditLeaf",
        .object([
            .required("id", .count), .required("hash", .digest, "RFC 6962's leaf hash of the event."),
            .required("event", .component(event)),
            .required(
                "personal", .nullable(.map(.anything, maximum: 100)),
                "Personal data; null where there are none or they were erased."),
        ]))
}
