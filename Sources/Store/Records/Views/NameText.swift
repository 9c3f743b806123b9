import Glibc

/// Short texts, each of a numbered owner, that are searched for substrings whatever their case (ASCII): one after the
/// other in one block of memory, so that a search is one pass of strstr(3) over a few megabytes.
struct NameText: Sendable {
    /// The texts, and a zero at the very end.
    private var bytes: [UInt8] = [0]
    private var count: Int { bytes.count - 1 }
    /// Where each text begins, ascending, and whose it is.
    private var starts: [Int] = []
    private var owners: [Int32] = []
    /// The newest text of each owner; older ones are dead.
    private var newest: [Int32] = []
    private var dead = 0

    /// Ends a part of a text; a needle never holds it.
    static let separator: UInt8 = 1

    /// Sets an owner's text: parts, which no match crosses. Owners count from 0.
    mutating func set(_ owner: Int, _ parts: [String]) {
        while newest.count <= owner { newest.append(-1) }
        let text = Self.text(parts)
        if newest[owner] >= 0 {
            if text.elementsEqual(bytes[range(Int(newest[owner]))]) { return }
            dead += 1
        }
        newest[owner] = Int32(starts.count)
        starts.append(count)
        owners.append(Int32(owner))
        bytes.removeLast()
        bytes += text
        bytes.append(0)
        if dead > 1000, dead > newest.count { compact() }
    }

    /// How well a part was met: the less the better.
    enum Match {
        static let exact: UInt8 = 0
        static let prefix: UInt8 = 1
        /// A word in it begins with the needle.
        static let word: UInt8 = 2
        static let inside: UInt8 = 3
        /// Not at all.
        static let none: UInt8 = 4
    }

    /// The owners whose text holds the needle, each once with the first part that does, in no order.
    ///
    /// - Parameter each: gets the owner, the part's number, and how well its first match meets it.
    func search(_ needle: String, each: (_ owner: Int, _ part: Int, _ match: UInt8) -> Void) {
        let folded = Self.folded(needle)
        guard !folded.isEmpty, !folded.contains(0), !folded.contains(Self.separator) else { return }
        let wanted = (folded + [0]).map { CChar(bitPattern: $0) }
        let count = count
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.bindMemory(to: CChar.self).baseAddress else { return }
            var position = 0
            var text = 0
            while position < count, let hit = strstr(base + position, wanted) {
                let at = UnsafePointer(base).distance(to: UnsafePointer(hit))
                text = self.text(holding: at, from: text)
                position = text + 1 < starts.count ? starts[text + 1] : count
                let owner = Int(owners[text])
                guard newest[owner] == Int32(text) else { continue }
                var part = 0
                var begin = starts[text]
                for place in starts[text]..<at where bytes[place] == Self.separator {
                    part += 1
                    begin = place + 1
                }
                let match: UInt8
                if at == begin {
                    match = bytes[at + folded.count] == Self.separator ? Match.exact : Match.prefix
                } else {
                    match = Self.isWordByte(bytes[at - 1]) ? Match.inside : Match.word
                }
                each(owner, part, match)
            }
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// The text in lower case (ASCII).
    static func folded(_ text: String) -> [UInt8] {
        text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
    }

    private static func text(_ parts: [String]) -> [UInt8] {
        parts.flatMap { folded($0).map { $0 < 2 ? 0x20 : $0 } + [separator] }
    }

    private func range(_ text: Int) -> Range<Int> {
        starts[text]..<(text + 1 < starts.count ? starts[text + 1] : count)
    }

    /// The text that holds that byte, which is not before that of `first`.
    private func text(holding position: Int, from first: Int) -> Int {
        var low = first
        // Most often the next one or the one after.
        for _ in 0..<4 {
            if low + 1 >= starts.count || starts[low + 1] > position { return low }
            low += 1
        }
        var high = starts.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if starts[middle] <= position { low = middle } else { high = middle }
        }
        return low
    }

    private mutating func compact() {
        var fresh = NameText()
        fresh.bytes.reserveCapacity(bytes.count)
        fresh.newest = Array(repeating: -1, count: newest.count)
        for (owner, text) in newest.enumerated() where text >= 0 {
            fresh.newest[owner] = Int32(fresh.starts.count)
            fresh.starts.append(fresh.count)
            fresh.owners.append(Int32(owner))
            fresh.bytes.removeLast()
            fresh.bytes += bytes[range(Int(text))]
            fresh.bytes.append(0)
        }
        self = fresh
    }
}
