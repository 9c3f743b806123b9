/// Numbered items in an order of their names, and the rank of each: kept in order as items come, so that sorting by name
/// is comparing integers.
struct RankedOrder: Sendable {
    /// The items in order.
    private(set) var order: [Int32] = []
    /// The place of each item in ``order``.
    private(set) var ranks: [Int32] = []
    private var unplaced: Set<Int32> = []

    /// Notes an item that is new, or has another name than before.
    mutating func note(_ item: Int) {
        unplaced.insert(Int32(item))
    }

    /// Puts every item in its place.
    mutating func place(_ precedes: (Int32, Int32) -> Bool) {
        if unplaced.isEmpty { return }
        let coming = unplaced.sorted(by: precedes)
        var merged: [Int32] = []
        merged.reserveCapacity(order.count + coming.count)
        var next = coming.startIndex
        for item in order where !unplaced.contains(item) {
            while next < coming.endIndex, precedes(coming[next], item) {
                merged.append(coming[next])
                next += 1
            }
            merged.append(item)
        }
        merged += coming[next...]
        order = merged
        unplaced = []
        ranks = [Int32](repeating: 0, count: merged.count)
        for (rank, item) in merged.enumerated() { ranks[Int(item)] = Int32(rank) }
    }

    /// How many items of the order satisfy `isBefore`, which is true for a first part of it only.
    func count(where isBefore: (Int32) -> Bool) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(order[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
