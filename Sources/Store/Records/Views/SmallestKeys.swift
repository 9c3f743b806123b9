/// Keeps the smallest of many keys in one pass: a page of an order that no index holds.
struct SmallestKeys {
    /// What is sorted by, then a rank that no two share, and what it stands for.
    struct Key: Comparable {
        var value: Int64
        var rank: Int64
        var item: Int

        static func < (left: Key, right: Key) -> Bool {
            left.value != right.value ? left.value < right.value : left.rank < right.rank
        }
    }

    private let count: Int
    private var keys: [Key] = []
    private var bound: Key?

    /// Keeps that many.
    init(count: Int) {
        self.count = count
        keys.reserveCapacity(2 * count)
    }

    /// Offers one.
    mutating func offer(_ key: Key) {
        if let bound, !(key < bound) { return }
        keys.append(key)
        if keys.count >= 2 * count { trim() }
    }

    /// The smallest, in order.
    mutating func sorted() -> [Key] {
        trim()
        return keys
    }

    private mutating func trim() {
        keys.sort()
        guard keys.count >= count else { return }
        keys.removeLast(keys.count - count)
        bound = keys.last
    }
}
