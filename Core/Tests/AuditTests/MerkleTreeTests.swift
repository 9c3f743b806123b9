import Audit
import Digest
import Testing

/// RFC 9162, section 2.1, word by word: recursive, over all leaves.
enum NaiveTree {
    static func root(_ leaves: ArraySlice<SHA256Digest>) -> SHA256Digest {
        if leaves.isEmpty { return SHA256.hash([]) }
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        let middle = leaves.startIndex + split(leaves.count)
        return SHA256.hash([1] + root(leaves[..<middle]).bytes + root(leaves[middle...]).bytes)
    }

    static func path(_ index: Int, _ leaves: ArraySlice<SHA256Digest>) -> [SHA256Digest] {
        if leaves.count <= 1 { return [] }
        let (k, start) = (split(leaves.count), leaves.startIndex)
        return index < k
            ? path(index, leaves[..<(start + k)]) + [root(leaves[(start + k)...])]
            : path(index - k, leaves[(start + k)...]) + [root(leaves[..<(start + k)])]
    }

    static func proof(_ first: Int, _ leaves: ArraySlice<SHA256Digest>, known: Bool = true) -> [SHA256Digest] {
        if first == leaves.count { return known ? [] : [root(leaves)] }
        let (k, start) = (split(leaves.count), leaves.startIndex)
        return first <= k
            ? proof(first, leaves[..<(start + k)], known: known) + [root(leaves[(start + k)...])]
            : proof(first - k, leaves[(start + k)...], known: false) + [root(leaves[..<(start + k)])]
    }

    private static func split(_ count: Int) -> Int {
        var k = 1
        while k * 2 < count { k *= 2 }
        return k
    }
}

/// A tree whose tiles are kept in memory as the store keeps them.
struct TestTree {
    var leaves: [SHA256Digest] = []
    var tiles: [MerkleTileID: [SHA256Digest]] = [:]

    /// Appends in batches of that size.
    init(_ count: Int, batch: Int = 100) throws {
        leaves = (0..<count).map { MerkleTree.leafHash(Array("leaf \($0)".utf8)) }
        var done = 0
        while done < count {
            var appender = try #require(MerkleTileAppender(size: done) { tiles[$0] })
            for leaf in leaves[done..<min(done + batch, count)] { appender.append(leaf) }
            tiles.merge(appender.changed) { $1 }
            done = appender.size
        }
    }

    func node(_ node: MerkleNode) throws -> SHA256Digest {
        try #require(MerkleTiles.node(node) { tiles[$0] })
    }
}

struct MerkleTreeTests {
    @Test func knownRoots() {
        // The empty tree, and one empty leaf, of RFC 6962's reference implementation.
        #expect(MerkleTree.emptyRoot.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            MerkleTree.leafHash([]).hex == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
    }

    @Test func rootsAreThoseOfTheDefinition() throws {
        let tree = try TestTree(300)
        var frontier = MerkleFrontier()
        for size in 0...300 {
            let expected = NaiveTree.root(tree.leaves[..<size])
            #expect(frontier.root == expected)
            #expect(frontier.hashes.count == size.nonzeroBitCount)
            #expect(try MerkleTree.root(of: 0..<size, node: tree.node) == expected)
            if size < 300 { frontier.append(tree.leaves[size]) }
        }
    }

    @Test(arguments: [1, 255, 257, 1000]) func batchesDoNotMatter(batch: Int) throws {
        let tree = try TestTree(1500, batch: batch)
        #expect(try tree.tiles == TestTree(1500, batch: 4096).tiles)
    }

