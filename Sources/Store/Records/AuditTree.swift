public import Audit
public import Digest

/// Why a tree of the audit log cannot be worked with: something altered the database. Never a reason to build it anew.
public struct AuditTreeFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whose tree.
    public let organisation: String
    /// What is wrong.
    public let reason: String

    /// What is wrong and what to do.
    public var description: String {
        let tree = organisation.isEmpty ? "the installation's audit tree" : "the audit tree of \(organisation)"
        return "\(tree): \(reason). Compare with a backup and with the checkpoints kept outside: fettle audit verify."
    }
}

/// The stored hash tree of an organisation, or of the installation.
public struct AuditTree {
    private let sql: Transaction
    /// Whose; `AuditEvent.installation` for the one that has every leaf.
    public let organisation: String
    /// How many leaves it has.
    public let size: Int

    init(_ sql: Transaction, organisation: String) throws {
        self.sql = sql
        self.organisation = organisation
        size = Int(
            try sql.first("SELECT size FROM audit_trees WHERE organisation = ?1", organisation) { row in
                try row.integer()
            } ?? 0)
    }

    /// The hashes of a tile; nil where it is missing or damaged.
    public func tile(_ id: MerkleTileID) throws -> [SHA256Digest]? {
        let bytes = try sql.first(
            "SELECT hashes FROM audit_tiles WHERE organisation = ?1 AND level = ?2 AND position = ?3", organisation,
            id.level, id.index
        ) { row in try row.blob() }
        guard let bytes, bytes.count % SHA256Digest.byteCount == 0,
            bytes.count <= MerkleTiles.width * SHA256Digest.byteCount
        else { return nil }
        return stride(from: 0, to: bytes.count, by: SHA256Digest.byteCount).compactMap {
            SHA256Digest(bytes: bytes[$0..<$0 + SHA256Digest.byteCount])
        }
    }

    /// The root of the tree when it had `size` leaves.
    ///
    /// - Throws: ``AuditTreeFault`` where tiles are missing.
    public func root(size: Int) throws -> SHA256Digest {
        try withNodes { node in try MerkleTree.root(of: 0..<size, node: node) }
    }

    /// The proof that a leaf is in the tree of `size` leaves; nil where it is not.
    ///
    /// - Throws: ``AuditTreeFault`` where tiles are missing.
    public func inclusionProof(of index: Int, in size: Int) throws -> [SHA256Digest]? {
        guard size <= self.size else { return nil }
        return try withNodes { node in try MerkleTree.inclusionProof(of: index, in: size, node: node) }
    }

    /// The proof that the tree of `first` leaves is the beginning of that of `second`; nil where it never had so many.
    ///
    /// - Throws: ``AuditTreeFault`` where tiles are missing.
    public func consistencyProof(from first: Int, to second: Int) throws -> [SHA256Digest]? {
        guard second <= size else { return nil }
        return try withNodes { node in try MerkleTree.consistencyProof(from: first, to: second, node: node) }
    }

    /// Hands over a look-up of nodes that reads each tile once.
    private func withNodes<T>(
        _ body: ((MerkleNode) throws -> SHA256Digest) throws -> T
    ) throws -> T {
        var read: [MerkleTileID: [SHA256Digest]] = [:]
        return try body { node in
            let hash = try MerkleTiles.node(node) { id in
                if let known = read[id] { return known }
                let hashes = try tile(id)
                read[id] = hashes
                return hashes
            }
            guard let hash else {
                throw fault("hashes of the subtree \(node.index) of height \(node.height) are missing or cut short")
            }
            return hash
        }
    }

    func fault(_ reason: String) -> AuditTreeFault { AuditTreeFault(organisation: organisation, reason: reason) }
}

extension AuditLog {
    /// The hash tree of an organisation; `AuditEvent.installation` for the one that has every leaf.
    public func tree(_ organisation: String) throws -> AuditTree { try AuditTree(sql, organisation: organisation) }

    /// The organisations that have a tree, the installation's first.
    public func trees() throws -> [String] {
        try sql.rows("SELECT organisation FROM audit_trees ORDER BY organisation") { row in try row.text() }
    }
}
