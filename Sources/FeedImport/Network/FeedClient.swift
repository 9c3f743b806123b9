import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// What an answer says before its body.
struct FeedAnswer: Sendable {
    let status: Int
    let headers: HTTPHeaders
    /// The address that answered, after redirects.
    let url: FeedURL

    func header(_ name: String) -> String? { headers.first(name: name) }

    /// Bytes of the body, where they are said.
    var length: Int64? { header("content-length").flatMap { Int64($0) } }
}

/// Gets files over HTTP/1.1, plain or over TLS, by way of the environment's proxy; one connection a request.
struct FeedClient: Sendable {
    let limits: NetworkLimits
    let userAgent: String

    /// Gets one address, following redirects, and hands the body on piece by piece.
    ///
    /// - Parameters:
    ///   - headers: what is asked besides.
    ///   - begin: sees the answer before its body; what it throws ends the exchange.
    ///   - piece: takes a piece of the body.
    /// - Throws: ``ImportError`` of kind `network` where trying again may help.
    func get(
        _ url: FeedURL, _ headers: [(String, String)], begin: (FeedAnswer) throws -> Void,
        piece: (ByteBuffer) throws -> Void
    ) async throws -> FeedAnswer {
        var url = url
        for _ in 0...limits.redirects {
            let answer = try await exchange(url, headers, begin, piece)
            guard [301, 302, 303, 307, 308].contains(answer.status) else { return answer }
            guard let place = answer.header("location") else {
                throw ImportError(.refused, "\(url) answered \(answer.status) without saying where to")
            }
            url = try Self.redirected(from: url, to: place)
        }
        throw ImportError(.refused, "\(url): more than \(limits.redirects) redirects in a row")
    }

    /// Does something until it works or fails for good, with growing pauses, as often as the limits say.
    func retrying<Value>(_ body: () async throws -> Value) async throws -> Value {
        var attempt = 1
        while true {
            do {
                return try await body()
            } catch let error as ImportError where error.kind == .network {
                guard attempt < limits.attempts else {
                    throw ImportError(
                        .network, "\(error.description) (\(attempt) \(attempt == 1 ? "try" : "tries"))")
                }
                try await Task.sleep(for: .milliseconds(limits.pause << Int64(min(attempt - 1, 6))))
                attempt += 1
            }
        }
    }

    /// Gets a small file.
    func small(_ url: FeedURL, limit: Int = 1 << 20) async throws -> [UInt8] {
        try await retrying { try await smallOnce(url, limit) }
    }

    private func smallOnce(_ url: FeedURL, _ limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        let answer = try await get(url, []) { _ in
        } piece: { piece in
            bytes += piece.readableBytesView
            guard bytes.count <= limit else { throw ImportError(.refused, "\(url) is larger than \(limit) bytes") }
        }
        guard answer.status == 200 else { throw Self.refusal(answer) }
        return bytes
    }

    /// Where a redirect leads; what came over TLS is not gone on with in the open.
    static func redirected(from url: FeedURL, to place: String) throws(ImportError) -> FeedURL {
        let next = try url.resolving(place)
        guard next.scheme != .file, !(url.scheme == .https && next.scheme == .http) else {
            throw ImportError(.refused, "\(url) leads to \(next), which is less safe; that is not followed")
        }
        return next
    }

    /// The error of an answer that has no file.
    static func refusal(_ answer: FeedAnswer) -> ImportError {
        switch answer.status {
        case 404, 410:
            ImportError(
                .refused, "\(answer.url) answered \(answer.status): there is no such file; is the address right?")
        case 401, 403, 407:
            ImportError(.refused, "\(answer.url) answered \(answer.status): it does not let everybody in")
        case 408, 429, 500...599:
            ImportError(.network, "\(answer.url) answered \(answer.status): it is busy or broken; try again later")
        default: ImportError(.refused, "\(answer.url) answered \(answer.status), which is no file")
        }
    }

