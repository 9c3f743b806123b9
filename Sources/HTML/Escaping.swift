/// What text becomes in a document, the same in content and in quoted attribute values.
///
/// Besides the five characters of markup, what the HTML standard allows in no document (NUL and other control
/// characters, noncharacters) becomes U+FFFD, so that no parser has to guess.
enum Escaping {
    static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { source in
            var start = 0
            var index = 0
            while index < source.count {
                let byte = source[index]
                let (replacement, width) = replacement(byte, source, index)
                if let replacement {
                    bytes.append(contentsOf: source[start..<index])
                    bytes.append(replacement)
                    start = index + width
                }
                index += width
            }
            bytes.append(contentsOf: source[start...])
        }
    }

    /// What stands for the character that begins at `index`, if it must be replaced, and how many bytes it has.
    private static func replacement(
        _ byte: UInt8, _ source: UnsafeBufferPointer<UInt8>, _ index: Int
    ) -> (StaticString?, Int) {
        switch byte {
        case UInt8(ascii: "&"): return ("&amp;", 1)
        case UInt8(ascii: "<"): return ("&lt;", 1)
        case UInt8(ascii: ">"): return ("&gt;", 1)
        case UInt8(ascii: "\""): return ("&quot;", 1)
        case UInt8(ascii: "'"): return ("&#39;", 1)
        case 0x09, 0x0A: return (nil, 1)
        case ..<0x20, 0x7F: return ("\u{FFFD}", 1)
        case 0xC2 where source[index + 1] < 0xA0: return ("\u{FFFD}", 2)
        // U+FDD0 to U+FDEF, and U+FFFE and U+FFFF
        case 0xEF where source[index + 1] == 0xB7 && (0x90...0xAF).contains(source[index + 2]):
            return ("\u{FFFD}", 3)
        case 0xEF where source[index + 1] == 0xBF && source[index + 2] >= 0xBE: return ("\u{FFFD}", 3)
        // the last two code points of the other planes
        case 0xF0... where source[index + 1] & 0x0F == 0x0F && source[index + 2] == 0xBF && source[index + 3] >= 0xBE:
            return ("\u{FFFD}", 4)
        default: return (nil, 1)
        }
    }
}
