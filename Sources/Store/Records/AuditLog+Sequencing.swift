import Audit
import Digest
public import Timestamps

/// What a step of sequencing did.
public struct AuditSequencing: Hashable, Sendable {
    /// How many leaves got their numbers.
    public var sequenced = 0
    /// Those whose event does not have the hash that was written with it, by id: they were altered before they were
    /// numbered. They are in the tree with that hash, so that verifying names them.
    public var altered: [Int64] = []
}

extension AuditLog {
    /// Whether leaves wait to be numbered.
    public func hasUnsequenced() throws -> Bool {
        try sql.first("SELECT id FROM audit_leaves WHERE installation_sequence IS NULL LIMIT 1") { row in
            try row.integer()
        } != nil
    }

    /// Numbers leaves that have none, in their organisation's tree and in the installation's, without gaps and never
    /// again: what is committed late, with whatever id, comes later in the trees.
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - skipped: organisations whose trees are damaged: their leaves wait.
    /// - Throws: ``AuditTreeFault`` where a stored tree is damaged; nothing is added to any then.
    public func sequence(limit: Int = 500, skipping skipped: [String] = [], now: Timestamp) throws -> AuditSequencing {
        // One server at a time: of two that come here together the second waits for this row, and is tried again.
        try save(size: nil, of: AuditEvent.installation, now)
        let left = (0..<skipped.count).map { " AND organisation <> ?\($0 + 2)" }.joined()
        let leaves = try sql.rows(
            """
            SELECT id, organisation, leaf_hash, event, actor FROM audit_leaves
            WHERE installation_sequence IS NULL\(left) ORDER BY id LIMIT ?1
            """, list: [.integer(Int64(limit))] + skipped.map { .text($0) }
        ) { row in
            (
                id: try row.integer(), organisation: try row.text(), hash: try row.digest(), event: try row.blob(),
                actor: try row.optionalText()
            )
        }
        var outcome = AuditSequencing(sequenced: leaves.count)
        if leaves.isEmpty { return outcome }
        var whole = try appender(AuditEvent.installation)
        var parts: [String: MerkleTileAppender] = [:]
        for leaf in leaves {
            var sequence: Int?
            if leaf.organisation != AuditEvent.installation {
                var part = try parts[leaf.organisation] ?? appender(leaf.organisation)
                sequence = part.size
                part.append(leaf.hash)
                parts[leaf.organisation] = part
            }
            try sql.execute(
                "UPDATE audit_leaves SET sequence = ?2, installation_sequence = ?3 WHERE id = ?1", leaf.id, sequence,
                whole.size)
            whole.append(leaf.hash)
            if MerkleTree.leafHash(leaf.event) != leaf.hash { outcome.altered.append(leaf.id) }
            // Written before there were columns to filter by.
            if leaf.actor == nil, let event = try? AuditEvent(canonical: leaf.event) {
                try sql.execute(
                    "UPDATE audit_leaves SET actor = ?2, action = ?3, subject = ?4 WHERE id = ?1", leaf.id, event.actor,
                    event.action, event.subject)
            }
        }
        for (organisation, part) in parts.sorted(by: { $0.key < $1.key }) { try save(part, organisation, now) }
        try save(whole, AuditEvent.installation, now)
        return outcome
    }

    private func appender(_ organisation: String) throws -> MerkleTileAppender {
        let tree = try tree(organisation)
        guard let appender = try MerkleTileAppender(size: tree.size, tile: tree.tile) else {
            throw tree.fault("the last hashes of its \(tree.size) leaves are missing or cut short")
        }
        return appender
    }

    private func save(_ tree: MerkleTileAppender, _ organisation: String, _ now: Timestamp) throws {
        try save(size: tree.size, of: organisation, now)
        for (id, hashes) in tree.changed.sorted(by: { ($0.key.level, $0.key.index) < ($1.key.level, $1.key.index) }) {
            try sql.execute(
                """
                INSERT INTO audit_tiles (organisation, level, position, hashes) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (organisation, level, position) DO UPDATE SET hashes = excluded.hashes
                """, organisation, id.level, id.index, hashes.flatMap(\.bytes))
        }
    }

    private func save(size: Int?, of organisation: String, _ now: Timestamp) throws {
        try sql.execute(
            """
            INSERT INTO audit_trees (organisation, size, changed_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (organisation) DO UPDATE SET changed_at = excluded.changed_at\(size == nil ? "" : ", size = excluded.size")
            """, organisation, size ?? 0, now)
    }
}
