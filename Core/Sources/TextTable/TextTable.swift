/// A table for a terminal, in the manner of kubectl and gh: headings in capitals, columns aligned by what a terminal
/// shows, two blanks between them, the last column as long as it is.
///
/// What stands in a cell may come from a repository or a host: control characters in it are shown as U+FFFD, so that
/// no text can steer the terminal.
public struct TextTable: Sendable {
    /// How a cell stands out where colours are shown.
    public enum Style: Sendable, Hashable {
        /// As any text.
        case plain
        /// Bold: headings and what sums up.
        case strong
        /// Green: in order.
        case good
        /// Yellow: wants a look; not known.
        case warning
        /// Red: wants an act.
        case bad

        /// Select Graphic Rendition (ECMA-48, section 8.3.117).
        var code: String {
            switch self {
            case .plain: ""
            case .strong: "\u{1B}[1m"
            case .good: "\u{1B}[32m"
            case .warning: "\u{1B}[33m"
            case .bad: "\u{1B}[31m"
            }
        }
    }

    /// A cell: a line of text and how it stands out.
    public struct Cell: Sendable, Hashable, ExpressibleByStringLiteral {
        /// The text, without line feeds.
        public var text: String
        /// How it stands out.
        public var style: Style

        /// A cell with that text.
        public init(_ text: String, _ style: Style = .plain) {
            self.text = TextTable.printable(text)
            self.style = style
        }

        /// A plain cell.
        public init(stringLiteral value: String) { self.init(value) }
    }

    /// The headings, from left to right.
    public let headings: [String]
    /// The rows, each with as many cells as there are headings; missing ones are empty.
    public private(set) var rows: [[Cell]] = []

    /// A table without rows; the headings are shown in capitals.
    public init(_ headings: String...) { self.headings = headings.map { $0.uppercased() } }

    /// A table without rows and with that many columns as there are headings.
    public init(headings: [String]) { self.headings = headings.map { $0.uppercased() } }

    /// Adds a row.
    public mutating func add(_ cells: Cell...) { add(cells) }

    /// Adds a row.
    public mutating func add(_ cells: [Cell]) {
        let missing = max(0, headings.count - cells.count)
        rows.append(Array(cells.prefix(headings.count)) + Array(repeating: "", count: missing))
    }

    /// The table's lines, each ending in a line feed; with `colour` styles are shown by escape sequences.
    public func rendered(colour: Bool) -> String {
        let all = [headings.map { Cell($0, .strong) }] + rows
        let widths = headings.indices.map { column in all.map { Self.width($0[column].text) }.max() ?? 0 }
        var output = ""
        for row in all {
            // Nothing follows the last filled cell: no blanks at the ends of lines.
            let last = row.lastIndex { !$0.text.isEmpty } ?? 0
            for (column, cell) in row[...last].enumerated() {
                output += Self.styled(cell.text, cell.style, colour: colour)
                if column < last {
                    output += String(repeating: " ", count: widths[column] - Self.width(cell.text) + 2)
                }
            }
            output += "\n"
        }
        return output
    }

    /// Text that stands out outside a table too.
    public static func styled(_ text: String, _ style: Style, colour: Bool) -> String {
        let text = printable(text)
        return colour && style != .plain && !text.isEmpty ? style.code + text + "\u{1B}[0m" : text
    }

    /// The text with whatever could steer a terminal, or turn the direction of writing, shown as U+FFFD.
    public static func printable(_ text: String) -> String {
        func steers(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
        guard text.unicodeScalars.contains(where: steers) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { steers($0) ? "\u{FFFD}" : $0 }))
    }

    /// How many columns of a terminal a text takes: wide characters two, combining ones none (UAX #11, simplified).
    public static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
            0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
