import Crypto
public import Orders

/// Ed25519 (RFC 8032), by swift-crypto.
public struct Ed25519: SignatureVerifier {
    /// A verifier; it keeps nothing.
    public init() {}

    public func isValid(signature: [UInt8], of bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard signature.count == 64, publicKey.count == 32,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
        else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}
