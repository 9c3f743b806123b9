import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOSSL
import Timestamps

/// A request of the agent: small, in memory.
struct HTTPRequest: Sendable {
    var method: HTTPMethod
    var path: String
    var contentType: String?
    var ifNoneMatch: String?
    var body: [UInt8] = []
    /// The largest answer that is taken, in bytes.
    var answerLimit: Int = 1 << 20
    /// Seconds for the whole exchange.
    var deadline: Int64 = 60
}

/// The parts of an answer that the agent looks at.
struct HTTPAnswer: Sendable {
    var status: Int
    var contentType: String?
    var entityTag: String?
    var retryAfter: String?
    var body: [UInt8]
}

/// What is written to the connection's last handler: a request and who waits for its answer.
struct PendingExchange: Sendable {
    let request: HTTPRequest
    let host: String
    let answer: EventLoopPromise<HTTPAnswer>
}

/// Why a connection failed first; it outlives the connection, whose later errors are only consequences.
typealias FirstFailure = NIOLockedValueBox<ExchangeError?>

/// Asks ``TransportGuard`` to end the connection at once.
struct HardClose: Sendable {}

/// Ends a connection without TLS's farewell: for that the peer's data would be read on, without end if it wants so.
/// It stands between TLS and the socket.
final class TransportGuard: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        if event is HardClose {
            context.close(promise: promise)
        } else {
            context.triggerUserOutboundEvent(event, promise: promise)
        }
    }
}

/// Sends one request at a time and gathers its answer within limits of size and time.
final class HTTPExchangeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = PendingExchange
    typealias OutboundOut = HTTPClientRequestPart

    private var pending: PendingExchange?
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var deadline: Scheduled<Void>?
    private let failure: FirstFailure

    init(failure: FirstFailure) { self.failure = failure }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        // The write itself always succeeds: what goes wrong is told once, by the answer.
        promise?.succeed()
        if let failure = failure.withLockedValue(\.self) { return exchange.answer.fail(failure) }
        guard pending == nil, context.channel.isActive else { return exchange.answer.fail(ExchangeError.closedEarly) }
        pending = exchange
        head = nil
        body = []
        let request = exchange.request
        let channel = context.channel
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: .seconds(request.deadline)) {
            bound.value.fail(.timedOut(seconds: request.deadline), channel)
        }
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: exchange.host)
        headers.add(name: "User-Agent", value: "fettle-agent/\(AgentVersion.text)")
        headers.add(name: "Accept", value: "application/json, application/problem+json")
        if let type = request.contentType { headers.add(name: "Content-Type", value: type) }
        if let tag = request.ifNoneMatch { headers.add(name: "If-None-Match", value: tag) }
        if request.method != .GET { headers.add(name: "Content-Length", value: String(request.body.count)) }
        let requestHead = HTTPRequestHead(
            version: .http1_1, method: request.method, uri: request.path, headers: headers)
        context.write(wrapOutboundOut(.head(requestHead)), promise: nil)
        if !request.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let request = pending?.request else {
            // An answer to nothing: whoever sends it is not a server of ours.
            return fail(.malformed("an answer came that nothing had asked for"), context.channel)
        }
        switch unwrapInboundIn(data) {
        case .head(let head):
            // 1xx are no answers yet.
            if head.status.code >= 200 { self.head = head }
        case .body(let part):
            guard body.count + part.readableBytes <= request.answerLimit else {
                return fail(.tooLarge(part: "answer", limit: request.answerLimit), context.channel)
            }
            body.append(contentsOf: part.readableBytesView)
        case .end:
            guard let head else { return }
            let answer = HTTPAnswer(
                status: Int(head.status.code), contentType: head.headers.first(name: "Content-Type"),
                entityTag: head.headers.first(name: "ETag"), retryAfter: head.headers.first(name: "Retry-After"),
                body: body)
            deadline?.cancel()
            let waiting = pending?.answer
            pending = nil
            body = []
            if !head.isKeepAlive { context.close(promise: nil) }
            waiting?.succeed(answer)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.closedEarly, context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(ExchangeError(error), context.channel)
    }

    private func fail(_ error: ExchangeError, _ channel: any Channel) {
        let first = failure.withLockedValue { failure in
            failure = failure ?? error
            return failure ?? error
        }
        deadline?.cancel()
        let waiting = pending?.answer
        pending = nil
        body = []
        waiting?.fail(first)
        channel.triggerUserOutboundEvent(HardClose(), promise: nil)
    }
}

/// Counts the bytes of an answer before they are parsed, so that neither endless headers nor chunks without content
/// grow anything.
final class InboundLimitHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limit: Int
    private var received = 0

    init(limit: Int) { self.limit = limit }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        received = 0
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received <= limit else {
            context.fireErrorCaught(ExchangeError.tooLarge(part: "answer with its headers", limit: limit))
            return
        }
        context.fireChannelRead(data)
    }
}

extension ExchangeError {
    /// What an error of the libraries means to the agent.
    init(_ error: any Error) {
        if let error = error as? ExchangeError {
            self = error
            return
        }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            self = .untrusted("it was not signed by an authority that this host trusts, or is out of date")
        } else if text.contains("failedToValidateHostname") || text.contains("unableToValidateCertificate") {
            self = .untrusted("it is for another name than the one dialled")
        } else if text.contains("ALERT_CERTIFICATE_EXPIRED") {
            self = .certificateRefused("expired")
        } else if text.contains("ALERT_CERTIFICATE_REVOKED") {
            self = .certificateRefused("revoked")
        } else if text.contains("ALERT") && (text.contains("CERTIFICATE") || text.contains("UNKNOWN_CA")) {
            self = .certificateRefused("it was not issued by that server's authority, or none was sent")
        } else if error as? HTTPParserError == .invalidEOFState {
            self = .closedEarly
        } else if error is HTTPParserError {
            self = .malformed("it is not HTTP (\(text))")
        } else if text.contains("uncleanShutdown") || text.contains("eofDuringHandshake") || error is ChannelError {
            self = .closedEarly
        } else if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            self = .unreachable("TLS failed: \(text)")
        } else {
            self = .unreachable(text)
        }
    }
}
