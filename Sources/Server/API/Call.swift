import Access
import HTTPTypes
import JSON
import NIOCore
import Store
import Timestamps

/// One request to an operation, after the router has let it through.
struct Call: Sendable {
    /// What all routes share.
    let state: ServerState
    /// Who asks.
    let caller: Caller
    /// The organisation that is asked about; empty for operations about the installation.
    let organisation: String
    /// How far the operation's permission reaches there.
    let reach: Reach
    /// Path and query parameters, checked, as their schemas type them.
    let parameters: [String: JSONValue]
    /// The body, checked; null where there was none.
    let body: JSONValue
    /// The request's name, in the answer, in problems and in the log.
    let requestID: String
    /// When it came.
    let now: Timestamp
    /// How many items a page is to have.
    let limit: Int
    /// Where the page before ended, as the handler said it; nil for the first page.
    let cursor: JSONValue?
    /// The entity tags of If-Match; nil where it was not sent. `*` is among them for any.
    let ifMatch: [String]?
    /// The request's header fields.
    let headers: HTTPFields

    /// A parameter that is text.
    func text(_ name: String) -> String? { parameters[name]?.string }

    /// A parameter that is a number.
    func integer(_ name: String) -> Int64? { parameters[name]?.integer }

    /// A parameter that is true or false.
    func bool(_ name: String) -> Bool? { parameters[name]?.bool }

    /// A parameter that is a time.
    func time(_ name: String) -> Timestamp? { text(name).flatMap { Timestamp(rfc3339: $0) } }

    /// A parameter of the path.
    func path(_ name: String) throws(Refusal) -> String {
        guard let value = text(name) else { throw Refusal(.internalError) }
        return value
    }

    /// Refuses a change of something that is not any more what the client saw (RFC 9110, section 13.1.1).
    ///
    /// Call it inside the transaction that changes it, with what a GET of the resource would answer.
    func requireMatch(_ representation: JSONValue) throws(Refusal) {
        guard let ifMatch, !ifMatch.contains("*") else { return }
        guard ifMatch.contains(EntityTag(representation).description) else { throw Refusal(.stale) }
    }
}

/// What an operation answers.
struct Answer: Sendable {
    /// The body.
    enum Content: Sendable {
        case none
        case json(JSONValue)
        /// Anything else, whole.
        case bytes([UInt8], type: String)
        /// Anything else, bit by bit: for what may be large.
        case stream(type: String, @Sendable (_ write: (ByteBuffer) async throws -> Void) async throws -> Void)
    }

    var status: HTTPResponse.Status = .ok
    var content: Content = .none
    var headers: HTTPFields = [:]
    /// Where the page ended, if another one follows; the router makes a cursor of it.
    var next: JSONValue?

    /// A JSON body.
    static func json(_ value: JSONValue) -> Answer { Answer(content: .json(value)) }

    /// Something was made, and is found at that path.
    static func created(_ value: JSONValue, at path: String) -> Answer {
        Answer(status: .created, content: .json(value), headers: [.location: path])
    }

    /// Done, and nothing to say.
    static let noContent = Answer(status: .noContent)

    /// A page of a list; `next` is whatever the handler needs to go on from there.
    static func page(_ items: [JSONValue], next: JSONValue?, more: [String: JSONValue] = [:]) -> Answer {
        var fields = more
        fields["items"] = .array(items)
        return Answer(content: .json(.object(fields)), next: next)
    }
}
