import ArgumentParser
import CVSS
import JSON

/// `fettle cvss`.
struct CVSSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cvss", abstract: "Score a CVSS vector of version 2, 3.0, 3.1 or 4.0.",
        discussion: """
            Prints tab-separated columns: version, base score, temporal score, environmental score, severity of the score \
            that rests on every metric defined, and its name (CVSS-B, BT, BE, BTE). What is not defined is a hyphen. \
            Version 4.0 has one score, in the second column; its name says what it rests on.

            With - instead of VECTOR, vectors are read from standard input, one a line, and each is answered by one line; \
            one that is refused by a line of hyphens, with the reason on standard error and exit status 1 at the end.

            Examples:
              fettle cvss CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
              cut -f 2 advisories.tsv | fettle cvss -
            """)

    @Flag(help: "Refuse what advisories write against the specification and is scored otherwise (docs/versions.md).")
    var strict = false
    @OptionGroup var output: OutputOption
    @Argument(help: "The vector, or - to read vectors.")
    var vector: String

    func run() throws {
        guard vector == "-" else {
            let row: [String]
            do throws(CVSSError) {
                row = try self.row(vector)
            } catch {
                throw CommandFailure.failed(error.description)
            }
            return try output.show(Self.json(vector, row)) { _ in emit(Self.line(row)) }
        }
        var number = 0
        var refused = 0
        var text = ""
        var values: [JSONValue] = []
        while let line = readLine() {
            number += 1
            var row: [String]?
            do throws(CVSSError) {
                row = try self.row(line)
            } catch {
                refused += 1
                if refused <= 20 { say("line \(number): \(error.description)") }
            }
            guard output.isForPeople else {
                values.append(Self.json(line, row))
                continue
            }
            text += Self.line(row ?? Self.headings.map { _ in "-" })
            if text.utf8.count >= 65_536 {
                emit(text)
                text = ""
            }
        }
        try output.show(values) { _ in emit(text) }
        if refused > 0 { throw CommandFailure.failed("\(refused) of \(number) lines are no CVSS vector") }
    }

    private static let headings = ["version", "base", "temporal", "environmental", "severity", "name"]

    private static func line(_ row: [String]) -> String { row.joined(separator: "\t") + "\n" }

    /// - Parameter row: nil where the vector was refused.
    private static func json(_ vector: String, _ row: [String]?) -> JSONValue {
        var value: [String: JSONValue] = ["vector": .string(vector)]
        for (index, heading) in headings.enumerated() {
            let text = row?[index] ?? "-"
            guard text != "-" else {
                value[heading] = .null
                continue
            }
            // Scores have one digit behind the point.
            let isScore = (1...3).contains(index)
            value[heading] =
                isScore ? Double(text).map { $0 == $0.rounded() ? .integer(Int64($0)) : .number($0) } : .string(text)
        }
        return .object(value)
    }

    private func row(_ text: String) throws(CVSSError) -> [String] {
        let vector = try CVSSVector.parse(text, strictness: strict ? .strict : .lax)
        let scores = vector.scores
        let columns =
            vector.version == .v4
            ? [scores.overall.description, "-", "-"]
            : [scores.base, scores.temporal, scores.environmental].map { $0?.description ?? "-" }
        let severity = CVSSSeverity(scores.overall, version: vector.version)
        return [vector.version.rawValue] + columns + [severity.rawValue, vector.nomenclature]
    }
}
