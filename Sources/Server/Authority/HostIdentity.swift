import Glibc
import Timestamps
import X509

/// Who a client certificate says the peer is.
public struct HostIdentity: Hashable, Sendable {
    /// The organisation's id.
    public let organisation: String
    /// The host's id.
    public let host: String

    /// That host of that organisation.
    public init(organisation: String, host: String) {
        self.organisation = organisation
        self.host = host
    }

    /// `urn:fettle:org:ORG:host:HOST`, the URI among the certificate's alternative names.
    public var uri: String { "urn:fettle:org:\(organisation):host:\(host)" }

    /// Reads ``uri``; nil for any other.
    public init?(uri: String) {
        let parts = uri.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "urn", parts[1] == "fettle", parts[2] == "org", parts[4] == "host",
            !parts[3].isEmpty, !parts[5].isEmpty
        else { return nil }
        self.init(organisation: parts[3], host: parts[5])
    }
}

/// What a verified client certificate says.
struct PeerIdentity: Hashable, Sendable {
    let identity: HostIdentity
    /// The serial number in hexadecimal.
    let serial: String
    let notAfter: Timestamp

    /// Reads a certificate that one of our authorities signed; nil where it names no host.
    init?(_ certificate: Certificate) {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return nil }
        let uris = names.compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { HostIdentity(uri: uri) } else { nil }
        }
        guard uris.count == 1, let identity = uris.first else { return nil }
        self.identity = identity
        self.serial = serialText(certificate.serialNumber)
        self.notAfter = timestamp(certificate.notValidAfter)
    }
}

/// The bytes of an IPv4 or IPv6 address; nil for a name.
func addressBytes(_ text: String) -> [UInt8]? {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
    var v6 = in6_addr()
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
    return nil
}
