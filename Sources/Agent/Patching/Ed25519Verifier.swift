import Crypto
import Orders

/// Checks Ed25519 signatures (RFC 8032) by the cryptography library.
struct Ed25519Verifier: SignatureVerifier {
    func isValid(signature: [UInt8], of bytes: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}
