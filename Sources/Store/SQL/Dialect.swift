/// How an engine spells what the two do not share. Everything else is written once.
///
/// Each engine's dialect is one file: `SQLiteDialect.swift`, `PostgreSQLDialect.swift`.
package struct Dialect: Sendable {
    /// `sqlite` or `postgresql`.
    let name: String

    /// Words in braces that the schema uses for types, such as `{integer}`, and what they become.
    let schemaWords: [(word: String, text: String)]

    /// The tables that the engines build differently: events, which are retired by month.
    let eventSchema: String

    /// Turns `?1` into the engine's placeholder.
    let numbersWithDollar: Bool

    /// Follows a `SELECT` that claims work, so that racing servers take different rows.
    let claim: String

    /// Follows a `SELECT` of a row that this transaction will count against, so that racing servers wait for it.
    let lock: String

    /// An expression that stamps a changed row, such that a later reader can find it by ``changeWatermark``.
    let changeStamp: String

    /// A query for the stamp below which every change is visible to this transaction.
    let changeWatermark: String

    /// Finds out whether stamps lie ahead of what ``changeStamp`` gives, as in a dump of another cluster, and brings
    /// these down to the current one; nil where stamps come from the table itself.
    let stampsAhead: (probe: String, cure: String)?

    /// A statement that wakes other servers, with the topic as its parameter; nil where there are none.
    let wakeUp: String?

    /// A condition that column `{column}` contains the text of `{parameter}`, whatever its case (ASCII).
    let containsText: String

    /// A table `n` with a row, its column `value`, for each number of the list `s.updates` (`,3,7,`).
    let pendingNumbers: String

    /// A statement with `?N` as the engine takes it.
    func placeholders(_ sql: String) -> String {
        guard numbersWithDollar else { return sql }
        return String(String.UnicodeScalarView(sql.unicodeScalars.map { $0 == "?" ? "$" : $0 }))
    }

    /// The position of `text` within `column`, from 1; 0 where it is not there.
    func position(_ column: String, _ text: String) -> String {
        "\(numbersWithDollar ? "strpos" : "instr")(\(column), \(text))"
    }

    /// Schema text with the words in braces replaced.
    package func schema(_ text: String) -> String {
        schemaWords.reduce(text) { replace($1.word, with: $1.text, in: $0) }
    }

    /// The condition that `column` contains the text of `parameter`.
    func contains(_ column: String, _ parameter: String) -> String {
        replace("{parameter}", with: parameter, in: replace("{column}", with: column, in: containsText))
    }
}

/// `text` with every `word` replaced.
private func replace(_ word: String, with replacement: String, in text: String) -> String {
    var result = ""
    var rest = text[...]
    while let range = rest.firstRange(of: word) {
        result += rest[..<range.lowerBound]
        result += replacement
        rest = rest[range.upperBound...]
    }
    return result + rest
}
