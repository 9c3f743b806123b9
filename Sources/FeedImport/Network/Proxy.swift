import Digest
import Glibc

/// The proxy that the environment names for an address (`https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`).
struct Proxy: Sendable, Hashable {
    let host: String
    let port: Int
    /// `Proxy-Authorization`'s value, where the address has a user.
    let authorization: String?

    /// The proxy for an address; nil for none.
    ///
    /// - Throws: ``ImportError`` for one that is not written as `http://host:port`.
    static func forAddress(
        _ url: FeedURL, _ environment: (String) -> String? = Self.variable
    ) throws(ImportError) -> Proxy? {
        guard url.scheme != .file else { return nil }
        if excludes(environment("no_proxy") ?? environment("NO_PROXY") ?? "", url.host) { return nil }
        // Of http_proxy only the lower-case name counts: a web server's scripts get a header of the other (httpoxy).
        let names =
            url.scheme == .https
            ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] : ["http_proxy", "all_proxy", "ALL_PROXY"]
        for name in names {
            guard let text = environment(name) else { continue }
            return try Proxy(text, name)
        }
        return nil
    }

    private init(_ text: String, _ name: String) throws(ImportError) {
        var rest = text[...]
        if let mark = rest.firstRange(of: "://") {
            guard rest[..<mark.lowerBound].lowercased() == "http" else {
                throw ImportError(.usage, "\(name) names a proxy that is not http://host:port")
            }
            rest = rest[mark.upperBound...]
        }
        var authorization: String?
        if let at = rest.lastIndex(of: "@") {
            authorization = "Basic " + Base64.encode(Array(Self.unescaped(rest[..<at]).utf8))
            rest = rest[rest.index(after: at)...]
        }
        let url = try FeedURL("http://\(rest)")
        host = url.host
        port = rest.prefix { $0 != "/" }.contains(":") ? url.port : 3128
        self.authorization = authorization
    }

    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func excludes(_ list: String, _ host: String) -> Bool {
        for item in list.split(separator: ",").map({ $0.trimmed.lowercased() }) {
            let suffix = item.hasPrefix("*.") ? String(item.dropFirst()) : item
            if item == "*" || item == host { return true }
            let dotted = suffix.hasPrefix(".") ? suffix : ".\(suffix)"
            if !suffix.isEmpty, host.hasSuffix(dotted) { return true }
        }
        return false
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}
