/// The address of a feed's file (RFC 3986), as far as feeds need it.
public struct FeedURL: Sendable, Hashable, CustomStringConvertible {
    /// How it is fetched.
    public enum Scheme: String, Sendable, Hashable {
        case https, http, file
    }

    /// How it is fetched.
    public let scheme: Scheme
    /// The host, without the brackets of an IPv6 address; empty for a file.
    public let host: String
    /// The port.
    public let port: Int
    /// Path and query, from the slash on.
    public let target: String

    /// Reads an address.
    ///
    /// - Throws: ``ImportError`` for anything that is not `https://`, `http://` or `file:///`, and for one with a password.
    public init(_ text: String) throws(ImportError) {
        func wrong(_ reason: String) -> ImportError {
            ImportError(.usage, "\"\(text.prefix(200))\" is no address of a feed: \(reason)")
        }
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw wrong("it has blanks or characters that are not ASCII; write them as %20")
        }
        guard let mark = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else {
            throw wrong("it does not begin with https://, http:// or file:///")
        }
        self.scheme = scheme
        let rest = text[mark.upperBound...].prefix { $0 != "#" }
        if scheme == .file {
            guard rest.hasPrefix("/") else { throw wrong("write file:///path") }
            (host, port, target) = ("", 0, String(rest))
            return
        }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else { throw wrong("it has a user or password in it") }
        let path = String(rest[end...])
        target = path.isEmpty ? "/" : (path.hasPrefix("?") ? "/" + path : path)
        var name = authority
        var number: Int? = scheme == .https ? 443 : 80
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { throw wrong("its [ is not closed") }
            name = authority[authority.index(after: authority.startIndex)..<close]
            let tail = authority[authority.index(after: close)...]
            if tail.hasPrefix(":") {
                number = Int(tail.dropFirst())
            } else if !tail.isEmpty {
                throw wrong("after ] only a port may stand")
            }
        } else if let colon = authority.lastIndex(of: ":") {
            name = authority[..<colon]
            number = Int(authority[authority.index(after: colon)...])
        }
        guard let number, (1...65_535).contains(number) else { throw wrong("its port is none") }
        guard !name.isEmpty else { throw wrong("it names no host") }
        port = number
        host = name.lowercased()
    }

    /// `host` or `host:port`, as the header names it.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == .https ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// The address as text.
    public var description: String { "\(scheme.rawValue)://\(scheme == .file ? "" : authority)\(target)" }

    /// Where a reference found here leads (RFC 3986, section 5.2, without dot segments).
    func resolving(_ reference: String) throws(ImportError) -> FeedURL {
        if reference.contains("://") { return try FeedURL(reference) }
        if reference.hasPrefix("//") { return try FeedURL("\(scheme.rawValue):\(reference)") }
        let base = "\(scheme.rawValue)://\(scheme == .file ? "" : authority)"
        if reference.hasPrefix("/") { return try FeedURL(base + reference) }
        let path = target.prefix { $0 != "?" }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return try FeedURL(base + folder + reference)
    }

    /// The path alone.
    var path: String { String(target.prefix { $0 != "?" }) }
}
