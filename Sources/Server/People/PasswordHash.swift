import FoundationEssentials

import struct Crypto.SymmetricKey
import enum CryptoExtras.KDF

/// What scrypt costs (RFC 7914): memory is 128 * N * r bytes, time grows with N * r * p.
public struct PasswordCost: Sendable, Hashable {
    /// The binary logarithm of N.
    public var logarithm: Int
    /// r.
    public var blockSize: Int
    /// p.
    public var parallelism: Int

    /// OWASP's setting: N = 2^17, r = 8, p = 1: 128 MiB and some tenths of a second.
    public static let standard = PasswordCost(logarithm: 17, blockSize: 8, parallelism: 1)

    /// That cost.
    public init(logarithm: Int, blockSize: Int, parallelism: Int) {
        self.logarithm = logarithm
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// What a stored hash may ask for: a changed row must not take the machine's memory.
    fileprivate var isBearable: Bool {
        (1...20).contains(logarithm) && (1...32).contains(blockSize) && (1...16).contains(parallelism)
            && logarithm < 16 * blockSize
    }
}

/// A password's hash with all that is needed to check a password against it: `$scrypt$ln=17,r=8,p=1$SALT$HASH`, salt and
/// hash in hexadecimal digits.
///
/// The password is hashed exactly as it came, byte by byte: nothing is cut, folded or normalised (ASVS 6.2.8).
struct PasswordHash: Sendable, Hashable {
    let cost: PasswordCost
    let salt: [UInt8]
    let hash: [UInt8]

    static let saltBytes = 16
    static let hashBytes = 32

    /// Hashes a password with a new salt. Takes what ``PasswordCost`` says: never on an event loop.
    init(_ password: String, cost: PasswordCost) throws {
        self.cost = cost
        self.salt = randomBytes(Self.saltBytes)
        self.hash = try Self.derive(Array(password.utf8), salt: salt, cost: cost, count: Self.hashBytes)
    }

    /// Reads a stored hash; nil where it is none.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        var numbers: [String: Int] = [:]
        for part in parts[2].split(separator: ",") {
            let pair = part.split(separator: "=")
            guard pair.count == 2, let number = Int(pair[1]) else { return nil }
            numbers[String(pair[0])] = number
        }
        guard let logarithm = numbers["ln"], let blockSize = numbers["r"], let parallelism = numbers["p"],
            let salt = hexadecimalBytes(parts[3]), let hash = hexadecimalBytes(parts[4]), hash.count == Self.hashBytes
        else { return nil }
        self.cost = PasswordCost(logarithm: logarithm, blockSize: blockSize, parallelism: parallelism)
        self.salt = salt
        self.hash = hash
        guard cost.isBearable else { return nil }
    }

    /// As it is stored.
    var text: String {
        "$scrypt$ln=\(cost.logarithm),r=\(cost.blockSize),p=\(cost.parallelism)$"
            + salt.map(hexadecimal).joined() + "$" + hash.map(hexadecimal).joined()
    }

    /// Whether that is the password. Costs as much for a wrong one.
    func verify(_ password: String) throws -> Bool {
        let other = try Self.derive(Array(password.utf8), salt: salt, cost: cost, count: hash.count)
        return constantTimeEqual(other, hash)
    }

    static func derive(_ password: [UInt8], salt: [UInt8], cost: PasswordCost, count: Int) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: password, salt: salt, outputByteCount: count, rounds: 1 << cost.logarithm, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
        return key.withUnsafeBytes { Array($0) }
    }
}

/// The bytes of hexadecimal digits; nil for anything else.
func hexadecimalBytes(_ text: Substring) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0, digits.count <= 1024 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16),
            digits[index] != UInt8(ascii: "+"), digits[index] != UInt8(ascii: "-")
        else { return nil }
        bytes.append(byte)
    }
    return bytes
}
