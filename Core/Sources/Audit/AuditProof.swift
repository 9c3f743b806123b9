public import Digest
public import JSON

/// A proof as a document of its own, which is verified offline: that a record is in a tree, or that one tree is the
/// beginning of another.
public enum AuditProof: Hashable, Sendable {
    /// The event with those bytes is leaf `index` of the tree that the checkpoint signs.
    ///
    /// `rotations` here and below: how one signing key handed over to the next (``AuditKeyRotation``).
    case inclusion(
        event: [UInt8], id: Int64, index: Int, proof: [SHA256Digest], checkpoint: SignedNote,
        rotations: [SignedNote] = [])
    /// The tree of the first size and root is a prefix of the second; their checkpoints, where they were signed.
    case consistency(
        from: AuditCheckpoint, to: AuditCheckpoint, proof: [SHA256Digest], checkpoints: [SignedNote],
        rotations: [SignedNote] = [])

    /// The format's name.
    public static let format = "fettle-audit-proof"
    /// The largest document that is read.
    public static let limits = JSONLimits(
        maximumBytes: 4 << 20, maximumDepth: 20, maximumItems: 200_000, maximumStringBytes: 1 << 20)

    /// The document.
    public var json: JSONValue {
        func hexes(_ hashes: [SHA256Digest]) -> JSONValue { .array(hashes.map { .string($0.hex) }) }
        func tree(_ checkpoint: AuditCheckpoint) -> JSONValue {
            [
                "origin": .string(checkpoint.origin), "size": .integer(Int64(checkpoint.size)),
                "root": .string(checkpoint.root.hex),
            ]
        }
        func notes(_ notes: [SignedNote]) -> JSONValue { .array(notes.map { .string($0.description) }) }
        var fields: [String: JSONValue]
        switch self {
        case .inclusion(let event, let id, let index, let proof, let checkpoint, _):
            fields = [
                "format": .string(Self.format), "version": 1, "kind": "inclusion",
                "event": (try? JSONValue(parsing: event, limits: .message)) ?? .null, "id": .integer(id),
                "index": .integer(Int64(index)), "proof": hexes(proof), "checkpoint": .string(checkpoint.description),
            ]
        case .consistency(let from, let to, let proof, let checkpoints, _):
            fields = [
                "format": .string(Self.format), "version": 1, "kind": "consistency", "from": tree(from), "to": tree(to),
                "proof": hexes(proof), "checkpoints": notes(checkpoints),
            ]
        }
        if !rotations.isEmpty { fields["rotations"] = notes(rotations) }
        return .object(fields)
    }

    /// How one signing key handed over to the next.
    public var rotations: [SignedNote] {
        switch self {
        case .inclusion(_, _, _, _, _, let rotations), .consistency(_, _, _, _, let rotations): rotations
        }
    }

    /// The name of the tree; nil where the checkpoint is none.
    private var origin: String? {
        switch self {
        case .inclusion(_, _, _, _, let checkpoint, _): AuditCheckpoint(checkpoint.text)?.origin
        case .consistency(let from, _, _, _, _): from.origin
        }
    }

    /// Reads ``json``.
    public init(_ value: JSONValue) throws(JSONError) {
        var object = try JSONObject(value)
        guard try object.string("format") == Self.format, try object.integer("version", in: 0...Int64.max) == 1 else {
            throw JSONError(.outOfBounds, pointer: "/format", reason: "this is no \(Self.format) of version 1")
        }
        var proof: [SHA256Digest] = []
        for hex in try object.strings("proof", maximumCount: MerkleTree.maximumProofLength) {
            guard let digest = SHA256Digest(hex: hex) else {
                throw JSONError(.outOfBounds, pointer: "/proof", reason: "\(hex.prefix(70)) is no hash")
            }
            proof.append(digest)
        }
        func note(_ text: String) throws(JSONError) -> SignedNote {
            guard let note = SignedNote(text) else {
                throw JSONError(.outOfBounds, pointer: "/checkpoint", reason: "this is no signed note")
            }
            return note
        }
        func tree(_ object: JSONObject) throws(JSONError) -> AuditCheckpoint {
            var object = object
            let tree = AuditCheckpoint(
                origin: try object.string("origin"),
                size: Int(try object.integer("size", in: 0...Int64(MerkleTree.maximumSize))),
                root: try AuditExportRecord.digest("root", &object))
            try object.finish()
            return tree
        }
        let rotations = try SignedNote.rotations(&object)
        switch try object.string("kind") {
        case "inclusion":
            self = .inclusion(
                event: try object.value("event").canonicalBytes(), id: try object.integer("id", in: 0...Int64.max),
                index: Int(try object.integer("index", in: 0...Int64(MerkleTree.maximumSize))), proof: proof,
                checkpoint: try note(object.string("checkpoint", maximumBytes: SignedNote.maximumBytes)),
                rotations: rotations)
        case "consistency":
            var checkpoints: [SignedNote] = []
            for text in try object.strings(
                "checkpoints", maximumCount: 2, maximumBytes: SignedNote.maximumBytes)
            {
                checkpoints.append(try note(text))
            }
            self = .consistency(
                from: try tree(object.object("from")), to: try tree(object.object("to")), proof: proof,
                checkpoints: checkpoints, rotations: rotations)
        case let kind:
            throw JSONError(.outOfBounds, pointer: "/kind", reason: "\(kind.prefix(40)) is no kind of proof")
        }
        try object.finish()
    }

