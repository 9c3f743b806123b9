import Glibc
import TextTable

/// Whether standard output shows colours: a terminal, and nobody said NO_COLOR (https://no-color.org).
let showsColour = isatty(1) == 1 && environment("NO_COLOR") == nil && environment("TERM") != "dumb"

/// Prints rows under headings.
func printTable(_ headings: [String], _ rows: [[String]]) {
    printTable(headings, rows.map { row in row.map { TextTable.Cell($0, style($0)) } })
}

/// Prints rows of styled cells under headings.
func printTable(_ headings: [String], _ rows: [[TextTable.Cell]]) {
    var table = TextTable(headings: headings)
    for row in rows { table.add(row) }
    print(table.rendered(colour: showsColour), terminator: "")
}

/// What words that carry a verdict look like.
private func style(_ text: String) -> TextTable.Style {
    switch text {
    case "active", "good": .good
    case "needed", "quarantined", "revoked": .bad
    case "unknown", "silent": .warning
    default: text.hasSuffix("?") && text.dropLast().allSatisfy(\.isNumber) ? .warning : .plain
    }
}
