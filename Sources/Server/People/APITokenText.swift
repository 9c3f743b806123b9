import Digest

/// An API token as people copy it: `fettle_`, an id of 10 characters, a secret of 52, a checksum of 6; Crockford's base 32
/// in small letters. The prefix and the checksum let scanners find leaked tokens without asking the server.
struct APITokenText: Sendable, Hashable, CustomStringConvertible {
    let id: String
    let secret: String

    static let prefix = "fettle_"
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// A new one: 260 bits of secret.
    init() {
        func characters(_ count: Int) -> String {
            String(decoding: randomBytes(count).map { Self.alphabet[Int($0 & 31)] }, as: UTF8.self)
        }
        id = characters(10)
        secret = characters(52)
    }

    /// Reads a token; nil where it was cut, mistyped or is something else.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let start = Self.prefix.utf8.count
        guard bytes.count == start + 68, bytes.starts(with: Self.prefix.utf8),
            bytes[start...].allSatisfy({ Self.alphabet.contains($0) })
        else { return nil }
        id = String(decoding: bytes[start..<start + 10], as: UTF8.self)
        secret = String(decoding: bytes[start + 10..<start + 62], as: UTF8.self)
        guard Self.checksum(id + secret) == String(decoding: bytes[(start + 62)...], as: UTF8.self) else { return nil }
    }

    var description: String { Self.prefix + id + secret + Self.checksum(id + secret) }

    /// What the store keeps.
    var digest: SHA256Digest { secretDigest(id + secret) }

    private static func checksum(_ text: String) -> String {
        let digest = SHA256.hash(Array((prefix + text).utf8)).bytes
        return String(decoding: digest.prefix(6).map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }
}
