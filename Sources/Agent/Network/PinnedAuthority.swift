import Digest
import NIOCore
import NIOPosix
import NIOSSL

/// Fetches the authority that a token pins from the chain that the listener presents.
enum PinnedAuthority {
    /// The certificate in the presented chain whose digest is one of `pins`.
    ///
    /// Nothing is believed and nothing is sent on this connection, which is closed as soon as the chain has come: the
    /// one that enrols is new, trusts only what is found here and is verified in the usual way, name included.
    static func fetch(
        from address: ServerAddress, pins: [SHA256Digest], group: MultiThreadedEventLoopGroup, limits: ExchangeLimits
    ) throws(ExchangeError) -> NIOSSLCertificate {
        var last = ExchangeError.unreachable("\(address) has no address")
        for target in try address.resolve() {
            do {
                let chain = try presentedChain(at: target, address, group, limits)
                for certificate in chain.prefix(8) {
                    let bytes = try certificate.toDERBytes()
                    if pins.contains(SHA256.hash(bytes)) { return certificate }
                }
                throw ExchangeError.untrusted(
                    "none of its \(chain.count) certificates is the authority that the token pins. "
                        + "The token is of another server, or somebody stands between")
            } catch let error as ExchangeError {
                last = error
            } catch {
                last = ExchangeError(error)
            }
        }
        throw last
    }

    private static func presentedChain(
        at target: SocketAddress, _ address: ServerAddress, _ group: MultiThreadedEventLoopGroup,
        _ limits: ExchangeLimits
    ) throws -> [NIOSSLCertificate] {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        // The host's own authorities decide nothing here, and a host without any must be able to enrol.
        configuration.trustRoots = .certificates([])
        let context = try NIOSSLContext(configuration: configuration)
        let name = address.isNumeric ? nil : address.host
        let loop = group.next()
        let chain = loop.makePromise(of: [NIOSSLCertificate].self)
        let deadline = loop.scheduleTask(in: .seconds(limits.exchange)) {
            chain.fail(ExchangeError.timedOut(seconds: limits.exchange))
        }
        let channel = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(limits.connect))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: name,
                        customVerificationCallback: { presented, verdict in
                            chain.succeed(presented)
                            verdict.succeed(.certificateVerified)
                        })
                    try channel.pipeline.syncOperations.addHandler(tls)
                    try channel.pipeline.syncOperations.addHandler(ChainFailureHandler(chain: chain))
                }
            }
            .connect(to: target)
        channel.whenFailure { chain.fail($0) }
        defer {
            deadline.cancel()
            channel.whenSuccess { $0.close(promise: nil) }
        }
        return try chain.futureResult.wait()
    }
}

/// Ends the wait for a chain when the connection ends without one.
private final class ChainFailureHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let chain: EventLoopPromise<[NIOSSLCertificate]>

    init(chain: EventLoopPromise<[NIOSSLCertificate]>) { self.chain = chain }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        chain.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        chain.fail(ExchangeError.closedEarly)
    }
}
