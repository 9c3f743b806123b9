import Digest
import NIOCore
import NIOPosix
import NIOSSL

/// Which certificates are believed.
enum ServerTrust {
    /// The TLS context of a client.
    ///
    /// - Parameter authority: the PEM of the only authority that may vouch for the server; nil for this system's.
    static func context(authority: String?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = authority == nil ? .tlsv12 : .tlsv13
        configuration.applicationProtocols = ["http/1.1"]
        if let authority {
            configuration.trustRoots = .certificates([try NIOSSLCertificate(bytes: Array(authority.utf8), format: .pem)]
            )
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// The chain that a server presents. Nothing is believed and nothing is sent on that connection: the next one
    /// trusts what is chosen of it, and verifies in the usual way.
    static func presentedChain(_ address: WebAddress) async throws -> [NIOSSLCertificate] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([])
        configuration.applicationProtocols = ["http/1.1"]
        let context = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let chain = loop.makePromise(of: [NIOSSLCertificate].self)
        let deadline = loop.scheduleTask(in: .seconds(20)) { chain.fail(ChannelError.connectTimeout(.seconds(20))) }
        defer { deadline.cancel() }
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop).connectTimeout(.seconds(10)).channelInitializer {
                channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLClientHandler(
                            context: context, serverHostname: serverName(address),
                            customVerificationCallback: { presented, verdict in
                                chain.succeed(presented)
                                verdict.succeed(.failed)
                            }), ChainEnd(chain: chain))
                }
            }.connect(host: address.host, port: address.port).get()
        } catch {
            chain.fail(error)
            _ = try? await chain.futureResult.get()
            throw CommandFailure.failed("cannot reach \(address): \(OperatorClient.reason(error))")
        }
        defer { channel.close(promise: nil) }
        do {
            return Array(try await chain.futureResult.get().prefix(8))
        } catch {
            throw CommandFailure.failed("\(address) does not speak TLS as Fettle does: \(OperatorClient.reason(error))")
        }
    }

    /// The name for SNI and verification; nil for an address, which is verified as one.
    static func serverName(_ address: WebAddress) -> String? {
        (try? SocketAddress(ipAddress: address.host, port: 0)) == nil ? address.host : nil
    }

    /// SHA-256 of a certificate, as `fettle authority` shows it.
    static func fingerprint(_ certificate: NIOSSLCertificate) throws -> String {
        SHA256.hash(try certificate.toDERBytes()).hex
    }

    /// The same of a certificate as PEM.
    static func fingerprint(pem: String) throws -> String {
        try fingerprint(try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem))
    }

    /// A certificate as PEM (RFC 7468).
    static func pem(_ certificate: NIOSSLCertificate) throws -> String {
        let text = base64(try certificate.toDERBytes())
        var lines: [Substring] = []
        var rest = text[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(64))
            rest = rest.dropFirst(64)
        }
        return "-----BEGIN CERTIFICATE-----\n\(lines.joined(separator: "\n"))\n-----END CERTIFICATE-----\n"
    }

    /// A fingerprint however it was typed: in capitals, with colons, with `sha256:` before it; nil for anything else.
    static func fingerprint(typed text: String) -> String? {
        var text = text.lowercased()
        if text.hasPrefix("sha256:") { text.removeFirst(7) }
        let digits = text.filter { $0 != ":" && $0 != " " }
        return digits.utf8.count == 64 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let value = part.reduce(0) { $0 << 8 | Int($1) } << ((3 - part.count) * 8)
            for index in 0..<4 {
                result.append(index <= part.count ? alphabet[(value >> (18 - 6 * index)) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Ends the wait for a chain when the connection ends without one.
private final class ChainEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let chain: EventLoopPromise<[NIOSSLCertificate]>

    init(chain: EventLoopPromise<[NIOSSLCertificate]>) { self.chain = chain }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        chain.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { chain.fail(ChannelError.eof) }
}
