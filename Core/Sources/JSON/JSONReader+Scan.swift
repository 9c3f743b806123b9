// The lexical half of the reader: white space, literals and strings.
extension JSONReader {
    @inline(__always)
    mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    /// The next byte, which stays unread.
    @inline(__always)
    func byte(expecting expected: StaticString) throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw end(expected) }
        return bytes[offset]
    }

    mutating func require(_ kind: Kind) throws(JSONError) {
        let actual = try peek()
        if actual != kind {
            throw JSONError(.wrongType, offset: offset, reason: "expected \(kind.phrase), found \(actual.phrase)")
        }
    }

    /// The same of a kind that one byte tells, which nearly always is the one that was asked for.
    @inline(__always)
    mutating func require(_ kind: Kind, beginningWith first: UInt8) throws(JSONError) {
        skipWhitespace()
        if offset < bytes.count, bytes[offset] == first { return }
        try require(kind)
    }

    mutating func literal(_ word: StaticString) throws(JSONError) {
        let matches = word.withUTF8Buffer { expected in
            bytes.count - offset >= expected.count
                && expected.elementsEqual(bytes[offset..<offset + expected.count])
        }
        guard matches else {
            throw JSONError(
                .unexpectedByte, offset: offset, reason: "expected '\(word)'; strings need quotes, found \(found())")
        }
        offset += word.utf8CodeUnitCount
    }

    /// Steps into an array or object.
    @inline(__always)
    mutating func enter() throws(JSONError) {
        guard depth < limits.maximumDepth else { throw tooDeep() }
        depth += 1
        offset += 1
    }

    private func tooDeep() -> JSONError {
        JSONError(
            .tooDeep, offset: offset,
            reason: "arrays and objects nest deeper than \(limits.maximumDepth); flatten them")
    }

    mutating func leave() {
        depth -= 1
        offset += 1
    }

    /// Counts one element or member.
    @inline(__always)
    mutating func count() throws(JSONError) {
        items += 1
        if items > limits.maximumItems { throw tooManyItems() }
    }

    private func tooManyItems() -> JSONError {
        JSONError(
            .tooManyItems, offset: offset,
            reason: "more than \(limits.maximumItems) elements and members; send them in parts")
    }

    /// Reads a string from its opening quote on, checking UTF-8, escapes and length.
    mutating func scanString() throws(JSONError) -> JSONText {
        let start = offset + 1
        var index = start
        var hasEscapes = false
        while true {
            index = plainEnd(from: index)
            guard index < bytes.count else {
                throw JSONError(
                    .unexpectedEnd, offset: bytes.count,
                    reason: "the text ends inside the string that starts at byte \(offset)")
            }
            let byte = bytes[index]
            if byte == 0x22 { break }
            if byte == 0x5C {
                hasEscapes = true
                index = try escapeEnd(from: index)
            } else if byte >= 0x80 {
                index = try multibyteEnd(from: index)
            } else if byte < 0x20 {
                throw JSONError(
                    .controlCharacter, offset: index,
                    reason: "control character \(Self.name(byte)) in a string; write it as an escape")
            } else {
                index += 1
            }
        }
        guard index - start <= limits.maximumStringBytes else {
            throw JSONError(
                .stringTooLong, offset: offset,
                reason:
                    "a string of \(index - start) bytes, at most \(limits.maximumStringBytes) are accepted; shorten it")
        }
        offset = index + 1
        return JSONText(raw: UnsafeRawBufferPointer(rebasing: bytes[start..<index]), hasEscapes: hasEscapes)
    }

    /// The first byte at or after `index` that is a quote, a backslash, a control or not ASCII, eight bytes at a time.
    @inline(__always)
    private func plainEnd(from start: Int) -> Int {
        var index = start
        let ones: UInt64 = 0x0101_0101_0101_0101
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // The top bit of each byte tells; borrows disturb only bytes above the first hit, and the first one counts.
            let hits =
                ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word)
                & (ones &* 0x80)
            if hits != 0 { return index + hits.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { return index }
            index += 1
        }
        return index
    }

    private func escapeEnd(from index: Int) throws(JSONError) -> Int {
        guard index + 1 < bytes.count else { throw end("an escape", at: index + 1) }
        switch bytes[index + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return index + 2
        case 0x75: break
        default:
            throw JSONError(
                .invalidEscape, offset: index,
                reason: "a backslash followed by \(Self.name(bytes[index + 1])); write a backslash itself as \\\\")
        }
        let unit = try unitValue(from: index)
        if unit & 0xF800 != 0xD800 { return index + 6 }
        let lone = JSONError(
            .loneSurrogate, offset: index,
            reason: "\\u\(String(unit, radix: 16)) is half of a surrogate pair; write both halves, or UTF-8")
        guard unit & 0xFC00 == 0xD800, index + 7 < bytes.count, bytes[index + 6] == 0x5C, bytes[index + 7] == 0x75,
            try unitValue(from: index + 6) & 0xFC00 == 0xDC00
        else { throw lone }
        return index + 12
    }

    private func unitValue(from index: Int) throws(JSONError) -> UInt32 {
        for digit in index + 2..<index + 6 {
            guard digit < bytes.count else { throw end("four hexadecimal digits", at: bytes.count) }
            guard JSONText.hexValue(bytes[digit]) != nil else {
                throw JSONError(
                    .invalidEscape, offset: digit,
                    reason: "\\u needs four hexadecimal digits, found \(Self.name(bytes[digit]))")
            }
        }
        return JSONText.hex(bytes, at: index + 2)
    }

    /// The end of one scalar of two to four bytes (RFC 3629, section 4: shortest form, no surrogates, at most U+10FFFF).
    private func multibyteEnd(from index: Int) throws(JSONError) -> Int {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[index] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: (length, second) = (0, 0x80...0xBF)
        }
        var valid = length > 0 && index + length <= bytes.count && second.contains(bytes[index + 1])
        if valid {
            for next in index + 2..<max(index + length, index + 2) where bytes[next] & 0xC0 != 0x80 { valid = false }
        }
        guard valid else {
            throw JSONError(
                .invalidUTF8, offset: index, reason: "bytes that are not UTF-8; encode the document as UTF-8")
        }
        return index + length
    }

    func end(_ expected: StaticString, at place: Int? = nil) -> JSONError {
        JSONError(
            .unexpectedEnd, offset: place ?? offset, reason: "expected \(expected), but the text ends; was it cut off?")
    }

    func unexpected(_ expected: StaticString) -> JSONError {
        JSONError(.unexpectedByte, offset: offset, reason: "expected \(expected), found \(found())")
    }

    /// The byte at the present offset, for a message.
    func found() -> String {
        offset < bytes.count ? Self.name(bytes[offset]) : "the end"
    }

    static func name(_ byte: UInt8) -> String {
        if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension JSONReader.Kind {
    /// The kind with its article, for messages.
    var phrase: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
