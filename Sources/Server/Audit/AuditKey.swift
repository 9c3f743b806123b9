public import Audit
import Store

import enum Crypto.Curve25519

/// The key that signs the audit log's checkpoints: Ed25519, in `DATA/authority/audit.key`, for its owner only.
///
/// Servers that share a database share the folder `authority`, and so this key. Keys that signed before it, were it ever
/// lost, are lines of `audit.trusted` beside it: the database is not asked, for whoever altered it could name a key too.
struct AuditKey: Sendable {
    /// The public part, with its name.
    let key: NoteKey
    /// The keys whose signatures count, ``key`` first.
    let trusted: [NoteKey]
    private let signing: Curve25519.Signing.PrivateKey

    /// Reads the key in that folder, or makes it.
    init(folder: String) throws {
        let path = "\(folder)/audit.key"
        if let bytes = try readFile(path) {
            let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            guard let (name, seed) = NoteKey.readPrivate(text),
                let signing = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
                let key = NoteKey(name: name, publicKey: Array(signing.publicKey.rawRepresentation)),
                key.privateText(seed: seed) == text
            else {
                throw DataFolderError(
                    "\(path) is not a key that signs audit checkpoints; put it back from a backup. Only if there is none, move it away: a new key is made then, and said so in the audit log"
                )
            }
            self.key = key
            self.signing = signing
            trusted = [key] + (try Self.others(folder))
            return
        }
        signing = Curve25519.Signing.PrivateKey()
        guard
            let key = NoteKey(
                name: "fettle/\(RandomID.make("i"))", publicKey: Array(signing.publicKey.rawRepresentation))
        else { throw DataFolderError("a key for audit checkpoints could not be made") }
        self.key = key
        trusted = [key] + (try Self.others(folder))
        try writePrivateFile(path, Array("\(key.privateText(seed: Array(signing.rawRepresentation)))\n".utf8))
    }

    private static func others(_ folder: String) throws -> [NoteKey] {
        let path = "\(folder)/audit.trusted"
        let text = String(decoding: try readFile(path) ?? [], as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            guard let key = NoteKey(String(line)) else {
                throw DataFolderError("\(path): \(line.prefix(80)) is not a key as `fettle audit key` prints it")
            }
            return key
        }
    }

    /// Signs a text.
    func sign(_ text: String) throws -> SignedNote {
        SignedNote(text: text, key: key, signature: Array(try signing.signature(for: Array(text.utf8))))
    }
}

/// Ed25519 (RFC 8032) for whoever verifies the audit log.
public enum AuditSignatures {
    /// Whether the key made the signature over the message.
    public static let verify: AuditVerifier.Verify = { publicKey, message, signature in
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}
