import Access
import Audit
import Digest
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// Who did what, and the proof of it.
enum AuditOperations {
    static let all: [Operation] = [list, export, checkpoint, keys, rotate, proof, erase]

    private static let installation: Parameter = .query(
        "installation", .boolean,
        "The log of the installation, over all organisations: for whoever has the permission everywhere.")
    private static let event: Parameter = .path("event", .integer(0...Int64.max), "The event's id.")
    private static let size: Schema = .integer(0...Int64(MerkleTree.maximumSize))

    private static let list: Operation = Operation(
        .get, "/api/v1/audit", id: "listAuditEvents", tag: .audit,
        summary: "List who did what, in the order of time.", access: .permission(.auditRead),
        parameters: [
            installation, .query("actor", .text(1...255), "Only what this one did."),
            .query("action", .text(1...255), "Only this action: `host.enrolled`."),
            .query("subject", .text(1...255), "Only what was done to this: `host:h-…`."),
            .query("since", .time, "Only what was done then or later."),
            .query("until", .time, "Only what was done before then."),
            .query("order", .oneOf(["oldest", "newest"]), "Which come first; the oldest by default."),
        ],
        responses: [.ok(.page(of: .component(AuditSchema.leaf)))], traits: [.paginated]
    ) { call in
        var filter = AuditFilter()
        filter.actor = call.text("actor")
        filter.action = call.text("action")
        filter.subject = call.text("subject")
        filter.since = call.time("since")
        filter.until = call.time("until")
        filter.newestFirst = call.text("order") == "newest"
        let asked = filter
        let ofAll = try call.isOfInstallation()
        let after = call.cursor.flatMap { place -> AuditPageKey? in
            guard let time = place[0]?.integer, let id = place[1]?.integer else { return nil }
            return AuditPageKey(recordedAt: Timestamp(milliseconds: time), id: id)
        }
        let leaves = try await call.state.store.read { transaction in
            try transaction.audit.search(
                organisation: ofAll ? nil : call.organisation, asked, after: after, limit: call.limit + 1)
        }
        let page = leaves.prefix(call.limit)
        return .page(
            page.map(AuditSchema.json),
            next: leaves.count > page.count
                ? page.last.map { [.integer($0.recordedAt.milliseconds), .integer($0.id)] } : nil)
    }

    private static let export: Operation = Operation(
        .get, "/api/v1/audit/export", id: "exportAudit", tag: .audit,
        summary: "Take the log out, with its trees and signed checkpoints.",
        description: "JSON Lines; `fettle audit verify` recomputes them without the server.",
        access: .permission(.auditExport), parameters: [installation],
        responses: [ResponseDeclaration(.ok, "The lines.", mediaType: "application/jsonl")]
    ) { call in
        let tree = try call.auditTree(.auditExport)
        let (caller, now) = (call.caller, call.now)
        let export = try await AuditExport(call.state, organisation: tree)
        try await call.state.store.write { transaction in
            try transaction.note(caller, "audit.exported", "audit", organisation: tree, now: now)
        }
        return Answer(content: .stream(type: "application/jsonl") { write in try await export.write(write) })
    }

    private static let checkpoint: Operation = Operation(
        .get, "/api/v1/audit/checkpoint", id: "showAuditCheckpoint", tag: .audit,
        summary: "Show the last signed checkpoint, or that of a size.", access: .permission(.auditRead),
        parameters: [installation, .query("size", size, "The number of records; by default that of the last one.")],
        responses: [.ok(.component(AuditSchema.checkpoint))]
    ) { call in
        let tree = try call.auditTree()
        let size = call.integer("size").map { Int($0) }
        let note = try await call.state.store.read { try signedNote(tree, size, $0) }
        guard let note, let parsed = SignedNote(note), let checkpoint = AuditCheckpoint(parsed.text) else {
            throw Refusal(.missing("checkpoint", size.map { "\($0)" } ?? "last"))
        }
        return .json([
            "note": .string(note), "origin": .string(checkpoint.origin), "size": .integer(Int64(checkpoint.size)),
            "root": .string(checkpoint.root.hex),
        ])
    }

