import Glibc

/// Finds names by their raw bytes, without making strings of the many that are not looked for.
struct NameTable: Sendable {
    private var slots: [Int32]
    private var starts: [Int32] = [0]
    private var pool: [UInt8] = []

    /// The number of names.
    var count: Int { starts.count - 1 }

    /// A table of these names, which are numbered in order; a name that comes twice keeps its first number.
    init(_ names: some Collection<String>) {
        var size = 64
        while size < names.count * 3 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        for name in names {
            let bytes = Array(name.utf8)
            bytes.withUnsafeBytes { buffer in
                let slot = slot(of: buffer)
                if slots[slot] < 0 { slots[slot] = Int32(starts.count - 1) }
            }
            pool += bytes
            starts.append(Int32(pool.count))
        }
    }

    /// The number of a name; nil where it is not in the table.
    func find(_ name: UnsafeRawBufferPointer) -> Int? {
        let number = slots[slot(of: name)]
        return number < 0 ? nil : Int(number)
    }

    /// The slot that holds the name, or the free one where it belongs.
    private func slot(of name: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 29
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while true {
            let number = Int(slots[slot])
            if number < 0 { return slot }
            let start = Int(starts[number])
            if Int(starts[number + 1]) - start == name.count {
                let isEqual = pool.withUnsafeBytes { pool in
                    guard let own = pool.baseAddress, let other = name.baseAddress else { return name.isEmpty }
                    return memcmp(own + start, other, name.count) == 0
                }
                if isEqual { return slot }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }
}
