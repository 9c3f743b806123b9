import Glibc
import NIOSSL

/// A certificate and key for browsers, from files that somebody else renews.
struct WebCertificate: Sendable {
    let context: NIOSSLContext
    /// Tells whether the files have changed.
    let stamp: String

    /// Reads both files.
    ///
    /// - Throws: ``AuthorityError`` that names the file and says what is wrong.
    init(chain: String, key: String) throws {
        stamp = Self.stamp((chain, key))
        let certificates: [NIOSSLCertificate]
        do { certificates = try NIOSSLCertificate.fromPEMFile(chain) } catch {
            throw AuthorityError("--web-certificate \(chain) cannot be read as certificates in PEM: \(error)")
        }
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(file: key, format: .pem) } catch {
            throw AuthorityError("--web-key \(key) cannot be read as a private key in PEM: \(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do { context = try NIOSSLContext(configuration: configuration) } catch {
            throw AuthorityError("--web-certificate \(chain) and --web-key \(key) do not belong together: \(error)")
        }
    }

    /// Both files' identities and times of change.
    static func stamp(_ files: (chain: String, key: String)) -> String {
        [files.chain, files.key].map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return "none" }
            return "\(status.st_ino) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec) \(status.st_size)"
        }.joined(separator: ",")
    }
}
