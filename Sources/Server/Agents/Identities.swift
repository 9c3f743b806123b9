import Digest
import Store
import Timestamps
import Wire

import enum Crypto.P256

extension ServerState {
    /// Issues a host's certificate.
    func issue(
        _ identity: HostIdentity, _ key: P256.Signing.PublicKey, _ now: Timestamp
    ) throws -> IssuedCertificate {
        try authorities.authorities.current.issueClient(
            identity, key: key, lifetime: configuration.certificateLifetime, now: now)
    }

    /// Who the host is from now on.
    func grant(
        _ organisation: String, _ host: String, _ certificate: IssuedCertificate, token: String
    ) -> IdentityGrant {
        IdentityGrant(
            host: host, organisation: organisation, certificate: certificate.pem,
            authorities: authorities.authorities.pems, agentAddress: agentAddress.description,
            enrolmentAddress: enrolmentAddress.description, exchangeToken: token, epoch: epoch)
    }
}

extension IssuedCertificate {
    /// What the store keeps of it.
    func record(key: P256.Signing.PublicKey) -> HostCertificate {
        HostCertificate(
            serial: serial, keyDigest: keyDigest(key), notBefore: notBefore, notAfter: notAfter, issuedAt: notBefore)
    }
}

/// SHA-256 of the key's DER.
func keyDigest(_ key: P256.Signing.PublicKey) -> SHA256Digest {
    SHA256.hash(Array(key.derRepresentation))
}

extension HostStatus {
    /// Refuses whoever may not talk to the server.
    func admit() throws(Refusal) {
        switch self {
        case .active: return
        case .quarantined: throw Refusal(.hostQuarantined)
        case .revoked: throw Refusal(.certificateRevoked)
        case .retired: throw Refusal(.hostRetired)
        }
    }
}

extension TokenRefusal {
    /// What the host is told: exactly which, for it has proved to know the secret.
    var problem: Problem {
        switch self {
        case .unknown: .tokenUnknown
        case .expired(let time): .token("expired", "The enrolment token has expired", "It was good until \(time).")
        case .spent:
            .token(
                "used-up", "The enrolment token is used up", "It has enrolled as many hosts as it was made for.")
        case .revoked(let time):
            .token("revoked", "The enrolment token is revoked", "An operator revoked it at \(time).")
        }
    }
}

extension MachineEvidence {
    /// As the store keeps it.
    var identity: IdentityEvidence {
        var evidence: IdentityEvidence = ["hostname": hostname]
        evidence["machine-id"] = machineID
        evidence["product-uuid"] = productUUID
        return evidence
    }
}
