import ArgumentParser
import CVSS

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
    @Argument(help: "The vector, or - to read vectors.")
    var vector: String

    func run() throws {
        guard vector == "-" else {
            do throws(CVSSError) {
                emit(try row(vector))
            } catch {
                throw CommandFailure.failed(error.description)
            }
            return
        }
        var number = 0
        var refused = 0
        var output = ""
        while let line = readLine() {
            number += 1
            do throws(CVSSError) {
                output += try row(line)
            } catch {
                output += "-\t-\t-\t-\t-\t-\n"
                refused += 1
                if refused <= 20 { say("line \(number): \(error.description)") }
            }
            if output.utf8.count >= 65_536 {
                emit(output)
                output = ""
            }
        }
        emit(output)
        if refused > 0 { throw CommandFailure.failed("\(refused) of \(number) lines are no CVSS vector") }
    }

    private func row(_ text: String) throws(CVSSError) -> String {
        let vector = try CVSSVector.parse(text, strictness: strict ? .strict : .lax)
        let scores = vector.scores
        let columns =
            vector.version == .v4
            ? [scores.overall.description, "-", "-"]
            : [scores.base, scores.temporal, scores.environmental].map { $0?.description ?? "-" }
        let severity = CVSSSeverity(scores.overall, version: vector.version)
        let row = [vector.version.rawValue] + columns + [severity.rawValue, vector.nomenclature]
        return row.joined(separator: "\t") + "\n"
    }
}
