/// Why a JSON document, or a field in one, was refused: where, what was expected, what was found, and the cure.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule that was broken.
    public enum Kind: Sendable, Hashable {
        /// The text ends inside a value.
        case unexpectedEnd
        /// A byte that no JSON value or separator may have here.
        case unexpectedByte
        /// Something other than white space follows the document.
        case trailingBytes
        /// Bytes in a string that are not UTF-8.
        case invalidUTF8
        /// A control character (U+0000...U+001F) in a string without an escape.
        case controlCharacter
        /// An escape that JSON does not have.
        case invalidEscape
        /// A `\u` escape that is half of a surrogate pair.
        case loneSurrogate
        /// A number that JSON's grammar does not allow, such as `01` or `1.`.
        case invalidNumber
        /// A number beyond the range of a double.
        case numberOutOfRange
        /// A name that occurs twice in one object.
        case duplicateKey
        /// The document is larger than ``JSONLimits/maximumBytes``.
        case tooManyBytes
        /// Nesting is deeper than ``JSONLimits/maximumDepth``.
        case tooDeep
        /// More elements and members than ``JSONLimits/maximumItems``.
        case tooManyItems
        /// A string is longer than ``JSONLimits/maximumStringBytes``.
        case stringTooLong
        /// A required field is absent.
        case missingField
        /// A value has another type than the field demands.
        case wrongType
        /// A value of the right type is outside the field's bounds.
        case outOfBounds
        /// An object has fields this protocol version does not know.
        case unknownField
    }

    /// The rule that was broken.
    public var kind: Kind
    /// The offset in bytes from the start of the document; nil when the value was already decoded.
    public var offset: Int?
    /// The place as a JSON pointer (RFC 6901); empty means the whole document.
    public var pointer: String
    /// What was expected, what was found, and what to do about it.
    public var reason: String

    /// Makes an error; decoders of messages use it for rules of their own.
    public init(_ kind: Kind, offset: Int? = nil, pointer: String = "", reason: String) {
        self.kind = kind
        self.offset = offset
        self.pointer = pointer
        self.reason = reason
    }

    /// One line, such as `JSON at /packages/3/version, byte 812: expected a string, found number 7`.
    public var description: String {
        var place = pointer.isEmpty ? "JSON document" : "JSON at \(pointer)"
        if let offset { place += ", byte \(offset)" }
        return "\(place): \(reason)"
    }

    /// The same error seen from one level further out.
    func inside(_ component: String) -> JSONError {
        var outer = self
        outer.pointer = "/\(Self.escaped(component))\(pointer)"
        return outer
    }

    /// A reference token of RFC 6901: `~` and `/` are escaped.
    static func escaped(_ component: String) -> String {
        guard component.utf8.contains(where: { $0 == 0x7E || $0 == 0x2F }) else { return component }
        var result = ""
        for scalar in component.unicodeScalars {
            switch scalar {
            case "~": result += "~0"
            case "/": result += "~1"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
