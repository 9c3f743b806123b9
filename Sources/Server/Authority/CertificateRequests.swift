import SwiftASN1
import Wire
import X509

import enum Crypto.P256

/// The key of a PKCS #10 request (RFC 2986), after its self-signature was checked. The subject is ignored.
///
/// - Throws: ``Wire/Problem`` `malformed` with the pointer of the field.
func requestedKey(pem: String, pointer: String) throws(Refusal) -> P256.Signing.PublicKey {
    let request: CertificateSigningRequest
    do {
        request = try CertificateSigningRequest(pemEncoded: pem)
    } catch {
        throw Refusal(.malformed("the certificate request is not PKCS #10 in PEM", pointer: pointer))
    }
    guard let key = P256.Signing.PublicKey(request.publicKey) else {
        throw Refusal(.malformed("the certificate request is for a key that is not P-256", pointer: pointer))
    }
    guard request.publicKey.isValidSignature(request.signature, for: request) else {
        throw Refusal(
            .malformed("the certificate request is not signed by the key that it is for", pointer: pointer))
    }
    return key
}
