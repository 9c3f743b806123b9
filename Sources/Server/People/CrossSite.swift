import HTTPTypes
import Hummingbird

import struct Crypto.SymmetricKey

/// The defences against requests that another site makes a browser send.
///
/// Two that do not depend on each other: where the browser says the request comes from, and a token that only our own
/// pages know. The token is the HMAC of its purpose under the cookie's secret, so it is bound to that session and nothing
/// has to be stored.
enum CrossSite {
    /// The token that goes with a cookie's secret.
    static func token(_ secret: String) -> String {
        base64URLEncoded(messageCode(SymmetricKey(data: Array(secret.utf8)), "fettle csrf"))
    }

    /// Whether that is the token.
    static func isToken(_ given: String?, _ expected: String) -> Bool {
        guard let given else { return false }
        return constantTimeEqual(Array(given.utf8), Array(expected.utf8))
    }

    /// Whether a method changes nothing (RFC 9110, section 9.2.1).
    static func isSafe(_ method: HTTPRequest.Method) -> Bool { method == .get || method == .head }

    /// Refuses a request that says it comes from another origin: by Sec-Fetch-Site where the browser sends it, and by
    /// Origin. A client that sends neither is no browser of this decade; for it the token alone decides.
    static func checkOrigin(_ request: Request) throws(Refusal) {
        if let site = request.headers[.secFetchSite], site != "same-origin", site != "none" {
            throw Refusal(.crossSite)
        }
        if let origin = request.headers[.origin] {
            guard let host = request.head.authority, origin.lowercased() == "https://" + host.lowercased() else {
                throw Refusal(.crossSite)
            }
        }
    }
}

extension HTTPField.Name {
    static let secFetchSite = Self(validated: "Sec-Fetch-Site")

    /// A name that is known to be one.
    init(validated name: String) {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a header field's name") }
        self = name
    }
}

/// A path on this server to go to after a login: what a link may carry without leading anybody elsewhere.
struct LocalPath: Sendable, Hashable, CustomStringConvertible {
    let description: String

    /// The first page.
    static let start = LocalPath(known: "/")

    private init(known text: String) { description = text }

    /// Reads a path with its query; nil for whatever a browser might take for another site, and for what cannot stand in a
    /// header field.
    init?(_ text: String?) {
        guard let text, (1...1024).contains(text.utf8.count), text.hasPrefix("/"), !text.hasPrefix("//"),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return nil }
        description = text
    }
}
