/// A JSON value (RFC 8259) as a tree.
///
/// Values come from ``init(parsing:limits:)-([UInt8],_)``, from literals, or are built by hand. The parser gives
/// ``integer(_:)`` for every number whose canonical form is a plain 64-bit integer, so that
/// `parse(canonical(x)) == x` for every parsed `x`. Names that are equal as Swift strings (Unicode canonical
/// equivalence) are the same name.
public enum JSONValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number. Must be finite: JSON has no NaN or infinity, the parser makes none, ``init(_:)-(Double)``
    /// refuses them, and writing one stops the program.
    case number(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object([String: JSONValue])

    /// Parses one whole document, strictly: duplicate names, invalid UTF-8, lone surrogates and trailing bytes are refused.
    public init(parsing bytes: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) {
        var reader = try JSONReader(bytes, limits: limits)
        self = try reader.value()
        try reader.finish()
    }

    /// Parses one whole document.
    public init(parsing bytes: [UInt8], limits: JSONLimits) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            try JSONValue(parsing: UnsafeRawBufferPointer(buffer), limits: limits)
        }
    }

    /// Parses one whole document from any collection of bytes; those that are not contiguous are copied first.
    public init(parsing bytes: some Collection<UInt8>, limits: JSONLimits) throws(JSONError) {
        if bytes.count > limits.maximumBytes {
            throw JSONError(
                .tooManyBytes, offset: limits.maximumBytes,
                reason: "the document has \(bytes.count) bytes, at most \(limits.maximumBytes) are accepted; send less")
        }
        try self.init(parsing: Array(bytes), limits: limits)
    }

    /// Makes a number from a double; nil for NaN and infinity. A value that is written as a plain 64-bit integer
    /// becomes ``integer(_:)``, as it does in parsing.
    public init?(_ double: Double) {
        guard double.isFinite else { return nil }
        if double.rounded(.towardZero) == double, abs(double) < 9.3e18, let value = Int64(double.ecmaScriptForm) {
            self = .integer(value)
        } else {
            self = .number(double)
        }
    }

    /// The member of an object; nil when there is none or this is not an object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[key]
    }

    /// The element of an array; nil when there is none or this is not an array.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The string, if this is one.
    public var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    /// The integer, if this is one.
    public var integer: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// The Boolean, if this is one.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The elements, if this is an array.
    public var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    /// The members, if this is an object.
    public var object: [String: JSONValue]? {
        guard case .object(let value) = self else { return nil }
        return value
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }

    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }

    /// A number; written as an integer (`1.0`) it is one.
    public init(floatLiteral value: Double) { self = JSONValue(value) ?? .null }

    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }

    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// An object; of a name that occurs twice the last value counts.
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(Dictionary(members, uniquingKeysWith: { $1 }))
    }
}