    // MARK: - One exchange

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func exchange(
        _ url: FeedURL, _ headers: [(String, String)], _ begin: (FeedAnswer) throws -> Void,
        _ piece: (ByteBuffer) throws -> Void
    ) async throws -> FeedAnswer {
        let failure = NIOLockedValueBox<ImportError?>(nil)
        let proxy = try Proxy.forAddress(url)
        let connection = try await connect(url, proxy, failure)
        let isThroughProxy = proxy != nil && url.scheme == .http
        var head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: isThroughProxy ? url.description : url.target,
            headers: [
                "host": url.authority, "user-agent": userAgent, "accept": "*/*", "accept-encoding": "identity",
                "connection": "close",
            ])
        for (name, value) in headers { head.headers.replaceOrAdd(name: name, value: value) }
        if isThroughProxy, let authorization = proxy?.authorization {
            head.headers.add(name: "proxy-authorization", value: authorization)
        }
        let request = head
        // What the caller's own code throws must come out as it is.
        var own: (any Error)?
        var answer: FeedAnswer?
        var isWhole = false
        do {
            try await connection.executeThenClose { inbound, outbound in
                // In one go: between two, a quick answer could have closed the connection, and it would be lost.
                try await outbound.write(contentsOf: [.head(request), .end(nil)])
                for try await part in inbound {
                    do {
                        switch part {
                        case .head(let response):
                            let received = FeedAnswer(
                                status: Int(response.status.code), headers: response.headers, url: url)
                            answer = received
                            if ![301, 302, 303, 307, 308].contains(received.status) { try begin(received) }
                        case .body(let buffer):
                            if let answer, ![301, 302, 303, 307, 308].contains(answer.status) { try piece(buffer) }
                        case .end:
                            isWhole = true
                            return
                        }
                    } catch {
                        own = error
                        throw error
                    }
                }
            }
        } catch {
            if let own { throw own }
            if !isWhole { throw failure.withLockedValue { $0 } ?? Self.broken(url, error) }
        }
        guard isWhole, let answer else {
            throw failure.withLockedValue { $0 }
                ?? ImportError(.network, "\(url): the connection ended before the file did")
        }
        return answer
    }

    private func connect(
        _ url: FeedURL, _ proxy: Proxy?, _ failure: NIOLockedValueBox<ImportError?>
    ) async throws -> Connection {
        let tls = url.scheme == .https ? try Self.trust() : nil
        let limits = limits
        let isNumeric = (try? SocketAddress(ipAddress: url.host, port: 0)) != nil
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(limits.connect))
                .connect(host: proxy?.host ?? url.host, port: proxy?.port ?? url.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let tls {
                            if let proxy { try pipeline.addHandler(ProxyTunnel(url, proxy, failure)) }
                            try pipeline.addHandler(
                                NIOSSLClientHandler(context: tls, serverHostname: isNumeric ? nil : url.host))
                        }
                        try pipeline.addHandler(PaceWatch(url, limits, failure))
                        try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                        try pipeline.addHandler(ReadsBeforeError())
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            let place = proxy.map { "the proxy \($0.host):\($0.port)" } ?? "\(url.host):\(url.port)"
            throw ImportError(.network, "\(url): cannot reach \(place): \(Self.reason(error))")
        }
    }

    /// Whose word counts on the other side: this system's authorities, or those of `SSL_CERT_FILE`.
    private static func trust() throws(ImportError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let file = getenv("SSL_CERT_FILE").map({ String(cString: $0) }), !file.isEmpty {
            configuration.trustRoots = .file(file)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ImportError(
                .file, "the certificates that are trusted cannot be read (SSL_CERT_FILE, or this system's): \(error)")
        }
    }

    private static func broken(_ url: FeedURL, _ error: any Error) -> ImportError {
        if error is NIOSSLExtraError {
            return ImportError(.refused, "\(url): its certificate is not believed: \(error)")
        }
        if case .handshakeFailed(let reason)? = error as? NIOSSLError {
            return ImportError(.refused, "\(url): TLS does not come about: \(reason)")
        }
        if error is HTTPParserError {
            return ImportError(.network, "\(url): the answer breaks off or is no HTTP (\(error))")
        }
        return ImportError(.network, "\(url): the connection broke: \(reason(error))")
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "the name \(error.host) is not known"
        }
        switch error as? ChannelError {
        case .connectTimeout?: return "no answer"
        case .eof?, .ioOnClosedChannel?, .alreadyClosed?: return "it was closed"
        default: return "\(error)"
        }
    }
}

