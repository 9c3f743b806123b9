import Glibc
import TextTable

/// Whether standard output shows colours: a terminal, and nobody said NO_COLOR (https://no-color.org).
let showsColour = isatty(1) == 1 && environment("NO_COLOR") == nil && environment("TERM") != "dumb"

/// Whether a person reads what is said and can answer: standard input and error are a terminal.
let canAsk = isatty(0) == 1 && isatty(2) == 1

/// Whether lines of standard error can be written anew: a terminal that knows how.
let showsProgress = isatty(2) == 1 && environment("TERM") != "dumb"

/// Writes data to standard output. Where nobody reads any more (`| head`) the program ends as any other, by SIGPIPE.
func emit(_ text: String) { emit(bytes: Array(text.utf8)) }

/// Writes bytes to standard output.
func emit(bytes: [UInt8]) {
    // What `print` holds back comes first.
    fflush(nil)
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { write(1, $0.baseAddress.map { $0 + written }, bytes.count - written) }
        if count > 0 {
            written += count
        } else if errno == EPIPE {
            signal(SIGPIPE, SIG_DFL)
            kill(getpid(), SIGPIPE)
            exit(141)
        } else if errno != EINTR {
            say("fettle: cannot write to standard output: \(String(cString: strerror(errno)))")
            exit(1)
        }
    }
}

/// Prints to standard error: everything that is not data. What could steer a terminal is shown as U+FFFD.
func say(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { TextTable.printable(String($0)) }
    sayRaw(lines.joined(separator: "\n") + "\n")
}

/// Shows how far something is, on a terminal by writing the line anew; elsewhere nothing.
func sayProgress(_ text: String, isFirst: Bool) {
    guard showsProgress else { return }
    sayRaw((isFirst ? "" : "\u{1B}[1A\u{1B}[2K") + TextTable.printable(text) + "\n")
}

private func sayRaw(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

/// Asks on the terminal; anything but `y` or `yes` is no.
func ask(_ question: String) -> Bool {
    let bytes = Array((TextTable.printable(question) + " [y/N] ").utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
}

/// Prints rows under headings.
func printTable(_ headings: [String], _ rows: [[String]]) { emit(tableText(headings, rows)) }

/// Rows under headings, as lines.
func tableText(_ headings: [String], _ rows: [[String]]) -> String {
    var table = TextTable(headings: headings)
    for row in rows { table.add(row.map { TextTable.Cell($0, style($0)) }) }
    return table.rendered(colour: showsColour)
}

/// What words that carry a verdict look like.
private func style(_ text: String) -> TextTable.Style {
    switch text {
    case "active", "good", "succeeded", "completed": .good
    case "needed", "quarantined", "revoked", "expired", "disabled", "failed-no-change", "failed-changed",
        "rollback-failed", "needs-repair", "halted", "closed-failed", "lost":
        .bad
    case "unknown", "silent", "suspect", "rolled-back", "refused", "installed-reboot-pending", "awaiting-approval":
        .warning
    default: text.hasSuffix("?") && text.dropLast().allSatisfy(\.isNumber) ? .warning : .plain
    }
}
