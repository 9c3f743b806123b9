/// Percent-encoding (RFC 3986, section 2.1).
public enum PercentEncoding {
    /// A text without its percent-encoding; nil where that is broken or gives no UTF-8.
    public static func decoded(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(0x25) else { return String(text) }
        return decoded(encoded: text.utf8)
    }

    /// The same of bytes.
    static func decoded(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        guard text.contains(0x25) else { return String(validating: text, as: UTF8.self) }
        return decoded(encoded: text)
    }

    private static func decoded(encoded: some Collection<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(encoded.count)
        var bytes = encoded.makeIterator()
        while let byte = bytes.next() {
            guard byte == 0x25 else {
                decoded.append(byte)
                continue
            }
            guard let high = bytes.next().flatMap(value), let low = bytes.next().flatMap(value) else { return nil }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self)
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
