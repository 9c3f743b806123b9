import Digest
import JSON
import Policy
import Store
import Timestamps

/// Policies as JSON.
enum PolicySchemas {
    static let kinds = PolicyKinds.all.map { $0.kind }

    /// An object without what it says.
    static let summary = Schema.Component(
        "PolicySummary",
        .object([
            .required("kind", .oneOf(kinds)), .required("name", .anyText), .required("note", .anyText),
            .required("digest", .digest, "The SHA-256 of its canonical form."),
            .required("version", .count, "The version of all policies since which it is so."),
            .required("applied", .time), .required("appliedBy", .anyText),
        ]))

    /// An object.
    static let object = Schema.Component(
        "Policy",
        .object([
            .required("kind", .oneOf(kinds)), .required("name", .anyText), .required("note", .anyText),
            .required("digest", .digest, "The SHA-256 of its canonical form."),
            .required("version", .count, "The version of all policies since which it is so."),
            .required("until", .nullable(.count), "The version from which on it is not; null while it is in force."),
            .required("applied", .time), .required("appliedBy", .anyText),
            .required("document", .anything, "Its canonical form: sorted, without what is the default."),
        ]))

    /// A version of all.
    static let version = Schema.Component(
        "PolicyVersion",
        .object([
            .required("version", .count), .required("digest", .digest), .required("objects", .count),
            .required("applied", .time), .required("appliedBy", .anyText),
        ]))

    /// What is sent.
    static let upload = Schema.Component(
        "PolicyUpload",
        .object([
            .required(
                "files",
                .array(
                    .object([
                        .required("name", .text(1...1024), "Its name, for messages."),
                        .required(
                            "text", .string(Schema.Text(maximum: PolicyLimits.maximumBytes)), "YAML or JSON documents."),
                    ]), count: 1...PolicyUpload.maximumFiles), "Files of policies."),
            .optional("prune", .boolean, "Whether objects that the files do not have are deleted; false by default."),
        ]))

    /// What applying does.
    static let plan = Schema.Component(
        "PolicyPlan",
        .object([
            .required("version", .count, "The version that the plan starts from, or that is in force now."),
            .required("applied", .boolean, "Whether it is in force."),
            .required("unchanged", .count, "How many objects stay as they are."),
            .required(
                "steps",
                .array(
                    .object([
                        .required("action", .oneOf(["create", "change", "delete"])),
                        .required("object", .anyText, "`RingPlan/standard`."),
                        .required(
                            "differences",
                            .array(
                                .object([
                                    .required("path", .anyText),
                                    .required("before", .anything, "Null where it was not there, or the default."),
                                    .required("after", .anything, "Null where it goes, or to the default."),
                                ])), "What differs, by path; empty unless it changes."),
                    ]))),
            .required("text", .array(.anyText), "The steps in lines for people."),
            .required(
                "problems",
                .array(
                    .object([
                        .required("severity", .oneOf(["error", "warning"])), .required("file", .anyText),
                        .required("line", .count), .required("column", .count), .required("path", .anyText),
                        .required("message", .anyText, "What is wrong, and what to do."),
                    ])), "With an error among them nothing can be applied."),
        ]))

    static func summaryJSON(_ stored: StoredPolicy) -> JSONValue {
        [
            "kind": .string(stored.kind), "name": .string(stored.name),
            "note": .string(stored.json["metadata"]?["note"]?.string ?? ""), "digest": .string(stored.digest.hex),
            "version": .integer(stored.since), "applied": .string(stored.appliedAt.description),
            "appliedBy": .string(stored.appliedBy),
        ]
    }

    static func objectJSON(_ stored: StoredPolicy) -> JSONValue {
        guard case .object(var fields) = summaryJSON(stored) else { return .null }
        fields["until"] = stored.until.map { .integer($0) } ?? .null
        fields["document"] = stored.json
        return .object(fields)
    }

    static func versionJSON(_ version: PolicyVersion) -> JSONValue {
        [
            "version": .integer(version.version), "digest": .string(version.digest.hex),
            "objects": .integer(version.objects), "applied": .string(version.appliedAt.description),
            "appliedBy": .string(version.appliedBy),
        ]
    }

    static func planJSON(_ proposal: PolicyProposal, applied: PolicyVersion?) -> JSONValue {
        guard case .object(var fields) = proposal.plan.json else { return .null }
        fields["version"] = .integer(applied?.version ?? proposal.present)
        fields["applied"] = .bool(applied != nil)
        fields["text"] = .array(proposal.plan.lines.map(JSONValue.string))
        fields["problems"] = .array(proposal.problems.map(\.json))
        return .object(fields)
    }
}
