public import Inventory

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
                guard let equals = pair.firstIndex(of: "="),
                    let value = Self.decoded(pair[pair.index(after: equals)...])
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
            guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension PackageURL {
    /// The URL of a package, with what a scanner needs to judge it: distribution, architecture, source.
    public static func text(of package: SoftwarePackage) -> String {
        var namespace = ""
        var name = package.name
        if package.distribution.isEmpty {
            if package.scheme == "maven", let colon = name.firstIndex(of: ":") {
                namespace = String(name[..<colon])
                name = String(name[name.index(after: colon)...])
            } else if let slash = name.lastIndex(of: "/") {
                namespace = String(name[..<slash])
                name = String(name[name.index(after: slash)...])
            }
        } else {
            namespace =
                package.distribution.lastIndex(of: "-").map { String(package.distribution[..<$0]) }
                ?? package.distribution
        }
        let path = namespace.split(separator: "/").map { encoded(String($0)) } + [encoded(name)]
        var text = "pkg:\(package.scheme)/\(path.joined(separator: "/"))@\(encoded(package.version))"
        guard !package.distribution.isEmpty else { return text }
        var qualifiers: [String] = []
        if !package.architecture.isEmpty { qualifiers.append("arch=\(encoded(package.architecture))") }
        qualifiers.append("distro=\(encoded(package.distribution))")
        if package.source != package.name || package.sourceVersion != package.version {
            qualifiers.append("upstream=\(encoded("\(package.source)@\(package.sourceVersion)"))")
        }
        text += "?" + qualifiers.joined(separator: "&")
        return text
    }

    private static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}
