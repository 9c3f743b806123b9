public import Digest
import FoundationEssentials
import SwiftASN1
public import Timestamps
public import X509

import enum Crypto.P256

/// One certificate authority: a P-256 key and its own certificate.
///
/// The profile is RFC 5280's: path length 0, key usage critical, key identifiers present.
public struct CertificateAuthority: Sendable {
    /// Counts the installation's authorities from 1; the next to issue has the next number.
    public let number: Int
    /// The self-signed certificate.
    public let certificate: Certificate
    /// The certificate as it travels.
    public let pem: String
    /// SHA-256 of the certificate's DER bytes: what enrolment tokens pin.
    public let pin: SHA256Digest
    let der: [UInt8]
    let key: P256.Signing.PrivateKey

    /// Makes an authority that is valid for that many years.
    static func make(number: Int, years: Int, now: Timestamp) throws -> CertificateAuthority {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        // The key's digits keep the names of two installations apart.
        let mark = SHA256.hash(Array(key.publicKey.x963Representation)).bytes.prefix(4).map(hexadecimal).joined()
        let name = try DistinguishedName { CommonName("Fettle authority \(number) \(mark)") }
        let certificate = try Certificate(
            version: .v3, serialNumber: randomSerial(), publicKey: publicKey,
            notValidBefore: date(now.adding(seconds: -clockTolerance)),
            notValidAfter: date(now.adding(seconds: Int64(years) * 365 * 86_400)), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: publicKey)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return try CertificateAuthority(number: number, certificate: certificate, key: key)
    }

    init(number: Int, certificate: Certificate, key: P256.Signing.PrivateKey) throws {
        self.number = number
        self.certificate = certificate
        self.key = key
        self.der = try derBytes(certificate)
        self.pem = try certificate.serializeAsPEM().pemString
        self.pin = SHA256.hash(der)
    }

    /// When the authority itself ends.
    public var notAfter: Timestamp { timestamp(certificate.notValidAfter) }

    /// Issues a host's certificate: the server decides who the key is.
    func issueClient(
        _ identity: HostIdentity, key publicKey: P256.Signing.PublicKey, lifetime: Int64, now: Timestamp
    ) throws -> IssuedCertificate {
        try issue(
            subject: DistinguishedName { CommonName(identity.host) }, key: Certificate.PublicKey(publicKey),
            names: [.uniformResourceIdentifier(identity.uri)], usage: .clientAuth, lifetime: lifetime,
            // Hosts renew by the share of the lifetime that is over: backdating must not eat it up.
            backdated: max(1, min(300, lifetime / 10)), now: now)
    }

    /// Issues the server's own certificate for the names under which agents reach it.
    func issueServer(
        names: [String], key publicKey: P256.Signing.PublicKey, lifetime: Int64, now: Timestamp
    ) throws -> IssuedCertificate {
        try issue(
            subject: DistinguishedName { CommonName("Fettle server") }, key: Certificate.PublicKey(publicKey),
            names: names.map(generalName), usage: .serverAuth, lifetime: lifetime, backdated: clockTolerance, now: now)
    }

    private func issue(
        subject: DistinguishedName, key publicKey: Certificate.PublicKey, names: [GeneralName],
        usage: ExtendedKeyUsage.Usage, lifetime: Int64, backdated: Int64, now: Timestamp
    ) throws -> IssuedCertificate {
        let extendedUsage = try ExtendedKeyUsage([usage])
        let authorityKey = SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier
        let certificate = try Certificate(
            version: .v3, serialNumber: randomSerial(), publicKey: publicKey,
            notValidBefore: date(now.adding(seconds: -backdated)), notValidAfter: date(now.adding(seconds: lifetime)),
            issuer: certificate.subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                extendedUsage
                SubjectAlternativeNames(names)
                AuthorityKeyIdentifier(keyIdentifier: authorityKey)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return IssuedCertificate(
            der: try derBytes(certificate), pem: try certificate.serializeAsPEM().pemString,
            serial: serialText(certificate.serialNumber), notBefore: now, notAfter: now.adding(seconds: lifetime))
    }

    /// Whether this authority signed that certificate.
    func signed(_ other: Certificate) -> Bool {
        other.issuer == certificate.subject && certificate.publicKey.isValidSignature(other.signature, for: other)
    }
}

/// A certificate as it was issued.
struct IssuedCertificate: Sendable {
    let der: [UInt8]
    let pem: String
    /// The serial number in hexadecimal.
    let serial: String
    let notBefore: Timestamp
    let notAfter: Timestamp
}

/// A host whose clock is up to a day behind must still reach the server, to be told and to report it.
private let clockTolerance: Int64 = 86_400

/// 128 random bits; the top bits fixed so that the encoding has one length.
private func randomSerial() -> Certificate.SerialNumber {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    bytes[0] = bytes[0] & 0x3F | 0x40
    return Certificate.SerialNumber(bytes: bytes)
}

/// A serial number in hexadecimal: how certificates are denied by name.
func serialText(_ serial: Certificate.SerialNumber) -> String {
    serial.bytes.map(hexadecimal).joined()
}

/// Two lower-case hexadecimal digits.
func hexadecimal(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return text.count == 1 ? "0" + text : text
}

func derBytes(_ certificate: Certificate) throws -> [UInt8] {
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
}

/// Whole seconds, as certificates have; rounded down, for a rounded-up start lies in the future.
func date(_ time: Timestamp) -> Date { Date(timeIntervalSince1970: Double(time.seconds)) }

func timestamp(_ date: Date) -> Timestamp {
    Timestamp(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
}

/// An IP address as such, anything else as a DNS name.
private func generalName(_ name: String) -> GeneralName {
    if let bytes = addressBytes(name) { return .ipAddress(ASN1OctetString(contentBytes: bytes[...])) }
    return .dnsName(name)
}
