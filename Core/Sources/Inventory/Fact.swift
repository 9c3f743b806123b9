public import JSON

/// Something that was looked for on a host: what was found, or why it could not be read.
///
/// A probe that cannot run is *unknown*, never a no and never "clean".
public enum Fact<Value: Hashable & Sendable>: Hashable, Sendable {
    /// It was read.
    case known(Value)
    /// It could not be read; the text says why, for a person.
    case unknown(String)

    /// What was found; nil where it is unknown.
    public var value: Value? {
        if case .known(let value) = self { value } else { nil }
    }

    /// Why it is unknown; nil where it is known.
    public var why: String? {
        if case .unknown(let why) = self { why } else { nil }
    }

    /// `{"value": …}` or `{"unknown": "why"}`.
    public func json(_ encode: (Value) -> JSONValue) -> JSONValue {
        switch self {
        case .known(let value): ["value": encode(value)]
        case .unknown(let why): ["unknown": .string(why)]
        }
    }

    /// Reads what ``json(_:)`` wrote.
    public init(
        _ object: JSONObject, decode: (JSONValue, _ pointer: String) throws(JSONError) -> Value
    ) throws(JSONError) {
        var object = object
        if let why = try object.optionalString("unknown", maximumBytes: 4096) {
            self = .unknown(why)
        } else {
            self = .known(try decode(object.value("value"), object.pointer(to: "value")))
        }
        try object.finish()
    }
}