    /// Verifies the proof.
    ///
    /// - Parameters:
    ///   - keys: the keys that may sign, and with them those that rotations join to them.
    ///   - kept: checkpoints that were kept outside: a consistency proof must begin or end with each.
    ///   - known: rotations that are known from elsewhere than the proof. What a key has signed that handed over to another one
    ///     counts only where it was kept outside, or is the beginning of what its successor has signed.
    ///   - verify: Ed25519.
    /// - Returns: what it proves, in a line for people.
    /// - Throws: ``AuditFault`` that says what is wrong.
    public func verify(
        keys: [NoteKey], kept: [SignedNote] = [], known: [SignedNote] = [], verify: AuditVerifier.Verify
    ) throws(AuditFault) -> String {
        var trust = AuditTrust(keys)
        try trust.extend(by: known, origin: origin, verify: verify)
        try trust.extend(by: rotations, origin: origin, verify: verify)
        func checked(_ note: SignedNote) throws(AuditFault) -> AuditCheckpoint {
            guard let checkpoint = AuditCheckpoint(note.text) else {
                throw AuditFault(.unreadable, "the signed note is no checkpoint")
            }
            try trust.check(note, "the checkpoint of size \(checkpoint.size)", verify: verify)
            return checkpoint
        }
        switch self {
        case .inclusion(let event, let id, let index, let proof, let note, _):
            let checkpoint = try checked(note)
            for note in kept where try checked(note) != checkpoint {
                throw AuditFault(
                    .inconsistent,
                    "the proof is for another checkpoint than the one given; prove --from … --to … joins them")
            }
            if kept.isEmpty {
                try trust.checkNotRetired(note, "the checkpoint of size \(checkpoint.size)", verify: verify)
            }
            guard
                MerkleTree.verifyInclusion(
                    leaf: MerkleTree.leafHash(event), index: index, size: checkpoint.size, proof: proof,
                    root: checkpoint.root)
            else {
                throw AuditFault(
                    .changed, record: index, id: id,
                    "the event is not that record of \(checkpoint.origin) at size \(checkpoint.size)")
            }
            return "the event is record \(index) of \(checkpoint.origin), which had \(checkpoint.size) records"
        case .consistency(let from, let to, let proof, let notes, _):
            guard from.origin == to.origin,
                MerkleTree.verifyConsistency(from: from.size, from.root, to: to.size, to.root, proof: proof)
            else {
                throw AuditFault(
                    .inconsistent, "the tree of \(from.size) records is not the beginning of that of \(to.size)")
            }
            var signed: Set<Int> = []
            var retired: SignedNote?
            var isCovered = false
            for (number, note) in (notes + kept).enumerated() {
                let checkpoint = try checked(note)
                guard checkpoint == from || checkpoint == to else {
                    throw AuditFault(
                        .inconsistent,
                        "the checkpoint of size \(checkpoint.size) is neither end of the proof, or has another root")
                }
                signed.insert(checkpoint.size)
                // The beginning may be signed by a retired key: its successor's word for the whole covers it.
                guard checkpoint == to else { continue }
                let isKept = number >= notes.count
                if isKept || (try? trust.checkNotRetired(note, "", verify: verify)) != nil {
                    isCovered = true
                } else {
                    retired = note
                }
            }
            if !isCovered, let retired {
                try trust.checkNotRetired(retired, "the checkpoint of size \(to.size)", verify: verify)
            }
            guard signed.contains(to.size) else {
                throw AuditFault(
                    .forgedCheckpoint, "no checkpoint of size \(to.size) is signed; prove up to one that is")
            }
            return "\(from.origin): the tree of \(from.size) records is the beginning of that of \(to.size)"
        }
    }
}
