public import JSON

extension JSONValue {
    /// The value as a YAML 1.2 document in block style, ending in a line feed; every parser of YAML 1.1 or 1.2 reads it
    /// back as it was.
    ///
    /// Texts that could be read as something else (`no`, `1e3`, `2026-11-21`), and those with anything but printable
    /// ASCII, stand in double quotes with escapes: no control character leaves this.
    public func yaml() -> String {
        var output = ""
        switch self {
        case .array(let elements) where !elements.isEmpty: Self.write(elements, indent: 0, into: &output)
        case .object(let members) where !members.isEmpty:
            Self.write(members, indent: 0, isFirstOpen: false, into: &output)
        default: output += scalarYAML + "\n"
        }
        return output
    }

    private static func write(_ elements: [JSONValue], indent: Int, into output: inout String) {
        for element in elements {
            output += String(repeating: " ", count: indent) + "- "
            switch element {
            case .object(let members) where !members.isEmpty:
                write(members, indent: indent + 2, isFirstOpen: true, into: &output)
            case .array(let inner) where !inner.isEmpty:
                output.removeLast()
                output += "\n"
                write(inner, indent: indent + 2, into: &output)
            default: output += element.scalarYAML + "\n"
            }
        }
    }

    /// - Parameter isFirstOpen: whether the first member goes on a line that has been begun.
    private static func write(
        _ members: [String: JSONValue], indent: Int, isFirstOpen: Bool, into output: inout String
    ) {
        let sorted = members.sorted {
            $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) { $0.value < $1.value }
        }
        for (index, member) in sorted.enumerated() {
            if !(isFirstOpen && index == 0) { output += String(repeating: " ", count: indent) }
            output += textYAML(member.key) + ":"
            switch member.value {
            case .object(let inner) where !inner.isEmpty:
                output += "\n"
                write(inner, indent: indent + 2, isFirstOpen: false, into: &output)
            case .array(let inner) where !inner.isEmpty:
                output += "\n"
                write(inner, indent: indent + 2, into: &output)
            default: output += " " + member.value.scalarYAML + "\n"
            }
        }
    }

    private var scalarYAML: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number: Self.numberYAML(String(decoding: canonicalBytes(), as: UTF8.self))
        case .string(let text): Self.textYAML(text)
        case .array: "[]"
        case .object: "{}"
        }
    }

    /// A number that YAML 1.1 takes for one too: with a point before the exponent.
    private static func numberYAML(_ text: String) -> String {
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }

    /// A text that needs no quotes in any version of YAML, or a quoted one.
    private static func textYAML(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: " "):
                true
            default: false
            }
        }
        let first = text.utf8.first ?? 0
        let isLetter = (first >= 0x61 && first <= 0x7A) || (first >= 0x41 && first <= 0x5A)
        guard plain, isLetter, !text.hasSuffix(" "), !words.contains(text.lowercased()) else { return quoted(text) }
        return text
    }

    /// Words that some version of YAML takes for something else than text.
    private static let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default:
                if scalar.value >= 0x20, scalar.value < 0x7F {
                    result.unicodeScalars.append(scalar)
                } else if isPrinted(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16, uppercase: true)
                    let (letter, width) = scalar.value <= 0xFF ? ("x", 2) : scalar.value <= 0xFFFF ? ("u", 4) : ("U", 8)
                    result += "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
                }
            }
        }
        return result + "\""
    }

    /// Letters of all scripts; nothing that steers a terminal or that YAML 1.1 forbids or takes for a line's end.
    private static func isPrinted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .dashPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol:
            scalar.value > 0x9F && scalar.value < 0xFFF0 && scalar.value != 0xFEFF
        default: false
        }
    }
}
