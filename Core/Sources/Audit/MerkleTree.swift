public import Digest

/// The hash tree of RFC 6962, section 2.1 (RFC 9162, section 2.1), as pure functions over the hashes of its nodes.
///
/// Nothing here holds a tree: whoever has one hands in a look-up of perfect subtrees, and every function asks for
/// O(log n) of them. Leaves are counted from 0.
public enum MerkleTree {
    /// The largest tree that is worked with; sizes beyond it are refused.
    public static let maximumSize = 1 << 48

    /// More hashes than any proof in a tree of ``maximumSize`` has.
    public static let maximumProofLength = 2 * 48

    /// The root of a tree without leaves: SHA-256 of nothing.
    public static let emptyRoot = SHA256.hash([])

    /// A leaf's hash: SHA-256 of 0x00 and the data.
    public static func leafHash(_ data: [UInt8]) -> SHA256Digest {
        var hasher = SHA256()
        hasher.update(CollectionOfOne(0x00))
        hasher.update(data)
        return hasher.finalize()
    }

    /// An interior node's hash: SHA-256 of 0x01 and both children's hashes.
    public static func nodeHash(_ left: SHA256Digest, _ right: SHA256Digest) -> SHA256Digest {
        var bytes: [UInt8] = [0x01]
        bytes.reserveCapacity(1 + 2 * SHA256Digest.byteCount)
        bytes += left.bytes
        bytes += right.bytes
        return SHA256.hash(bytes)
    }

    /// The root over leaves `range`, which begins at a multiple of the smallest power of two that is not below its
    /// count, as all ranges of proofs do.
    ///
    /// - Parameters:
    ///   - node: the hash of a perfect subtree.
    public static func root<Failure: Error>(
        of range: Range<Int>, node: (MerkleNode) throws(Failure) -> SHA256Digest
    ) throws(Failure) -> SHA256Digest {
        let count = range.count
        if count == 0 { return emptyRoot }
        if count & (count - 1) == 0 {
            let height = count.trailingZeroBitCount
            return try node(MerkleNode(height: height, index: range.lowerBound >> height))
        }
        let middle = range.lowerBound + split(count)
        return nodeHash(
            try root(of: range.lowerBound..<middle, node: node), try root(of: middle..<range.upperBound, node: node))
    }

    /// The proof that leaf `index` is in the tree of that size (RFC 9162, section 2.1.3.1); nil where it is not.
    public static func inclusionProof<Failure: Error>(
        of index: Int, in size: Int, node: (MerkleNode) throws(Failure) -> SHA256Digest
    ) throws(Failure) -> [SHA256Digest]? {
        guard index >= 0, index < size, size <= maximumSize else { return nil }
        var proof: [SHA256Digest] = []
        var range = 0..<size
        while range.count > 1 {
            let middle = range.lowerBound + split(range.count)
            if index < middle {
                proof.append(try root(of: middle..<range.upperBound, node: node))
                range = range.lowerBound..<middle
            } else {
                proof.append(try root(of: range.lowerBound..<middle, node: node))
                range = middle..<range.upperBound
            }
        }
        return proof.reversed()
    }

    /// The proof that the tree of size `first` is a prefix of that of size `second` (RFC 9162, section 2.1.4.1); nil
    /// where the sizes cannot be so. It is empty from 0 and from a size to itself.
    public static func consistencyProof<Failure: Error>(
        from first: Int, to second: Int, node: (MerkleNode) throws(Failure) -> SHA256Digest
    ) throws(Failure) -> [SHA256Digest]? {
        guard first >= 0, first <= second, second <= maximumSize else { return nil }
        if first == 0 || first == second { return [] }
        var proof: [SHA256Digest] = []
        var range = 0..<second
        while range.upperBound != first {
            let middle = range.lowerBound + split(range.count)
            if first <= middle {
                proof.append(try root(of: middle..<range.upperBound, node: node))
                range = range.lowerBound..<middle
            } else {
                proof.append(try root(of: range.lowerBound..<middle, node: node))
                range = middle..<range.upperBound
            }
        }
        // The verifier has the first root already where the whole first tree is one perfect subtree.
        if range.lowerBound != 0 { proof.append(try root(of: range, node: node)) }
        return proof.reversed()
    }

    /// The largest power of two below `count`, which is at least 2.
    static func split(_ count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}

/// A perfect subtree: its leaves are `index << height ..< (index + 1) << height`.
public struct MerkleNode: Hashable, Sendable {
    /// 0 for a leaf.
    public var height: Int
    /// Counted from the left within its height.
    public var index: Int

    /// The subtree of that height and place.
    public init(height: Int, index: Int) {
        self.height = height
        self.index = index
    }
}
