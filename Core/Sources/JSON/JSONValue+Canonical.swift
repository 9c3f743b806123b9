// Writing: the canonical form of RFC 8785 and an indented one for people.
extension JSONValue {
    /// The canonical form (RFC 8785): no white space, names sorted by UTF-16 code units, the fewest escapes, numbers as
    /// ECMAScript writes them. Equal values have equal bytes, so digests and signatures are taken over these.
    ///
    /// Integers beyond 2^53 are written with all their digits, where RFC 8785 would have the nearest double's.
    public func canonicalBytes() -> [UInt8] {
        var output: [UInt8] = []
        write(into: &output, indent: nil)
        return output
    }

    /// The same order and spelling with two spaces of indentation and line breaks, without a final one.
    public func prettyPrinted() -> String {
        var output: [UInt8] = []
        write(into: &output, indent: 0)
        return String(decoding: output, as: UTF8.self)
    }

    private func write(into output: inout [UInt8], indent: Int?) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += String(value).utf8
        case .number(let value):
            precondition(value.isFinite, "JSON has no NaN or infinity; make numbers with JSONValue.init?(_: Double)")
            output += value.ecmaScriptForm.utf8
        case .string(let value): Self.write(value, into: &output)
        case .array(let elements):
            Self.write(elements, open: 0x5B, close: 0x5D, into: &output, indent: indent) { element, output, indent in
                element.write(into: &output, indent: indent)
            }
        case .object(let members):
            let sorted = members.sorted { utf16Precedes($0.key, $1.key) }
            Self.write(sorted, open: 0x7B, close: 0x7D, into: &output, indent: indent) { member, output, indent in
                Self.write(member.key, into: &output)
                output.append(0x3A)
                if indent != nil { output.append(0x20) }
                member.value.write(into: &output, indent: indent)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], open: UInt8, close: UInt8, into output: inout [UInt8], indent: Int?,
        item: (Item, inout [UInt8], Int?) -> Void
    ) {
        func newLine(_ spaces: Int) {
            output.append(0x0A)
            output.append(contentsOf: repeatElement(0x20, count: spaces))
        }
        output.append(open)
        for (index, element) in items.enumerated() {
            if index > 0 { output.append(0x2C) }
            if let indent { newLine(indent + 2) }
            item(element, &output, indent.map { $0 + 2 })
        }
        if let indent, !items.isEmpty { newLine(indent) }
        output.append(close)
    }

    private static func write(_ string: String, into output: inout [UInt8]) {
        var string = string
        output.append(0x22)
        string.withUTF8 { bytes in
            var start = 0
            // Nearly all strings are one run without escapes, copied at once.
            for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
                output.append(contentsOf: bytes[start..<index])
                escape(byte, into: &output)
                start = index + 1
            }
            output.append(contentsOf: bytes[start...])
        }
        output.append(0x22)
    }

    private static func escape(_ byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case 0x22, 0x5C: output += [0x5C, byte]
        case 0x08: output += [0x5C, 0x62]
        case 0x09: output += [0x5C, 0x74]
        case 0x0A: output += [0x5C, 0x6E]
        case 0x0C: output += [0x5C, 0x66]
        case 0x0D: output += [0x5C, 0x72]
        default: output += "\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8
        }
    }
}

/// Whether `left` sorts before `right` by UTF-16 code units (RFC 8785, section 3.2.3).
///
/// UTF-8 gives the same order except that scalars above U+FFFF, surrogates in UTF-16, come before U+E000...U+FFFF.
func utf16Precedes(_ left: String, _ right: String) -> Bool {
    var others = right.utf8.makeIterator()
    for byte in left.utf8 {
        guard let other = others.next() else { return false }
        if byte == other { continue }
        if byte >= 0xEE, other >= 0xEE { return (byte >= 0xF0) == (other >= 0xF0) ? byte < other : byte >= 0xF0 }
        return byte < other
    }
    return others.next() != nil
}

extension Double {
    /// The shortest decimal that reads back as this finite number, laid out as ECMAScript's Number::toString does.
    var ecmaScriptForm: String {
        if self == 0 { return "0" }
        // The standard library gives the shortest digits; only their layout differs.
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = magnitude.description.utf8
        var rest = text[...]
        while let byte = rest.popFirst() {
            if byte == 0x2E {
                point = digits.count
            } else if byte == 0x65 {
                exponent = Int(Substring(rest)) ?? 0
                break
            } else {
                digits.append(byte)
            }
        }
        var scale = (point ?? digits.count) + exponent  // the value is 0.DIGITS times ten to this power
        let zeros = digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(zeros)
        scale -= zeros
        while digits.last == 0x30 { digits.removeLast() }

        let all = String(decoding: digits, as: UTF8.self)
        let sign = self < 0 ? "-" : ""
        switch scale {
        case digits.count...21 where digits.count <= 21:
            return sign + all + String(repeating: "0", count: scale - digits.count)
        case 1...21:
            return sign + all.prefix(scale) + "." + all.dropFirst(scale)
        case -5...0:
            return sign + "0." + String(repeating: "0", count: -scale) + all
        default:
            let fraction = digits.count > 1 ? "." + all.dropFirst() : ""
            return "\(sign)\(all.prefix(1))\(fraction)e\(scale > 0 ? "+" : "-")\(abs(scale - 1))"
        }
    }
}
