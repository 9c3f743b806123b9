public import JSON

/// What identifies a machine as far as it can itself tell: evidence for the server's decision, never an identity.
public struct MachineEvidence: Hashable, Sendable {
    /// `/etc/machine-id`; nil where it cannot be read.
    public var machineID: String?
    /// The DMI product UUID; nil where it cannot be read.
    public var productUUID: String?
    /// The host name.
    public var hostname: String
    /// `/proc/sys/kernel/random/boot_id`; nil where it cannot be read.
    public var bootID: String?

    /// Evidence with these values.
    public init(machineID: String?, productUUID: String?, hostname: String, bootID: String?) {
        self.machineID = machineID
        self.productUUID = productUUID
        self.hostname = hostname
        self.bootID = bootID
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = ["hostname": .string(hostname)]
        if let machineID { fields["machineID"] = .string(machineID) }
        if let productUUID { fields["productUUID"] = .string(productUUID) }
        if let bootID { fields["bootID"] = .string(bootID) }
        return .object(fields)
    }

    init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            machineID: try object.optionalString("machineID", maximumBytes: 64),
            productUUID: try object.optionalString("productUUID", maximumBytes: 64),
            hostname: try object.string("hostname", maximumBytes: 255),
            bootID: try object.optionalString("bootID", maximumBytes: 64))
        try object.finish()
    }
}

/// `POST /agent/vN/enrol`, on the enrolment listener.
public struct EnrolmentRequest: WireMessage, Hashable {
    /// The token's name.
    public var tokenID: String
    /// The token's secret.
    public var secret: String
    /// A PKCS #10 request in PEM for the key made on the host. Its subject is ignored: the server decides the identity.
    public var certificateRequest: String
    /// What the machine says of itself.
    public var evidence: MachineEvidence
    /// The agent's version.
    public var agentVersion: String

    /// A request with these fields.
    public init(
        tokenID: String, secret: String, certificateRequest: String, evidence: MachineEvidence, agentVersion: String
    ) {
        self.tokenID = tokenID
        self.secret = secret
        self.certificateRequest = certificateRequest
        self.evidence = evidence
        self.agentVersion = agentVersion
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "tokenID": .string(tokenID), "secret": .string(secret), "certificateRequest": .string(certificateRequest),
            "evidence": evidence.json, "agentVersion": .string(agentVersion),
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            tokenID: try object.string("tokenID", maximumBytes: 64),
            secret: try object.string("secret", maximumBytes: 64),
            certificateRequest: try object.string("certificateRequest", maximumBytes: 8192),
            evidence: try MachineEvidence(object.object("evidence")),
            agentVersion: try object.string("agentVersion", maximumBytes: 64))
        try object.finish()
    }
}

/// Who the host is from now on: the answer to an enrolment, a renewal and a return.
public struct IdentityGrant: WireMessage, Hashable {
    /// The host's id, chosen by the server at random.
    public var host: String
    /// The organisation's id.
    public var organisation: String
    /// The client certificate, PEM.
    public var certificate: String
    /// The CA certificates to trust from now on, PEM, the current one first; two, so that one can be replaced.
    public var authorities: [String]
    /// `HOST:PORT` of the agent listener, which asks for the client certificate.
    public var agentAddress: String
    /// `HOST:PORT` of the enrolment listener, for a return after expiry.
    public var enrolmentAddress: String
    /// The exchange token to present at the next check-in: 64 hexadecimal digits.
    public var exchangeToken: String
    /// The server's epoch: higher after each restore from a backup.
    public var epoch: Int64