    private static let keys: Operation = Operation(
        .get, "/api/v1/audit/keys", id: "listAuditKeys", tag: .audit,
        summary: "List the public keys that checkpoints are signed with, the current one first.", access: .signedIn,
        about: .installation,
        responses: [
            .ok(
                .list(
                    of: .object([
                        .required("key", .anyText), .required("current", .boolean),
                        .required(
                            "rotation", .nullable(.anyText),
                            "How it handed over to the next key, signed by both: a proof that it signed alone counts no more. Null of the current key, and of one that was lost."
                        ),
                    ])))
        ]
    ) { call in
        let key = call.state.auditKeeping.key
        var handed: [NoteKey: SignedNote] = [:]
        for note in key.rotations { if let rotation = AuditKeyRotation(note.text) { handed[rotation.from] = note } }
        return .json([
            "items": .array(
                key.trusted.map {
                    [
                        "key": .string($0.description), "current": .bool($0 == key.key),
                        "rotation": handed[$0].map { .string($0.description) } ?? .null,
                    ]
                })
        ])
    }

    private static let rotate: Operation = Operation(
        .post, "/api/v1/audit/keys/rotate", id: "rotateAuditKey", tag: .audit,
        summary: "Let a new key sign the audit log from now on.",
        description:
            "Each log gets a record of it, signed by both keys: whoever trusts the old one can verify what comes after.",
        access: .permission(.serverWrite), about: .installation,
        body: BodyDeclaration(
            .object([
                .required(
                    "current", .text(1...1024), "The key that signs, so that no repetition rotates twice.")
            ])),
        responses: [
            .ok(.object([.required("key", .anyText, "The one that signs now.")])),
            .problem(.conflict, "Another one signs by now."),
        ]
    ) { call in
        guard let asked = NoteKey(call.body["current"]?.string ?? "") else { throw Refusal(.auditKeyStale) }
        let key = try await call.state.auditKeeping.rotate(
            from: asked, by: call.caller.principal.id, call.state.store, now: call.now)
        return .json(["key": .string(key.description)])
    }

    private static let proof: Operation = Operation(
        .get, "/api/v1/audit/proof", id: "proveAudit", tag: .audit,
        summary: "Prove that an event is in the log, or that the log only grew.",
        description: "Give `event`, and `size` for another checkpoint than the last; or `from`, and `to`.",
        access: .permission(.auditRead),
        parameters: [
            installation, .query("event", .integer(0...Int64.max), "An event's id."),
            .query("size", size, "The checkpoint's size; by default that of the last one."),
            .query("from", size, "A number of records, of which the later ones are the continuation."),
            .query("to", size, "The later number of records; by default that of the last checkpoint."),
        ],
        responses: [
            .ok(.component(AuditSchema.proof)), .problem(.conflict, "No signed checkpoint covers that yet."),
        ]
    ) { call in
        if let event = call.integer("event") { return .json(try await inclusion(of: event, call)) }
        guard let from = call.integer("from") else {
            throw Refusal(
                .unprocessable([
                    .init(
                        parameter: "query event", detail: "A proof is of an event, or from one size to another.",
                        cure: "Send event, or from.")
                ]))
        }
        return .json(try await consistency(from: Int(from), call))
    }

    private static let erase: Operation = Operation(
        .post, "/api/v1/audit/{event}/erase", id: "eraseAuditEvent", tag: .audit,
        summary: "Erase the personal data of one event.",
        description: "The event, its hash and every proof stay. The erasure enters the log.",
        access: .permission(.auditErase), parameters: [event],
        body: BodyDeclaration(.object([.required("reason", .text(1...1024), "Why; it must not repeat the data.")])),
        responses: [
            .ok(.object([.required("id", .count), .required("erased", .boolean)])),
            .problem(.conflict, "There is nothing to erase."),
        ]
    ) { call in
        let id = call.integer("event") ?? 0
        let reason = call.body["reason"]?.string ?? ""
        let erased = try await call.state.store.write { transaction in
            _ = try call.auditLeaf(id, .auditErase, transaction)
            return try transaction.audit.erase(
                id: id, actor: call.caller.principal.id, reason: reason, now: call.now)
        }
        guard erased else {
            throw Refusal(
                .init(
                    "nothing-to-erase", title: "There is nothing to erase", status: 409,
                    detail: "Event \(id) has no personal data, or they were erased before.",
                    cure: "Nothing needs to be done."))
        }
        return .json(["id": .integer(id), "erased": true])
    }

