public import Audit
import Digest
public import Timestamps

/// How an attempt to sign a tree's checkpoint went.
public enum AuditSigning: Hashable, Sendable {
    /// The tree has not grown, or the last checkpoint is too young.
    case notDue
    /// A new one is kept.
    case signed(AuditCheckpoint)
    /// The tree contradicts what was signed, or cannot be read: nothing was signed.
    case refused(AuditTreeFault)
}

extension AuditLog {
    /// Signs the tree as it is now, unless it contradicts the last checkpoint.
    ///
    /// - Parameters:
    ///   - origin: the tree's name in checkpoints.
    ///   - interval: the fewest seconds between two checkpoints of a tree.
    ///   - trusts: whether a kept note is signed by a key of this installation.
    ///   - sign: signs a text. It may be called more than once.
    public func checkpoint(
        _ organisation: String, origin: String, interval: Int64, now: Timestamp, trusts: (SignedNote) -> Bool,
        sign: (String) throws -> SignedNote
    ) throws -> AuditSigning {
        let tree = try tree(organisation)
        var last = AuditCheckpoint(origin: origin, size: 0, root: MerkleTree.emptyRoot)
        if let kept = try latestCheckpoint(organisation) {
            if tree.size == kept.size || now.seconds(since: kept.signedAt) < interval { return .notDue }
            guard let note = SignedNote(kept.note), trusts(note), let signed = AuditCheckpoint(note.text) else {
                return .refused(tree.fault("its last checkpoint is not signed by a key of this installation"))
            }
            guard signed.size == kept.size, signed.origin == origin else {
                return .refused(tree.fault("its last checkpoint is of another size or tree than it is kept under"))
            }
            last = signed
        }
        guard tree.size > last.size else {
            return tree.size == last.size
                ? .notDue
                : .refused(tree.fault("it has \(tree.size) leaves, but \(last.size) were signed: leaves were cut off"))
        }
        do {
            let next = AuditCheckpoint(origin: origin, size: tree.size, root: try tree.root(size: tree.size))
            guard let proof = try tree.consistencyProof(from: last.size, to: next.size),
                MerkleTree.verifyConsistency(from: last.size, last.root, to: next.size, next.root, proof: proof)
            else {
                return .refused(
                    tree.fault("it is not a continuation of the tree of \(last.size) leaves that was signed"))
            }
            try sql.execute(
                """
                INSERT INTO audit_checkpoints (organisation, size, root, note, signed_at) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (organisation, size) DO NOTHING
                """, organisation, next.size, next.root, try sign(next.text).description, now)
            return .signed(next)
        } catch let fault as AuditTreeFault {
            return .refused(fault)
        }
    }

    /// The largest signed checkpoint of a tree, as a note; nil before the first.
    ///
    /// - Parameters:
    ///   - covering: the smallest that has more than so many leaves instead, so that it covers the leaf of that number.
    public func latestCheckpoint(
        _ organisation: String, covering leaf: Int? = nil
    ) throws -> (size: Int, note: String, signedAt: Timestamp)? {
        try sql.first(
            """
            SELECT size, note, signed_at FROM audit_checkpoints WHERE organisation = ?1 AND size > ?2
            ORDER BY size \(leaf == nil ? "DESC" : "ASC") LIMIT 1
            """, organisation, leaf ?? -1
        ) { row in (Int(try row.integer()), try row.text(), try row.timestamp()) }
    }

    /// The signed checkpoints of a tree with sizes above `low` and up to `high`, as notes, the smallest first.
    public func checkpoints(
        _ organisation: String, above low: Int, upTo high: Int
    ) throws -> [(size: Int, note: String)] {
        try sql.rows(
            """
            SELECT size, note FROM audit_checkpoints WHERE organisation = ?1 AND size > ?2 AND size <= ?3 ORDER BY size
            """, organisation, low, high
        ) { row in (Int(try row.integer()), try row.text()) }
    }

    /// Whether that key has signed, or was to sign, here.
    public func knows(key: NoteKey) throws -> Bool {
        try sql.first(
            "SELECT count(*) FROM signing_keys WHERE organisation = ?1 AND key_id = ?2", AuditEvent.installation,
            key.description
        ) { row in try row.integer() } ?? 0 > 0
    }

    /// Notes that a key signs this installation's checkpoints; false where it was known.
    public func add(key: NoteKey, now: Timestamp) throws -> Bool {
        try sql.execute(
            """
            INSERT INTO signing_keys (organisation, key_id, algorithm, public_key, owner, created_at)
            VALUES (?1, ?2, 'ed25519', ?3, 'audit', ?4) ON CONFLICT (organisation, key_id) DO NOTHING
            """, AuditEvent.installation, key.description, key.publicKey, now) > 0
    }
}
