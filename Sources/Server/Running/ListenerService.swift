import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// One listener of the server, with its limits.
struct ListenerService: Service {
    let name: String
    let address: BindAddress
    /// Where it was asked to listen, for errors.
    let place: String
    let responder: ListenerResponder
    let connections: ConnectionLimiter
    let limits: ServerLimits
    /// The TLS context of new connections; nil for plain text.
    let context: (@Sendable () -> NIOSSLContext)?
    let onHandshakeRefused: @Sendable (_ address: String, _ reason: String) -> Void
    let onRunning: @Sendable (any Channel) async -> Void
    let logger: Logger

    func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let limits = limits
        let connections = connections
        let context = context
        let name = name
        let onHandshakeRefused = onHandshakeRefused
        // Its requests are many and short; those of people and of enrolment may compute for long.
        let staysOnEventLoop = name == "agents"
        let builder = HTTPServerBuilder { responder in
            PeerIdentityChannel(
                base: HTTP1Channel(
                    responder: responder,
                    configuration: .init(
                        additionalChannelHandlers: [RequestDeadlines(times: limits)], idleTimeout: nil,
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                            maxHeaderFieldCount: limits.headerCount))),
                listener: name, connections: connections, context: context, staysOnEventLoop: staysOnEventLoop,
                onHandshakeRefused: onHandshakeRefused)
        }
        let application = Application(
            responder: responder, server: builder,
            configuration: .init(address: address, serverName: nil, backlog: 4096), onServerRunning: onRunning,
            logger: quiet)
        do {
            try await application.run()
        } catch let error as IOError {
            throw ServerStartError(
                "cannot listen for \(name) on \(place): \(error.description); "
                    + (error.errnoCode == 98
                        ? "another program uses it: stop that, or choose another with --listen-\(name)"
                        : "choose another with --listen-\(name)"),
                isBusy: error.errnoCode == 98)
        }
    }
}

/// Why the server did not start.
public struct ServerStartError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String
    /// Whether an address was in use.
    public let isBusy: Bool

    init(_ text: String, isBusy: Bool = false) {
        description = text
        self.isBusy = isBusy
    }
}