    @Test func aThirdLevelOfTilesIsReached() throws {
        let tree = try TestTree(66_000, batch: 5000)
        #expect(tree.tiles[MerkleTileID(level: 2, index: 0)]?.count == 1)
        var frontier = MerkleFrontier()
        for leaf in tree.leaves { frontier.append(leaf) }
        #expect(try MerkleTree.root(of: 0..<66_000, node: tree.node) == frontier.root)
        for index in [0, 65_535, 65_536, 65_999] {
            var reads = 0
            let proof = try #require(
                try MerkleTree.inclusionProof(of: index, in: 66_000) { node throws in
                    reads += 1
                    return try tree.node(node)
                })
            #expect(reads < 60, "logarithmic")
            #expect(
                MerkleTree.verifyInclusion(
                    leaf: tree.leaves[index], index: index, size: 66_000, proof: proof, root: frontier.root))
        }
    }

    @Test func proofsAreThoseOfTheDefinition() throws {
        let tree = try TestTree(140)
        let roots = (0...140).map { NaiveTree.root(tree.leaves[..<$0]) }
        for size in Array(1...24) + [31, 32, 33, 64, 100, 127, 128, 129, 140] {
            let root = roots[size]
            for index in stride(from: 0, to: size, by: size > 24 ? 7 : 1) {
                let proof = try #require(try MerkleTree.inclusionProof(of: index, in: size, node: tree.node))
                #expect(proof == NaiveTree.path(index, tree.leaves[..<size]))
                #expect(
                    MerkleTree.verifyInclusion(
                        leaf: tree.leaves[index], index: index, size: size, proof: proof, root: root))
            }
            for first in stride(from: 1, through: size, by: size > 24 ? 9 : 1) {
                let proof = try #require(try MerkleTree.consistencyProof(from: first, to: size, node: tree.node))
                #expect(proof == NaiveTree.proof(first, tree.leaves[..<size]))
                #expect(
                    MerkleTree.verifyConsistency(
                        from: first, roots[first], to: size, root, proof: proof))
            }
        }
        #expect(try MerkleTree.inclusionProof(of: 3, in: 3, node: tree.node) == nil)
        #expect(try MerkleTree.inclusionProof(of: -1, in: 3, node: tree.node) == nil)
        #expect(try MerkleTree.consistencyProof(from: 4, to: 3, node: tree.node) == nil)
        #expect(try MerkleTree.consistencyProof(from: 0, to: 3, node: tree.node) == [])
    }

    @Test func whatIsAlteredIsRefused() throws {
        let tree = try TestTree(80)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<600 {
            let size = Int.random(in: 2...80, using: &generator)
            let index = Int.random(in: 0..<size, using: &generator)
            let first = Int.random(in: 1..<size, using: &generator)
            let (root, before) = (NaiveTree.root(tree.leaves[..<size]), NaiveTree.root(tree.leaves[..<first]))
            func altered(_ proof: [SHA256Digest]) -> [SHA256Digest] {
                var proof = proof
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: proof.append(tree.leaves[0])
                case 1 where !proof.isEmpty: proof.removeLast()
                case 2 where !proof.isEmpty: proof.removeFirst()
                case 3 where !proof.isEmpty:
                    let place = Int.random(in: 0..<proof.count, using: &generator)
                    proof[place] = MerkleTree.nodeHash(proof[place], proof[place])
                default: proof.insert(root, at: 0)
                }
                return proof
            }
            let inclusion = try #require(try MerkleTree.inclusionProof(of: index, in: size, node: tree.node))
            let consistency = try #require(try MerkleTree.consistencyProof(from: first, to: size, node: tree.node))
            #expect(
                !MerkleTree.verifyInclusion(
                    leaf: tree.leaves[index], index: index, size: size, proof: altered(inclusion), root: root))
            #expect(
                !MerkleTree.verifyConsistency(from: first, before, to: size, root, proof: altered(consistency)))
            let other = (index + 1) % size
            #expect(
                !MerkleTree.verifyInclusion(
                    leaf: tree.leaves[index], index: other, size: size, proof: inclusion, root: root))
            #expect(!MerkleTree.verifyConsistency(from: first, root, to: size, root, proof: consistency))
            #expect(!MerkleTree.verifyConsistency(from: first, before, to: size, before, proof: consistency))
        }
    }

    @Test func hostileProofsDoNoHarm() {
        let hash = MerkleTree.emptyRoot
        let long = [SHA256Digest](repeating: hash, count: 100_000)
        for size in [Int.min, -1, 0, 1, 2, 1 << 48, 1 << 62, Int.max] {
            for index in [Int.min, -1, 0, 1, 1 << 47, 1 << 61, Int.max] {
                for proof in [[], [hash], [SHA256Digest](repeating: hash, count: 64), long] {
                    let included = MerkleTree.verifyInclusion(
                        leaf: hash, index: index, size: size, proof: proof, root: hash)
                    #expect(included == (size == 1 && index == 0 && proof.isEmpty))
                    let consistent = MerkleTree.verifyConsistency(from: index, hash, to: size, hash, proof: proof)
                    #expect(
                        consistent
                            == (proof.isEmpty && size <= MerkleTree.maximumSize && index >= 0 && index <= size
                                && (index == 0 || index == size)))
                }
            }
        }
    }
}
