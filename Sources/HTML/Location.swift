/// A place on this server: what links, forms and images may point at.
///
/// It cannot name another site or another scheme, so no text of a host's can become a `javascript:` link.
public struct Location: Sendable, Hashable, CustomStringConvertible {
    /// The path, query and fragment as they stand in a header or an attribute: ASCII, without blanks or controls.
    public let description: String

    /// A place by the parts of its path; none is the root.
    ///
    /// - Parameter query: names and values in order; each is encoded.
    public init(_ path: String..., query: [(name: String, value: String)] = [], fragment: String? = nil) {
        self.init(path: path, query: query, fragment: fragment)
    }

    /// A place by the parts of its path.
    public init(path: [String], query: [(name: String, value: String)] = [], fragment: String? = nil) {
        var text = path.isEmpty ? "/" : path.map { "/" + Self.encoded(Self.safe($0)) }.joined()
        for (index, pair) in query.enumerated() {
            text += (index == 0 ? "?" : "&") + Self.encoded(pair.name) + "=" + Self.encoded(pair.value)
        }
        if let fragment { text += "#" + Self.encoded(fragment) }
        description = text
    }

    /// A place from outside, such as where to go on after login; nil unless it is a path of this server.
    public init?(untrusted text: String) {
        guard text.utf8.count <= 2048, text.hasPrefix("/"), !text.hasPrefix("//") else { return nil }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") })
        else { return nil }
        description = text
    }

    /// The same place at an anchor.
    public func at(fragment: String) -> Location {
        Location(unchecked: String(description.prefix { $0 != "#" }) + "#" + Self.encoded(fragment))
    }

    private init(unchecked text: String) {
        description = text
    }

    /// Browsers resolve `.` and `..` even when encoded: neither is ever the name of a thing.
    private static func safe(_ part: String) -> String {
        part == "." || part == ".." ? "-" : part
    }

    private static func encoded(_ text: String) -> String {
        var result = ""
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result.unicodeScalars.append("%")
                result.unicodeScalars.append(digits[Int(byte >> 4)])
                result.unicodeScalars.append(digits[Int(byte & 15)])
            }
        }
        return result
    }
}