    /// A grant with these fields.
    public init(
        host: String, organisation: String, certificate: String, authorities: [String], agentAddress: String,
        enrolmentAddress: String, exchangeToken: String, epoch: Int64
    ) {
        self.host = host
        self.organisation = organisation
        self.certificate = certificate
        self.authorities = authorities
        self.agentAddress = agentAddress
        self.enrolmentAddress = enrolmentAddress
        self.exchangeToken = exchangeToken
        self.epoch = epoch
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "host": .string(host), "organisation": .string(organisation), "certificate": .string(certificate),
            "authorities": .array(authorities.map { .string($0) }), "agentAddress": .string(agentAddress),
            "enrolmentAddress": .string(enrolmentAddress), "exchangeToken": .string(exchangeToken),
            "epoch": .integer(epoch),
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            host: try object.string("host", maximumBytes: 64),
            organisation: try object.string("organisation", maximumBytes: 64),
            certificate: try object.string("certificate", maximumBytes: 8192),
            authorities: try object.strings("authorities", maximumCount: 4, maximumBytes: 8192),
            agentAddress: try object.string("agentAddress", maximumBytes: 300),
            enrolmentAddress: try object.string("enrolmentAddress", maximumBytes: 300),
            exchangeToken: try object.string("exchangeToken", maximumBytes: 64),
            epoch: try object.integer("epoch", in: 0...Int64.max))
        try object.finish()
    }
}

/// `POST /agent/vN/renew`, with the client certificate: answered with an ``IdentityGrant``.
public struct RenewalRequest: WireMessage, Hashable {
    /// A PKCS #10 request in PEM, for the same key or a new one.
    public var certificateRequest: String

    /// A request for that key.
    public init(certificateRequest: String) {
        self.certificateRequest = certificateRequest
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        ["certificateRequest": .string(certificateRequest)]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(certificateRequest: try object.string("certificateRequest", maximumBytes: 8192))
        try object.finish()
    }
}

/// `POST /agent/vN/challenge`, on the enrolment listener: answered with a nonce to sign.
public struct ReturnChallenge: WireMessage, Hashable {
    /// 64 hexadecimal digits, good once and for five minutes.
    public var nonce: String

    /// The challenge with that nonce.
    public init(nonce: String) {
        self.nonce = nonce
    }

    public func json(_ version: ProtocolVersion) -> JSONValue { ["nonce": .string(nonce)] }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(nonce: try object.string("nonce", maximumBytes: 64))
        try object.finish()
    }
}

/// `POST /agent/vN/return`, on the enrolment listener: a known host whose certificate expired while it was away
/// proves that it still has the key, and is answered with an ``IdentityGrant``.
public struct ReturnRequest: WireMessage, Hashable {
    /// The expired certificate, PEM.
    public var certificate: String
    /// The nonce of the ``ReturnChallenge``.
    public var nonce: String
    /// ECDSA P-256 over SHA-256 of ``signedBytes``, DER, in hexadecimal.
    public var signature: String
    /// A PKCS #10 request in PEM, for the same key or a new one.
    public var certificateRequest: String
    /// What the machine says of itself.
    public var evidence: MachineEvidence

    /// A request with these fields.
    public init(
        certificate: String, nonce: String, signature: String, certificateRequest: String, evidence: MachineEvidence
    ) {
        self.certificate = certificate
        self.nonce = nonce
        self.signature = signature
        self.certificateRequest = certificateRequest
        self.evidence = evidence
    }

    /// What is signed: a label, so that the signature means nothing elsewhere, the nonce and the new request.
    public static func signedBytes(nonce: String, certificateRequest: String) -> [UInt8] {
        Array("fettle return 1\n\(nonce)\n\(certificateRequest)".utf8)
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        [
            "certificate": .string(certificate), "nonce": .string(nonce), "signature": .string(signature),
            "certificateRequest": .string(certificateRequest), "evidence": evidence.json,
        ]
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            certificate: try object.string("certificate", maximumBytes: 8192),
            nonce: try object.string("nonce", maximumBytes: 64),
            signature: try object.string("signature", maximumBytes: 1024),
            certificateRequest: try object.string("certificateRequest", maximumBytes: 8192),
            evidence: try MachineEvidence(object.object("evidence")))
        try object.finish()
    }
}
