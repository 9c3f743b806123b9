import Access
import HTTPTypes
import Hummingbird
import HummingbirdCore
import JSON
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Server

/// The router of a running server, called without a connection and as anybody: what it does is all that is tested, and a
/// walk of thousands of calls takes seconds.
struct DirectAPI: Sendable {
    @TaskLocal static var caller: Caller?

    let router: APIRouter

    init(_ server: TestServer, table: OperationTable = .all) throws {
        let state = server.server.state
        router = APIRouter(state: state, services: try APIServices(state: state), table: table) { _, _ in Self.caller }
    }

    /// One request; every answer is held to the document.
    func send(
        _ method: String, _ target: String, as caller: Caller? = .socket, headers: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> Answer {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        guard let wanted = HTTPRequest.Method(method) else { throw ConnectionLost() }
        let head = HTTPRequest(
            method: wanted, scheme: "https", authority: "localhost", path: target, headerFields: fields)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let exchange = Exchange(logger: Logger(label: "direct") { _ in SwiftLogNoOpLogHandler() }, peer: nil)
        let (_, response) = await Self.$caller.withValue(caller) { await router.respond(request, exchange) }
        let collected = Collected()
        try await response.body.write(CollectingWriter(collected))
        var headers = HTTPHeaders()
        for field in response.headers { headers.add(name: field.name.rawName, value: field.value) }
        return Answer(status: response.status.code, headers: headers, body: collected.bytes)
    }

    /// One request with a JSON body, checked against the document.
    func call(
        _ method: String, _ target: String, as caller: Caller? = .socket, headers: [String: String] = [:],
        body: JSONValue? = nil, type: String = "application/json"
    ) async throws -> Answer {
        var headers = headers
        if body != nil, headers["content-type"] == nil { headers["content-type"] = type }
        let answer = try await send(
            method, target, as: caller, headers: headers, body: body?.canonicalBytes() ?? [])
        ResponseChecker.check(answer, HTTPMethod(rawValue: method), target, table: router.table)
        return answer
    }
}

extension Caller {
    /// A person or token with these roles.
    static func test(_ id: String, _ grants: [Grant], scopes: Set<Permission>? = nil) -> Caller {
        Caller(
            principal: Principal(id: id, grants: grants, scopes: scopes), credential: .apiToken(id: id),
            address: "192.0.2.1", user: nil)
    }
}

private final class Collected: Sendable {
    private let content = Mutex<[UInt8]>([])

    var bytes: [UInt8] { content.withLock { $0 } }

    func add(_ buffer: ByteBuffer) { content.withLock { $0 += buffer.readableBytesView } }
}

private struct CollectingWriter: ResponseBodyWriter {
    let collected: Collected

    init(_ collected: Collected) { self.collected = collected }

    mutating func write(_ buffer: ByteBuffer) async throws { collected.add(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
