import Crypto
import Digest
import JSON
public import Orders

/// A private Ed25519 key.
public struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// Its public key, 32 bytes.
    public let publicKey: [UInt8]
    /// The public key's name, see ``Envelope/keyID(of:)``.
    public let keyID: String

    private init(_ key: Curve25519.Signing.PrivateKey) {
        self.key = key
        publicKey = Array(key.publicKey.rawRepresentation)
        keyID = Envelope.keyID(of: publicKey)
    }

    /// A new key.
    public init() { self.init(Curve25519.Signing.PrivateKey()) }

    private static let prefix = "fettle-private-key ed25519 "

    /// The key as the text of a file: one line.
    public var fileText: String { "\(Self.prefix)\(Base64.encode(Array(key.rawRepresentation)))\n" }

    /// Reads ``fileText``; nil for anything else.
    public init?(fileText text: String) {
        guard text.hasPrefix(Self.prefix), text.hasSuffix("\n"),
            let bytes = Base64.decode(text.dropFirst(Self.prefix.count).dropLast()),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        else { return nil }
        self.init(key)
    }

    /// Signs bytes.
    public func sign(_ bytes: [UInt8]) throws(SigningError) -> Envelope.Signature {
        do {
            return Envelope.Signature(keyID: keyID, bytes: Array(try key.signature(for: bytes)))
        } catch {
            throw SigningError(description: "key \(keyID) cannot sign: \(error)")
        }
    }

    /// A document in an envelope, signed by all of `keys`.
    public static func envelope(
        _ document: some OrderDocument, signedBy keys: [SigningKey]
    ) throws(SigningError) -> Envelope {
        var envelope = Envelope(
            payloadType: type(of: document).payloadType, payload: document.json.canonicalBytes())
        let bytes = envelope.signedBytes
        for key in keys { envelope.signatures.append(try key.sign(bytes)) }
        return envelope
    }
}

/// Why nothing was signed.
public struct SigningError: Error, Sendable, CustomStringConvertible {
    /// What happened.
    public let description: String
}
