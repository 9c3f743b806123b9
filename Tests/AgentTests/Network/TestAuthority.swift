import Agent
import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
import Wire
import X509

/// A certificate authority made for a test.
struct TestAuthority {
    let key = P256.Signing.PrivateKey()
    let certificate: Certificate
    let pem: String

    init(_ name: String = "Test authority") throws {
        let subject = try DistinguishedName { CommonName(name) }
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3600), notValidAfter: Date(timeIntervalSinceNow: 86_400),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            },
            issuerPrivateKey: .init(key))
        pem = try certificate.serializeAsPEM().pemString
    }

    /// The DER bytes' digest, as a token pins it.
    var der: [UInt8] {
        get throws { Array(try certificate.serializeAsPEM().derBytes) }
    }

    /// A server's certificate with its key, for these names.
    func server(
        names: [GeneralName] = [.dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))],
        expired: Bool = false
    ) throws -> (chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) {
        let key = P256.Signing.PrivateKey()
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3600),
            notValidAfter: Date(timeIntervalSinceNow: expired ? -60 : 3600), issuer: certificate.subject,
            subject: try DistinguishedName { CommonName("server") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                SubjectAlternativeNames(names)
                try ExtendedKeyUsage([.serverAuth])
            },
            issuerPrivateKey: .init(self.key))
        let pems = [try leaf.serializeAsPEM().pemString, pem]
        return (
            try pems.map { try NIOSSLCertificate(bytes: Array($0.utf8), format: .pem) },
            try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)
        )
    }

    /// What a server would grant for that request.
    func grant(
        for request: String, host: String = "host1", organisation: String = "org1", port: Int, lifetime: Double = 3600,
        age: Double = 60, usage: ExtendedKeyUsage.Usage = .clientAuth, name: String? = nil
    ) throws -> IdentityGrant {
        let request = try CertificateSigningRequest(pemEncoded: request)
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: request.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: -age),
            notValidAfter: Date(timeIntervalSinceNow: lifetime - age), issuer: certificate.subject,
            subject: try DistinguishedName { CommonName(host) }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                SubjectAlternativeNames([
                    .uniformResourceIdentifier(name ?? "urn:fettle:org:\(organisation):host:\(host)")
                ])
                try ExtendedKeyUsage([usage])
            },
            issuerPrivateKey: .init(key))
        return IdentityGrant(
            host: host, organisation: organisation, certificate: try leaf.serializeAsPEM().pemString,
            authorities: [pem], agentAddress: "127.0.0.1:\(port)", enrolmentAddress: "127.0.0.1:\(port)",
            exchangeToken: "token1", epoch: 1)
    }

    /// An identity of a host of this authority.
    func identity(port: Int) throws -> Identity {
        let key = HostKey()
        return try Identity(
            verifying: grant(for: key.certificateRequest(), port: port), key: key, now: Moment.now().wall)
    }
}
