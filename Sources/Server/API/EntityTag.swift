import Digest
import JSON

/// A strong entity tag (RFC 9110, section 8.8.3): names the bytes of a representation.
struct EntityTag: Sendable, Hashable, CustomStringConvertible {
    /// With its quotes.
    let description: String

    /// Of those bytes.
    init(_ bytes: [UInt8]) {
        description = "\"\(SHA256.hash(bytes).hex.prefix(32))\""
    }

    /// Of a JSON body.
    init(_ value: JSONValue) {
        self.init(value.canonicalBytes())
    }

    /// The tags of an If-Match or If-None-Match field; nil where it is not one.
    static func list(_ field: String) -> [String]? {
        var tags: [String] = []
        var rest = field[...]
        func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" } }
        skipBlanks()
        if rest.trimmingSuffix(while: { $0 == " " }) == "*" { return ["*"] }
        while !rest.isEmpty, tags.count < 64 {
            var tag = ""
            if rest.hasPrefix("W/") {
                tag = "W/"
                rest = rest.dropFirst(2)
            }
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
            tag += rest[...end]
            tags.append(tag)
            rest = rest[rest.index(after: end)...]
            skipBlanks()
            if rest.isEmpty { break }
            guard rest.first == "," else { return nil }
            rest = rest.dropFirst()
            skipBlanks()
            if rest.isEmpty { return nil }
        }
        return tags.isEmpty || !rest.isEmpty ? nil : tags
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        var result = self
        while let last = result.last, condition(last) { result = result.dropLast() }
        return result
    }
}
