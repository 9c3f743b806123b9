import Audit
import Digest
import Hummingbird
import JSON
import Store
import Timestamps
import Wire

extension OperatorRoutes {
    /// Everything below `/api/v1/audit`.
    func audit(_ request: Request, _ path: [String], _ query: Query) async throws -> Response {
        switch (request.method, path.first, path.count) {
        case (.get, nil, 0): return try await auditLeaves(query)
        case (.get, "export", 1): return try await auditExport(query)
        case (.get, "checkpoint", 1): return try await auditCheckpoint(query)
        case (.get, "keys", 1): return auditKeys()
        case (.get, "proof", 1): return try await auditProof(query)
        case (.post, let id?, 2) where path[1] == "erase": return try await eraseAudit(id, request)
        default: throw Refusal(.notFound(request.uri.path))
        }
    }

    /// `GET /api/v1/audit`: leaves in the order of their times. Filters organisation (empty for what belongs to none),
    /// installation=true (all organisations), actor, action, subject, since, until; order=newest.
    private func auditLeaves(_ query: Query) async throws -> Response {
        let limit = try query.limit()
        var filter = AuditFilter()
        filter.actor = query["actor"]
        filter.action = query["action"]
        filter.subject = query["subject"]
        filter.since = try query.time("since")
        filter.until = try query.time("until")
        switch query["order"] {
        case nil, "oldest": break
        case "newest": filter.newestFirst = true
        default: throw Refusal(.malformed("order is oldest or newest", pointer: "/order"))
        }
        let asked = filter
        let key = try query["after"].map(Self.auditPlace)
        let organisation: String? = query["installation"] == "true" ? nil : query.organisation
        let leaves = try await state.store.read { transaction in
            try transaction.audit.search(organisation: organisation, asked, after: key, limit: limit)
        }
        let last = leaves.count == limit ? leaves.last : nil
        return .json(
            ["items": .array(try leaves.map(Self.json))],
            headers: query.link(after: last.map { "\($0.recordedAt.milliseconds) \($0.id)" }))
    }

    private static func auditPlace(_ text: String) throws(Refusal) -> AuditPageKey {
        let parts = text.split(separator: " ").compactMap { Int64($0) }
        guard parts.count == 2 else {
            throw Refusal(.malformed("after is not from a link of this API", pointer: "/after"))
        }
        return AuditPageKey(recordedAt: Timestamp(milliseconds: parts[0]), id: parts[1])
    }

