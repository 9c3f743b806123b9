import HTTPTypes
import JSON
import NIOHTTP1
import Testing
import Wire

@testable import Server

/// Holds every answer of the API to what the document says: a route without an operation, a status that is not declared
/// and a body that its schema does not describe are failures of whichever test provoked them.
enum ResponseChecker {
    static func check(
        _ answer: Answer, _ method: HTTPMethod, _ target: String, table: OperationTable = .all,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for fault in faults(answer, method.rawValue, target, table) {
            Issue.record("\(method.rawValue) \(target): \(fault)", sourceLocation: sourceLocation)
        }
    }

    static func faults(_ answer: Answer, _ method: String, _ target: String, _ table: OperationTable) -> [String] {
        guard let wanted = HTTPRequest.Method(method) else { return ["it is no method"] }
        var faults: [String] = []
        if answer.headers.first(name: "x-request-id") == nil { faults.append("there is no X-Request-Id") }
        let path = target.prefix { $0 != "?" }
        guard case .operation(let operation, _) = table.match(wanted, path: String(path)) else {
            if answer.status == 404 || answer.status == 405 || (method == "OPTIONS" && answer.status == 204) {
                return faults
            }
            return faults + ["no operation describes it, and it answered \(answer.status)"]
        }
        guard let declared = operation.allResponses.first(where: { Int($0.status.code) == answer.status }) else {
            return faults + ["\(operation.id) does not declare the status \(answer.status): \(answer.text.prefix(300))"]
        }
        for header in declared.headers where !answer.headers.contains(name: header.name) {
            faults.append("\(header.name) is missing")
        }
        if method == "HEAD" { return faults }
        let type = answer.headers.first(name: "content-type").map { MediaTypes.essence($0) }
        if type != declared.mediaType, !(declared.mediaType == nil && answer.body.isEmpty) {
            faults.append("the media type is \(type ?? "none") and not \(declared.mediaType ?? "none")")
        }
        if let schema = declared.schema {
            faults += schema.faults(in: answer.json).map { "at \($0.pointer ?? ""): \($0.detail)" }
        }
        return faults
    }
}
