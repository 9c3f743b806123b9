/// A SHA-256 digest: 32 bytes stored inline, ordered as bytes.
///
/// The names of software sets, reports and audit leaves are digests, so this is a small value without heap storage.
public struct SHA256Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The digest as four big-endian words; comparing them in order equals comparing the bytes.
    let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a digest.
    public static let byteCount = 32

    init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Makes a digest from its 32 bytes; nil for any other number of bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var iterator = bytes.makeIterator()
        func word() -> UInt64 {
            var value: UInt64 = 0
            for _ in 0..<8 { value = value << 8 | UInt64(iterator.next() ?? 0) }
            return value
        }
        words = (word(), word(), word(), word())
    }

    /// Makes a digest from 64 hexadecimal digits of either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        // Every check-in names three digests: read in place, without an array between.
        let read: (UInt64, UInt64, UInt64, UInt64)?? = hex.utf8.withContiguousStorageIfAvailable { digits in
            guard digits.count == 2 * Self.byteCount, let a = Self.word(digits, 0), let b = Self.word(digits, 16),
                let c = Self.word(digits, 32), let d = Self.word(digits, 48)
            else { return nil }
            return (a, b, c, d)
        }
        if let read {
            guard let read else { return nil }
            words = read
        } else {
            let copy = Array(hex.utf8)
            guard copy.count == 2 * Self.byteCount, let digest = Self(hex: String(decoding: copy, as: UTF8.self)) else {
                return nil
            }
            self = digest
        }
    }

    /// The value of sixteen hexadecimal digits.
    private static func word(_ digits: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64? {
        var word: UInt64 = 0
        for at in start..<start + 16 {
            guard let value = hexValue(digits[at]) else { return nil }
            word = word << 4 | UInt64(value)
        }
        return word
    }

    /// The 32 bytes, most significant first.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Self.byteCount)
        for word in [words.0, words.1, words.2, words.3] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return result
    }

    /// The digest as 64 lower-case hexadecimal digits.
    public var hex: String {
        String(unsafeUninitializedCapacity: 2 * Self.byteCount) { buffer in
            var index = 0
            for word in [words.0, words.1, words.2, words.3] {
                for shift in stride(from: UInt64(60), through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word >> shift & 0xF)
                    buffer[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
                    index += 1
                }
            }
            return index
        }
    }

    /// The same as ``hex``.
    public var description: String { hex }

    /// Whether two digests have the same bytes.
    public static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    /// Orders digests as their bytes, which is also the order of ``hex``.
    public static func < (left: Self, right: Self) -> Bool { left.words < right.words }

    /// Feeds the digest's words to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    private static func hexValue(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x57
        case 0x41...0x46: character - 0x37
        default: nil
        }
    }
}