    private static func json(_ leaf: AuditLeaf) throws -> JSONValue {
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

    /// `GET /api/v1/audit/export`: JSON Lines, of one organisation or (installation=true) of all.
    private func auditExport(_ query: Query) async throws -> Response {
        let export = try await AuditExport(state, organisation: try await auditTree(query))
        return Response(
            status: .ok, headers: [.contentType: "application/jsonl"],
            body: ResponseBody { writer in
                try await export.write { try await writer.write($0) }
                try await writer.finish(nil)
            })
    }

    /// `GET /api/v1/audit/checkpoint`: the last signed one, or that of `size`.
    private func auditCheckpoint(_ query: Query) async throws -> Response {
        let tree = try await auditTree(query)
        let size = try Self.size("size", query)
        let note = try await state.store.read { transaction in
            try Self.note(tree, size, transaction)
        }
        guard let note, let parsed = SignedNote(note), let checkpoint = AuditCheckpoint(parsed.text) else {
            throw Refusal(.missing("checkpoint", size.map { "\($0)" } ?? "last"))
        }
        return .json([
            "note": .string(note), "origin": .string(checkpoint.origin), "size": .integer(Int64(checkpoint.size)),
            "root": .string(checkpoint.root.hex),
        ])
    }

    /// `GET /api/v1/audit/keys`: the one that signs, then those that signed before it.
    private func auditKeys() -> Response {
        let keys = state.auditKeeping.key.trusted
        return .json([
            "items": .array(keys.map { ["key": .string($0.description), "current": .bool($0 == keys.first)] })
        ])
    }

    /// `GET /api/v1/audit/proof`: `event` (an id) in the last checkpoint or that of `size`; or `from` one size `to`
    /// another, by default the last that is signed.
    private func auditProof(_ query: Query) async throws -> Response {
        guard let event = query["event"] else { return try await consistencyProof(query) }
        let size = try Self.size("size", query)
        let ofAll = query["installation"] == "true"
        guard let id = Int64(event), let leaf = try await state.store.read({ try $0.audit.find(id: id) }) else {
            throw Refusal(.missing("event", event))
        }
        let tree = ofAll ? AuditEvent.installation : leaf.organisation
        let index = tree == AuditEvent.installation ? leaf.installationSequence : leaf.sequence
        let proof = try await state.store.read { transaction -> AuditProof? in
            guard let index, let note = try Self.note(tree, size, transaction).flatMap({ SignedNote($0) }),
                let checkpoint = AuditCheckpoint(note.text), index < checkpoint.size,
                let hashes = try transaction.audit.tree(tree).inclusionProof(of: Int(index), in: checkpoint.size)
            else { return nil }
            return .inclusion(event: leaf.event, id: id, index: Int(index), proof: hashes, checkpoint: note)
        }
        guard let proof else { throw Refusal(Self.notSigned("event \(id)"), retryAfter: 60) }
        return .json(proof.json)
    }

    private func consistencyProof(_ query: Query) async throws -> Response {
        let tree = try await auditTree(query)
        guard let from = try Self.size("from", query) else {
            throw Refusal(.malformed("a proof is of an event, or from one size to another", pointer: "/event"))
        }
        let asked = try Self.size("to", query)
        let origin = state.auditKeeping.origin(tree)
        let proof = try await state.store.read { transaction -> AuditProof? in
            let audit = transaction.audit
            guard let to = try asked ?? audit.latestCheckpoint(tree)?.size else { return nil }
            let stored = try audit.tree(tree)
            guard let hashes = try stored.consistencyProof(from: from, to: to) else { return nil }
            return .consistency(
                from: AuditCheckpoint(origin: origin, size: from, root: try stored.root(size: from)),
                to: AuditCheckpoint(origin: origin, size: to, root: try stored.root(size: to)), proof: hashes,
                checkpoints: try Set([from, to]).sorted().compactMap { size in
                    size == 0 ? nil : try Self.note(tree, size, transaction).flatMap { SignedNote($0) }
                })
        }
        guard let proof else { throw Refusal(Self.notSigned("a tree of that size")) }
        return .json(proof.json)
    }

    /// `POST /api/v1/audit/{id}/erase`: the personal data of one event, for a reason.
    private func eraseAudit(_ text: String, _ request: Request) async throws -> Response {
        var body = try await Self.body(request)
        let reason = try body.string("reason", maximumBytes: 1024)
        try body.finish()
        guard !reason.isEmpty else { throw Refusal(.malformed("an erasure needs a reason", pointer: "/reason")) }
        let now = state.clock.now()
        let (known, erased) = try await state.store.write { transaction in
            guard let id = Int64(text), try transaction.audit.find(id: id) != nil else { return (false, false) }
            return (
                true, try transaction.audit.erase(id: id, actor: Self.actor, reason: reason, now: now)
            )
        }
        guard known else { throw Refusal(.missing("event", text)) }
        guard erased else {
            throw Refusal(
                .init(
                    "nothing-to-erase", title: "There is nothing to erase", status: 409,
                    detail: "Event \(text) has no personal data, or they were erased before.",
                    cure: "Nothing needs to be done."))
        }
        return .json(["id": .string(text), "erased": true])
    }

    // MARK: - Below

    /// The tree that is asked for, of an organisation that exists.
    private func auditTree(_ query: Query) async throws -> String {
        if query["installation"] == "true" { return AuditEvent.installation }
        let organisation = query.organisation
        guard try await state.store.read({ try $0.organisations.list() }).contains(where: { $0.id == organisation })
        else { throw Refusal(.missing("organisation", organisation)) }
        return organisation
    }

    /// The signed checkpoint of that size, or the last.
    private static func note(_ tree: String, _ size: Int?, _ transaction: Transaction) throws -> String? {
        guard let size else { return try transaction.audit.latestCheckpoint(tree)?.note }
        return try transaction.audit.checkpoints(tree, above: size - 1, upTo: size).first?.note
    }

    private static func size(_ key: String, _ query: Query) throws(Refusal) -> Int? {
        guard let text = query[key] else { return nil }
        guard let size = Int(text), (0...MerkleTree.maximumSize).contains(size) else {
            throw Refusal(.malformed("\(key) is a number of records", pointer: "/\(key)"))
        }
        return size
    }

    private static func notSigned(_ what: String) -> Problem {
        .init(
            "not-signed", title: "There is no signed checkpoint for that yet", status: 409,
            detail: "No checkpoint of the audit log covers \(what), or not at the size asked for.",
            cure:
                "Wait for the next one, at most a minute or two, or name a size that was signed: fettle audit checkpoint."
        )
    }
}
