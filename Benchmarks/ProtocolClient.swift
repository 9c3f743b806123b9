import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One HTTP/1.1 connection over TLS that sends a request after the other, with as little work of its own as can be.
final class ProtocolClient: Sendable {
    struct Response: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
    }

    private let channel: any Channel
    private let handler: NIOLoopBound<ResponseCollector>

    private init(channel: any Channel, handler: NIOLoopBound<ResponseCollector>) {
        self.channel = channel
        self.handler = handler
    }

    /// Connects; `context` decides about certificates.
    static func connect(
        host: String, port: Int, context: NIOSSLContext, group: any EventLoopGroup
    ) async throws -> ProtocolClient {
        let bootstrap = ClientBootstrap(group: group).connectTimeout(.seconds(10))
        let pair = try await bootstrap.connect(host: host, port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                let collector = ResponseCollector()
                let sync = channel.pipeline.syncOperations
                try sync.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                try sync.addHTTPClientHandlers()
                try sync.addHandler(collector)
                return (channel, NIOLoopBound(collector, eventLoop: channel.eventLoop))
            }
        }
        return ProtocolClient(channel: pair.0, handler: pair.1)
    }

    /// Sends one request and waits for its whole answer.
    func send(
        _ method: HTTPMethod, _ path: String, contentType: String = "application/json", body: [UInt8] = []
    ) async throws -> Response {
        let channel = channel
        let handler = handler
        return try await channel.eventLoop.flatSubmit {
            let promise = channel.eventLoop.makePromise(of: Response.self)
            handler.value.waiting = promise
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
            head.headers = ["Host": "fettle", "Content-Type": contentType, "Content-Length": "\(body.count)"]
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if !body.isEmpty {
                channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            }
            channel.writeAndFlush(HTTPClientRequestPart.end(nil)).cascadeFailure(to: promise)
            return promise.futureResult
        }.get()
    }

    /// Closes the connection.
    func close() async {
        try? await channel.close()
    }
}

/// Gathers the parts of one answer at a time.
private final class ResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    var waiting: EventLoopPromise<ProtocolClient.Response>?
    private var response = ProtocolClient.Response(status: 0, headers: [:], body: [])

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            response = .init(status: Int(head.status.code), headers: head.headers, body: [])
        case .body(let buffer):
            response.body.append(contentsOf: buffer.readableBytesView)
        case .end:
            waiting?.succeed(response)
            waiting = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        waiting?.fail(error)
        waiting = nil
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        waiting?.fail(ChannelError.eof)
        waiting = nil
    }
}