    // MARK: - Proofs

    private static func inclusion(of id: Int64, _ call: Call) async throws -> JSONValue {
        let size = call.integer("size").map { Int($0) }
        let ofAll = try call.isOfInstallation()
        let rotations = call.state.auditKeeping.key.rotations
        let proof = try await call.state.store.read { transaction -> AuditProof? in
            let leaf = try call.auditLeaf(id, .auditRead, transaction)
            let tree = ofAll ? AuditEvent.installation : leaf.organisation
            let index = tree == AuditEvent.installation ? leaf.installationSequence : leaf.sequence
            guard let index, let note = try signedNote(tree, size, transaction).flatMap({ SignedNote($0) }),
                let checkpoint = AuditCheckpoint(note.text), index < checkpoint.size,
                let hashes = try transaction.audit.tree(tree).inclusionProof(of: Int(index), in: checkpoint.size)
            else { return nil }
            return .inclusion(
                event: leaf.event, id: id, index: Int(index), proof: hashes, checkpoint: note, rotations: rotations)
        }
        guard let proof else { throw Refusal(notSigned("event \(id)"), retryAfter: 60) }
        return proof.json
    }

    private static func consistency(from: Int, _ call: Call) async throws -> JSONValue {
        let tree = try call.auditTree()
        let asked = call.integer("to").map { Int($0) }
        let origin = call.state.auditKeeping.origin(tree)
        let rotations = call.state.auditKeeping.key.rotations
        let proof = try await call.state.store.read { transaction -> AuditProof? in
            let audit = transaction.audit
            guard let to = try asked ?? audit.latestCheckpoint(tree)?.size else { return nil }
            let stored = try audit.tree(tree)
            guard let hashes = try stored.consistencyProof(from: from, to: to) else { return nil }
            return .consistency(
                from: AuditCheckpoint(origin: origin, size: from, root: try stored.root(size: from)),
                to: AuditCheckpoint(origin: origin, size: to, root: try stored.root(size: to)), proof: hashes,
                checkpoints: try Set([from, to]).sorted().compactMap { size in
                    size == 0 ? nil : try signedNote(tree, size, transaction).flatMap { SignedNote($0) }
                }, rotations: rotations)
        }
        guard let proof else { throw Refusal(notSigned("a tree of that size")) }
        return proof.json
    }

    /// The signed checkpoint of that size, or the last.
    private static func signedNote(_ tree: String, _ size: Int?, _ transaction: Transaction) throws -> String? {
        guard let size else { return try transaction.audit.latestCheckpoint(tree)?.note }
        return try transaction.audit.checkpoints(tree, above: size - 1, upTo: size).first?.note
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

extension Call {
    /// Whether the installation's own log is asked for; refuses whoever has the permission in some organisations only.
    fileprivate func isOfInstallation(_ permission: Permission = .auditRead) throws(Refusal) -> Bool {
        guard bool("installation") == true else { return false }
        guard caller.principal.reach(permission, organisation: nil) != .none else {
            throw Refusal(
                .forbidden("The installation's log needs the permission \(permission.rawValue) in all organisations."))
        }
        return true
    }

    /// The tree that is asked for.
    fileprivate func auditTree(_ permission: Permission = .auditRead) throws(Refusal) -> String {
        try isOfInstallation(permission) ? AuditEvent.installation : organisation
    }

    /// An event of the organisation; of any other only for whoever has the permission everywhere.
    fileprivate func auditLeaf(
        _ id: Int64, _ permission: Permission, _ transaction: Transaction
    ) throws -> AuditLeaf {
        let isEverywhere = caller.principal.reach(permission, organisation: nil) != .none
        guard let leaf = try transaction.audit.find(id: id), leaf.organisation == organisation || isEverywhere else {
            throw Refusal(.missing("event", "\(id)"))
        }
        return leaf
    }
}
