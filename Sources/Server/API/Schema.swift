import JSON

/// The shape of a JSON value, of which the OpenAPI document's JSON Schema (2020-12) and the validation are both made.
indirect enum Schema: Sendable, Hashable {
    /// An object with these properties and no others.
    case object([Property])
    /// An object whose names are free and whose values are alike.
    case map(Schema, names: Text = Text(maximum: 253), maximum: Int = 1000)
    /// An array of that many elements.
    case array(Schema, count: ClosedRange<Int> = 0...100_000)
    /// A string.
    case string(Text)
    /// A whole number.
    case integer(ClosedRange<Int64>)
    /// True or false.
    case boolean
    /// Null.
    case null
    /// Whatever one of these is.
    case anyOf([Schema])
    /// A schema with a name of its own in the document.
    case component(Component)
    /// A schema with a sentence about it.
    case described(Schema, String)
    /// Any JSON value: only for what Fettle passes on and does not interpret.
    case anything

    /// A property of an object.
    struct Property: Sendable, Hashable {
        let name: String
        let schema: Schema
        let isRequired: Bool
        let description: String

        /// A property that is always there.
        static func required(_ name: String, _ schema: Schema, _ description: String = "") -> Property {
            Property(name: name, schema: schema, isRequired: true, description: description)
        }

        /// A property that may be absent.
        static func optional(_ name: String, _ schema: Schema, _ description: String = "") -> Property {
            Property(name: name, schema: schema, isRequired: false, description: description)
        }
    }

    /// What a string may be. Lengths count Unicode code points, as JSON Schema does.
    struct Text: Sendable, Hashable {
        var minimum = 0
        var maximum = 4096
        /// A regular expression of the subset that ECMA 262 and Swift share, anchored.
        var pattern: String?
        var format: Format?
        var values: [String] = []
    }

    /// Formats of JSON Schema that are checked here.
    enum Format: String, Sendable, Hashable {
        /// RFC 3339.
        case dateTime = "date-time"
    }

    /// A schema with a name.
    struct Component: Sendable, Hashable {
        let name: String
        let schema: Schema

        init(_ name: String, _ schema: Schema) {
            self.name = name
            self.schema = schema
        }
    }
}

extension Schema {
    /// Text on one line: no control characters.
    static func text(_ length: ClosedRange<Int> = 0...4096) -> Schema {
        .string(Text(minimum: length.lowerBound, maximum: length.upperBound, pattern: Self.oneLine))
    }

    /// What ``text(_:)`` holds to.
    static let oneLine = #"^[^\u0000-\u001F\u007F]*$"#

    /// Text of that pattern.
    static func matching(_ pattern: String, _ length: ClosedRange<Int>) -> Schema {
        .string(Text(minimum: length.lowerBound, maximum: length.upperBound, pattern: pattern))
    }

    /// One of these words.
    static func oneOf(_ values: [String]) -> Schema { .string(Text(values: values)) }

    /// One of the cases' raw values.
    static func oneOf<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> Schema {
        oneOf(Choice.allCases.map(\.rawValue))
    }

    /// A time of RFC 3339; answers are always in UTC.
    static let time: Schema = .string(Text(minimum: 20, maximum: 40, format: .dateTime))

    /// A SHA-256 in hexadecimal.
    static let digest: Schema = .matching("^[0-9a-f]{64}$", 64...64)

    /// A number of things.
    static let count: Schema = .integer(0...Int64.max)

    /// Text from elsewhere (a host, a file), which may hold anything.
    static let anyText: Schema = .string(Text(maximum: 1 << 20))

    /// The schema or null.
    static func nullable(_ schema: Schema) -> Schema { .anyOf([schema, .null]) }

    /// A list's answer: a page of items, and the cursor of the next one.
    static func page(of items: Schema, _ more: [Property] = []) -> Schema {
        .object(
            [
                .required("items", .array(items, count: 0...100_000), "The items of this page."),
                .required(
                    "next", .nullable(.string(Text(minimum: 1, maximum: 4096))),
                    "The cursor of the next page; null on the last one."),
            ] + more)
    }

    /// A list's answer that has no pages.
    static func list(of items: Schema, _ more: [Property] = []) -> Schema {
        .object([.required("items", .array(items, count: 0...100_000))] + more)
    }

    /// What Fettle knows of a host: a value, or unknown and why.
    static func fact(_ value: Schema) -> Schema {
        .anyOf([
            .object([.required("value", value)]),
            .object([
                .required("unknown", .anyText, "Why it is not known."),
                .optional("lastKnown", value, "What was known last."),
            ]),
        ])
    }
}

extension Schema {
    /// The schema as JSON Schema; components that it names are added to `components`.
    func json(_ components: inout [String: JSONValue]) -> JSONValue {
        switch self {
        case .object(let properties):
            var members: [String: JSONValue] = [:]
            for property in properties {
                members[property.name] = Self.described(property.schema, property.description).json(&components)
            }
            let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
            var fields: [String: JSONValue] = [
                "type": "object", "properties": .object(members), "additionalProperties": false,
            ]
            if !required.isEmpty { fields["required"] = .array(required) }
            return .object(fields)
        case .map(let values, let names, let maximum):
            return [
                "type": "object", "additionalProperties": values.json(&components),
                "propertyNames": Self.string(names).json(&components), "maxProperties": .integer(Int64(maximum)),
            ]
        case .array(let items, let count):
            var fields: [String: JSONValue] = ["type": "array", "items": items.json(&components)]
            if count.lowerBound > 0 { fields["minItems"] = .integer(Int64(count.lowerBound)) }
            fields["maxItems"] = .integer(Int64(count.upperBound))
            return .object(fields)
        case .string(let text): return Self.json(text)
        case .integer(let range):
            return [
                "type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
            ]
        case .boolean: return ["type": "boolean"]
        case .null: return ["type": "null"]
        case .anyOf(let schemas): return Self.json(anyOf: schemas, &components)
        case .component(let component):
            if components[component.name] == nil {
                components[component.name] = .null
                components[component.name] = component.schema.json(&components)
            }
            return ["$ref": .string("#/components/schemas/\(component.name)")]
        case .described(let schema, let text):
            guard !text.isEmpty, case .object(var fields) = schema.json(&components) else {
                return schema.json(&components)
            }
            if fields["description"] == nil { fields["description"] = .string(text) }
            return .object(fields)
        case .anything: return [:]
        }
    }

    private static func json(_ text: Text) -> JSONValue {
        if !text.values.isEmpty { return ["type": "string", "enum": .array(text.values.map { .string($0) })] }
        var fields: [String: JSONValue] = ["type": "string", "maxLength": .integer(Int64(text.maximum))]
        if text.minimum > 0 { fields["minLength"] = .integer(Int64(text.minimum)) }
        if let pattern = text.pattern { fields["pattern"] = .string(pattern) }
        if let format = text.format {
            // Lengths would only narrow what the format says already.
            fields = ["type": "string", "format": .string(format.rawValue)]
        }
        return .object(fields)
    }

    /// Null beside one plain type becomes a list of types.
    private static func json(anyOf schemas: [Schema], _ components: inout [String: JSONValue]) -> JSONValue {
        if schemas.count == 2, schemas[1] == .null, case .object(var fields) = schemas[0].json(&components),
            let type = fields["type"]?.string, fields["enum"] == nil
        {
            fields["type"] = [.string(type), "null"]
            return .object(fields)
        }
        return ["anyOf": .array(schemas.map { $0.json(&components) })]
    }
}
