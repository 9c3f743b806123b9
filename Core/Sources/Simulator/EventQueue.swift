/// What happens when: by time, then by a seeded draw, then by the order of asking.
struct EventQueue<Action> {
    struct Item {
        var time: Int64
        var tie: UInt64
        var number: UInt64
        var action: Action

        func precedes(_ other: Item) -> Bool {
            (time, tie, number) < (other.time, other.tie, other.number)
        }
    }
    private var heap: [Item] = []
    private var count: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }

    mutating func add(at time: Int64, tie: UInt64, _ action: Action) {
        count += 1
        heap.append(Item(time: time, tie: tie, number: count, action: action))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> Item? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least])
            {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
