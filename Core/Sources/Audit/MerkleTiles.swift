public import Digest

/// Where a tile is (C2SP tlog-tiles): level 0 holds the leaves' hashes, 256 a tile; each level above holds the roots of
/// the full tiles below it. The last tile of a level may be shorter.
public struct MerkleTileID: Hashable, Sendable {
    /// 0 for leaves.
    public var level: Int
    /// Counted from the left within its level.
    public var index: Int

    /// The tile at that place.
    public init(level: Int, index: Int) {
        self.level = level
        self.index = index
    }
}

/// The hash tree cut into tiles: what is stored of it, so that a proof reads O(log n) of them.
public enum MerkleTiles {
    /// Tiles span that many levels of the tree.
    public static let height = 8
    /// The hashes of a full tile.
    public static let width = 1 << height

    /// Whether a tree of that size has any hash at that level.
    public static func count(level: Int, size: Int) -> Int { size >> (level * height) }

    /// The hash of a perfect subtree, from the one tile that has it or its descendants.
    ///
    /// - Parameters:
    ///   - tile: the hashes of a tile; nil where it is missing.
    /// - Returns: nil where the tile is missing or too short.
    public static func node<Failure: Error>(
        _ node: MerkleNode, tile: (MerkleTileID) throws(Failure) -> [SHA256Digest]?
    ) throws(Failure) -> SHA256Digest? {
        let level = node.height / height
        let within = node.height % height
        let first = node.index << within
        let id = MerkleTileID(level: level, index: first / width)
        let start = first % width
        guard let hashes = try tile(id), start + 1 << within <= hashes.count else { return nil }
        return perfectRoot(hashes[start..<start + 1 << within])
    }

    /// The root over a power of two of hashes.
    static func perfectRoot(_ hashes: ArraySlice<SHA256Digest>) -> SHA256Digest {
        var row = Array(hashes)
        while row.count > 1 {
            row = stride(from: 0, to: row.count - 1, by: 2).map { MerkleTree.nodeHash(row[$0], row[$0 + 1]) }
        }
        return row.first ?? MerkleTree.emptyRoot
    }
}

/// Appends leaves to a tiled tree and says which tiles changed.
public struct MerkleTileAppender: Sendable {
    /// How many leaves the tree has.
    public private(set) var size: Int
    /// The tiles to store: new ones and those that grew.
    public private(set) var changed: [MerkleTileID: [SHA256Digest]] = [:]
    private var partial: [[SHA256Digest]]

    /// Goes on with a tree of that size.
    ///
    /// - Parameters:
    ///   - tile: the hashes of a tile; asked for the last, partial one of each level.
    /// - Returns: nil where a tile is missing or has another length than the size demands.
    public init?<Failure: Error>(
        size: Int, tile: (MerkleTileID) throws(Failure) -> [SHA256Digest]?
    ) throws(Failure) {
        guard size >= 0, size <= MerkleTree.maximumSize else { return nil }
        self.size = size
        partial = []
        var count = size
        while count > 0 {
            let id = MerkleTileID(level: partial.count, index: count / MerkleTiles.width)
            let wanted = count % MerkleTiles.width
            let hashes = wanted == 0 ? [] : try tile(id)
            guard let hashes, hashes.count == wanted else { return nil }
            partial.append(hashes)
            count /= MerkleTiles.width
        }
    }

    /// Appends a leaf.
    public mutating func append(_ leaf: SHA256Digest) {
        var hash = leaf
        var level = 0
        while true {
            if level == partial.count { partial.append([]) }
            partial[level].append(hash)
            let index = size >> ((level + 1) * MerkleTiles.height)
            changed[MerkleTileID(level: level, index: index)] = partial[level]
            guard partial[level].count == MerkleTiles.width else { break }
            hash = MerkleTiles.perfectRoot(partial[level][...])
            partial[level] = []
            level += 1
        }
        size += 1
    }
}
