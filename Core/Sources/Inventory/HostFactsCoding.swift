import JSON

/// A value inside ``HostFacts``: knows its JSON and reads it back strictly.
protocol FactValue: Hashable, Sendable {
    /// The value as it stands in the document.
    var json: JSONValue { get }
    /// Reads what ``json`` wrote; `pointer` is its place, for errors.
    init(json: JSONValue, at pointer: String) throws(JSONError)
}

extension Fact where Value: FactValue {
    var json: JSONValue { json(\.json) }
}

extension String: FactValue {
    var json: JSONValue { .string(self) }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        guard let text = json.string, text.utf8.count <= 1024 else {
            throw JSONError(.wrongType, pointer: pointer, reason: "expected a string of at most 1024 bytes")
        }
        self = text
    }
}

extension Int64: FactValue {
    var json: JSONValue { .integer(self) }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        guard let number = json.integer, number >= 0 else {
            throw JSONError(.wrongType, pointer: pointer, reason: "expected a number from 0")
        }
        self = number
    }
}

extension PackageFacts: FactValue {
    init(json: JSONValue, at pointer: String) throws(JSONError) {
        try self.init(JSONObject(json, at: pointer))
    }
}

extension Array: FactValue where Element: FactValue {
    var json: JSONValue { .array(map(\.json)) }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        guard let elements = json.array, elements.count <= 10_000 else {
            throw JSONError(.wrongType, pointer: pointer, reason: "expected an array of at most 10000 elements")
        }
        var values: [Element] = []
        for (index, element) in elements.enumerated() {
            values.append(try Element(json: element, at: "\(pointer)/\(index)"))
        }
        self = values
    }
}

extension JSONObject {
    /// A member written by ``Fact/json(_:)``.
    mutating func fact<Value: FactValue>(_ key: String) throws(JSONError) -> Fact<Value> {
        try Fact(object(key)) { value, pointer throws(JSONError) in try Value(json: value, at: pointer) }
    }

    /// A member that documents of earlier agents do not have.
    mutating func optionalFact<Value: FactValue>(_ key: String) throws(JSONError) -> Fact<Value> {
        guard let value = optionalValue(key) else { return .notLookedFor }
        return try Fact(JSONObject(value, at: pointer(to: key))) { value, pointer throws(JSONError) in
            try Value(json: value, at: pointer)
        }
    }

    /// A member that is an array of such values.
    mutating func list<Value: FactValue>(_ key: String) throws(JSONError) -> [Value] {
        try [Value](json: value(key), at: pointer(to: key))
    }

    /// A number that counts or measures something.
    mutating func count(_ key: String) throws(JSONError) -> Int64 {
        try integer(key, in: 0...Int64.max)
    }
}

extension JSONObject {
    /// One of the names of an enumeration.
    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String) throws(JSONError) -> Choice
    where Choice.RawValue == String {
        let text = try string(key, maximumBytes: 64)
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw JSONError(
                .outOfBounds, pointer: pointer(to: key), reason: "expected one of \(names), found \"\(text)\"")
        }
        return choice
    }
}
