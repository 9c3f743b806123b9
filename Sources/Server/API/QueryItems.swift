import Wire

/// The parameters of a query, decoded once and strictly.
struct QueryItems: Sendable {
    /// By name; none occurs twice.
    let values: [String: String]

    /// The most parameters.
    static let maximum = 64

    /// Reads the part after the question mark.
    init(_ query: Substring) throws(Refusal) {
        var values: [String: String] = [:]
        var faults: [Problem.Fault] = []
        for part in query.split(separator: "&", maxSplits: Self.maximum) {
            let equals = part.firstIndex(of: "=")
            let name = Self.decoded(equals.map { part[..<$0] } ?? part)
            let value = Self.decoded(equals.map { part[part.index(after: $0)...] } ?? "")
            guard let name, let value else {
                faults.append(
                    .init(
                        parameter: "query", detail: "An escape is not one of UTF-8.",
                        cure: "Write %XX for the bytes of UTF-8 (RFC 3986)."))
                continue
            }
            if values.updateValue(value, forKey: name) != nil {
                faults.append(
                    .init(parameter: "query \(name.prefix(64))", detail: "It is given twice.", cure: "Give it once."))
            }
        }
        if !faults.isEmpty { throw Refusal(.invalid(Array(faults.prefix(20)))) }
        self.values = values
    }

    /// Text with its escapes replaced, `+` for a blank; nil where an escape is broken or the bytes are not UTF-8.
    static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy(isHexadecimal),
                    let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"):
        true
    default: false
    }
}

/// Text as it may stand in a query (RFC 3986, section 2.3).
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let scalar = Unicode.Scalar(byte)
        if byte < 0x80,
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "-._~".unicodeScalars.contains(scalar)
        {
            result.unicodeScalars.append(scalar)
        } else {
            result += "%" + hexadecimal(byte).uppercased()
        }
    }
    return result
}

/// Text with its percent escapes replaced; as it is where they are not UTF-8.
func percentDecoded(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == UInt8(ascii: "%"), digits.count == 2, digits.allSatisfy(isHexadecimal),
            let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(validating: bytes, as: UTF8.self) ?? String(text)
}
