import Foundation
import HTTPTypes
import JSON
import Testing

@testable import Server

/// The document is whole, and says what the table says.
@Suite struct DocumentTests {
    @Test func everyOperationIsWhole() {
        let operations = OperationTable.all.operations
        #expect(Set(operations.map(\.id)).count == operations.count, "ids are unique")
        #expect(Set(operations.map { "\($0.method.rawValue) \($0.path)" }).count == operations.count)
        for operation in operations {
            let declared = operation.parameters.filter { $0.place == .path }.map(\.name)
            #expect(Set(declared) == Set(operation.path.parameterNames), "\(operation.id): parameters of the path")
            #expect(!operation.summary.isEmpty && operation.summary.hasSuffix("."), "\(operation.id)")
            #expect(operation.responses.contains { $0.status.code < 300 }, "\(operation.id) can succeed")
            // OSV's own paths are where its clients look for them.
            let path = operation.path.description
            #expect(path.hasPrefix("/api/v1/") || operation.id.hasPrefix("osv") && path.hasPrefix("/v1/"))
            if operation.access == .open {
                #expect(
                    ["describeAPI", "logIn", "authoriseDevice", "pollDevice", "osvQuery", "osvQueryBatch", "osvShow"]
                        .contains(operation.id),
                    "\(operation.id) is open to all")
            }
            if operation.traits.contains(.conditional) {
                #expect([.put, .patch, .delete].contains(operation.method), "\(operation.id)")
            }
        }
    }

    /// An object without properties says nothing; a map says what its values are.
    @Test func noObjectIsWithoutProperties() {
        func walk(_ value: JSONValue, _ place: String) {
            if let array = value.array { for (index, item) in array.enumerated() { walk(item, "\(place)/\(index)") } }
            guard let object = value.object else { return }
            if object["type"] == "object" {
                let properties = object["properties"]?.object ?? [:]
                let isMap = object["additionalProperties"]?.object != nil
                #expect(!properties.isEmpty || isMap, "\(place) has no properties")
                #expect(object["additionalProperties"] != nil, "\(place) leaves open what else there may be")
            }
            for (name, member) in object { walk(member, "\(place)/\(name)") }
        }
        walk(OpenAPIDocument.shared["paths"] ?? .null, "paths")
        walk(OpenAPIDocument.shared["components"]?["schemas"] ?? .null, "components")
    }

    /// `openapi-spec-validator` (PyPI) accepts it.
    @Test func theValidatorAcceptsIt() throws {
        let path = NSTemporaryDirectory() + "fettle-openapi-\(UUID().uuidString).json"
        try Data(OpenAPIDocument.shared.canonicalBytes()).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let said = try shell("'\(repository)/Tests/api-tools' validate '\(path)'")
        #expect(said.hasSuffix("OK"), "\(said)")
    }
}
