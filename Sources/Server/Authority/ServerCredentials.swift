import Logging
import NIOSSL
import Synchronization
import Timestamps

import enum Crypto.P256

/// The TLS contexts of the listeners, made anew before the server's certificate ends or when an
/// authority changes: connections take whichever is current when they open, so nothing is restarted.
final class ServerCredentials: Sendable {
    /// What new connections use.
    struct Contexts: Sendable {
        let agents: NIOSSLContext
        let enrolment: NIOSSLContext
        let web: NIOSSLContext
        let renewAt: Timestamp
        let issuer: Int
    }

    private let authorities: AuthorityStore
    private let names: [String]
    private let lifetime: Int64
    private let webFiles: (chain: String, key: String)?
    private let clock: ServerClock
    private let current: Mutex<Contexts>
    private let fromFiles: Mutex<WebCertificate?>

    /// - Parameters:
    ///   - names: DNS names and addresses under which agents reach the server.
    ///   - lifetime: of the server's certificates, in seconds.
    ///   - web: files of a certificate and key for browsers, read again when they change.
    init(
        authorities: AuthorityStore, names: [String], lifetime: Int64, web: (chain: String, key: String)?,
        clock: ServerClock
    ) throws {
        self.authorities = authorities
        self.names = names
        self.lifetime = lifetime
        self.clock = clock
        self.webFiles = web
        self.fromFiles = Mutex(try web.map { try WebCertificate(chain: $0.chain, key: $0.key) })
        self.current = Mutex(try Self.make(authorities.authorities, names, lifetime, clock.now()))
    }

    var agents: NIOSSLContext { current.withLock { $0.agents } }
    var enrolment: NIOSSLContext { current.withLock { $0.enrolment } }
    var web: NIOSSLContext { fromFiles.withLock { $0?.context } ?? current.withLock { $0.web } }

    /// Issues a new certificate where two thirds of the current one are over or the authority has changed.
    ///
    /// - Returns: whether it did.
    func renewIfDue() throws -> Bool {
        if let files = webFiles, WebCertificate.stamp(files) != fromFiles.withLock({ $0?.stamp }) {
            let fresh = try WebCertificate(chain: files.chain, key: files.key)
            fromFiles.withLock { $0 = fresh }
        }
        let now = clock.now()
        let set = authorities.authorities
        guard current.withLock({ now >= $0.renewAt || $0.issuer != set.current.number }) else { return false }
        let fresh = try Self.make(set, names, lifetime, now)
        current.withLock { $0 = fresh }
        return true
    }

    private static func make(
        _ set: AuthorityStore.Authorities, _ names: [String], _ lifetime: Int64, _ now: Timestamp
    ) throws -> Contexts {
        // The key lives in memory only: whoever copies the disk cannot pose as this server with it.
        let key = P256.Signing.PrivateKey()
        let issued = try set.current.issueServer(names: names, key: key.publicKey, lifetime: lifetime, now: now)
        let chain: [NIOSSLCertificateSource] = [
            .certificate(try NIOSSLCertificate(bytes: issued.der, format: .der)),
            .certificate(try NIOSSLCertificate(bytes: set.current.der, format: .der)),
        ]
        let privateKey = NIOSSLPrivateKeySource.privateKey(
            try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: privateKey)
        configuration.minimumTLSVersion = .tlsv13
        configuration.applicationProtocols = ["http/1.1"]
        let enrolment = try NIOSSLContext(configuration: configuration)
        configuration.trustRoots = .certificates(
            try set.trusted.map { try NIOSSLCertificate(bytes: $0.der, format: .der) })
        // Chain, dates and usage are checked by BoringSSL; a client has no host name to check.
        configuration.certificateVerification = .noHostnameVerification
        return Contexts(
            agents: try NIOSSLContext(configuration: configuration), enrolment: enrolment, web: enrolment,
            renewAt: now.adding(seconds: lifetime * 2 / 3), issuer: set.current.number)
    }
}
