public import Digest
public import Timestamps

/// What a machine says of itself, as it is kept: kinds such as `machine-id`, `product-uuid`, `hostname`.
public typealias IdentityEvidence = [String: String]

/// A certificate that was issued to a host.
public struct HostCertificate: Hashable, Sendable {
    /// The serial number, lower-case hexadecimal.
    public var serial: String
    /// SHA-256 of the public key's DER (SubjectPublicKeyInfo): recognises a host that returns after expiry.
    public var keyDigest: SHA256Digest
    /// From when it is valid.
    public var notBefore: Timestamp
    /// Until when.
    public var notAfter: Timestamp
    /// When it was issued.
    public var issuedAt: Timestamp
    /// When it was revoked.
    public var revokedAt: Timestamp?
    /// Why.
    public var revocationReason: String?

    /// A certificate that is not revoked.
    public init(
        serial: String, keyDigest: SHA256Digest, notBefore: Timestamp, notAfter: Timestamp, issuedAt: Timestamp
    ) {
        self.serial = serial
        self.keyDigest = keyDigest
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.issuedAt = issuedAt
    }
}

/// A host that enrols.
public struct NewHost: Sendable {
    /// Its id: ``RandomID/make(_:)`` with `h`.
    public var id: String
    /// Its organisation.
    public var organisation: String
    /// The asset that it is, where the server recognised one by ``Hosts/matching(organisation:machineID:productUUID:)``;
    /// nil makes a new one.
    public var asset: String?
    /// The name it gives itself.
    public var hostname: String
    /// Evidence by kind.
    public var evidence: IdentityEvidence
    /// Its first labels.
    public var labels: [String: String]
    /// The token it enrolled with.
    public var token: String
    /// Its first certificate.
    public var certificate: HostCertificate
    /// SHA-256 of its first exchange token.
    public var exchangeToken: SHA256Digest
    /// Seconds between check-ins.
    public var interval: Int64
    /// Seconds between scans.
    public var scanInterval: Int64
    /// Spreads hosts over the interval; random.
    public var salt: String
    /// The running boot.
    public var bootID: String?
    /// Its agent's version.
    public var agentVersion: String
    /// The protocol it speaks.
    public var protocolVersion: Int64

    /// A host with these fields.
    public init(
        id: String, organisation: String, asset: String? = nil, hostname: String, evidence: IdentityEvidence,
        labels: [String: String] = [:], token: String, certificate: HostCertificate, exchangeToken: SHA256Digest,
        interval: Int64, scanInterval: Int64, salt: String, bootID: String?, agentVersion: String,
        protocolVersion: Int64
    ) {
        self.id = id
        self.organisation = organisation
        self.asset = asset
        self.hostname = hostname
        self.evidence = evidence
        self.labels = labels
        self.token = token
        self.certificate = certificate
        self.exchangeToken = exchangeToken
        self.interval = interval
        self.scanInterval = scanInterval
        self.salt = salt
        self.bootID = bootID
        self.agentVersion = agentVersion
        self.protocolVersion = protocolVersion
    }
}
