public import Digest
import Wire

/// The documents that waiting reports name, each in a file named by its digest.
public struct DocumentFolder: Sendable {
    private let folder: DurableFolder
    /// What the documents of waiting reports may take together, in bytes.
    public static let maximumBytes = 256 << 20
    private static let documentBytes = 32 << 20

    /// The folder `documents` in that one.
    public init(in parent: DurableFolder) throws(SystemError) {
        folder = try DurableFolder(parent.path(of: "documents"))
    }

    /// Keeps a document, synced.
    public func keep(_ bytes: [UInt8], _ digest: SHA256Digest) throws(SystemError) {
        guard !folder.contains(digest.hex) else { return }
        try folder.replace(digest.hex, with: bytes)
    }

    /// A document whose bytes are still those that its name says; nil where it is lost or damaged.
    public func read(_ digest: SHA256Digest) throws(SystemError) -> [UInt8]? {
        guard let bytes = try folder.read(digest.hex, limit: Self.documentBytes) else { return nil }
        guard SHA256.hash(bytes) == digest else {
            try folder.remove(digest.hex)
            return nil
        }
        return bytes
    }

    /// Whether there is a file for it.
    public func contains(_ digest: SHA256Digest) -> Bool { folder.contains(digest.hex) }

    /// What all documents take together, in bytes.
    public func totalBytes() throws(SystemError) -> Int {
        try folder.names().reduce(0) { $0 + (folder.size(of: $1) ?? 0) }
    }

    /// Removes all documents but these.
    public func removeAll(but kept: Set<SHA256Digest>) throws(SystemError) {
        for name in try folder.names() {
            if let digest = SHA256Digest(hex: name), kept.contains(digest) { continue }
            try folder.remove(name)
        }
    }
}
