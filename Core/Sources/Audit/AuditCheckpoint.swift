public import Digest

/// A tree's size and root at one moment, in the form of C2SP tlog-checkpoint: what is signed.
public struct AuditCheckpoint: Hashable, Sendable {
    /// Names the tree among all trees: `fettle/i-…/organisation/acme`.
    public var origin: String
    /// How many leaves it has.
    public var size: Int
    /// The root over them.
    public var root: SHA256Digest

    /// A checkpoint with these fields.
    public init(origin: String, size: Int, root: SHA256Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads ``text``; extension lines are skipped. Nil for anything else.
    public init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last == "", !lines.dropLast().contains(""),
            let size = Int(lines[1]), String(size) == lines[1], size >= 0, size <= MerkleTree.maximumSize,
            let bytes = Base64.decode(lines[2]), let root = SHA256Digest(bytes: bytes)
        else { return nil }
        self.init(origin: String(lines[0]), size: size, root: root)
    }

    /// Three lines: origin, size, root in base64.
    public var text: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }
}
