public import Digest

// Verification takes what anybody may have sent: every function is total, and bounded by the proof's length.
extension MerkleTree {
    /// Whether `proof` shows that `leaf` is leaf `index` of the tree with that size and root (RFC 9162, section
    /// 2.1.3.2).
    public static func verifyInclusion(
        leaf: SHA256Digest, index: Int, size: Int, proof: [SHA256Digest], root: SHA256Digest
    ) -> Bool {
        guard index >= 0, index < size, size <= maximumSize, proof.count <= maximumProofLength else { return false }
        var node = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = nodeHash(sibling, hash)
                skipMissingSiblings(&node, &last)
            } else {
                hash = nodeHash(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether `proof` shows that the tree with size `first` and its root is a prefix of the one with size `second`
    /// (RFC 9162, section 2.1.4.2). Every tree has the empty one as a prefix, without a proof.
    public static func verifyConsistency(
        from first: Int, _ firstRoot: SHA256Digest, to second: Int, _ secondRoot: SHA256Digest, proof: [SHA256Digest]
    ) -> Bool {
        guard first >= 0, first <= second, second <= maximumSize, proof.count <= maximumProofLength else {
            return false
        }
        if first == 0 { return proof.isEmpty && firstRoot == emptyRoot }
        if first == second { return proof.isEmpty && firstRoot == secondRoot }
        var path = proof[...]
        var node = first - 1
        var last = second - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        let start: SHA256Digest
        if first & (first - 1) == 0 {
            start = firstRoot
        } else {
            guard let next = path.popFirst() else { return false }
            start = next
        }
        var (before, after) = (start, start)
        for sibling in path {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                before = nodeHash(sibling, before)
                after = nodeHash(sibling, after)
                skipMissingSiblings(&node, &last)
            } else {
                after = nodeHash(after, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && before == firstRoot && after == secondRoot
    }

    /// Goes up to where the rightmost node of the tree has a sibling on its left.
    private static func skipMissingSiblings(_ node: inout Int, _ last: inout Int) {
        while node & 1 == 0, node != 0 {
            node >>= 1
            last >>= 1
        }
    }
}
