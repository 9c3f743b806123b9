/// Strict decoding of one object: every field is asked for by name and bounds, and ``finish()`` refuses the rest.
///
/// Within a protocol version unknown fields are errors, because a field the reader does not know may change what the
/// others mean. `null` counts as absent for the optional forms.
///
///     var fields = try JSONObject(value)
///     let name = try fields.string("name", maximumBytes: 255)
///     let count = try fields.integer("count", in: 0...1000)
///     try fields.finish()
public struct JSONObject: Sendable {
    private let members: [String: JSONValue]
    private var unread: Set<String>
    /// Where this object stands in its document (RFC 6901).
    public let pointer: String

    /// Starts to decode `value`, which must be an object; `pointer` is its place, for errors.
    public init(_ value: JSONValue, at pointer: String = "") throws(JSONError) {
        guard case .object(let members) = value else {
            throw JSONError(.wrongType, pointer: pointer, reason: "expected an object, found \(value.phrase)")
        }
        self.members = members
        self.unread = Set(members.keys)
        self.pointer = pointer
    }

    /// The pointer of a field of this object.
    public func pointer(to key: String) -> String { "\(pointer)/\(JSONError.escaped(key))" }

    /// Any value, which must be present.
    public mutating func value(_ key: String) throws(JSONError) -> JSONValue {
        unread.remove(key)
        guard let value = members[key] else {
            throw JSONError(
                .missingField, pointer: pointer(to: key), reason: "this field is required but absent; add it")
        }
        return value
    }

