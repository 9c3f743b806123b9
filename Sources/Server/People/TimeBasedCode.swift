import FoundationEssentials
import Timestamps

import struct Crypto.HMAC
import enum Crypto.Insecure
import struct Crypto.SymmetricKey

/// Time-based one-time codes (RFC 6238) as every app makes them: HMAC-SHA-1, six digits, thirty seconds.
struct TimeBasedCode: Sendable, Hashable {
    /// The shared secret.
    let secret: [UInt8]

    /// Bytes of a new secret: the length of the digest (RFC 4226, section 4).
    static let secretBytes = 20
    /// Seconds of a step.
    static let period: Int64 = 30

    /// The step of a time.
    static func step(_ time: Timestamp) -> Int64 { time.seconds / period }

    /// The code of a step; six digits, or more for the vectors of RFC 6238.
    func code(step: Int64, digits: Int = 6) -> String {
        let counter = (0..<8).map { UInt8(truncatingIfNeeded: step >> (56 - 8 * Int64($0))) }
        let mac = Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: secret)))
        let offset = Int(mac[19] & 0xF)
        var value: UInt32 = 0
        for byte in mac[offset..<offset + 4] { value = value << 8 | UInt32(byte) }
        value &= 0x7FFF_FFFF
        var modulus: UInt32 = 1
        for _ in 0..<digits { modulus *= 10 }
        let text = String(value % modulus)
        return String(repeating: "0", count: digits - text.count) + text
    }

    /// The step whose code it is: now's, or one before or after for clocks that differ; nil for a wrong code. All three
    /// are compared, in constant time.
    func matchingStep(_ code: String, now: Timestamp) -> Int64? {
        let given = Array(code.utf8.filter { $0 != UInt8(ascii: " ") })
        var match: Int64?
        let current = Self.step(now)
        for step in [current - 1, current + 1, current]
        where constantTimeEqual(given, Array(self.code(step: step).utf8)) {
            match = step
        }
        return match
    }

    /// The secret as apps take it when it is typed.
    var base32: String { base32Encoded(secret) }

    /// The address that apps read from a QR code.
    func address(user: String, issuer: String) -> String {
        "otpauth://totp/\(percentEncoded(issuer)):\(percentEncoded(user))?secret=\(base32)"
            + "&issuer=\(percentEncoded(issuer))&algorithm=SHA1&digits=6&period=30"
    }
}

/// RFC 4648, section 6, without padding.
func base32Encoded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        bits += 8
        while bits >= 5 {
            bits -= 5
            text.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
        }
    }
    if bits > 0 { text.append(alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
    return String(decoding: text, as: UTF8.self)
}

/// RFC 4648, section 5, without padding.
func base64URLEncoded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    var buffer: UInt32 = 0
    var bits = 0
    for byte in bytes {
        buffer = buffer << 8 | UInt32(byte)
        bits += 8
        while bits >= 6 {
            bits -= 6
            text.append(alphabet[Int(buffer >> UInt32(bits) & 63)])
        }
    }
    if bits > 0 { text.append(alphabet[Int(buffer << UInt32(6 - bits) & 63)]) }
    return String(decoding: text, as: UTF8.self)
}
