/// A page of somebody else's: the one kind of link that leads off this server.
///
/// Only `http` and `https` with a plain host name: no scheme that runs something, no user name that makes one host look like
/// another, and nothing that an attribute or a terminal could take for anything else.
public struct ExternalLocation: Sendable, Hashable, CustomStringConvertible {
    /// The address: ASCII, what no URL may hold is percent-encoded.
    public let description: String
    /// The host, to be shown beside the link.
    public let host: String

    /// The longest address that becomes a link, in bytes.
    public static let maximumBytes = 2048

    /// An address from a feed; nil where it is not one that is safe to follow.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        let lower = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { !"/?#\\".utf8.contains($0) }
        let parts = authority.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, name.count <= 253, name.first != UInt8(ascii: "."),
            name.first != UInt8(ascii: "-"),
            name.allSatisfy({ Self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        else { return nil }
        if parts.count == 2 {
            guard (1...5).contains(parts[1].count), parts[1].allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
        }
        host = String(decoding: name, as: UTF8.self).lowercased()
        var result = scheme + String(decoding: authority, as: UTF8.self).lowercased()
        let path = rest.dropFirst(authority.count)
        if path.isEmpty { result += "/" }
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        for byte in path {
            if Self.isAlphanumeric(byte) || "-._~:/?#@!$&()*+,;=%".utf8.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result.unicodeScalars.append("%")
                result.unicodeScalars.append(digits[Int(byte >> 4)])
                result.unicodeScalars.append(digits[Int(byte & 15)])
            }
        }
        description = result
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}

/// A link to somebody else's page: it learns neither where the reader came from nor a handle on this page.
public func externalLink(_ location: ExternalLocation, @HTMLBuilder content: () -> HTML) -> HTML {
    a(.href(external: location), .rel("noopener noreferrer nofollow"), content: content)
}
