import JSON

/// Ids as small numbers, in the order in which they came: a VEX document names each of its products dozens of times, and a
/// text is copied and hashed only the first time.
struct CSAFNames {
    private(set) var texts: [String] = []
    private let seed = (
        UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max) | 1, UInt64.random(in: 0...UInt64.max) | 1
    )
    private var hashes: [Int] = []
    /// Places by hash, at most half of them taken; -1 is none.
    private var slots = [Int32](repeating: -1, count: 64)

    /// The number of an id.
    mutating func number(_ text: JSONText) -> Int32 {
        let hash = text.withBytes { self.hash(of: $0) }
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

    /// A seeded hash: whoever writes the document must not choose where its ids fall. Eight bytes at a time are multiplied
    /// into 128 bits and folded, which is enough for a table of one document and many times quicker than SipHash.
    private func hash(of bytes: UnsafeRawBufferPointer) -> Int {
        func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let product = a.multipliedFullWidth(by: b)
            return product.high ^ product.low
        }
        var state = seed.0 ^ UInt64(bytes.count)
        var index = 0
        while index + 8 <= bytes.count {
            state = mixed(state ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), seed.1)
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        return Int(truncatingIfNeeded: mixed(mixed(state ^ rest, seed.1), seed.2))
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
