import Audit
import Digest
import JSON
import Store
import Timestamps

/// How the audit log looks in the document.
enum AuditSchema {
    /// The event as it is hashed.
    private static let event = Schema.Component(
        "AuditEvent",
        .object([
            .required("organisation", .anyText), .required("time", .time), .required("actor", .anyText),
            .required("action", .anyText), .required("subject", .anyText),
            .required("detail", .anything, "What else is worth keeping; its members depend on the action."),
            .optional("personal", .object([.required("commitment", .digest)]), "Stands for the personal data."),
        ]))

    private static let eventOrRest: Schema = .anyOf([
        .component(event), .described(.map(.anything), "One that was altered by hand, as it stands."), .null,
    ])

    static let leaf = Schema.Component(
        "AuditLeaf",
        .object([
            .required("id", .count),
            .required("organisation", .anyText, "Empty for what belongs to the installation."),
            .required("hash", .digest, "RFC 6962's leaf hash of the event."), .required("recorded", .time),
            .required("event", eventOrRest),
            .required("personal", .nullable(.map(.anything)), "Personal data; null where there are none."),
            .required("erased", .boolean, "Whether there were personal data that are erased."),
            .required("sequence", .nullable(.count), "Its number in its organisation's tree."),
            .required("installationSequence", .nullable(.count), "Its number in the installation's tree."),
        ]))

    static func json(_ leaf: AuditLeaf) -> JSONValue {
        [
            "id": .integer(leaf.id), "organisation": .string(leaf.organisation), "hash": .string(leaf.hash.hex),
            "recorded": .string(leaf.recordedAt.description),
            // What was altered by hand is shown as it is; verifying names it.
            "event": (try? JSONValue(parsing: leaf.event, limits: .message)) ?? .null,
            "personal": leaf.personal.flatMap { try? JSONValue(parsing: $0, limits: .message) } ?? .null,
            "erased": .bool(leaf.isErased), "sequence": leaf.sequence.map { .integer($0) } ?? .null,
            "installationSequence": leaf.installationSequence.map { .integer($0) } ?? .null,
        ]
    }

    static let checkpoint = Schema.Component(
        "AuditCheckpoint",
        .object([
            .required("note", .anyText, "The signed note (C2SP signed-note, tlog-checkpoint)."),
            .required("origin", .anyText), .required("size", .count, "How many records it covers."),
            .required("root", .digest, "The tree's root hash."),
        ]))

    private static let tree: Schema = .object([
        .required("origin", .anyText), .required("size", .count), .required("root", .digest),
    ])
    private static let rotations = Schema.Property.optional(
        "rotations", .array(.anyText, count: 0...AuditKeyRotation.maximumCount),
        "Signed notes: how one signing key handed over to the next.")
    private static let hashes: Schema = .array(.digest, count: 0...128)

    static let proof = Schema.Component(
        "AuditProof",
        .anyOf([
            .object([
                .required("format", .anyText), .required("version", .count), .required("kind", .oneOf(["inclusion"])),
                .required("event", eventOrRest), .required("id", .count), .required("index", .count),
                .required("proof", hashes, "The audit path (RFC 9162, section 2.1.3)."),
                .required("checkpoint", .anyText, "The signed note that it leads to."), rotations,
            ]),
            .object([
                .required("format", .anyText), .required("version", .count),
                .required("kind", .oneOf(["consistency"])), .required("from", tree), .required("to", tree),
                .required("proof", hashes, "The consistency path (RFC 9162, section 2.1.4)."),
                .required("checkpoints", .array(.anyText, count: 0...2), "The signed notes of both, where there are."),
                rotations,
            ]),
        ]))
}
