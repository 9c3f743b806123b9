public import Digest
import Inventory

/// Why an uploaded document was not taken.
public enum DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Its bytes have another digest than the one it was announced by.
    case wrongDigest(DocumentKind, announced: SHA256Digest, found: SHA256Digest)
    /// A delta applies to a set that the organisation does not hold (any more).
    case unknownBase(SHA256Digest)

    /// What happened and what to do next.
    public var description: String {
        switch self {
        case .wrongDigest(let kind, let announced, let found):
            "the \(kind.rawValue) document has the digest \(found.hex), not \(announced.hex) as announced; send it again"
        case .unknownBase(let digest):
            "the base \(digest.hex) of the delta is not known here; send the whole document"
        }
    }
}

/// A document whose form and digest were checked, ready to be stored: the costly part of an upload, done before the
/// transaction, on the caller's thread and once however often the transaction is tried again.
public struct CheckedDocument: Sendable {
    /// What it was announced as, and is.
    public let name: DocumentName
    let content: Content

    enum Content: Sendable {
        /// The lines of its packages.
        case set(LineList)
        /// As it is stored, and what waits on a host that has it.
        case offers(packed: [UInt8], pending: PendingList)
        /// As it is stored.
        case facts(packed: [UInt8])
    }

    /// Checks received bytes.
    ///
    /// - Throws: ``DocumentError``, or `LineDocumentError` with the line's number. Facts are taken as bytes: whoever
    ///   received them parses them. Whether each line of a set is a package is checked when it is first interned.
    public init(_ name: DocumentName, bytes: [UInt8]) throws {
        func check(_ found: SHA256Digest) throws(DocumentError) {
            guard found == name.digest else {
                throw DocumentError.wrongDigest(name.kind, announced: name.digest, found: found)
            }
        }
        switch name.kind {
        case .set:
            let document = try LineDocument(parsing: bytes, header: SoftwareSet.header)
            try check(document.digest)
            content = .set(LineList(bytes: bytes, ranges: document.lineRanges))
        case .offers:
            let offers = try OfferSet(parsing: bytes)
            try check(offers.digest)
            content = .offers(packed: PackedContent.pack(bytes), pending: PendingList(offers))
        case .facts:
            try check(SHA256.hash(bytes))
            content = .facts(packed: PackedContent.pack(bytes))
        }
        self.name = name
    }
}
