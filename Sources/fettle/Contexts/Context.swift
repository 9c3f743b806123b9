import JSON

/// A server elsewhere, and who one is there.
struct Context: Sendable, Hashable {
    /// The name that stands for this machine's socket.
    static let local = "local"
    /// The characters of a name.
    static let nameRule = "1 to 64 letters, digits, dots, hyphens and underscores"

    let name: String
    /// Where its pages and API are.
    var server: WebAddress
    /// The certificate (PEM) of the only authority that may vouch for the server; nil for those that this system trusts.
    var authority: String?
    /// The organisation that is meant where none is said.
    var organisation: String?
    /// The API token; nil after a logout.
    var token: String?
    /// The user whose token it is, as the login told.
    var user: String?

    /// Whether a name can be a context's.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text != local
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The id of the token, which stands in it after its prefix; nil where there is none of ours.
    var tokenID: String? {
        guard let token, token.hasPrefix("fettle_"), token.utf8.count == 75 else { return nil }
        return String(token.dropFirst(7).prefix(10))
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["server": .string(server.description)]
        for (key, value) in [
            ("authority", authority), ("organisation", organisation), ("token", token), ("user", user),
        ] {
            if let value { fields[key] = .string(value) }
        }
        return .object(fields)
    }

    init(
        name: String, server: WebAddress, authority: String? = nil, organisation: String? = nil, token: String? = nil,
        user: String? = nil
    ) {
        self.name = name
        self.server = server
        self.authority = authority
        self.organisation = organisation
        self.token = token
        self.user = user
    }

    init(name: String, json: JSONValue) throws {
        guard let server = json["server"]?.string else {
            throw CommandFailure.failed("the context \(name) has no server")
        }
        self.init(
            name: name, server: try WebAddress(server), authority: json["authority"]?.string,
            organisation: json["organisation"]?.string, token: json["token"]?.string, user: json["user"]?.string)
    }
}

/// `https://fettle.example.org:8080`
struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// A DNS name or an address, without brackets.
    let host: String
    let port: Int

    init(_ text: String) throws {
        var rest = Substring(text)
        if rest.hasPrefix("https://") {
            rest = rest.dropFirst(8)
        } else if rest.contains("://") {
            throw CommandFailure.usage(
                "\(text) is not an address that begins with https://; nothing else is safe to log in to")
        }
        if rest.hasSuffix("/") { rest.removeLast() }
        var port = "443"
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            let after = rest[rest.index(after: end)...]
            if after.hasPrefix(":") { port = String(after.dropFirst()) } else if !after.isEmpty { port = "" }
        } else if let colon = rest.firstIndex(of: ":") {
            host = String(rest[..<colon])
            port = String(rest[rest.index(after: colon)...])
        } else {
            host = String(rest)
        }
        let isHost =
            !host.isEmpty && host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
        guard isHost, let number = Int(port), (1...65_535).contains(number) else {
            throw CommandFailure.usage(
                "\(text) is not an address such as https://fettle.example.org:8080, without a path")
        }
        self.port = number
    }

    /// The host and port as they stand in a Host header.
    var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return port == 443 ? host : "\(host):\(port)"
    }

    var description: String { "https://\(authority)" }

    /// A context's name made of it.
    var suggestedName: String {
        let host = String(self.host.map { $0 == ":" ? "-" : $0 })
        return String((port == 443 ? host : "\(host)-\(port)").prefix(64))
    }
}
