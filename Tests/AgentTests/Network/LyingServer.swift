import JSON
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Wire

/// A real TLS server that answers as a test tells it to, however wrong.
final class LyingServer: Sendable {
    enum Answer: Sendable {
        /// A whole answer.
        case reply(status: Int, headers: [String: String], body: [UInt8])
        /// A body that never ends, as fast as the client reads.
        case endlessBody
        /// Headers that never end.
        case endlessHeaders
        /// A byte of a body now and then.
        case drip
        /// A part of a body, then the end of the connection.
        case cut
        /// Nothing.
        case silence

        static func json(_ bytes: [UInt8], status: Int = 200, _ headers: [String: String] = [:]) -> Answer {
            .reply(
                status: status, headers: headers.merging(["Content-Type": "application/json"]) { $1 }, body: bytes)
        }

        static func problem(_ problem: Problem, _ headers: [String: String] = [:]) -> Answer {
            .reply(
                status: problem.status,
                headers: headers.merging(["Content-Type": "application/problem+json"]) { $1 },
                body: problem.json.canonicalBytes())
        }
    }

    struct Request: Sendable {
        var method: String
        var path: String
        var headers: [String: String]
        var body: [UInt8]
    }

    let port: Int
    private let channel: any Channel
    private let received = NIOLockedValueBox<[Request]>([])
    private let written = NIOLockedValueBox(0)

    /// Everything that was asked, in order.
    var requests: [Request] { received.withLockedValue { $0 } }
    /// Bytes of bodies that the server could write.
    var bytesWritten: Int { written.withLockedValue { $0 } }

    init(
        _ credentials: (chain: [NIOSSLCertificate], key: NIOSSLPrivateKey), clientsOf authority: String? = nil,
        answer: @escaping @Sendable (Request) -> Answer
    ) throws {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: credentials.chain.map { .certificate($0) }, privateKey: .privateKey(credentials.key))
        configuration.minimumTLSVersion = .tlsv13
        if let authority {
            configuration.trustRoots = .certificates([
                try NIOSSLCertificate(bytes: Array(authority.utf8), format: .pem)
            ])
            configuration.certificateVerification = .noHostnameVerification
        }
        let context = try NIOSSLContext(configuration: configuration)
        let received = received
        let written = written
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Handler(received: received, written: written, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let received: NIOLockedValueBox<[Request]>
        private let written: NIOLockedValueBox<Int>
        private let answer: @Sendable (Request) -> Answer
        private var request = Request(method: "", path: "", headers: [:], body: [])

        init(
            received: NIOLockedValueBox<[Request]>, written: NIOLockedValueBox<Int>,
            answer: @escaping @Sendable (Request) -> Answer
        ) {
            self.received = received
            self.written = written
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(method: head.method.rawValue, path: head.uri, headers: [:], body: [])
                for (name, value) in head.headers { request.headers[name.lowercased()] = value }
            case .body(let part): request.body.append(contentsOf: part.readableBytesView)
            case .end:
                let request = request
                received.withLockedValue { $0.append(request) }
                respond(answer(request), context)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func respond(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .reply(let status, let headers, let body):
                head(context, status, headers.merging(["Content-Length": "\(body.count)"]) { $1 })
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .endlessBody:
                head(context, 200, ["Content-Type": "application/json"])
                pour(context, bytes: 64 << 10, every: .zero)
            case .drip:
                head(context, 200, ["Content-Type": "application/json"])
                pour(context, bytes: 1, every: .milliseconds(100))
            case .endlessHeaders:
                var headers = ["Content-Type": "application/json"]
                for index in 0..<5000 { headers["X-Filler-\(index)"] = String(repeating: "x", count: 500) }
                head(context, 200, headers)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .cut:
                head(context, 200, ["Content-Type": "application/json", "Content-Length": "100"])
                let part = ByteBuffer(string: "{\"half")
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(part))), promise: nil)
                context.close(promise: nil)
            case .silence: break
            }
        }

        private func head(_ context: ChannelHandlerContext, _ status: Int, _ headers: [String: String]) {
            let head = HTTPResponseHead(
                version: .http1_1, status: .init(statusCode: status), headers: HTTPHeaders(headers.map { ($0, $1) }))
            context.write(wrapOutboundOut(.head(head)), promise: nil)
        }

        private func pour(_ context: ChannelHandlerContext, bytes: Int, every pause: TimeAmount) {
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let part = ByteBuffer(repeating: UInt8(ascii: " "), count: bytes)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(part)))).whenSuccess {
                let (handler, context) = bound.value
                handler.written.withLockedValue { $0 += bytes }
                context.eventLoop.scheduleTask(in: pause) {
                    let (handler, context) = bound.value
                    if context.channel.isActive { handler.pour(context, bytes: bytes, every: pause) }
                }
            }
        }
    }
}
