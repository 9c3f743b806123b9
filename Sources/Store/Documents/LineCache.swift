import Glibc
import Synchronization

/// Which number an interned line has, and the other way round: packages, and the updates that hosts wait for.
///
/// Interned lines never change and are never removed, so nothing goes stale. Two generations bound it: once the young
/// one is full it becomes the old one, and what is asked for in the old one moves to the young.
final class LineCache: Sendable {
    private struct State {
        var young = LineTable()
        var old = LineTable()
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// A cache of at most twice that many lines, at about 150 bytes each.
    init(capacity: Int = 200_000) {
        self.capacity = capacity
    }

    /// The numbers of these lines; nil for those that it does not hold.
    func ids(of list: LineList) -> [Int64?] {
        state.withLock { state in
            list.bytes.withUnsafeBytes { bytes in
                list.ranges.map { range in
                    let line = UnsafeRawBufferPointer(rebasing: bytes[range])
                    if let id = state.young.id(of: line) { return id }
                    guard let id = state.old.id(of: line) else { return nil }
                    insert(line, id, &state)
                    return id
                }
            }
        }
    }

    /// The lines of these numbers; nil for those that it does not hold.
    func lines(of ids: [Int64]) -> [String?] {
        state.withLock { state in
            ids.map { id in
                if let line = state.young.line(of: id) { return line }
                guard let line = state.old.line(of: id) else { return nil }
                insert(line, id, &state)
                return line
            }
        }
    }

    /// Remembers lines that are on disk.
    func insert(_ lines: [(line: String, id: Int64)]) {
        state.withLock { state in
            for (line, id) in lines { insert(line, id, &state) }
        }
    }

    private func insert(_ line: String, _ id: Int64, _ state: inout State) {
        var line = line
        line.withUTF8 { insert(UnsafeRawBufferPointer($0), id, &state) }
    }

    private func insert(_ line: UnsafeRawBufferPointer, _ id: Int64, _ state: inout State) {
        state.young.insert(line, id)
        if state.young.count >= capacity {
            state.old = state.young
            state.young = LineTable()
        }
    }
}

/// A hash table from lines to numbers whose lines lie in one block: a look-up compares bytes in place and allocates nothing.
private struct LineTable {
    private var block: [UInt8] = []
    private var ends: [Int] = []
    private var ids: [Int64] = []
    private var positions: [Int64: Int32] = [:]
    /// Open addressing: the position of a line plus one in the lower half, the upper half of its hash above; 0 for free.
    private var slots: [UInt64] = Array(repeating: 0, count: 1024)

    var count: Int { ids.count }

    func id(of line: UnsafeRawBufferPointer) -> Int64? {
        let hash = lineHash(line)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            if (slots[slot] ^ hash) >> 32 == 0 {
                let position = Int(slots[slot] & 0xFFFF_FFFF) - 1
                if isEqual(position, line) { return ids[position] }
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    func line(of id: Int64) -> String? {
        guard let position = positions[id] else { return nil }
        return String(decoding: block[range(Int(position))], as: UTF8.self)
    }

    mutating func insert(_ line: UnsafeRawBufferPointer, _ id: Int64) {
        guard self.id(of: line) == nil else { return }
        if (ids.count + 1) * 2 > slots.count { grow() }
        block.append(contentsOf: line)
        ends.append(block.count)
        ids.append(id)
        positions[id] = Int32(ids.count - 1)
        put(lineHash(line), position: ids.count - 1)
    }

    private func range(_ position: Int) -> Range<Int> {
        (position == 0 ? 0 : ends[position - 1])..<ends[position]
    }

    private func isEqual(_ position: Int, _ line: UnsafeRawBufferPointer) -> Bool {
        let range = range(position)
        guard range.count == line.count else { return false }
        guard let start = line.baseAddress else { return true }
        return block.withUnsafeBytes { block in
            block.baseAddress.map { memcmp($0 + range.lowerBound, start, line.count) == 0 } ?? false
        }
    }

    private mutating func put(_ hash: UInt64, position: Int) {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(position + 1)
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for position in ids.indices {
            let range = range(position)
            put(block.withUnsafeBytes { lineHash(UnsafeRawBufferPointer(rebasing: $0[range])) }, position: position)
        }
    }
}

/// Drawn once a process, so that nobody can send lines that all fall into one slot.
private let seeds = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1)

/// Eight bytes at a time through a 128-bit product, after wyhash (Wang Yi, 2019): five times as fast as Swift's `Hasher`,
/// which was a third of interning a set.
private func lineHash(_ line: UnsafeRawBufferPointer) -> UInt64 {
    func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
    var hash = seeds.0 ^ UInt64(line.count)
    var at = 0
    while at + 8 <= line.count {
        hash = mixed(hash ^ line.loadUnaligned(fromByteOffset: at, as: UInt64.self), seeds.1)
        at += 8
    }
    var rest: UInt64 = 0
    if at > 0, at < line.count {
        // The last eight bytes, some of which were taken before.
        rest = line.loadUnaligned(fromByteOffset: line.count - 8, as: UInt64.self)
    } else {
        for byte in line[at...] { rest = rest << 8 | UInt64(byte) }
    }
    return mixed(hash ^ rest, seeds.1 ^ 0x9E37_79B9_7F4A_7C15)
}
