/// A strict pull reader (RFC 8259) over bytes that stay where they are.
///
/// The caller asks for what it expects and skips the rest, so a large feed is read without building a tree:
///
///     try reader.array { reader throws(JSONError) in
///         try reader.object { reader, key throws(JSONError) in
///             switch key {
///             case "id": record.id = try reader.string()
///             default: try reader.skip()
///             }
///         }
///     }
///
/// A value that a callback leaves unread is skipped. Skipped values are checked as strictly as read ones, except
/// that names which occur twice in one object are noticed only by ``value()``.
/// - Warning: The buffer must outlive the reader and every ``JSONText`` it gave out.
public struct JSONReader {
    /// What the next value is, by its first byte.
    public enum Kind: Sendable, Hashable {
        case null, bool, number, string, array, object
    }

    let bytes: UnsafeRawBufferPointer
    let limits: JSONLimits
    var depth = 0
    var items = 0

    /// The offset of the next byte to read.
    public internal(set) var offset = 0

    /// Starts to read `bytes`; refuses a buffer larger than the limit.
    public init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) {
        self.bytes = bytes
        self.limits = limits
        if bytes.count > limits.maximumBytes {
            throw JSONError(
                .tooManyBytes, offset: limits.maximumBytes,
                reason: "the document has \(bytes.count) bytes, at most \(limits.maximumBytes) are accepted; send less")
        }
    }

    /// The kind of the next value, which stays unread.
    public mutating func peek() throws(JSONError) -> Kind {
        skipWhitespace()
        switch try byte(expecting: "a value") {
        case 0x22: return .string
        case 0x7B: return .object
        case 0x5B: return .array
        case 0x74, 0x66: return .bool
        case 0x6E: return .null
        case 0x2D, 0x30...0x39: return .number
        default: throw unexpected("a value")
        }
    }

    /// Reads `null`.
    public mutating func null() throws(JSONError) {
        try require(.null)
        try literal("null")
    }

    /// Reads `null` where it stands next, and tells whether it did; anything else stays unread and unchecked.
    public mutating func takeNull() throws(JSONError) -> Bool {
        skipWhitespace()
        guard offset < bytes.count, bytes[offset] == 0x6E else { return false }
        try literal("null")
        return true
    }

    /// Reads `true` or `false`.
    public mutating func bool() throws(JSONError) -> Bool {
        try require(.bool)
        if bytes[offset] == 0x74 {
            try literal("true")
            return true
        }
        try literal("false")
        return false
    }

    /// Reads a string and copies it.
    public mutating func string() throws(JSONError) -> String {
        try text().string
    }

    /// Reads a string without copying it.
    public mutating func text() throws(JSONError) -> JSONText {
        try require(.string, beginningWith: 0x22)
        return try scanString()
    }

    /// Reads a number that is an integer and fits 64 bits.
    public mutating func integer() throws(JSONError) -> Int64 {
        try require(.number)
        let start = offset
        guard case .integer(let value) = try scanNumber() else {
            throw JSONError(.wrongType, offset: start, reason: "expected an integer of 64 bits, found another number")
        }
        return value
    }

    /// Reads a number as a double.
    public mutating func number() throws(JSONError) -> Double {
        try require(.number)
        switch try scanNumber() {
        case .integer(let value): return Double(value)
        case .number(let value): return value
        default: return 0  // not reached: scanNumber returns numbers
        }
    }

    /// Reads an object, calling `member` for each name with the reader before its value.
    public mutating func object(
        _ member: (inout JSONReader, JSONText) throws(JSONError) -> Void
    ) throws(JSONError) {
        try require(.object, beginningWith: 0x7B)
        try enter()
        skipWhitespace()
        if try byte(expecting: "a name or '}'") == 0x7D {
            leave()
            return
        }
        while true {
            skipWhitespace()
            guard try byte(expecting: "a name") == 0x22 else { throw unexpected("a name in quotes") }
            try count()
            let key = try scanString()
            skipWhitespace()
            guard try byte(expecting: "':'") == 0x3A else { throw unexpected("':'") }
            offset += 1
            skipWhitespace()
            let start = offset
            do throws(JSONError) {
                try member(&self, key)
                if offset == start { try skip() }
            } catch {
                throw error.inside(key.string)
            }
            skipWhitespace()
            switch try byte(expecting: "',' or '}'") {
            case 0x2C: offset += 1
            case 0x7D:
                leave()
                return
            default: throw unexpected("',' or '}'")
            }
        }
    }

    /// Reads an array, calling `element` with the reader before each element.
    public mutating func array(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
        try require(.array, beginningWith: 0x5B)
        try enter()
        skipWhitespace()
        if try byte(expecting: "a value or ']'") == 0x5D {
            leave()
            return
        }
        var index = 0
        while true {
            try count()
            skipWhitespace()
            let start = offset
            do throws(JSONError) {
                try element(&self)
                if offset == start { try skip() }
            } catch {
                throw error.inside("\(index)")
            }
            index += 1
            skipWhitespace()
            switch try byte(expecting: "',' or ']'") {
            case 0x2C: offset += 1
            case 0x5D:
                leave()
                return
            default: throw unexpected("',' or ']'")
            }
        }
    }

    /// Checks the next value and drops it.
    public mutating func skip() throws(JSONError) {
        switch try peek() {
        case .null: try literal("null")
        case .bool: _ = try bool()
        case .number: _ = try scanNumberExtent()
        case .string: _ = try scanString()
        case .array: try array { reader throws(JSONError) in try reader.skip() }
        case .object: try object { reader, _ throws(JSONError) in try reader.skip() }
        }
    }

    /// Reads the next value as a tree; names that occur twice in one object are refused.
    public mutating func value() throws(JSONError) -> JSONValue {
        switch try peek() {
        case .null:
            try literal("null")
            return .null
        case .bool: return .bool(try bool())
        case .number: return try scanNumber()
        case .string: return .string(try scanString().string)
        case .array:
            var elements: [JSONValue] = []
            try array { reader throws(JSONError) in elements.append(try reader.value()) }
            return .array(elements)
        case .object:
            var members: [String: JSONValue] = [:]
            try object { reader, key throws(JSONError) in
                let start = reader.offset
                let value = try reader.value()
                if members.updateValue(value, forKey: key.string) != nil {
                    throw JSONError(
                        .duplicateKey, offset: start, reason: "this name occurs twice in one object; send it once")
                }
            }
            return .object(members)
        }
    }

    /// Refuses anything but white space after the document.
    public mutating func finish() throws(JSONError) {
        skipWhitespace()
        if offset < bytes.count {
            throw JSONError(
                .trailingBytes, offset: offset,
                reason: "\(bytes.count - offset) bytes follow the document, from \(found()); send one document only")
        }
    }
}
