/// Comma-separated values (RFC 4180) that are safe to open in a spreadsheet.
///
/// A cell that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, or a tab or carriage return) is
/// given an apostrophe in front (OWASP, "CSV Injection"); plain numbers are left as they are. Other control characters,
/// which no spreadsheet shows and a terminal obeys, become U+FFFD.
public struct CSVText: Sendable {
    /// The lines so far, each ending in CR LF.
    public private(set) var text = ""

    /// Begins with a line of headings, unless there are none.
    public init(headings: [String]) { if !headings.isEmpty { add(headings) } }

    /// Adds a line.
    public mutating func add(_ cells: [String]) {
        text += cells.map(Self.cell).joined(separator: ",") + "\r\n"
    }

    /// A cell as it is written.
    static func cell(_ text: String) -> String {
        let safe = harmless(String(String.UnicodeScalarView(text.unicodeScalars.map { steers($0) ? "\u{FFFD}" : $0 })))
        let isQuoted =
            safe.unicodeScalars.contains { $0 == "," || $0 == "\"" || $0 == "\r" || $0 == "\n" }
            || safe.hasPrefix(" ") || safe.hasSuffix(" ")
        guard isQuoted else { return safe }
        var quoted = "\""
        for scalar in safe.unicodeScalars {
            if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }

    private static func harmless(_ text: String) -> String {
        guard let first = text.unicodeScalars.first, "=+-@\t\r\n".unicodeScalars.contains(first), !isNumber(text) else {
            return text
        }
        return "'" + text
    }

    /// Digits with a sign, a point and an exponent at most.
    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E || $0 == 0x2D || $0 == 0x2B || $0 == 0x65 }
            && Double(text) != nil
    }

    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D: false
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
