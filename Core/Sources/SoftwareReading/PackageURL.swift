/// A package URL (https://github.com/package-url/purl-spec): `pkg:type/namespace/name@version?qualifiers#subpath`.
public struct PackageURL: Sendable, Hashable {
    /// The longest that is read, in bytes.
    public static let maximumBytes = 8 << 10

    /// The type, in lower case, such as `deb`, `npm`.
    public var type: String
    /// The namespace, decoded; empty where there is none.
    public var namespace: String
    /// The name, decoded.
    public var name: String
    /// The version, decoded; empty where there is none.
    public var version: String
    /// The qualifiers, decoded, by their names in lower case.
    public var qualifiers: [String: String]

    /// Reads one; nil where it is none.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes, text.lowercased().hasPrefix("pkg:") else { return nil }
        var rest = text.dropFirst(4).drop { $0 == "/" }
        if let hash = rest.lastIndex(of: "#") { rest = rest[..<hash] }
        qualifiers = [:]
        if let question = rest.lastIndex(of: "?") {
            for pair in rest[rest.index(after: question)...].split(separator: "&") {
                guard let equals = pair.firstIndex(of: "="), let value = Self.decoded(pair[pair.index(after: equals)...])
                else { continue }
                if !value.isEmpty { qualifiers[pair[..<equals].lowercased()] = value }
            }
            rest = rest[..<question]
        }
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        type = rest[..<slash].lowercased()
        guard !type.isEmpty else { return nil }
        rest = rest[rest.index(after: slash)...]
        version = ""
        // An @ before the last slash is part of a namespace that was not encoded (npm's scopes).
        if let at = rest.lastIndex(of: "@"), at != rest.startIndex, rest[at...].firstIndex(of: "/") == nil {
            guard let decoded = Self.decoded(rest[rest.index(after: at)...]) else { return nil }
            version = decoded
            rest = rest[..<at]
        }
        var parts: [String] = []
        for part in rest.split(separator: "/") {
            guard let decoded = Self.decoded(part) else { return nil }
            parts.append(decoded)
        }
        guard let last = parts.popLast(), !last.isEmpty else { return nil }
        name = last
        namespace = parts.joined(separator: "/")
    }

    private static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(0x25) else { return String(text) }
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x41...0x46: byte - 0x41 + 10
            case 0x61...0x66: byte - 0x61 + 10
            default: nil
            }
        }
        while let byte = iterator.next() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
