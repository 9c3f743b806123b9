public import JSON

/// How one kind of value is read, written and described: one description, so that the three agree.
public struct PolicyCodec<Value: Sendable>: Sendable {
    /// What editors are told: a JSON Schema (draft 2020-12).
    public let schema: JSONValue
    let read: @Sendable (PolicyNode, String, inout PolicyReading) -> Value?
    let write: @Sendable (Value) -> JSONValue

    /// The value as canonical JSON: nothing in it that is the default.
    public func json(_ value: Value) -> JSONValue { write(value) }

    init(
        schema: JSONValue, read: @escaping @Sendable (PolicyNode, String, inout PolicyReading) -> Value?,
        write: @escaping @Sendable (Value) -> JSONValue
    ) {
        self.schema = schema
        self.read = read
        self.write = write
    }

    /// A value that is a text.
    ///
    /// - Parameters:
    ///   - pattern: What every such text matches (ECMA 262); the parser may ask for more.
    ///   - example: One, for messages.
    ///   - parse: The value, or throws ``PolicyTextError`` with what is wrong.
    static func text(
        _ what: String, pattern: String? = nil, maximum: Int = 256, example: String,
        parse: @escaping @Sendable (String) throws(PolicyTextError) -> Value,
        print: @escaping @Sendable (Value) -> String
    ) -> PolicyCodec {
        var schema: [String: JSONValue] = [
            "type": "string", "minLength": 1, "maxLength": .integer(Int64(maximum)), "examples": [.string(example)],
        ]
        if let pattern { schema["pattern"] = .string(pattern) }
        return PolicyCodec(schema: .object(schema)) { node, path, reading in
            guard let text = PolicyText.read(node, path, what, example, maximum, &reading) else { return nil }
            do throws(PolicyTextError) { return try parse(text) } catch {
                reading.refuse(node, path, error.reason)
                return nil
            }
        } write: {
            .string(print($0))
        }
    }
}

/// Why a text is not what it should be: one sentence with the cure.
struct PolicyTextError: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Texts, as they stand in a document.
enum PolicyText {
    /// Words that programs of YAML 1.1 take for something else.
    private static let ambiguous: Set<String> = ["y", "n", "yes", "no", "on", "off"]

    static func read(
        _ node: PolicyNode, _ path: String, _ what: String, _ example: String, _ maximum: Int,
        _ reading: inout PolicyReading
    ) -> String? {
        switch node.content {
        case .text(let text, let isPlain):
            if isPlain, ambiguous.contains(text.lowercased()) {
                reading.refuse(
                    node, path, "other programs read \(text) as true or false; put it in quotation marks: \"\(text)\"")
                return nil
            }
            guard !text.isEmpty else {
                reading.refuse(node, path, "expected \(what), found an empty text; write one, like \(example)")
                return nil
            }
            guard text.unicodeScalars.count <= maximum else {
                reading.refuse(
                    node, path,
                    "the text has \(text.unicodeScalars.count) characters, and may have \(maximum); shorten it")
                return nil
            }
            return text
        case .number(let text):
            reading.refuse(
                node, path,
                "expected \(what), found the number \(text.prefix(40)); if it is meant as a text put it in quotation marks: \"\(text.prefix(40))\""
            )
        default: reading.refuse(node, path, "expected \(what), found \(node.phrase); write one, like \(example)")
        }
        return nil
    }
}

extension PolicyCodec where Value == Int64 {
    /// A whole number within bounds.
    static func integer(_ range: ClosedRange<Int64>) -> PolicyCodec {
        PolicyCodec(
            schema: ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        ) { node, path, reading in
            guard case .number(let text) = node.content, let value = Int64(text), range.contains(value) else {
                reading.refuse(
                    node, path,
                    "expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(node.phrase)")
                return nil
            }
            return value
        } write: {
            .integer($0)
        }
    }
}

extension PolicyCodec where Value == Bool {
    /// `true` or `false`.
    static var boolean: PolicyCodec {
        PolicyCodec(schema: ["type": "boolean"]) { node, path, reading in
            guard case .bool(let value) = node.content else {
                reading.refuse(
                    node, path,
                    "expected true or false, found \(node.phrase); write one of both, without quotation marks")
                return nil
            }
            return value
        } write: {
            .bool($0)
        }
    }
}

extension PolicyCodec where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of a few words.
    static var choice: PolicyCodec {
        let words = Value.allCases.map(\.rawValue)
        return PolicyCodec(schema: ["type": "string", "enum": .array(words.map { .string($0) })]) {
            node, path, reading in
            guard case .text(let text, _) = node.content, let value = Value(rawValue: text) else {
                var hint = ""
                if case .text(let text, _) = node.content { hint = ClosestName.hint(text, among: words) }
                reading.refuse(
                    node, path, "expected one of \(words.joined(separator: ", ")), found \(node.phrase)\(hint)")
                return nil
            }
            return value
        } write: {
            .string($0.rawValue)
        }
    }
}

extension PolicyCodec {
    /// A list; nothing in it twice where `isSet`.
    static func list<Element: Hashable & Sendable>(
        _ element: PolicyCodec<Element>, _ range: ClosedRange<Int> = 1...200, isSet: Bool = true
    ) -> PolicyCodec where Value == [Element] {
        var schema: [String: JSONValue] = [
            "type": "array", "items": element.schema, "minItems": .integer(Int64(range.lowerBound)),
            "maxItems": .integer(Int64(range.upperBound)),
        ]
        if isSet { schema["uniqueItems"] = true }
        return PolicyCodec(schema: .object(schema)) { node, path, reading in
            guard case .list(let nodes) = node.content else {
                reading.refuse(
                    node, path,
                    "expected a list, found \(node.phrase); write each value on a line of its own after \"- \"")
                return nil
            }
            guard range.contains(nodes.count) else {
                reading.refuse(
                    node, path,
                    "the list has \(nodes.count) values, and may have \(range.lowerBound) to \(range.upperBound)"
                        + (nodes.isEmpty ? "; leave the key out" : "; split it"))
                return nil
            }
            var values: [Element] = []
            var seen: Set<Element> = []
            for (index, item) in nodes.enumerated() {
                let place = "\(path)[\(index)]"
                reading.places[place] = item.place
                guard let value = element.read(item, place, &reading) else { continue }
                if isSet, !seen.insert(value).inserted {
                    reading.refuse(item, place, "\(item.phrase) stands in the list a second time; take it out")
                }
                values.append(value)
            }
            return values
        } write: {
            .array($0.map(element.write))
        }
    }
}