    /// Any value; nil when absent or null.
    public mutating func optionalValue(_ key: String) -> JSONValue? {
        unread.remove(key)
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    /// A string of at most `maximumBytes` bytes of UTF-8.
    public mutating func string(_ key: String, maximumBytes: Int = 1024) throws(JSONError) -> String {
        try string(value(key), key, maximumBytes)
    }

    /// A string of at most `maximumBytes` bytes of UTF-8; nil when absent or null.
    public mutating func optionalString(_ key: String, maximumBytes: Int = 1024) throws(JSONError) -> String? {
        guard let value = optionalValue(key) else { return nil }
        return try string(value, key, maximumBytes)
    }

    /// An integer within `range`.
    public mutating func integer(_ key: String, in range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
        try integer(value(key), key, range)
    }

    /// An integer within `range`; nil when absent or null.
    public mutating func optionalInteger(_ key: String, in range: ClosedRange<Int64>) throws(JSONError) -> Int64? {
        guard let value = optionalValue(key) else { return nil }
        return try integer(value, key, range)
    }

    /// A Boolean.
    public mutating func bool(_ key: String) throws(JSONError) -> Bool {
        try bool(value(key), key)
    }

    /// A Boolean; nil when absent or null.
    public mutating func optionalBool(_ key: String) throws(JSONError) -> Bool? {
        guard let value = optionalValue(key) else { return nil }
        return try bool(value, key)
    }

    /// A number, integer or not.
    public mutating func number(_ key: String) throws(JSONError) -> Double {
        try number(value(key), key)
    }

    /// A number, integer or not; nil when absent or null.
    public mutating func optionalNumber(_ key: String) throws(JSONError) -> Double? {
        guard let value = optionalValue(key) else { return nil }
        return try number(value, key)
    }

    /// An array of at most `maximumCount` elements.
    public mutating func array(_ key: String, maximumCount: Int) throws(JSONError) -> [JSONValue] {
        try array(value(key), key, maximumCount)
    }

    /// An array of at most `maximumCount` elements; nil when absent or null.
    public mutating func optionalArray(_ key: String, maximumCount: Int) throws(JSONError) -> [JSONValue]? {
        guard let value = optionalValue(key) else { return nil }
        return try array(value, key, maximumCount)
    }

    /// An array of at most `maximumCount` strings of at most `maximumBytes` bytes each.
    public mutating func strings(
        _ key: String, maximumCount: Int, maximumBytes: Int = 1024
    ) throws(JSONError) -> [String] {
        var result: [String] = []
        for (index, element) in try array(key, maximumCount: maximumCount).enumerated() {
            result.append(try string(element, key, maximumBytes, at: "\(pointer(to: key))/\(index)"))
        }
        return result
    }

    /// An array of at most `maximumCount` objects, each ready to be decoded at its place.
    public mutating func objects(_ key: String, maximumCount: Int) throws(JSONError) -> [JSONObject] {
        var result: [JSONObject] = []
        for (index, element) in try array(key, maximumCount: maximumCount).enumerated() {
            result.append(try JSONObject(element, at: "\(pointer(to: key))/\(index)"))
        }
        return result
    }

    /// An object, ready to be decoded at its place; its own ``finish()`` is the caller's to call.
    public mutating func object(_ key: String) throws(JSONError) -> JSONObject {
        try JSONObject(value(key), at: pointer(to: key))
    }

    /// An object; nil when absent or null.
    public mutating func optionalObject(_ key: String) throws(JSONError) -> JSONObject? {
        guard let value = optionalValue(key) else { return nil }
        return try JSONObject(value, at: pointer(to: key))
    }

    /// The fields nobody asked for, sorted; for readers that keep what they do not know.
    public var unreadKeys: [String] { unread.sorted(by: utf16Precedes) }

    /// Refuses fields that were not asked for, naming each.
    public func finish() throws(JSONError) {
        guard let first = unreadKeys.first else { return }
        let names = unreadKeys.prefix(8).map { "'\($0.prefix(64))'" }.joined(separator: ", ")
        let more = unread.count > 8 ? " and \(unread.count - 8) more" : ""
        throw JSONError(
            .unknownField, pointer: unread.count == 1 ? pointer(to: first) : pointer,
            reason:
                "unknown field\(unread.count == 1 ? "" : "s") \(names)\(more); remove, or use the version that has them"
        )
    }

    private func string(
        _ value: JSONValue, _ key: String, _ maximum: Int, at place: String? = nil
    ) throws(JSONError) -> String {
        guard case .string(let string) = value else { throw mismatch("a string", value, place ?? pointer(to: key)) }
        guard string.utf8.count <= maximum else {
            throw JSONError(
                .outOfBounds, pointer: place ?? pointer(to: key),
                reason: "a string of \(string.utf8.count) bytes, at most \(maximum) are accepted; shorten it")
        }
        return string
    }

    private func integer(_ value: JSONValue, _ key: String, _ range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
        guard case .integer(let integer) = value else { throw mismatch("an integer", value, pointer(to: key)) }
        guard range.contains(integer) else {
            throw JSONError(
                .outOfBounds, pointer: pointer(to: key),
                reason: "expected an integer from \(range.lowerBound) to \(range.upperBound), found \(integer)")
        }
        return integer
    }

    private func bool(_ value: JSONValue, _ key: String) throws(JSONError) -> Bool {
        guard case .bool(let bool) = value else { throw mismatch("true or false", value, pointer(to: key)) }
        return bool
    }

    private func number(_ value: JSONValue, _ key: String) throws(JSONError) -> Double {
        switch value {
        case .integer(let integer): return Double(integer)
        case .number(let number): return number
        default: throw mismatch("a number", value, pointer(to: key))
        }
    }

    private func array(_ value: JSONValue, _ key: String, _ maximum: Int) throws(JSONError) -> [JSONValue] {
        guard case .array(let elements) = value else { throw mismatch("an array", value, pointer(to: key)) }
        guard elements.count <= maximum else {
            throw JSONError(
                .outOfBounds, pointer: pointer(to: key),
                reason: "an array of \(elements.count) elements, at most \(maximum) are accepted; send them in parts")
        }
        return elements
    }

    private func mismatch(_ expected: String, _ value: JSONValue, _ place: String) -> JSONError {
        JSONError(.wrongType, pointer: place, reason: "expected \(expected), found \(value.phrase)")
    }
}

extension JSONValue {
    /// What the value is, short enough for a message.
    var phrase: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "the number \(value)"
        case .number(let value): "the number \(value)"
        case .string(let value): "the string \"\(value.prefix(32))\(value.count > 32 ? "..." : "")\""
        case .array(let value): "an array of \(value.count)"
        case .object(let value): "an object of \(value.count)"
        }
    }
}
