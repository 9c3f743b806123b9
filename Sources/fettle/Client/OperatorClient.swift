import Glibc
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Wire

/// Talks HTTP/1.1 to the API: on the server's Unix socket, or over TLS from anywhere.
struct OperatorClient: Sendable {
    /// Where the server is.
    enum Place: Sendable {
        /// The data folder of a server on this machine.
        case socket(String)
        /// A server elsewhere, and the login there.
        case web(Context)
    }

    let place: Place

    /// The client of the server on this machine with that data folder.
    init(data: String) { place = .socket(data) }

    /// The client of the server that a context names.
    init(_ context: Context) {
        var context = context
        if let token = environment("FETTLE_TOKEN") { context.token = token }
        place = .web(context)
    }

    /// The client of a server to which nobody has logged in yet.
    init(anonymous context: Context) {
        var context = context
        context.token = nil
        place = .web(context)
    }

    /// The organisation that is meant where none is said.
    var organisation: String? { if case .web(let context) = place { context.organisation } else { nil } }

    /// The answer to a request.
    struct Answer: Sendable {
        let status: Int
        let json: JSONValue
        /// The path of the next page.
        let next: String?
        /// What names this state of the resource, for If-Match.
        let entityTag: String?
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

    /// Changes members of a resource (RFC 7396), unless somebody else has changed it meanwhile: then once more.
    func patch(_ path: String, _ body: JSONValue, _ query: [(String, String?)] = []) async throws -> JSONValue {
        for attempt in 0... {
            let tag = try await send(.GET, path, nil).entityTag
            do {
                return try await send(.PATCH, path + Self.query(query), body, ifMatch: tag).json
            } catch let refusal as Refused where refusal.problem.status == 412 && attempt < 3 {
                continue
            } catch let refusal as Refused {
                throw refusal.failure
            }
        }
        return .null
    }

    /// Changes a resource whatever it is by now: for one that cannot be read any more.
    func patch(unread path: String, _ body: JSONValue, _ query: [(String, String?)] = []) async throws -> JSONValue {
        try await send(.PATCH, path + Self.query(query), body, ifMatch: "*").json
    }

    /// Posts without turning a problem into a failure: for questions whose refusal is an answer.
    func ask(_ path: String, _ body: JSONValue) async throws -> Result<JSONValue, Refused> {
        do {
            return .success(try await exchange(.POST, path, body, nil).json)
        } catch let refusal as Refused {
            return .failure(refusal)
        }
    }

    /// Gets without turning a problem into a failure.
    func look(_ path: String, _ query: [(String, String?)] = []) async throws -> Result<JSONValue, Refused> {
        do {
            return .success(try await exchange(.GET, path + Self.query(query), nil, nil).json)
        } catch let refusal as Refused {
            return .failure(refusal)
        }
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

    /// What is there with its ETag, for a later change.
    func tagged(_ path: String) async throws -> (json: JSONValue, tag: String?) {
        let answer = try await send(.GET, path, nil)
        return (answer.json, answer.entityTag)
    }

    /// Replaces what has that ETag; nil where it is another meanwhile.
    func put(_ path: String, _ body: JSONValue, ifMatch tag: String?) async throws -> JSONValue? {
        do {
            return try await send(.PUT, path, body, ifMatch: tag).json
        } catch let refusal as Refused where refusal.problem.status == 412 {
            return nil
        }
    }

    // MARK: - Exchanges

    private func send(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue?, ifMatch: String? = nil
    ) async throws -> Answer {
        do {
            return try await exchange(method, path, body, ifMatch)
        } catch let refusal as Refused where refusal.problem.status != 412 {
            throw refusal.failure
        }
    }

    private func exchange(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue?, _ ifMatch: String?
    ) async throws -> Answer {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: NIOHTTPClientResponseFull.self)
        let channel: any Channel
        do {
            channel = try await open { channel in
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandlers(
                    NIOHTTPClientResponseAggregator(maxContentLength: 64 << 20), ResponseHandler(promise: promise))
                return channel
            }
        } catch {
            promise.fail(error)
            _ = try? await promise.futureResult.get()
            throw error
        }
        let bytes = body?.canonicalBytes()
        var headers = self.headers
        headers.add(name: "accept", value: "application/json, application/problem+json")
        if let ifMatch { headers.add(name: "if-match", value: ifMatch) }
        if let bytes {
            headers.add(
                name: "content-type", value: method == .PATCH ? "application/merge-patch+json" : "application/json")
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
            channel.close(promise: nil)
            throw failure(error, "it answered \(method) \(path)")
        }
        return try answer(response)
    }

