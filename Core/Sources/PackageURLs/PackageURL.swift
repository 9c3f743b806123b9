/// A package URL (https://github.com/package-url/purl-spec): `pkg:type/namespace/name@version?qualifiers#subpath`.
///
/// What is read is the syntax that all types have in common; which names a type allows, and how it writes them, is left to
/// whoever knows the type. An `@` or a colon inside a name must be encoded, but for npm's scopes, which many do not encode.
public struct PackageURL: Sendable, Hashable {
    /// The longest that is read, in bytes.
    public static let maximumBytes = 8 << 10

    /// The type, in lower case, such as `deb`, `npm`.
    public var type = ""
    /// The namespace, decoded; empty where there is none.
    public var namespace = ""
    /// The name, decoded.
    public var name = ""
    /// The version, decoded; empty where there is none.
    public var version = ""
    /// The qualifiers, decoded, by their names in lower case; those without a value are none.
    public var qualifiers: [String: String] = [:]

    /// Reads one; nil where it is none.
    ///
    /// - Parameter isStrict: whether qualifiers that are none make it none; else they are passed over. A bill of materials names
    ///   what is installed: a package must not be lost for a remark.
    public init?(_ text: String, isStrict: Bool = true) {
        // By bytes: all that separates is ASCII, and a large VEX document has very many of these.
        var text = text
        guard text.withUTF8({ read($0[...], isStrict: isStrict) }) else { return nil }
    }

    private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    /// False where it is none.
    private mutating func read(_ text: Bytes, isStrict: Bool) -> Bool {
        guard text.count <= Self.maximumBytes, text.count > 4, text[0] | 0x20 == 0x70, text[1] | 0x20 == 0x6B,
            text[2] | 0x20 == 0x67, text[3] == 0x3A
        else { return false }
        var rest = text[4...].drop { $0 == 0x2F }
        if let hash = Self.last(0x23, in: rest) { rest = rest[..<hash] }
        if let question = Self.last(0x3F, in: rest) {
            guard readQualifiers(rest[(question + 1)...], isStrict: isStrict) else { return false }
            rest = rest[..<question]
        }
        guard let slash = rest.firstIndex(of: 0x2F), Self.isType(rest[..<slash]) else { return false }
        type = Self.lowercased(rest[..<slash])
        rest = rest[(slash + 1)...]
        // An @ before the last slash is part of a namespace that was not encoded.
        if let at = Self.last(0x40, in: rest), !rest[at...].contains(0x2F) {
            guard at > rest.startIndex, rest[at - 1] != 0x2F,
                let version = PercentEncoding.decoded(rest[(at + 1)...])
            else { return false }
            self.version = version
            rest = rest[..<at]
        }
        return readPath(rest)
    }

    /// Name and namespace; false where they are none.
    private mutating func readPath(_ path: Bytes) -> Bool {
        var start = path.startIndex
        while start < path.endIndex {
            let end = path[start...].firstIndex(of: 0x2F) ?? path.endIndex
            if end > start {
                guard let part = PercentEncoding.decoded(path[start..<end]) else { return false }
                if !name.isEmpty { namespace += namespace.isEmpty ? name : "/" + name }
                name = part
            }
            start = end + 1
        }
        return !name.isEmpty
    }

    /// False where they are none.
    private mutating func readQualifiers(_ text: Bytes, isStrict: Bool) -> Bool {
        var start = text.startIndex
        while start < text.endIndex {
            let end = text[start...].firstIndex(of: 0x26) ?? text.endIndex
            let pair = text[start..<end]
            start = end + 1
            guard let equals = pair.firstIndex(of: 0x3D) else { continue }
            guard Self.isKey(pair[..<equals]), let value = PercentEncoding.decoded(pair[(equals + 1)...]) else {
                if isStrict { return false }
                continue
            }
            if !value.isEmpty { qualifiers[Self.lowercased(pair[..<equals])] = value }
        }
        return true
    }

    private static func last(_ byte: UInt8, in text: Bytes) -> Int? {
        var index = text.endIndex
        while index > text.startIndex {
            index -= 1
            if text[index] == byte { return index }
        }
        return nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    private static func isType(_ text: Bytes) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }
    }

    private static func isKey(_ text: Bytes) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }

    /// ASCII in lower case: nearly always it is already.
    private static func lowercased(_ text: Bytes) -> String {
        let isLower = !text.contains { (0x41...0x5A).contains($0) }
        let string = String(decoding: text, as: UTF8.self)
        return isLower ? string : string.lowercased()
    }
}
