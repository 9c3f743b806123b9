import Audit
public import Digest

/// Some records of a tree as they are stored, whoever altered them, for an export.
public struct AuditExportPage: Hashable, Sendable {
    /// A record without its root, which follows from those before it.
    public struct Record: Hashable, Sendable {
        /// The number in the tree that its row claims.
        public var sequence: Int
        /// The row's id.
        public var id: Int64
        /// The row's organisation.
        public var organisation: String
        /// The event's bytes.
        public var event: [UInt8]
        /// The personal data, if any.
        public var personal: [UInt8]?
        /// Their salt.
        public var salt: [UInt8]?
    }

    /// The rows that are there.
    public var records: [Record]
    /// The tree's hashes of all leaves of the page.
    public var hashes: [SHA256Digest]
    /// The checkpoints that end within the page, by size.
    public var checkpoints: [Int: String]
}

extension AuditLog {
    /// The leaves `start ..< start + 256` of a tree, those below `size`.
    ///
    /// - Parameters:
    ///   - start: a multiple of 256.
    public func exportPage(_ organisation: String, from start: Int, size: Int) throws -> AuditExportPage {
        let end = min(start + MerkleTiles.width, size)
        let isWhole = organisation == AuditEvent.installation
        let number = isWhole ? "installation_sequence" : "sequence"
        let records = try sql.rows(
            """
            SELECT \(number), id, organisation, event, personal, personal_salt FROM audit_leaves
            WHERE \(isWhole ? "" : "organisation = ?3 AND ")\(number) >= ?1 AND \(number) < ?2 ORDER BY \(number)
            """, list: [.integer(Int64(start)), .integer(Int64(end))] + (isWhole ? [] : [.text(organisation)])
        ) { row in
            AuditExportPage.Record(
                sequence: Int(try row.integer()), id: try row.integer(), organisation: try row.text(),
                event: try row.blob(), personal: try row.optionalBlob(), salt: try row.optionalBlob())
        }
        let tile = try tree(organisation).tile(MerkleTileID(level: 0, index: start / MerkleTiles.width)) ?? []
        return AuditExportPage(
            records: records, hashes: Array(tile.prefix(end - start)),
            checkpoints: Dictionary(
                try checkpoints(organisation, above: start, upTo: end).map { ($0.size, $0.note) },
                uniquingKeysWith: { first, _ in first }))
    }
}