/// Lets what was read before an error reach who waits for it: the asynchronous channel gives out only whole rounds of reading.
private final class ReadsBeforeError: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireChannelReadComplete()
        context.fireErrorCaught(error)
    }
}

/// Ends a connection that is too slow or takes too long; it stands below HTTP, so that every byte counts.
///
/// Only the source is blamed: time counts from the request on, and not while nobody here takes what came. Otherwise a loaded
/// machine would lose attempts before anything was asked.
private final class PaceWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let url: FeedURL
    private let limits: NetworkLimits
    private let failure: NIOLockedValueBox<ImportError?>
    private var count: Int64 = 0
    private var timers: [Scheduled<Void>] = []
    private var window: RepeatedTask?
    private var isAsked = false
    /// Whether more bytes are wanted.
    private var isReading = false

    init(_ url: FeedURL, _ limits: NetworkLimits, _ failure: NIOLockedValueBox<ImportError?>) {
        self.url = url
        self.limits = limits
        self.failure = failure
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if !isAsked {
            isAsked = true
            start(context)
        }
        context.write(data, promise: promise)
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Who wants more asks anew.
        isReading = false
        context.fireChannelReadComplete()
    }

    private func start(_ context: ChannelHandlerContext) {
        let loop = context.eventLoop
        let here = NIOLoopBound((self, context), eventLoop: loop)
        timers.append(
            loop.scheduleTask(in: .seconds(limits.total)) {
                let (watch, context) = here.value
                watch.end(context, "it is not done after \(watch.limits.total) s")
            })
        if limits.minimumRate > 0 {
            window = loop.scheduleRepeatedTask(initialDelay: .seconds(limits.window), delay: .seconds(limits.window)) {
                _ in
                let (watch, context) = here.value
                let count = watch.count
                watch.count = 0
                if watch.isReading, count < watch.limits.minimumRate * watch.limits.window {
                    watch.end(context, "only \(count) bytes came in \(watch.limits.window) s")
                }
            }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += Int64(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        for timer in timers { timer.cancel() }
        timers = []
        window?.cancel()
        window = nil
    }

    private func end(_ context: ChannelHandlerContext, _ reason: String) {
        stop()
        let error = ImportError(.network, "\(url): \(reason)")
        failure.withLockedValue { if $0 == nil { $0 = error } }
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}

/// Asks a proxy for a tunnel (RFC 9110, CONNECT) before TLS begins above it.
private final class ProxyTunnel: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let url: FeedURL
    private let proxy: Proxy
    private let failure: NIOLockedValueBox<ImportError?>
    private var answer: [UInt8] = []
    private var isOpen = false

    init(_ url: FeedURL, _ proxy: Proxy, _ failure: NIOLockedValueBox<ImportError?>) {
        self.url = url
        self.proxy = proxy
        self.failure = failure
    }

    func channelActive(context: ChannelHandlerContext) {
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        var text = "CONNECT \(host):\(url.port) HTTP/1.1\r\nhost: \(host):\(url.port)\r\n"
        if let authorization = proxy.authorization { text += "proxy-authorization: \(authorization)\r\n" }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOpen else { return context.fireChannelRead(data) }
        answer += unwrapInboundIn(data).readableBytesView
        let end: [UInt8] = [13, 10, 13, 10]
        guard let range = answer.firstRange(of: end) else {
            if answer.count > 64 << 10 { fail(context, "it answers without end") }
            return
        }
        let line = String(decoding: answer.prefix { $0 != 13 }, as: UTF8.self)
        guard line.hasPrefix("HTTP/1."), line.dropFirst(8).trimmed.hasPrefix("2") else {
            return fail(context, "it answered \"\(line.prefix(100))\"")
        }
        isOpen = true
        let rest = Array(answer[range.upperBound...])
        answer = []
        context.fireChannelActive()
        if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        let error = ImportError(.network, "\(url): the proxy \(proxy.host):\(proxy.port) opens no way there: \(reason)")
        failure.withLockedValue { if $0 == nil { $0 = error } }
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
