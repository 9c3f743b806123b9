import Access
import HTTPTypes
import JSON

/// The OpenAPI 3.1 document of a table.
enum OpenAPIDocument {
    /// Of all operations.
    static let shared: JSONValue = of(.all)

    static func of(_ table: OperationTable) -> JSONValue {
        var components: [String: JSONValue] = [:]
        var paths: [String: JSONValue] = [:]
        for operation in table.operations {
            let key = operation.path.description
            var item = paths[key]?.object ?? [:]
            item[operation.method.rawValue.lowercased()] = json(operation, &components)
            paths[key] = .object(item)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Fettle", "version": "1",
                "summary": "Patch management for whole fleets.",
                "description": .string(introduction),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "servers": [["url": "/"]],
            "tags": .array(
                Operation.Tag.allCases.filter { tag in table.operations.contains { $0.tag == tag } }.map {
                    ["name": .string($0.rawValue)]
                }),
            "paths": .object(paths),
            "components": [
                "schemas": .object(components),
                "securitySchemes": [
                    "token": [
                        "type": "http", "scheme": "bearer",
                        "description": "An API token: Authorization: Bearer fettle_…",
                    ],
                    "session": [
                        "type": "apiKey", "in": "cookie", "name": "__Host-fettle",
                        "description": "A session; what changes something needs X-CSRF-Token too.",
                    ],
                ],
            ],
        ]
    }

    private static let introduction = """
        Times are RFC 3339 in UTC. Lists have pages: `limit` and `cursor`, `next` and Link. A POST may carry an \
        Idempotency-Key. A GET has an ETag; changes that need it as If-Match say so. Problems are RFC 9457 with \
        `cure` and `errors`. Every answer has an X-Request-Id. HEAD is GET without the body, OPTIONS says what is \
        allowed. What you may not know of answers as what does not exist.
        """

    private static func json(_ operation: Operation, _ components: inout [String: JSONValue]) -> JSONValue {
        var fields: [String: JSONValue] = [
            "operationId": .string(operation.id), "tags": [.string(operation.tag.rawValue)],
            "summary": .string(operation.summary),
            "security": operation.access == .open ? [] : [["token": []], ["session": []]],
        ]
        var description = operation.description
        switch operation.access {
        case .open: description += (description.isEmpty ? "" : " ") + "Anybody may."
        case .signedIn: description += (description.isEmpty ? "" : " ") + "Anybody who is signed in may."
        case .permission(let permission, let other):
            let choice = other.map { " or `\($0.rawValue)`" } ?? ""
            description += (description.isEmpty ? "" : " ") + "Needs the permission `\(permission.rawValue)`\(choice)."
            fields["x-permission"] = .string(permission.rawValue)
            if let other { fields["x-permission-or"] = .string(other.rawValue) }
        }
        fields["description"] = .string(description)
        fields["x-about"] = operation.about == .organisation ? "organisation" : "installation"
        var parameters: [JSONValue] = []
        for parameter in operation.allParameters { parameters.append(json(parameter, &components)) }
        if !parameters.isEmpty { fields["parameters"] = .array(parameters) }
        if let body = operation.body {
            fields["requestBody"] = [
                "required": .bool(body.isRequired),
                "content": .object([body.mediaType: ["schema": body.schema.json(&components)]]),
            ]
        }
        var responses: [String: JSONValue] = [:]
        for response in operation.allResponses {
            responses[String(response.status.code)] = json(response, operation, &components)
        }
        fields["responses"] = .object(responses)
        return .object(fields)
    }

    private static func json(_ parameter: Parameter, _ components: inout [String: JSONValue]) -> JSONValue {
        [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.isRequired), "description": .string(parameter.description),
            "schema": parameter.schema.json(&components),
        ]
    }

    private static func json(
        _ response: ResponseDeclaration, _ operation: Operation, _ components: inout [String: JSONValue]
    ) -> JSONValue {
        var fields: [String: JSONValue] = ["description": .string(response.description)]
        var headers: [String: JSONValue] = [:]
        for header in response.headers + response.commonHeaders(operation) {
            headers[header.name] = [
                "description": .string(header.description), "schema": header.schema.json(&components),
            ]
        }
        fields["headers"] = .object(headers)
        if let type = response.mediaType {
            var media: [String: JSONValue] = [:]
            if let schema = response.schema { media["schema"] = schema.json(&components) }
            fields["content"] = .object([type: .object(media)])
        }
        return .object(fields)
    }
}

extension ResponseDeclaration {
    /// The fields that the router adds.
    fileprivate func commonHeaders(_ operation: Operation) -> [Parameter] {
        var headers: [Parameter] = [.requestID, .rateLimit, .rateLimitPolicy]
        if status == .ok, operation.method == .get || operation.traits.contains(.conditional) {
            headers.append(.entityTag)
        }
        if status == .ok, operation.traits.contains(.paginated) { headers.append(.link) }
        if status == .tooManyRequests || status == .serviceUnavailable { headers.append(.retryAfter) }
        return headers
    }
}
