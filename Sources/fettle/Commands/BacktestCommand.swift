import ArgumentParser
import FeedImport
import Glibc
import JSON
import Priority
import TextTable
import Timestamps

/// `fettle backtest priority`.
struct BacktestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backtest",
        abstract: "Replay what was known in the past, and measure what Fettle would have done.",
        discussion: """
            Examples:
              fettle backtest priority --data ../shared/data/priority
            """, subcommands: [OfPriority.self])

    struct OfPriority: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "priority",
            abstract: "Which order finds what is exploited later: Fettle's, CVSS alone, or EPSS alone?",
            discussion: """
                At two dates everything that was known then is ordered three ways. Coverage is the share of what CISA's \
                catalogue listed later among the first 1, 2, 5 and 10 % of the order; AUC is the probability that such a \
                vulnerability stands before any other. Ties count as they would on average.

                Fails where Fettle's order does not beat both: a greater AUC, coverage nowhere lower, and greater at 5 \
                and 10 %. docs/priority.md says what the files are and what the figures prove.

                Examples:
                  fettle backtest priority
                  fettle backtest priority --data /srv/priority -o json
                """)

        @Option(
            help: ArgumentHelp(
                "The folder with the data (default: FETTLE_TEST_DATA/priority, else ../shared/data/priority).",
                valueName: "folder"), completion: .directory)
        var data: String?
        @OptionGroup var output: OutputOption

        func run() throws {
            let folder = data ?? (environment("FETTLE_TEST_DATA") ?? "../shared/data") + "/priority"
            let started = ContinuousClock.now
            let outcomes: [PriorityReplay.Outcome]
            do {
                outcomes = try Self.replay(folder)
            } catch let error as CommandFailure {
                throw error
            } catch {
                throw CommandFailure.failed("\(error)")
            }
            let shown = Shown(
                outcomes.flatMap(Self.rows),
                [
                    .member("date"), .member("order"), .member("count", "VULNERABILITIES"), .member("targets"),
                    .member("scored", "WITH CVSS", wide: true),
                ]
                    + PriorityReplay.efforts.map { effort in
                        let name = "first\(Int(effort * 100))Percent"
                        return Column("FIRST \(Int(effort * 100)) %", raw: { flatText($0[name] ?? .null) }) { row in
                            "\(flatText(row[name] ?? .null)) %"
                        }
                    } + [Column("AUC") { flatText($0["auc"] ?? .null) }],
                name: { "\($0.text("date")) \($0.text("order"))" })
            emit(try output.text(shown))
            say("replayed \(outcomes.count) dates in \((ContinuousClock.now - started).inTenths) s")
            let shortfalls = outcomes.flatMap { outcome in
                outcome.shortfalls.map { "\(outcome.date.description.prefix(10)): \($0)" }
            }
            if !shortfalls.isEmpty {
                throw CommandFailure.failed(
                    "the order does not beat CVSS and EPSS alone\n" + shortfalls.joined(separator: "\n"))
            }
        }

        /// Both dates of the data.
        private static func replay(_ folder: String) throws -> [PriorityReplay.Outcome] {
            func read<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
                let path = "\(folder)/\(name)"
                guard access(path, R_OK) == 0 else {
                    throw CommandFailure.notFound("no file \(path); name the folder with --data (docs/priority.md)")
                }
                do {
                    return try PlainFile.with(path: path, body)
                } catch let fault as ReplayFault {
                    throw CommandFailure.failed("\(path): \(fault.reason)")
                }
            }
            func day(_ text: String) -> Timestamp {
                Timestamp(rfc3339: text + "T00:00:00Z") ?? Timestamp(milliseconds: 0)
            }
            let end = try read("kev_epss_cvss-2026-08-22.csv", PriorityReplay.readCatalogue)
            let middle = try read("kev-2026-01.json", PriorityReplay.readCatalogue)
            var replay = PriorityReplay()
            let listed = try read("cvss-bt-2024.csv.gz") { bytes in
                try replay.readExploitFlags(bytes, date: day("2024-03-04"))
            }
            let first = replay.evaluate(date: day("2024-03-04"), listed: listed, later: end.union(middle))
            try read("vulnrichment_2024-10-24.tsv") { bytes in
                try replay.readDecisionPoints(bytes, date: day("2024-10-24"))
            }
            try read("epss_scores-2026-01-30.csv.gz") { bytes in try replay.readLikelihoods(bytes) }
            return [first, replay.evaluate(date: day("2026-01-30"), listed: middle, later: end)]
        }

        private static func rows(_ outcome: PriorityReplay.Outcome) -> [JSONValue] {
            [("CVSS", outcome.severity), ("EPSS", outcome.likelihood), ("Fettle", outcome.priority)].map {
                name, measure in
                var row: [String: JSONValue] = [
                    "date": .string(String(outcome.date.description.prefix(10))), "order": .string(name),
                    "count": .integer(Int64(measure.count)), "targets": .integer(Int64(measure.targets)),
                    "scored": .integer(Int64(outcome.scored)),
                    "auc": JSONValue((measure.area * 1000).rounded() / 1000) ?? .null,
                ]
                for (effort, coverage) in zip(PriorityReplay.efforts, measure.coverage) {
                    row["first\(Int(effort * 100))Percent"] = JSONValue((coverage * 1000).rounded() / 10) ?? .null
                }
                return .object(row)
            }
        }
    }
}

extension Duration {
    /// Seconds with one decimal.
    fileprivate var inTenths: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
