import JSON

import struct Crypto.HMAC
import struct Crypto.SHA256
import struct Crypto.SymmetricKey

/// Makes and reads cursors: where a page ended, sealed so that nobody can make one up or use one for another list.
///
/// A cursor is base64url of an HMAC-SHA-256 cut to 128 bits and the place as canonical JSON. The HMAC covers the
/// operation, the organisation and the filters too.
struct CursorSeal: Sendable {
    private let key: [UInt8]

    init(secret: APISecret) {
        key = secret.key(for: "cursor")
    }

    /// A cursor for that place.
    func seal(_ place: JSONValue, for list: String) -> String {
        let bytes = place.canonicalBytes()
        return base64url(mac(bytes, list) + bytes)
    }

    /// The place that a cursor names; nil for one that was not made here for this list.
    func open(_ cursor: String, for list: String) -> JSONValue? {
        guard let bytes = base64urlDecoded(cursor), bytes.count > 16 else { return nil }
        let place = Array(bytes[16...])
        guard constantTimeEqual(mac(place, list), Array(bytes[..<16])) else { return nil }
        return try? JSONValue(parsing: place, limits: .message)
    }

    private func mac(_ bytes: [UInt8], _ list: String) -> [UInt8] {
        var mac = HMAC<Crypto.SHA256>(key: SymmetricKey(data: key))
        mac.update(data: Array(list.utf8))
        mac.update(data: [0])
        mac.update(data: bytes)
        return Array(mac.finalize().prefix(16))
    }
}

/// The secret from which the API's keys are derived: a file in the data folder, so that a copy of the database is no use.
struct APISecret: Sendable {
    private let bytes: [UInt8]

    /// Reads the secret in that folder, or makes it.
    init(folder: String) throws {
        let path = "\(folder)/api.key"
        if let bytes = try readFile(path), bytes.count == 32 {
            self.bytes = bytes
        } else {
            bytes = randomBytes(32)
            try writePrivateFile(path, bytes)
        }
    }

    /// For tests.
    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key of that purpose.
    func key(for purpose: String) -> [UInt8] {
        Array(HMAC<Crypto.SHA256>.authenticationCode(for: Array(purpose.utf8), using: SymmetricKey(data: bytes)))
    }
}

/// Whether two texts are equal, in a time that does not tell where they differ.
func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}

private let base64urlDigits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Base64url without padding (RFC 4648, section 5).
func base64url(_ bytes: [UInt8]) -> String {
    var result: [UInt8] = []
    var bits = 0
    var count = 0
    for byte in bytes {
        bits = bits << 8 | Int(byte)
        count += 8
        while count >= 6 {
            count -= 6
            result.append(base64urlDigits[bits >> count & 63])
        }
        bits &= (1 << count) - 1
    }
    if count > 0 { result.append(base64urlDigits[bits << (6 - count) & 63]) }
    return String(decoding: result, as: UTF8.self)
}

/// The bytes of ``base64url(_:)``; nil for any other text, also for a second spelling of the same bytes.
func base64urlDecoded(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var bits = 0
    var count = 0
    for character in text.utf8 {
        guard let digit = base64urlDigits.firstIndex(of: character) else { return nil }
        bits = bits << 6 | digit
        count += 6
        if count >= 8 {
            count -= 8
            result.append(UInt8(bits >> count & 255))
        }
        bits &= (1 << count) - 1
    }
    return base64url(result) == text ? result : nil
}
