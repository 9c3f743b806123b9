import Crypto
import SwiftASN1
import X509

/// The host's private key: made on the host, never leaving it.
public struct HostKey: Sendable {
    private let key: P256.Signing.PrivateKey

    /// A new key.
    public init() { key = P256.Signing.PrivateKey() }

    /// Reads a key in PEM; nil where it is none of ours.
    public init?(pem: String) {
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) else { return nil }
        self.key = key
    }

    /// The key in PEM (SEC 1 or PKCS #8), for the file and for TLS.
    public var pem: String { key.pemRepresentation }

    /// Whether a certificate is for this key.
    func matches(_ certificate: Certificate) -> Bool {
        certificate.publicKey == Certificate.PublicKey(key.publicKey)
    }

    /// A PKCS #10 request in PEM. Its subject says nothing: the server decides the identity.
    public func certificateRequest() throws -> String {
        let subject = try DistinguishedName { CommonName("fettle-agent") }
        let request = try CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: Certificate.PrivateKey(key), attributes: .init(),
            signatureAlgorithm: .ecdsaWithSHA256)
        return try request.serializeAsPEM().pemString
    }

    /// ECDSA over SHA-256 of `bytes`, DER, in hexadecimal: what a return after expiry is proved with.
    public func signature(over bytes: [UInt8]) throws -> String {
        let digits = Array("0123456789abcdef".utf8)
        let signature = try key.signature(for: bytes).derRepresentation
        return String(decoding: signature.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
