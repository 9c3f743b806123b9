import HTTPTypes

/// The cookies that this server sets. All are `__Host-`: over TLS, for this host alone, for all paths (RFC 6265bis).
enum Cookie: String, Sendable {
    /// The session's secret.
    case session = "__Host-fettle"
    /// What ties the login form to the browser that asked for it.
    case login = "__Host-fettle-login"
    /// Shows that somebody has logged in from this browser before, so that strangers' failures do not delay them.
    case device = "__Host-fettle-device"

    /// A header field's value that sets it.
    func set(_ value: String, maximumAge: Int64? = nil) -> String {
        // Strict would leave whoever follows a link from a mail or a chat at the login page.
        let site = self == .session ? "Lax" : "Strict"
        let age = maximumAge.map { "; Max-Age=\($0)" } ?? ""
        return "\(rawValue)=\(value); Path=/; Secure; HttpOnly; SameSite=\(site)\(age)"
    }

    /// A header field's value that removes it.
    var removal: String { self.set("", maximumAge: 0) }

    /// Its value in a request: of the characters of base 64 and the dot, at most 256; nil where there is none, or two that
    /// differ, of which one is somebody else's.
    func value(_ headers: HTTPFields) -> String? {
        var found: String?
        for field in headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.drop(while: { $0 == " " || $0 == "\t" })
                guard pair.hasPrefix(rawValue + "=") else { continue }
                let value = String(pair.dropFirst(rawValue.utf8.count + 1))
                guard (1...256).contains(value.utf8.count),
                    value.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
                else { return nil }
                if let found, found != value { return nil }
                found = value
            }
        }
        return found
    }
}

private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
    default: false
    }
}
