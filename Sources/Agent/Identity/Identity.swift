import FoundationEssentials
import SwiftASN1
public import Timestamps
public import Wire
import X509

/// Who this host is to its server: a grant that was verified, with its key.
public struct Identity: Sendable {
    /// What the server granted.
    public let grant: IdentityGrant
    /// The key that the certificate is for.
    public let key: HostKey
    /// When the certificate begins to be valid.
    public let notBefore: Timestamp
    /// When the certificate expires.
    public let notAfter: Timestamp

    /// The server's name for the host.
    public var host: String { grant.host }

    /// Checks a grant against the key it was asked for with.
    ///
    /// - Parameters:
    ///   - now: the certificate must not have expired then; nil skips that check, for one read from disk.
    ///   - predecessor: the identity that it renews: host and organisation must be the same.
    /// - Throws: ``GrantError``.
    public init(
        verifying grant: IdentityGrant, key: HostKey, now: Timestamp?, predecessor: Identity? = nil
    ) throws(GrantError) {
        guard let certificate = try? Certificate(pemEncoded: grant.certificate) else {
            throw GrantError.unreadable("certificate")
        }
        guard key.matches(certificate) else { throw GrantError.otherKey }
        var authorities: [Certificate] = []
        for text in grant.authorities {
            guard let authority = try? Certificate(pemEncoded: text) else { throw GrantError.unreadable("authority") }
            authorities.append(authority)
        }
        let issued = authorities.contains {
            $0.subject == certificate.issuer && $0.publicKey.isValidSignature(certificate.signature, for: certificate)
        }
        guard issued else { throw GrantError.notIssuedByItsAuthorities }
        let name = "urn:fettle:org:\(grant.organisation):host:\(grant.host)"
        guard let names = try? certificate.extensions.subjectAlternativeNames,
            names.contains(.uniformResourceIdentifier(name))
        else { throw GrantError.otherName(expected: name) }
        guard let usage = try? certificate.extensions.extendedKeyUsage, usage.contains(.clientAuth) else {
            throw GrantError.notForClients
        }
        let notBefore = Timestamp(date: certificate.notValidBefore)
        let notAfter = Timestamp(date: certificate.notValidAfter)
        guard notBefore < notAfter, now.map({ $0 < notAfter }) ?? true else {
            throw GrantError.expired(notAfter)
        }
        if let predecessor, (predecessor.grant.host, predecessor.grant.organisation) != (grant.host, grant.organisation)
        {
            throw GrantError.otherHost(grant.host)
        }
        for (what, address) in [("agent", grant.agentAddress), ("enrolment", grant.enrolmentAddress)]
        where ServerAddress(address) == nil {
            throw GrantError.badAddress("\(what) address \"\(address.prefix(80))\"")
        }
        self.grant = grant
        self.key = key
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    private init(grant: IdentityGrant, of identity: Identity) {
        self.grant = grant
        self.key = identity.key
        self.notBefore = identity.notBefore
        self.notAfter = identity.notAfter
    }

    /// The same identity trusting other authorities; nil where one cannot be read, or none is trusted already.
    ///
    /// Authorities are replaced one by one, so a list without any known one is a take-over or a mistake.
    public func trusting(_ authorities: [String]) -> Identity? {
        func known(_ texts: [String]) -> [Certificate] { texts.compactMap { try? Certificate(pemEncoded: $0) } }
        let new = known(authorities)
        let old = known(grant.authorities)
        guard new.count == authorities.count, new.contains(where: { old.contains($0) }) else { return nil }
        var grant = grant
        grant.authorities = authorities
        return Identity(grant: grant, of: self)
    }
}

/// Why what a server granted was not taken as this host's identity.
public enum GrantError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A certificate in it is not PEM of X.509.
    case unreadable(String)
    /// The certificate is for a key that this host did not make.
    case otherKey
    /// No authority in the grant signed the certificate.
    case notIssuedByItsAuthorities
    /// The certificate does not name the host and organisation of the grant.
    case otherName(expected: String)
    /// The certificate may not be used by a client.
    case notForClients
    /// The certificate has expired, at that time.
    case expired(Timestamp)
    /// A renewal for another host than this.
    case otherHost(String)
    /// An address that is not HOST:PORT.
    case badAddress(String)

    public var description: String {
        let reason =
            switch self {
            case .unreadable(let what): "its \(what) cannot be read"
            case .otherKey: "its certificate is for another key than this host's"
            case .notIssuedByItsAuthorities: "its certificate was signed by none of its authorities"
            case .otherName(let expected): "its certificate does not name \(expected)"
            case .notForClients: "its certificate is not for clients"
            case .expired(let time):
                "its certificate expired at \(time); compare this host's clock with the server's"
            case .otherHost(let host): "it is for host \(host), which this is not"
            case .badAddress(let what): "its \(what) is not HOST:PORT"
            }
        return "the server's grant was refused: \(reason)"
    }
}

extension Timestamp {
    init(date: Date) {
        self.init(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
    }
}
