import Access
import Digest
import HTTPTypes
import JSON
import Policy
import Store
import Timestamps

/// Policies: groups, rings, windows and rules, kept as files and applied as a whole.
enum PolicyOperations {
    static let all: [Operation] = [list, plan, apply, versions, show, history, hosts]

    private static let kind: Parameter = .path("kind", .oneOf(PolicySchemas.kinds), "The object's kind.")
    private static let name: Parameter = .path("name", .text(1...63), "The object's name.")
    private static let upload = BodyDeclaration(
        .component(PolicySchemas.upload), maximumBytes: PolicyUpload.maximumBytes)

    private static let list: Operation = Operation(
        .get, "/api/v1/policies", id: "listPolicies", tag: .policies,
        summary: "List the policies in force, by kind and name.",
        description: "All of them at once; the ETag is what a change must name.", access: .permission(.policiesRead),
        responses: [
            .ok(
                .list(
                    of: .component(PolicySchemas.summary),
                    [
                        .required("version", .count, "Grows with every change; 0 before the first."),
                        .required("digest", .nullable(.digest), "The SHA-256 of all in their canonical form."),
                        .required("applied", .nullable(.time)), .required("appliedBy", .nullable(.anyText)),
                    ]))
        ]
    ) { call in .json(listed(try await call.policies.inForce())) }

    private static func listed(_ present: PoliciesInForce) -> JSONValue {
        [
            "items": .array(present.stored.map(PolicySchemas.summaryJSON)), "version": .integer(present.number),
            "digest": present.version.map { .string($0.digest.hex) } ?? .null,
            "applied": present.version.map { .string($0.appliedAt.description) } ?? .null,
            "appliedBy": present.version.map { .string($0.appliedBy) } ?? .null,
        ]
    }

    private static let plan: Operation = Operation(
        .post, "/api/v1/policies/plan", id: "planPolicies", tag: .policies,
        summary: "Say what applying policies would change, and what is wrong with them.",
        description: """
            Nothing is changed. The files are checked by themselves and with what stays in force, and against the hosts \
            that there are, where whoever asks sees all of them.
            """, access: .permission(.policiesRead), body: upload,
        responses: [.ok(.component(PolicySchemas.plan), "What would be done.")]
    ) { call in
        .json(PolicySchemas.planJSON(try await call.policies.propose(call.policyUpload), applied: nil))
    }

    private static let apply: Operation = Operation(
        .put, "/api/v1/policies", id: "applyPolicies", tag: .policies,
        summary: "Apply policies: what the files have becomes what is in force.",
        description: """
            Objects that the files do not have stay, unless `prune` is true. All or nothing; the same again changes nothing.
            """, access: .permission(.policiesWrite), body: upload,
        responses: [.ok(.component(PolicySchemas.plan), "What was done.")], traits: [.conditional]
    ) { call in
        let desk = call.policies
        let present = try await desk.inForce()
        try call.requireMatch(listed(present))
        let proposal = try await desk.propose(call.policyUpload)
        // Between the two readings somebody else may have been.
        guard proposal.present == present.number else { throw Refusal(.stale) }
        let version = try await desk.apply(proposal)
        guard case .object(var done) = PolicySchemas.planJSON(proposal, applied: version) else {
            throw Refusal(.internalError)
        }
        done["applied"] = true
        return .json(.object(done))
    }

    private static let versions: Operation = Operation(
        .get, "/api/v1/policies/versions", id: "listPolicyVersions", tag: .policies,
        summary: "List when policies were applied, the newest first.", access: .permission(.policiesRead),
        responses: [.ok(.page(of: .component(PolicySchemas.version)))], traits: [.paginated]
    ) { call in
        let found = try await call.state.store.read { sql in
            try sql.policies.versions(
                organisation: call.organisation, before: call.cursor?.integer, limit: call.limit + 1)
        }
        let page = found.prefix(call.limit)
        return .page(
            page.map(PolicySchemas.versionJSON),
            next: found.count > page.count ? page.last.map { .integer($0.version) } : nil)
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/policies/{kind}/{name}", id: "showPolicy", tag: .policies,
        summary: "Show a policy object that is in force.", access: .permission(.policiesRead),
        parameters: [kind, name], responses: [.ok(.component(PolicySchemas.object))]
    ) { call in
        .json(PolicySchemas.objectJSON(try await call.policies.find(try call.path("kind"), try call.path("name"))))
    }

    private static let history: Operation = Operation(
        .get, "/api/v1/policies/{kind}/{name}/history", id: "listPolicyHistory", tag: .policies,
        summary: "List all that a policy object was, the newest first; deleted ones too.",
        access: .permission(.policiesRead), parameters: [kind, name],
        responses: [.ok(.page(of: .component(PolicySchemas.object)))], traits: [.paginated]
    ) { call in
        let (kind, name) = (try call.path("kind"), try call.path("name"))
        let found = try await call.state.store.read { sql in
            try sql.policies.history(
                organisation: call.organisation, kind: kind, name: name, before: call.cursor?.integer,
                limit: call.limit + 1)
        }
        if found.isEmpty, call.cursor == nil { throw Refusal(.missing("policy", "\(kind)/\(name)")) }
        let page = found.prefix(call.limit)
        return .page(
            page.map(PolicySchemas.objectJSON),
            next: found.count > page.count ? page.last.map { .integer($0.since) } : nil)
    }

    private static let hosts: Operation = Operation(
        .get, "/api/v1/policies/{kind}/{name}/hosts", id: "listPolicyHosts", tag: .policies,
        summary: "List whom a policy object applies to: active hosts within reach, by name.",
        description: "Of rings: as they would be drawn for a campaign of that name over all hosts.",
        access: .permission(.hostsRead), parameters: [kind, name],
        responses: [
            .ok(
                .page(
                    of: .object([
                        .required("id", .anyText), .required("hostname", .anyText),
                        .required(
                            "ring", .nullable(.anyText), "Which ring; null where the object is no plan of rings."),
                    ]),
                    [
                        .required("total", .count, "How many there are on all pages."),
                        .required("untested", .array(.anyText), "Kinds of hosts of which the first ring has none."),
                    ]))
        ], traits: [.paginated]
    ) { call in
        let (kind, name) = (try call.path("kind"), try call.path("name"))
        let found = try await call.policies.scope(kind, name, reach: call.reach)
        let after = call.cursor?.integer ?? 0
        let page = found.rows.dropFirst(Int(max(0, min(after, Int64(found.rows.count))))).prefix(call.limit)
        return .page(
            page.map { row in
                [
                    "id": .string(row.id), "hostname": .string(row.name),
                    "ring": row.ring.map { .string($0) } ?? .null,
                ]
            }, next: page.endIndex < found.rows.endIndex ? .integer(Int64(page.endIndex)) : nil,
            more: [
                "total": .integer(Int64(found.rows.count)),
                "untested": .array(found.untested.map { .string("\($0.name) (\($0.hosts))") }),
            ])
    }
}

extension Call {
    /// The policies of the call's organisation.
    var policies: PolicyDesk {
        PolicyDesk(
            state: state, organisation: organisation, actor: caller.actor,
            seesHosts: caller.principal.reach(.hostsRead, organisation: organisation) == .all, now: now)
    }

    /// What the body has.
    fileprivate var policyUpload: PolicyUpload {
        PolicyUpload(
            files: (body["files"]?.array ?? []).map {
                .init(name: $0["name"]?.string ?? "", text: $0["text"]?.string ?? "")
            }, prunes: body["prune"]?.bool ?? false)
    }
}
