import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
// Nothing of it is used here: the import makes the static link name its library, which SwiftNIO's inlined locks need.
import Synchronization

/// How long and how large an exchange may become.
public struct ExchangeLimits: Sendable {
    /// Seconds until one address must have answered a connection attempt.
    public var connect: Int64 = 10
    /// Seconds for a whole exchange, handshake included.
    public var exchange: Int64 = 60
    /// Seconds for the upload of a document.
    public var upload: Int64 = 600
    /// The largest answer, in bytes.
    public var answer: Int = 1 << 20
    /// The largest desired state, whose jobs bring their plans with them, in bytes.
    public var state: Int = 8 << 20
    /// What headers and chunk framing may add to it, in bytes.
    public var overhead: Int = 64 << 10

    /// The limits of the agent.
    public init() {}
}

/// A client of one listener, over one connection that is opened when needed. Calls block; it is used by one thread.
final class HTTPSClient {
    private let group: MultiThreadedEventLoopGroup
    private let address: ServerAddress
    private let context: NIOSSLContext
    private let limits: ExchangeLimits
    private var channel: (any Channel)?
    private var failure = FirstFailure(nil)

    init(
        _ address: ServerAddress, _ configuration: TLSConfiguration, group: MultiThreadedEventLoopGroup,
        limits: ExchangeLimits
    ) throws(ExchangeError) {
        self.address = address
        self.group = group
        self.limits = limits
        do {
            self.context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw ExchangeError.local("TLS cannot be set up: \(error)")
        }
    }

    deinit { close() }

    /// Ends the connection; the next exchange opens another.
    func close() {
        guard let channel else { return }
        self.channel = nil
        // Not waited for: a server that does not answer the end of TLS must not hold the agent.
        channel.close(promise: nil)
    }

    /// Sends a request and waits for its answer.
    func exchange(_ request: HTTPRequest) throws(ExchangeError) -> HTTPAnswer {
        if let channel, channel.isActive {
            // A kept connection may have been closed by the server meanwhile: once more on a new one.
            do {
                return try send(request, on: channel)
            } catch ExchangeError.closedEarly {
                close()
            } catch {
                close()
                throw error
            }
        }
        let channel = try connect()
        self.channel = channel
        do {
            return try send(request, on: channel)
        } catch {
            close()
            throw error
        }
    }

    private func send(_ request: HTTPRequest, on channel: any Channel) throws(ExchangeError) -> HTTPAnswer {
        let promise = channel.eventLoop.makePromise(of: HTTPAnswer.self)
        let exchange = PendingExchange(request: request, host: address.description, answer: promise)
        let failure = failure
        // Fails only where the connection has ended already, for a reason that was noted then.
        channel.writeAndFlush(exchange).whenFailure { error in
            promise.fail(failure.withLockedValue(\.self) ?? ExchangeError(error))
        }
        do {
            return try promise.futureResult.wait()
        } catch {
            throw ExchangeError(error)
        }
    }

    private func connect() throws(ExchangeError) -> any Channel {
        var last = ExchangeError.unreachable("\(address) has no address")
        for target in try address.resolve() {
            do {
                return try bootstrap().connect(to: target).wait()
            } catch let error as ExchangeError {
                last = error
            } catch {
                last = .unreachable("\(address) (\(target.ipAddress ?? "")): \(Self.reason(error))")
            }
        }
        throw last
    }

    private func bootstrap() -> ClientBootstrap {
        let context = context
        let name = address.isNumeric ? nil : address.host
        let limit = max(limits.answer, limits.state) + limits.overhead
        let failure = FirstFailure(nil)
        self.failure = failure
        return ClientBootstrap(group: group)
            .connectTimeout(.seconds(limits.connect))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(TransportGuard())
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                    try pipeline.addHandler(InboundLimitHandler(limit: limit))
                    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                    try pipeline.addHandler(HTTPExchangeHandler(failure: failure))
                }
            }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return SystemError("connect", "", code: error.errnoCode).reason }
        if case .connectTimeout? = error as? ChannelError { return "no answer" }
        return "\(error)"
    }
}
