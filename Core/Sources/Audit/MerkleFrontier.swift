public import Digest

/// The compact form of a tree that only grows: the roots of its perfect subtrees, at most 48 of them.
///
/// Appending and reading the root take O(log n) and no look-up, so that a stream of leaves is verified in little memory.
public struct MerkleFrontier: Hashable, Sendable {
    /// How many leaves the tree has.
    public private(set) var size = 0
    /// The roots of the perfect subtrees from the left, the largest first: one for each bit that is set in ``size``.
    public private(set) var hashes: [SHA256Digest] = []

    /// The tree without leaves.
    public init() {}

    /// Appends a leaf; false, and nothing done, where the tree has ``MerkleTree/maximumSize`` leaves.
    @discardableResult
    public mutating func append(_ leaf: SHA256Digest) -> Bool {
        guard size < MerkleTree.maximumSize else { return false }
        var hash = leaf
        var carry = size
        while carry & 1 == 1, let left = hashes.popLast() {
            hash = MerkleTree.nodeHash(left, hash)
            carry >>= 1
        }
        hashes.append(hash)
        size += 1
        return true
    }

    /// The root of the tree.
    public var root: SHA256Digest {
        guard var hash = hashes.last else { return MerkleTree.emptyRoot }
        for left in hashes.dropLast().reversed() { hash = MerkleTree.nodeHash(left, hash) }
        return hash
    }
}
