public import Audit
import JSON
import Store

import enum Crypto.Curve25519

/// Both halves of a key that signs checkpoints: Ed25519 (RFC 8032).
struct AuditSigningKey: Sendable {
    /// The public part, with its name.
    let key: NoteKey
    private let signing: Curve25519.Signing.PrivateKey

    /// Makes a key with a name of its own.
    init() throws(DataFolderError) {
        signing = Curve25519.Signing.PrivateKey()
        guard
            let key = NoteKey(
                name: "fettle/\(RandomID.make("i"))", publicKey: Array(signing.publicKey.rawRepresentation))
        else { throw DataFolderError("a key for audit checkpoints could not be made") }
        self.key = key
    }

    /// Reads ``text``; nil for anything else.
    init?(_ text: String) {
        guard let (name, seed) = NoteKey.readPrivate(text),
            let signing = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let key = NoteKey(name: name, publicKey: Array(signing.publicKey.rawRepresentation)),
            key.privateText(seed: seed) == text
        else { return nil }
        self.key = key
        self.signing = signing
    }

    /// The private half, as its file has it.
    var text: String { key.privateText(seed: Array(signing.rawRepresentation)) }

    /// The signature over a text.
    func signature(_ text: String) throws -> [UInt8] { Array(try signing.signature(for: Array(text.utf8))) }
}

/// The key that signs the audit log's checkpoints: in `DATA/authority/audit.key`, for its owner only.
///
/// Servers that share a database share the folder `authority`, and so this key. Keys that signed before it are joined to it
/// by the rotations of `audit.rotations`; those that were lost are lines of `audit.trusted`: the database is not asked, for
/// whoever altered it could name a key too.
struct AuditKey: Sendable {
    /// The public part, with its name.
    let key: NoteKey
    /// The keys whose signatures count, ``key`` first.
    let trusted: [NoteKey]
    /// How each key handed over to the next, the oldest first.
    let rotations: [SignedNote]
    private let signing: AuditSigningKey

    /// Reads the key in that folder, or makes it.
    init(folder: String) throws {
        let path = Self.path(folder)
        if let bytes = try readFile(path) {
            let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            guard let signing = AuditSigningKey(text) else {
                throw DataFolderError(
                    "\(path) is not a key that signs audit checkpoints; put it back from a backup. Only if there is none, move it away and start once with --accept-new-audit-key: a new key is made then, on record in the audit log"
                )
            }
            self.signing = signing
        } else {
            signing = try AuditSigningKey()
            try writePrivateFile(path, Array("\(signing.text)\n".utf8))
        }
        key = signing.key
        rotations = try AuditRotations.read(folder)
        var trust = AuditTrust([key])
        try trust.extend(by: rotations, origin: nil, verify: AuditSignatures.verify)
        let others = try Self.others(folder)
        trusted = trust.keys + others.filter { [keys = trust.keys] in !keys.contains($0) }
    }

    /// Where the key of that folder is kept.
    static func path(_ folder: String) -> String { "\(folder)/audit.key" }

    /// Whether somebody has written down that a key which is lost counts for what it signed.
    static func isTrusted(_ named: String, _ folder: String) throws -> Bool {
        try others(folder).contains { $0.description == named }
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
        SignedNote(text: text, key: key, signature: try signing.signature(text))
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
