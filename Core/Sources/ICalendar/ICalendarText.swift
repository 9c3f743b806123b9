import Schedule
import Timestamps

/// Writes content lines (RFC 5545, 3.1): folded after 75 bytes, never in the middle of a character, ended by CR LF.
struct ICalendarText {
    private(set) var text = ""

    mutating func line(_ content: String) {
        var length = 0
        for character in content.unicodeScalars {
            // A control character has no place in a line, and would end it.
            guard character.value >= 0x20 && character.value != 0x7F || character == "\t" else { continue }
            let size = UTF8.width(character)
            if length + size > 75 {
                text += "\r\n "
                length = 1
            }
            text.unicodeScalars.append(character)
            length += size
        }
        text += "\r\n"
    }

    /// A property of the type TEXT (RFC 5545, 3.3.11).
    mutating func text(_ name: String, _ value: String) {
        line("\(name):\(Self.escaped(value))")
    }

    static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case ";": result += "\\;"
            case ",": result += "\\,"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    static func unescaped(_ value: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in value.unicodeScalars {
            if isEscaped {
                result.unicodeScalars.append(character == "n" || character == "N" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// `20261121T220000`.
    static func time(_ local: LocalTime) -> String {
        String(utc(Timestamp(seconds: Int64(local.secondsSinceEpoch))).dropLast())
    }

    /// `20261121T220000Z`.
    static func utc(_ time: Timestamp) -> String {
        Timestamp(seconds: time.seconds).description.filter { $0 != "-" && $0 != ":" }
    }

    /// `PT240M`: elapsed time, whatever the clocks do. Days would be by the clocks.
    static func duration(_ seconds: Int64) -> String { "PT\(seconds / 60)M" }
}
