import Access
import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import Wire

extension APIRouter {
    /// Runs the handler and dresses its answer: cursor and Link, ETag and 304.
    func response(
        _ operation: Operation, _ call: Call, _ query: QueryItems, _ request: Request, _ list: String
    ) async throws -> DressedAnswer {
        var answer = try await operation.handler(call)
        if operation.traits.contains(.paginated), case .json(.object(var fields)) = answer.content {
            let cursor = answer.next.map { services.cursors.seal($0, for: list) }
            fields["next"] = cursor.map { .string($0) } ?? .null
            answer.content = .json(.object(fields))
            if let cursor { answer.headers[.link] = link(cursor, query, request) }
        }
        switch answer.content {
        case .none: return DressedAnswer(status: answer.status, headers: answer.headers)
        case .json(let value):
            return tagged(value.canonicalBytes(), "application/json", answer, operation, request)
        case .bytes(let bytes, let type): return tagged(bytes, type, answer, operation, request)
        case .stream(let type, let write):
            var headers = answer.headers
            headers[.contentType] = type
            return DressedAnswer(status: answer.status, headers: headers, stream: write)
        }
    }

    private func tagged(
        _ bytes: [UInt8], _ type: String, _ answer: Answer, _ operation: Operation, _ request: Request
    ) -> DressedAnswer {
        var headers = answer.headers
        headers[.contentType] = type
        if answer.status == .ok, operation.method == .get || operation.traits.contains(.conditional) {
            let tag = EntityTag(bytes).description
            headers[.eTag] = tag
            headers[.cacheControl] = "private, no-cache"
            if operation.method == .get, let field = request.headers[.ifNoneMatch], let known = EntityTag.list(field),
                known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/\(tag)" })
            {
                headers[.contentType] = nil
                return DressedAnswer(status: .notModified, headers: headers)
            }
        }
        return DressedAnswer(status: answer.status, headers: headers, bytes: bytes)
    }

    /// The field that leads to the next page (RFC 8288): the same query with another cursor.
    private func link(_ cursor: String, _ query: QueryItems, _ request: Request) -> String {
        var parameters = query.values
        parameters["cursor"] = cursor
        let text = parameters.sorted { $0.key < $1.key }.map { "\(percentEncoded($0.key))=\(percentEncoded($0.value))" }
        return "<\(request.uri.path)?\(text.joined(separator: "&"))>; rel=\"next\""
    }

    /// What a cursor is good for: this operation with these filters, wherever its page ends.
    func listName(_ operation: Operation, _ organisation: String, _ parameters: [String: JSONValue]) -> String {
        var filters = parameters
        for name in ["cursor", "limit", "organisation"] { filters[name] = nil }
        return
            "\(operation.id)|\(organisation)|\(String(decoding: JSONValue.object(filters).canonicalBytes(), as: UTF8.self))"
    }

    /// Reads a cursor that was made for that list.
    func cursor(_ text: String?, _ list: String) throws -> JSONValue? {
        guard let text else { return nil }
        guard let place = services.cursors.open(text, for: list) else {
            throw Refusal(
                .unprocessable([
                    .init(
                        parameter: "query cursor", detail: "It is not one of this list with these filters.",
                        cure: "Take it from next or Link of the page before, and leave the filters as they were.")
                ]))
        }
        return place
    }

    /// Changes are logged; reads only for debugging.
    func log(_ request: Request, _ exchange: Exchange, _ id: String, _ trail: Trail, _ response: Response) {
        let level: Logger.Level = request.method == .get || request.method == .head ? .debug : .info
        exchange.logger.log(
            level: level, "api",
            metadata: [
                "request": "\(id)", "operation": "\(trail.operation?.id ?? "none")",
                "principal": "\(trail.caller?.principal.id ?? "nobody")", "status": "\(response.status.code)",
            ])
    }
}

/// The name of a request, for people who look for it in the log.
enum RequestID {
    /// The one that was sent, if it is well-formed (letters, digits, `._:-`, at most 128), else a new one.
    static func of(_ request: Request) -> String {
        if let sent = request.headers[.requestID], isWellFormed(sent) { return sent }
        return "r-" + randomBytes(12).map(hexadecimal).joined()
    }

    static func isWellFormed(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "._:-".utf8.contains(byte)
                }
            }
    }
}

/// An answer as it goes out.
struct DressedAnswer: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var bytes: [UInt8] = []
    /// Writes the body instead of ``bytes``.
    var stream: (@Sendable (_ write: (ByteBuffer) async throws -> Void) async throws -> Void)?

    var response: Response {
        guard let stream else {
            return Response(
                status: status, headers: headers,
                body: bytes.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        return Response(
            status: status, headers: headers,
            body: ResponseBody { writer in
                try await stream { buffer in try await writer.write(buffer) }
                try await writer.finish(nil)
            })
    }
}
