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

/// A document whose form and digest were checked: the costly part of an upload, done before the transaction, on the
/// caller's thread and once however often the transaction is tried again.
public struct CheckedDocument: Sendable {
    /// What it was announced as, and is.
    public let name: DocumentName
    let bytes: [UInt8]
    /// The lines after the header; of sets only.
    let lines: [String]

    /// Checks received bytes.
    ///
    /// - Throws: ``DocumentError``, or `LineDocumentError` with the line's number. Facts are taken as bytes: whoever
    ///   received them parses them. Whether each line of a set is a package is checked when it is first interned.
    public init(_ name: DocumentName, bytes: [UInt8]) throws {
        let found: SHA256Digest
        switch name.kind {
        case .set:
            found = try LineDocument(parsing: bytes, header: SoftwareSet.header).digest
            lines = Self.lines(bytes)
        case .offers:
            found = try OfferSet(parsing: bytes).digest
            lines = []
        case .facts:
            found = SHA256.hash(bytes)
            lines = []
        }
        guard found == name.digest else {
            throw DocumentError.wrongDigest(name.kind, announced: name.digest, found: found)
        }
        self.name = name
        self.bytes = bytes
    }

    /// The lines after the header, in one pass with one allocation a line.
    private static func lines(_ bytes: [UInt8]) -> [String] {
        bytes.withUnsafeBufferPointer { bytes in
            var lines: [String] = []
            lines.reserveCapacity(bytes.count / 48)
            var start = bytes.startIndex
            while start < bytes.endIndex, let end = bytes[start...].firstIndex(of: 0x0A) {
                lines.append(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self))
                start = end + 1
            }
            return Array(lines.dropFirst())
        }
    }
}
