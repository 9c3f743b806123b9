import JSON

/// Ids as small numbers, in the order in which they came: a VEX document names each of its products dozens of times, and a
/// text is copied and hashed only the first time.
struct CSAFNames {
    private(set) var texts: [String] = []
    private var hashes: [Int] = []
    /// Places by hash, at most half of them taken; -1 is none.
    private var slots = [Int32](repeating: -1, count: 64)

    /// The number of an id.
    mutating func number(_ text: JSONText) -> Int32 {
        // A seeded hash: whoever writes the document must not choose where its ids fall.
        var hasher = Hasher()
        text.withBytes { hasher.combine(bytes: $0) }
        let hash = hasher.finalize()
        var slot = hash & (slots.count - 1)
        while case let number = slots[slot], number >= 0 {
            if hashes[Int(number)] == hash, text.equals(texts[Int(number)]) { return number }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = Int32(texts.count)
        slots[slot] = number
        texts.append(text.string)
        hashes.append(hash)
        if texts.count * 2 > slots.count { grow() }
        return number
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 4)
        for (number, hash) in hashes.enumerated() {
            var slot = hash & (slots.count - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }
}

/// Values by the numbers of ``CSAFNames``.
struct CSAFTable<Value> {
    private var values: [Value?] = []

    subscript(number: Int32) -> Value? {
        get { values.indices.contains(Int(number)) ? values[Int(number)] : nil }
        set {
            // What has no id is named by nothing.
            guard number >= 0 else { return }
            while values.count <= Int(number) { values.append(nil) }
            values[Int(number)] = newValue
        }
    }

    /// What there is, by ascending numbers.
    var all: some Sequence<Value> { values.lazy.compactMap { $0 } }
}