    /// The headers of every request.
    var headers: HTTPHeaders {
        var headers: HTTPHeaders = ["connection": "close", "user-agent": "fettle/\(fettleVersion)"]
        switch place {
        case .socket: headers.add(name: "host", value: "fettle")
        case .web(let context):
            headers.add(name: "host", value: context.server.authority)
            if let token = context.token { headers.add(name: "authorization", value: "Bearer \(token)") }
        }
        return headers
    }

    /// Opens a connection on which `prepare` sets up what comes above TLS or the socket.
    func open<Output: Sendable>(
        _ prepare: @escaping @Sendable (any Channel) throws -> Output
    ) async throws -> Output {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(10))
        switch place {
        case .socket(let data):
            do {
                return try await bootstrap.connect(unixDomainSocketPath: "\(data)/fettle.sock") { channel in
                    channel.eventLoop.makeCompletedFuture { try prepare(channel) }
                }
            } catch {
                throw CommandFailure.notRunning(data, Self.reason(error))
            }
        case .web(let context):
            let server = context.server
            let tls: NIOSSLContext
            do {
                tls = try ServerTrust.context(authority: context.authority)
            } catch {
                throw CommandFailure.failed(
                    "the context \(context.name) has a certificate that cannot be read: \(error)")
            }
            do {
                return try await bootstrap.connect(host: server.host, port: server.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: ServerTrust.serverName(server)))
                        return try prepare(channel)
                    }
                }
            } catch {
                throw CommandFailure.failed(
                    "cannot reach \(server): \(Self.reason(error))\nIs the address right? fettle context list -o wide")
            }
        }
    }

    /// What a broken connection means.
    func failure(_ error: any Error, _ moment: String) -> any Error {
        guard case .web(let context) = place, Self.isDistrust(error) else {
            return CommandFailure.failed("the server broke off while \(moment): \(Self.reason(error))")
        }
        return UntrustedServer(context: context, reason: "\(error)")
    }

    private static func isDistrust(_ error: any Error) -> Bool {
        if error is NIOSSLExtraError { return true }
        guard case .handshakeFailed(let reason)? = error as? NIOSSLError else { return false }
        return "\(reason)".contains("CERTIFICATE_VERIFY_FAILED")
    }

    /// The answer that came; a refusal is thrown.
    func answer(_ response: NIOHTTPClientResponseFull) throws -> Answer {
        let body = response.body.map { Array($0.readableBytesView) } ?? []
        let limits = JSONLimits(
            maximumBytes: 64 << 20, maximumDepth: 32, maximumItems: 4_000_000, maximumStringBytes: 1 << 20)
        let status = Int(response.head.status.code)
        let json: JSONValue
        do {
            json = body.isEmpty ? .null : try JSONValue(parsing: body, limits: limits)
        } catch {
            throw CommandFailure.failed("the server answered with status \(status) and no JSON; is it Fettle? \(error)")
        }
        if status >= 400 {
            guard let problem = Problem(json: json) else {
                throw CommandFailure.failed("the server answered with status \(status)")
            }
            throw Refused(problem: problem, place: place)
        }
        let next = response.head.headers.first(name: "link").flatMap { link -> String? in
            guard link.hasSuffix("rel=\"next\""), link.hasPrefix("</"), let end = link.firstIndex(of: ">") else {
                return nil
            }
            return String(link[link.index(after: link.startIndex)..<end])
        }
        return Answer(status: status, json: json, next: next, entityTag: response.head.headers.first(name: "etag"))
    }

    static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "the name \(error.host) is not known"
        }
        switch error as? ChannelError {
        case .connectTimeout?: return "no answer"
        case .eof?: return "the connection was closed"
        default: return "\(error)"
        }
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
