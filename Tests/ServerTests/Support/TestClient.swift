import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Wire

/// An answer as it came.
struct Answer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]

    var json: JSONValue { (try? JSONValue(parsing: body, limits: .facts)) ?? .null }
    var problem: Problem? { Problem(json: json) }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// The server closed the connection, or never spoke.
struct ConnectionLost: Error {}

/// One HTTP/1.1 connection, over TLS, plain, or on a Unix socket; written anew here so that tests share nothing with
/// the agent but the wire.
final class TestClient: Sendable {
    enum Place: Sendable {
        case tls(port: Int, NIOSSLContext)
        case plain(port: Int)
        case unix(String)
    }

    let channel: any Channel
    private let answers: NIOLoopBound<Collector>

    static func connect(_ place: Place) async throws -> TestClient {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
        let initializer: @Sendable (any Channel) -> EventLoopFuture<(any Channel, NIOLoopBound<Collector>)> = {
            channel in
            channel.eventLoop.makeCompletedFuture {
                let collector = Collector()
                let sync = channel.pipeline.syncOperations
                if case .tls(_, let context) = place {
                    try sync.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                }
                try sync.addHTTPClientHandlers()
                try sync.addHandler(collector)
                return (channel, NIOLoopBound(collector, eventLoop: channel.eventLoop))
            }
        }
        let pair: (any Channel, NIOLoopBound<Collector>)
        switch place {
        case .tls(let port, _), .plain(let port):
            pair = try await bootstrap.connect(host: "127.0.0.1", port: port, channelInitializer: initializer)
        case .unix(let path):
            pair = try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: initializer)
        }
        return TestClient(pair.0, pair.1)
    }

    private init(_ channel: any Channel, _ answers: NIOLoopBound<Collector>) {
        self.channel = channel
        self.answers = answers
    }

    /// Sends one request and waits for its whole answer.
    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil
    ) async throws -> Answer {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        if !head.headers.contains(name: "host") { head.headers.add(name: "host", value: "localhost") }
        if let body { head.headers.add(name: "content-length", value: "\(body.count)") }
        let parts: [HTTPClientRequestPart] =
            [.head(head)] + (body.map { [.body(.byteBuffer(ByteBuffer(bytes: $0)))] } ?? []) + [.end(nil)]
        return try await send(parts)
    }

    /// Sends the parts of a request, whole or not, and waits for an answer.
    func send(_ parts: [HTTPClientRequestPart]) async throws -> Answer {
        let (channel, answers) = (channel, answers)
        return try await channel.eventLoop.flatSubmit {
            let promise = channel.eventLoop.makePromise(of: Answer.self)
            answers.value.wait(promise)
            for part in parts { channel.write(part, promise: nil) }
            channel.flush()
            return promise.futureResult
        }.get()
    }

    func close() async { try? await channel.close() }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private var waiting: [EventLoopPromise<Answer>] = []
    private var answer = Answer(status: 0, headers: [:], body: [])
    private var dead = false

    func wait(_ promise: EventLoopPromise<Answer>) {
        if dead { promise.fail(ConnectionLost()) } else { waiting.append(promise) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answer = Answer(status: Int(head.status.code), headers: head.headers, body: [])
        case .body(let buffer): answer.body.append(contentsOf: buffer.readableBytesView)
        case .end: if !waiting.isEmpty { waiting.removeFirst().succeed(answer) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { fail(ConnectionLost()) }

    private func fail(_ error: any Error) {
        dead = true
        for promise in waiting { promise.fail(error) }
        waiting = []
    }
}
