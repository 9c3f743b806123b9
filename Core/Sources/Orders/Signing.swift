/// Checks a signature; supplied by the programs, which have a cryptography library.
public protocol SignatureVerifier: Sendable {
    /// Whether `signature` is a good Ed25519 signature of `bytes` by the key of those 32 public bytes; false for anything
    /// malformed.
    func isValid(signature: [UInt8], of bytes: [UInt8], by publicKey: [UInt8]) -> Bool
}
