import ArgumentParser
import Glibc
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Wire

/// Where the server's data is: how commands find the server of this machine.
struct DataOption: ParsableArguments {
    @Option(
        name: .long,
        help: "The server's data folder. Default: $FETTLE_DATA, else ./var, else /var/lib/fettle.",
        completion: .directory)
    var data: String?

    /// The folder to use: the first that has a server's socket, else the first.
    var path: String {
        if let data { return data }
        if let value = environment("FETTLE_DATA") { return value }
        let places = ["./var", "/var/lib/fettle"]
        return places.first { access("\($0)/fettle.sock", F_OK) == 0 } ?? places[0]
    }

    /// The client of the server there.
    var client: OperatorClient { OperatorClient(data: path) }
}

/// Talks HTTP/1.1 to the operator API on the server's Unix socket.
struct OperatorClient: Sendable {
    let data: String

    /// The answer to a request.
    struct Answer: Sendable {
        let status: Int
        let json: JSONValue
        /// The path of the next page.
        let next: String?
    }

    /// Gets a resource.
    func get(_ path: String, _ query: [(String, String?)] = []) async throws -> JSONValue {
        try await send(.GET, path + Self.query(query), nil).json
    }

    /// Gets all pages of a list, up to `limit` items.
    func list(_ path: String, _ query: [(String, String?)] = [], limit: Int = 100_000) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var next: String? = path + Self.query(query)
        while let page = next, items.count < limit {
            let answer = try await send(.GET, page, nil)
            items += answer.json["items"]?.array ?? []
            next = answer.next
        }
        return Array(items.prefix(limit))
    }

    /// Sends a body.
    func post(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        try await send(.POST, path, body).json
    }

    /// Deletes a resource.
    func delete(_ path: String) async throws -> JSONValue {
        try await send(.DELETE, path, nil).json
    }

    /// A query string; nil values are left out.
    static func query(_ items: [(String, String?)]) -> String {
        let parts = items.compactMap { key, value in value.map { "\(key)=\(escaped($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }

    /// Text as it may stand in a path or query (RFC 3986, section 2.3).
    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: JSONValue?) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: NIOHTTPClientResponseFull.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOHTTPClientResponseAggregator(maxContentLength: 64 << 20), ResponseHandler(promise: promise))
                }
            }.connect(unixDomainSocketPath: "\(data)/fettle.sock").get()
        } catch {
            promise.fail(error)
            _ = try? await promise.futureResult.get()
            throw CommandFailure.notRunning(data, Self.reason(error))
        }
        let bytes = body?.canonicalBytes()
        var headers: HTTPHeaders = ["host": "fettle", "connection": "close", "accept": "application/json"]
        if let bytes {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: String(bytes.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let bytes { channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil) }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        let timeout = loop.scheduleTask(in: .seconds(60)) { promise.fail(ChannelError.connectTimeout(.seconds(60))) }
        defer { timeout.cancel() }
        let response: NIOHTTPClientResponseFull
        do {
            response = try await promise.futureResult.get()
        } catch {
            throw CommandFailure.failed("the server broke off while it answered \(method) \(path): \(error)")
        }
        return try Self.answer(response)
    }

    private static func answer(_ response: NIOHTTPClientResponseFull) throws -> Answer {
        let body = response.body.map { Array($0.readableBytesView) } ?? []
        let limits = JSONLimits(
            maximumBytes: 64 << 20, maximumDepth: 32, maximumItems: 4_000_000, maximumStringBytes: 1 << 20)
        let json = body.isEmpty ? .null : try JSONValue(parsing: body, limits: limits)
        let status = Int(response.head.status.code)
        if status >= 400 {
            guard let problem = Problem(json: json) else {
                throw CommandFailure.failed("the server answered with status \(status)")
            }
            let text = "\(problem.title): \(problem.detail)\n\(problem.cure)"
            throw status == 404 ? CommandFailure.notFound(text) : CommandFailure.failed(text)
        }
        let next = response.head.headers.first(name: "link").flatMap { link -> String? in
            guard link.hasSuffix("rel=\"next\""), link.hasPrefix("<"), let end = link.firstIndex(of: ">") else {
                return nil
            }
            return String(link[link.index(after: link.startIndex)..<end])
        }
        return Answer(status: status, json: json, next: next)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode))
    }
}

/// Hands the first whole response to a promise.
private final class ResponseHandler: ChannelInboundHandler {
    typealias InboundIn = NIOHTTPClientResponseFull

    private let promise: EventLoopPromise<NIOHTTPClientResponseFull>
    private var done = false

    init(promise: EventLoopPromise<NIOHTTPClientResponseFull>) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        finish { $0.succeed(unwrapInboundIn(data)) }
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish { $0.fail(error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish { $0.fail(ChannelError.eof) }
        context.fireChannelInactive()
    }

    private func finish(_ body: (EventLoopPromise<NIOHTTPClientResponseFull>) -> Void) {
        guard !done else { return }
        done = true
        body(promise)
    }
}
