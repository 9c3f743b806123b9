import Hummingbird
import JSON
import Logging
import NIOCore
import Timestamps
import Wire

/// One request as the routes see it.
struct Exchange: InitializableFromSource, Sendable {
    let logger: Logger
    let peer: Peer?

    init(source: ApplicationRequestContextSource) {
        self.init(logger: source.logger, peer: Peer.current)
    }

    init(logger: Logger, peer: Peer?) {
        self.logger = logger
        self.peer = peer
    }

    /// The peer's address without its port.
    var address: String { peer?.address ?? "local" }

    /// Whether it came over the operator's Unix socket, which only the server's own account may open. A connection whose
    /// listener is not known did not.
    var isOperatorSocket: Bool { peer?.listener == "operator" }
}

/// Routes requests of one listener: measures, sheds load, and turns whatever is thrown into a problem.
struct ListenerResponder: HTTPResponder {
    typealias Context = Exchange

    /// The listener's name in metrics.
    let listener: String
    let metrics: Metrics
    /// Bounds what is in work; nil for probes and operators.
    let gate: RequestGate?
    /// Answers; the first value names the route for metrics.
    let route: @Sendable (Request, Exchange) async throws -> (String, Response)

    func respond(to request: Request, context: Exchange) async throws -> Response {
        var response = try await measured(request, context)
        // The length stays, the body does not (RFC 9110, section 9.3.2); a body that is never written holds nothing.
        if request.method == .head { response = response.createHeadResponse() }
        if listener == "web" { SecurityHeaders.add(to: &response.headers) }
        return response
    }

    private func measured(_ request: Request, _ context: Exchange) async throws -> Response {
        let start = ContinuousClock.now
        var name = "none"
        let response: Response
        let peer = context.peer?.identity?.identity.host ?? context.address
        switch gate?.enter(peer) ?? .admitted {
        case .admitted:
            defer { gate?.leave(peer) }
            do {
                (name, response) = try await route(request, context)
            } catch let error as Refused {
                name = error.route
                response = answer(to: error.underlying, request, context)
            } catch {
                response = answer(to: error, request, context)
            }
        case .overloaded: response = answer(to: Refusal(.overloaded, retryAfter: flattened(10)), request, context)
        case .stopping: response = answer(to: Refusal(.stopping, retryAfter: flattened(10)), request, context)
        case .tooManyFromPeer:
            response = answer(to: Refusal(.tooManyFromPeer, retryAfter: flattened(10)), request, context)
        }
        let elapsed = ContinuousClock.now - start
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        metrics.observe(.requestSeconds, "route=\"\(name)\"", seconds)
        metrics.count(
            .requests, "listener=\"\(listener)\",route=\"\(name)\",status=\"\(response.status.code)\"")
        return response
    }

    private func answer(to error: any Error, _ request: Request, _ context: Exchange) -> Response {
        metrics.answer(to: error, request, context)
    }
}

extension Metrics {
    /// The problem to answer with for whatever was thrown; counted, and logged where it is the server's fault.
    func answer(
        to error: any Error, _ request: Request, _ context: Exchange, instance: String? = nil
    ) -> Response {
        let refusal: Refusal
        switch error {
        case let error as Refusal: refusal = error
        case let error as JSONError:
            refusal = Refusal(.malformed(error.description, pointer: error.pointer))
        default:
            context.logger.error(
                "request failed",
                metadata: [
                    "path": "\(loggedPath(request))", "error": "\(error)", "request": "\(instance ?? "")",
                ])
            refusal = databaseRefusal(error) ?? Refusal(.internalError)
        }
        count(.refusals, "kind=\"\(refusal.problem.kind)\"")
        if refusal.problem.status >= 500 {
            context.logger.debug("refused", metadata: ["kind": "\(refusal.problem.kind)"])
        }
        var headers = refusal.headers
        headers[.contentType] = "application/problem+json"
        if let seconds = refusal.retryAfter { headers[.retryAfter] = String(seconds) }
        var problem = refusal.problem
        problem.instance = instance
        return Response(
            status: .init(code: problem.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: problem.json.canonicalBytes())))
    }
}

/// A request's path as it may stand in a log: without the code of a login link, and without what would break lines.
func loggedPath(_ request: Request) -> String {
    let path = request.uri.path
    if path.hasPrefix("/login/link/") { return "/login/link/…" }
    return SubmittedText.shown(path, maximum: 300)
}

/// What a route threw, with the route's name for metrics.
struct Refused: Error {
    let route: String
    let underlying: any Error
}

/// Runs a route under its name.
func named(_ route: String, _ body: () async throws -> Response) async throws -> (String, Response) {
    do {
        return (route, try await body())
    } catch {
        throw Refused(route: route, underlying: error)
    }
}

/// Seconds to wait, drawn so that those who were refused together do not come back together.
func flattened(_ seconds: Int) -> Int {
    Int.random(in: max(1, seconds / 2)...seconds * 3 / 2)
}

extension Request {
    /// The body, within that many bytes.
    func bytes(upTo maximum: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        if let length = headers[.contentLength].flatMap({ Int($0) }) {
            guard length <= maximum else { throw Refusal(.bodyTooLarge(maximum)) }
            // Only so much on a peer's word.
            bytes.reserveCapacity(max(0, min(length, 256 << 10)))
        }
        for try await part in body {
            guard bytes.count + part.readableBytes <= maximum else { throw Refusal(.bodyTooLarge(maximum)) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    /// The path's parts, without a leading empty one.
    var pathParts: [Substring] { uri.path.split(separator: "/", omittingEmptySubsequences: true) }
}

extension Response {
    /// A JSON answer in canonical bytes.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = .init()) -> Response {
        bytes(value.canonicalBytes(), status: status, headers: headers)
    }

    static func bytes(
        _ bytes: [UInt8], type: String = "application/json", status: HTTPResponse.Status = .ok,
        headers: HTTPFields = .init()
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A message of the agent protocol in that version.
    static func message(
        _ message: some WireMessage, _ version: ProtocolVersion, status: HTTPResponse.Status = .ok,
        headers: HTTPFields = .init()
    ) -> Response {
        bytes(message.encoded(version), status: status, headers: headers)
    }
}
