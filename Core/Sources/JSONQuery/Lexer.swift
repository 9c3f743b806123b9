import JSON

/// What an expression is made of.
enum Token: Hashable, Sendable {
    case name(String), quoted(String), literal(JSONValue), number(Int)
    case dot, star, flatten, filter, openBracket, closeBracket, openBrace, closeBrace, openParenthesis, closeParenthesis
    case comma, colon, current, reference, or, and, not, pipe
    case comparison(Node.Comparison)
    case end

    /// How strongly it binds to what stands before it (the reference implementation's table).
    var power: Int {
        switch self {
        case .pipe: 1
        case .or: 2
        case .and: 3
        case .comparison: 5
        case .flatten: 9
        case .star: 20
        case .filter: 21
        case .dot: 40
        case .not: 45
        case .openBrace: 50
        case .openBracket: 55
        case .openParenthesis: 60
        default: 0
        }
    }

    /// As it is told in a message.
    var shown: String {
        switch self {
        case .name(let text): "\"\(text)\""
        case .quoted: "a quoted name"
        case .literal: "a literal"
        case .number(let number): "the number \(number)"
        case .dot: "\".\""
        case .star: "\"*\""
        case .flatten: "\"[]\""
        case .filter: "\"[?\""
        case .openBracket: "\"[\""
        case .closeBracket: "\"]\""
        case .openBrace: "\"{\""
        case .closeBrace: "\"}\""
        case .openParenthesis: "\"(\""
        case .closeParenthesis: "\")\""
        case .comma: "\",\""
        case .colon: "\":\""
        case .current: "\"@\""
        case .reference: "\"&\""
        case .or: "\"||\""
        case .and: "\"&&\""
        case .not: "\"!\""
        case .pipe: "\"|\""
        case .comparison: "a comparison"
        case .end: "the end"
        }
    }
}

/// Splits an expression into tokens.
struct Lexer {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func tokens() throws(JSONQueryError) -> [(token: Token, offset: Int)] {
        var result: [(Token, Int)] = []
        while true {
            while let byte = peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
            let start = offset
            let token = try next()
            result.append((token, start))
            if token == .end { return result }
        }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        offset + ahead < bytes.count ? bytes[offset + ahead] : nil
    }

    private mutating func take(_ token: Token, _ count: Int = 1) -> Token {
        offset += count
        return token
    }

    private mutating func next() throws(JSONQueryError) -> Token {
        guard let byte = peek() else { return .end }
        let follower = peek(1)
        switch byte {
        case UInt8(ascii: "."): return take(.dot)
        case UInt8(ascii: "*"): return take(.star)
        case UInt8(ascii: "]"): return take(.closeBracket)
        case UInt8(ascii: ","): return take(.comma)
        case UInt8(ascii: ":"): return take(.colon)
        case UInt8(ascii: "@"): return take(.current)
        case UInt8(ascii: "("): return take(.openParenthesis)
        case UInt8(ascii: ")"): return take(.closeParenthesis)
        case UInt8(ascii: "{"): return take(.openBrace)
        case UInt8(ascii: "}"): return take(.closeBrace)
        case UInt8(ascii: "["):
            if follower == UInt8(ascii: "]") { return take(.flatten, 2) }
            return follower == UInt8(ascii: "?") ? take(.filter, 2) : take(.openBracket)
        case UInt8(ascii: "|"): return follower == byte ? take(.or, 2) : take(.pipe)
        case UInt8(ascii: "&"): return follower == byte ? take(.and, 2) : take(.reference)
        case UInt8(ascii: "<"):
            return follower == UInt8(ascii: "=") ? take(.comparison(.lessOrEqual), 2) : take(.comparison(.less))
        case UInt8(ascii: ">"):
            return follower == UInt8(ascii: "=") ? take(.comparison(.greaterOrEqual), 2) : take(.comparison(.greater))
        case UInt8(ascii: "!"):
            return follower == UInt8(ascii: "=") ? take(.comparison(.unequal), 2) : take(.not)
        case UInt8(ascii: "="):
            if follower == byte { return take(.comparison(.equal), 2) }
            throw JSONQueryError(offset: offset, "a single \"=\"; equality is \"==\"")
        case UInt8(ascii: "'"): return .literal(.string(try raw()))
        case UInt8(ascii: "`"): return .literal(try literal())
        case UInt8(ascii: "\""): return .quoted(try quoted())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
            return .name(name())
        default:
            throw JSONQueryError(
                offset: offset,
                "this character has no meaning here; names with others than letters, digits and _ are quoted: \"a-b\"")
        }
    }

    private mutating func name() -> String {
        let start = offset
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                offset += 1
            default: return String(decoding: bytes[start..<offset], as: UTF8.self)
            }
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func number() throws(JSONQueryError) -> Int {
        let start = offset
        if peek() == UInt8(ascii: "-") { offset += 1 }
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { offset += 1 }
        guard let value = Int(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
            throw JSONQueryError(offset: start, "this is no number of at most 18 digits")
        }
        return value
    }

    /// What stands up to the closing delimiter; before the delimiter a backslash stands for it.
    private mutating func delimited(_ delimiter: UInt8, keepingEscapes: Bool) throws(JSONQueryError) -> [UInt8] {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while let byte = peek() {
            if byte == delimiter {
                offset += 1
                return text
            }
            if byte == UInt8(ascii: "\\"), let escaped = peek(1) {
                if escaped != delimiter || keepingEscapes { text.append(byte) }
                text.append(escaped)
                offset += 2
            } else {
                text.append(byte)
                offset += 1
            }
        }
        throw JSONQueryError(offset: start, "this \(Unicode.Scalar(delimiter)) is not closed")
    }

    private mutating func raw() throws(JSONQueryError) -> String {
        String(decoding: try delimited(UInt8(ascii: "'"), keepingEscapes: false), as: UTF8.self)
    }

    private mutating func quoted() throws(JSONQueryError) -> String {
        let start = offset
        let text =
            [UInt8(ascii: "\"")] + (try delimited(UInt8(ascii: "\""), keepingEscapes: true)) + [UInt8(ascii: "\"")]
        guard case .string(let name)? = try? JSONValue(parsing: text, limits: .message) else {
            throw JSONQueryError(offset: start, "a quoted name is written as a JSON string")
        }
        return name
    }

    private mutating func literal() throws(JSONQueryError) -> JSONValue {
        let start = offset
        let text = try delimited(UInt8(ascii: "`"), keepingEscapes: false)
        do {
            return try JSONValue(parsing: text, limits: .message)
        } catch {
            throw JSONQueryError(
                offset: start,
                "between backquotes stands JSON, such as `1`, `true` or `\"text\"`; plain text is easier: 'text'")
        }
    }
}
