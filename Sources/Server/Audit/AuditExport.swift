import Audit
import Digest
import JSON
import NIOCore
import Store

/// An export, made page by page: header, records in order with each checkpoint after the record that it ends with, end.
struct AuditExport: Sendable {
    let store: Store
    let header: AuditExportHeader
    /// Checkpoints that are signed for more records than the tree has: only where records were cut off.
    let beyond: [String]

    /// Begins an export of a tree as it is now.
    init(_ state: ServerState, organisation: String) async throws {
        store = state.store
        let keeping = state.auditKeeping
        let key = keeping.key
        (header, beyond) = try await state.store.read { transaction in
            let size = try transaction.audit.tree(organisation).size
            return (
                AuditExportHeader(
                    origin: keeping.origin(organisation), organisation: organisation, size: size,
                    keys: key.trusted, rotations: key.rotations),
                try transaction.audit.checkpoints(organisation, above: size, upTo: .max).map(\.note)
            )
        }
    }

    /// Hands over the lines, a page at a time.
    func write(_ body: (ByteBuffer) async throws -> Void) async throws {
        try await body(Self.lines([header.json]))
        var frontier = MerkleFrontier()
        let (organisation, size) = (header.organisation, header.size)
        for start in stride(from: 0, to: size, by: MerkleTiles.width) {
            let page = try await store.read { try $0.audit.exportPage(organisation, from: start, size: size) }
            let lines = Self.lines(of: page, from: start, upTo: min(start + MerkleTiles.width, size), &frontier)
            try await body(Self.lines(lines))
        }
        try await body(Self.lines(beyond.map(Self.checkpoint) + [["type": "end"]]))
    }

    /// The lines of a page. Rows that are missing leave a gap, rows that were altered stand as they are: whoever
    /// verifies is to see them.
    private static func lines(
        of page: AuditExportPage, from start: Int, upTo end: Int, _ frontier: inout MerkleFrontier
    ) -> [JSONValue] {
        var lines: [JSONValue] = []
        let rows = Dictionary(page.records.map { ($0.sequence, $0) }, uniquingKeysWith: { first, _ in first })
        for sequence in start..<end {
            let row = rows[sequence]
            // Without the tree's own hash the row's event has to do: the roots tell whether it is right.
            let hash =
                sequence - start < page.hashes.count
                ? page.hashes[sequence - start] : MerkleTree.leafHash(row?.event ?? [])
            frontier.append(hash)
            if let row {
                lines.append(
                    AuditExportRecord(
                        sequence: sequence, id: row.id, organisation: row.organisation, hash: hash, root: frontier.root,
                        event: row.event, personal: row.personal, salt: row.salt
                    ).json)
            }
            if let note = page.checkpoints[sequence + 1] { lines.append(checkpoint(note)) }
        }
        return lines
    }

    private static func checkpoint(_ note: String) -> JSONValue { ["type": "checkpoint", "note": .string(note)] }

    private static func lines(_ values: [JSONValue]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for value in values {
            buffer.writeBytes(value.canonicalBytes())
            buffer.writeInteger(UInt8(ascii: "\n"))
        }
        return buffer
    }
}
