import Digest
import FoundationEssentials

import enum Crypto.AES
import struct Crypto.HMAC
import struct Crypto.SHA384
import struct Crypto.SymmetricKey

/// The key for what the database must not tell by itself: it lies in the data folder beside the authorities' keys, so a
/// copy of the database alone opens no second factor.
struct PeopleKeys: Sendable {
    private let sealing: SymmetricKey
    private let signing: SymmetricKey

    /// Reads the key in that folder, or makes it.
    init(folder: String) throws {
        let path = "\(folder)/people.key"
        var key = try readFile(path) ?? []
        if key.isEmpty {
            key = randomBytes(32)
            try writePrivateFile(path, key)
        }
        guard key.count == 32 else {
            throw AuthorityError(
                "\(path) is damaged: it has \(key.count) bytes of 32; restore the folder from its backup")
        }
        sealing = SymmetricKey(data: Self.mac(SymmetricKey(data: key), "seal"))
        signing = SymmetricKey(data: Self.mac(SymmetricKey(data: key), "sign"))
    }

    /// Seals a secret (AES-256-GCM) for one purpose and user: moved to another row it does not open.
    func seal(_ secret: [UInt8], for context: String) throws -> [UInt8] {
        let box = try AES.GCM.seal(secret, using: sealing, authenticating: Array(context.utf8))
        return box.combined.map { Array($0) } ?? []
    }

    /// Opens what ``seal(_:for:)`` made.
    func open(_ sealed: [UInt8], for context: String) throws -> [UInt8] {
        Array(
            try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: sealing, authenticating: Array(context.utf8)))
    }

    /// What shows that this installation said `text`: 43 characters.
    func sign(_ text: String) -> String { base64URLEncoded(Self.mac(signing, text)) }

    /// Whether ``sign(_:)`` made that.
    func isSigned(_ text: String, _ signature: some StringProtocol) -> Bool {
        constantTimeEqual(Array(sign(text).utf8), Array(signature.utf8))
    }

    private static func mac(_ key: SymmetricKey, _ text: String) -> [UInt8] { messageCode(key, text) }
}

/// A message authentication code of 256 bits (HMAC-SHA-384, cut).
func messageCode(_ key: SymmetricKey, _ text: String) -> [UInt8] {
    Array(HMAC<SHA384>.authenticationCode(for: Array(text.utf8), using: key).prefix(32))
}

/// What the store keeps of a secret that is random enough by itself.
func secretDigest(_ secret: some StringProtocol) -> SHA256Digest { SHA256.hash(Array(secret.utf8)) }
