/// A string in a JSON document, checked but not yet copied out of it.
///
/// Comparing with a literal or skipping costs no memory; ``string`` makes the copy.
/// - Warning: It points into the reader's buffer and must not outlive it.
public struct JSONText {
    @usableFromInline let raw: UnsafeRawBufferPointer
    @usableFromInline let hasEscapes: Bool

    /// The decoded string.
    public var string: String {
        guard hasEscapes else { return String(decoding: raw, as: UTF8.self) }
        // An escape is never shorter than what it stands for: six bytes for at most three, twelve for four.
        return String(unsafeUninitializedCapacity: raw.count) { unescape(into: $0) }
    }

    /// Calls `body` with the decoded bytes, which are copied only where there are escapes.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        guard hasEscapes else { return try body(raw) }
        var string = string
        return try string.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the decoded string equals a literal.
    @inlinable
    public static func == (text: JSONText, literal: StaticString) -> Bool {
        // Length and first byte tell nearly always, and take no call.
        if !text.hasEscapes {
            guard literal.utf8CodeUnitCount == text.raw.count else { return false }
            guard text.raw.count > 0 else { return true }
            guard literal.utf8Start.pointee == text.raw[0] else { return false }
        }
        return text.equals(literal)
    }

    @usableFromInline
    func equals(_ literal: StaticString) -> Bool {
        guard !hasEscapes else { return string.utf8.elementsEqual("\(literal)".utf8) }
        return literal.withUTF8Buffer { equals($0) }
    }

    /// Whether the decoded string equals a string, byte by byte.
    public func equals(_ other: String) -> Bool {
        guard !hasEscapes else { return string.utf8.elementsEqual(other.utf8) }
        guard other.utf8.count == raw.count else { return false }
        return other.utf8.withContiguousStorageIfAvailable { equals($0) } ?? raw.elementsEqual(other.utf8)
    }

    /// Of as many bytes: whether they are the same.
    private func equals(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let other = UnsafeRawBufferPointer(bytes)
        var index = 0
        while index + 8 <= other.count {
            if other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                != raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            {
                return false
            }
            index += 8
        }
        while index < other.count {
            if other[index] != raw[index] { return false }
            index += 1
        }
        return true
    }

    /// Lets a `switch` over a key name its cases by literals.
    @inlinable
    public static func ~= (literal: StaticString, text: JSONText) -> Bool { text == literal }

    /// Writes the decoded bytes; the reader has already proved every escape well formed.
    private func unescape(into output: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var count = 0
        var index = 0
        func put(_ byte: UInt8) {
            output[count] = byte
            count += 1
        }
        while index < raw.count {
            let byte = raw[index]
            index += 1
            guard byte == 0x5C else {
                put(byte)
                continue
            }
            let escape = raw[index]
            index += 1
            switch escape {
            case 0x62: put(0x08)
            case 0x66: put(0x0C)
            case 0x6E: put(0x0A)
            case 0x72: put(0x0D)
            case 0x74: put(0x09)
            case 0x75:
                var code = Self.hex(raw, at: index)
                index += 4
                if code & 0xFC00 == 0xD800 {
                    code = 0x10000 + (code & 0x3FF) << 10 + Self.hex(raw, at: index + 2) & 0x3FF
                    index += 6
                }
                switch code {
                case ..<0x80:
                    put(UInt8(code))
                case ..<0x800:
                    put(UInt8(0xC0 | code >> 6))
                    put(UInt8(0x80 | code & 0x3F))
                case ..<0x10000:
                    put(UInt8(0xE0 | code >> 12))
                    put(UInt8(0x80 | code >> 6 & 0x3F))
                    put(UInt8(0x80 | code & 0x3F))
                default:
                    put(UInt8(0xF0 | code >> 18))
                    put(UInt8(0x80 | code >> 12 & 0x3F))
                    put(UInt8(0x80 | code >> 6 & 0x3F))
                    put(UInt8(0x80 | code & 0x3F))
                }
            default: put(escape)
            }
        }
        return count
    }

    /// The value of four hexadecimal digits that are known to be there.
    static func hex(_ bytes: UnsafeRawBufferPointer, at index: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in 0..<4 { value = value << 4 | (hexValue(bytes[index + offset]) ?? 0) }
        return value
    }

    static func hexValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x61...0x66: UInt32(byte) - 0x57
        case 0x41...0x46: UInt32(byte) - 0x37
        default: nil
        }
    }
}
