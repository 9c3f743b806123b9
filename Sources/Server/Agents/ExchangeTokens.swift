import Digest
import Timestamps

import struct Crypto.HMAC
import struct Crypto.SHA384
import struct Crypto.SymmetricKey

/// Exchange tokens: what a host presents at each check-in, and a copy of its disk cannot keep up with.
///
/// A token is the HMAC (SHA-384, cut to 256 bits) of host and time of rotation under a key in the data folder, so the server keeps only its
/// digest and can still say the current token again to a host whose answer was lost on the way.
struct ExchangeTokens: Sendable {
    private let key: [UInt8]

    /// Reads the key in that folder, or makes it.
    init(folder: String) throws {
        let path = "\(folder)/exchange.key"
        if let key = try readFile(path), key.count == 32 {
            self.key = key
        } else {
            self.key = randomBytes(32)
            try writePrivateFile(path, key)
        }
    }

    /// The token that a host got at that time: 64 hexadecimal digits.
    func token(host: String, rotatedAt: Timestamp) -> String {
        var mac = HMAC<SHA384>(key: SymmetricKey(data: key))
        mac.update(data: Array("\(host)|\(rotatedAt.milliseconds)".utf8))
        return mac.finalize().prefix(32).map(hexadecimal).joined()
    }

    /// What the store keeps of a token, or of the secret of an enrolment token.
    static func digest(_ token: String) -> SHA256Digest { SHA256.hash(Array(token.utf8)) }
}

/// Bytes from the system's cryptographic source.
func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
