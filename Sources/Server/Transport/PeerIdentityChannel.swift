import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import SwiftASN1
import Synchronization
import X509

/// Who is at the other end of a connection; filled once, when the handshake is complete.
final class Peer: Sendable {
    /// The peer of the connection whose request is being handled.
    @TaskLocal static var current: Peer?

    private let box = Mutex<PeerIdentity?>(nil)
    /// The peer's address without its port, for limits and the audit log.
    let address: String
    /// The listener that took the connection.
    let listener: String

    init(address: String, listener: String) {
        self.address = address
        self.listener = listener
    }

    var identity: PeerIdentity? {
        get { box.withLock { $0 } }
        set { box.withLock { $0 = newValue } }
    }
}

/// A TLS listener's connections: counted, limited, with the peer's certificate at hand in every request.
struct PeerIdentityChannel<Base: ServerChildChannel>: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let base: Base.Value
        let peer: Peer
        var channel: any Channel { base.channel }
    }

    let base: Base
    let listener: String
    let connections: ConnectionLimiter
    /// Asked for each new connection, so that a renewed certificate is used at once; nil for plain text.
    let context: (@Sendable () -> NIOSSLContext)?
    /// Whether requests are handled on the connection's own thread.
    let staysOnEventLoop: Bool
    let onHandshakeRefused: @Sendable (_ address: String, _ reason: String) -> Void

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let address = channel.remoteAddress?.ipAddress ?? "local"
        guard connections.opened(address) else {
            // Nobody else closes a connection whose set-up fails.
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(TooManyConnections(address: address))
        }
        channel.closeFuture.whenComplete { _ in connections.closed(address) }
        let peer = Peer(address: address, listener: listener)
        return channel.eventLoop.makeCompletedFuture {
            if let context {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.addHandler(NIOSSLServerHandler(context: context()))
                try pipeline.addHandler(PeerCapture(peer: peer, onHandshakeRefused: onHandshakeRefused))
            }
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }.map { Value(base: $0, peer: peer) }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
        }
    }

    func handle(value: Value, logger: Logger) async {
        // One task handles the connection, so the task local covers all of its requests.
        let executor = staysOnEventLoop ? EventLoopTasks(value.channel.eventLoop) : nil
        await withTaskExecutorPreference(executor) {
            await Peer.$current.withValue(value.peer) { await base.handle(value: value.base, logger: logger) }
        }
    }
}

/// Reads the verified leaf once, when the handshake is complete, and notes handshakes refused for their certificate.
private final class PeerCapture: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let peer: Peer
    private let onHandshakeRefused: @Sendable (String, String) -> Void
    private var done = false

    init(peer: Peer, onHandshakeRefused: @escaping @Sendable (String, String) -> Void) {
        self.peer = peer
        self.onHandshakeRefused = onHandshakeRefused
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            done = true
            if let leaf = try? context.channel.pipeline.syncOperations.nioSSL_peerCertificate(),
                let certificate = try? Certificate(derEncoded: leaf.toDERBytes())
            {
                peer.identity = PeerIdentity(certificate)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !done {
            let text = String(describing: error)
            if text.contains("CERTIFICATE") || text.contains("UNKNOWN_CA") {
                onHandshakeRefused(peer.address, String(text.prefix(300)))
            }
            done = true
        }
        context.fireErrorCaught(error)
    }
}

/// A connection beyond the limits is closed without an answer: answering would cost a handshake.
struct TooManyConnections: Error, CustomStringConvertible {
    let address: String
    var description: String { "too many connections from \(address) or in all" }
}

/// Counts open connections, in all and per address.
final class ConnectionLimiter: Sendable {
    private struct State {
        var total = 0
        var byAddress: [String: Int] = [:]
        var refused = 0
    }

    private let state = Mutex(State())
    private let maximum: Int
    private let maximumPerAddress: Int

    init(maximum: Int, maximumPerAddress: Int) {
        self.maximum = maximum
        self.maximumPerAddress = maximumPerAddress
    }

    /// Open connections, and how many were refused so far.
    var counts: (open: Int, refused: Int) { state.withLock { ($0.total, $0.refused) } }

    func opened(_ address: String) -> Bool {
        state.withLock { state in
            let count = state.byAddress[address, default: 0]
            guard state.total < maximum, count < maximumPerAddress else {
                state.refused += 1
                return false
            }
            state.total += 1
            state.byAddress[address] = count + 1
            return true
        }
    }

    func closed(_ address: String) {
        state.withLock { state in
            state.total -= 1
            let count = state.byAddress[address, default: 1] - 1
            state.byAddress[address] = count > 0 ? count : nil
        }
    }
}
