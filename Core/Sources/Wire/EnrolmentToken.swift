public import Digest

/// What an operator copies to a host so that it can enrol: the address, the pinned authorities, the secret.
///
/// Text: `fettle1/HOST:PORT/PIN[+PIN]/ID/SECRET`, without characters that a shell would touch.
/// A pin is the SHA-256 of a CA certificate's DER bytes; the agent trusts no other authority to enrol with.
public struct EnrolmentToken: Hashable, Sendable, CustomStringConvertible {
    /// The enrolment listener's host and port: `fettle.example.org:8444`, `[2001:db8::1]:8444`.
    public var address: String
    /// SHA-256 of the DER bytes of each CA certificate that may stand behind the listener; one at least.
    public var pins: [SHA256Digest]
    /// The token's public name, under which it is listed and revoked.
    public var id: String
    /// What proves possession: 64 hexadecimal digits. The server keeps only its digest.
    public var secret: String

    /// A token with these parts.
    public init(address: String, pins: [SHA256Digest], id: String, secret: String) {
        self.address = address
        self.pins = pins
        self.id = id
        self.secret = secret
    }

    public var description: String {
        "fettle1/\(address)/\(pins.map(\.hex).joined(separator: "+"))/\(id)/\(secret)"
    }

    /// Reads a token as it was copied; surrounding blanks are forgiven.
    ///
    /// - Throws: ``EnrolmentTokenError`` that says which part is wrong.
    public init(parsing text: String) throws(EnrolmentTokenError) {
        guard text.utf8.count <= 4096 else { throw EnrolmentTokenError(problem: "it is over 4096 bytes") }
        let trimmed = text.filter { !$0.isWhitespace }
        let parts = trimmed.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.first == "fettle1" else {
            throw EnrolmentTokenError(problem: "it does not begin with \"fettle1/\"")
        }
        guard parts.count == 5 else {
            throw EnrolmentTokenError(problem: "it has \(parts.count) parts where five belong: it was cut when copied")
        }
        guard let colon = parts[1].lastIndex(of: ":"), let port = UInt16(parts[1][parts[1].index(after: colon)...]),
            port > 0, colon != parts[1].startIndex
        else { throw EnrolmentTokenError(problem: "its address \"\(parts[1])\" is not HOST:PORT") }
        let pins = parts[2].split(separator: "+").map { SHA256Digest(hex: String($0)) }
        guard !pins.isEmpty, !pins.contains(nil), pins.count <= 4 else {
            throw EnrolmentTokenError(problem: "its pin is not the digest of a certificate (64 hexadecimal digits)")
        }
        guard !parts[3].isEmpty, parts[3].utf8.count <= 64 else { throw EnrolmentTokenError(problem: "it has no name") }
        guard SHA256Digest(hex: parts[4]) != nil else {
            throw EnrolmentTokenError(problem: "its secret is not 64 hexadecimal digits: it was cut when copied")
        }
        self.init(address: parts[1], pins: pins.compactMap { $0 }, id: parts[3], secret: parts[4])
    }

    /// The host part of ``address``, without brackets.
    public var host: String {
        let host = address.prefix(upTo: address.lastIndex(of: ":") ?? address.endIndex)
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// The port part of ``address``.
    public var port: Int {
        Int(address.suffix(from: address.lastIndex(of: ":") ?? address.endIndex).dropFirst()) ?? 0
    }
}

/// Why a text is not an enrolment token.
public struct EnrolmentTokenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let problem: String

    public var description: String {
        "this is not an enrolment token: \(problem). Make one with \"fettle tokens create\" and copy it whole."
    }
}
