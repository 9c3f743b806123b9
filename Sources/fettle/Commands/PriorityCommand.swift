import ArgumentParser
import JSON
import Priority
import TextTable

/// `fettle priority policy show | set`.
struct PriorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "priority", abstract: "Choose by what deadlines are set.",
        discussion: """
            Examples:
              fettle priority policy show
              fettle priority policy set ssvc-deployer --pause no-fix --pause freeze
            """, subcommands: [Policy.self], defaultSubcommand: Policy.self)

    struct Policy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "policy", abstract: "Show or choose the policy that sets deadlines.",
            discussion: """
                Examples:
                  fettle priority policy show
                  fettle priority policy set own --table table.csv
                """, subcommands: [Show.self, Set.self], defaultSubcommand: Show.self)
    }

    private static func path(_ organisation: OrganisationOption, _ client: OperatorClient) -> String {
        let name = organisation.query(client).1 ?? "default"
        return "/api/v1/organisations/\(OperatorClient.escaped(name))/priority-policy"
    }

    fileprivate static func text(_ item: JSONValue) -> String {
        var text = fieldLine("Policy", "\(item.text("policy")), version \(item.text("version"))")
        text += fieldLine("Table", item.text("title"))
        let questions = (item["questions"]?.array ?? []).compactMap(\.string)
        if !questions.isEmpty { text += fieldLine("Asks", questions.joined(separator: ", ")) }
        text += fieldLine("Clocks start", item.text("clockStart"))
        let pauses = (item["pauses"]?.array ?? []).compactMap(\.string)
        text += fieldLine("Pauses", pauses.isEmpty ? "nothing stops a clock" : pauses.joined(separator: ", "))
        for (index, rule) in (item["rules"]?.array ?? []).enumerated() {
            let given = ["exposure", "criticality", "safety", "mitigation"].compactMap { key in
                rule[key]?.string.map { "\(key) \($0)" }
            }
            let selector = rule.text("selector").isEmpty ? "all hosts" : rule.text("selector")
            text += fieldLine(
                index == 0 ? "Rules" : "", "\(rule.text("name")), \(selector): \(given.joined(separator: ", "))")
        }
        if item["outcomes"]?.array?.isEmpty ?? true {
            return text + fieldLine("Terms", "the rule's own: each finding tells which and why")
        }
        text +=
            "\n"
            + tableText(
                ["OUTCOME", "TERM", "EVIDENCE FIRST"],
                (item["outcomes"]?.array ?? []).map { outcome in
                    [
                        outcome.text("outcome"), outcome.text("term").isEmpty ? "no date" : outcome.text("term"),
                        outcome["evidenceFirst"]?.bool == true ? "yes" : "",
                    ]
                })
        return text
    }

    /// What is another than before, one a line.
    fileprivate static func difference(_ before: JSONValue, _ after: JSONValue) -> String {
        func list(_ value: JSONValue?) -> [String] { (value?.array ?? []).map(flatText) }
        func terms(_ item: JSONValue) -> [String: String] {
            Dictionary(
                (item["outcomes"]?.array ?? []).map {
                    ($0.text("outcome"), $0.text("term").isEmpty ? "no date" : $0.text("term"))
                }, uniquingKeysWith: { first, _ in first })
        }
        var rows: [[String]] = []
        func compare(_ what: String, _ old: String, _ new: String) {
            if old != new { rows.append([what, old.isEmpty ? "-" : old, new.isEmpty ? "-" : new]) }
        }
        compare("policy", before.text("policy"), after.text("policy"))
        if before.text("table") != after.text("table") {
            rows.append(["table", before.text("title"), "\(after.text("title")), other rows"])
        }
        let (old, new) = (terms(before), terms(after))
        for outcome in Swift.Set(old.keys).union(new.keys).sorted() {
            compare("term of \(outcome)", old[outcome] ?? "", new[outcome] ?? "")
        }
        compare("clocks start", before.text("clockStart"), after.text("clockStart"))
        compare(
            "pauses", list(before["pauses"]).joined(separator: ", "), list(after["pauses"]).joined(separator: ", "))
        let (was, now) = (list(before["rules"]), list(after["rules"]))
        for rule in was where !now.contains(rule) { rows.append(["rule", rule, "-"]) }
        for rule in now where !was.contains(rule) { rows.append(["rule", "-", rule]) }
        if rows.isEmpty, was != now { rows.append(["rules", "in their order", "in another order"]) }
        return rows.isEmpty ? "nothing would be another\n" : tableText(["WHAT", "NOW", "THEN"], rows)
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show by what deadlines are set.",
            discussion: """
                Examples:
                  fettle priority policy show -o json
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption

        func run() async throws {
            try await reading.run { client in
                let item = try await client.get(PriorityCommand.path(organisation, client))
                return Shown(item: item, name: item.text("policy")) { _ in PriorityCommand.text(item) }
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Choose by what deadlines are set.",
            discussion: """
                A table of one's own has its questions as headings, the outcome last, and one row for each combination of \
                answers; an outcome such as "14 days" is its own term. What is not said stays as it is, but another policy \
                begins without terms and table. --dry-run prints what would be another than now.

                Examples:
                  fettle priority policy set bod-26-04
                  fettle priority policy set ssvc-deployer --term immediate="48 hours" --pause no-fix
                  fettle priority policy set own --table table.csv --start detection
                  fettle priority policy set pci-dss-6.3.3
                  fettle priority policy set bod-26-04 --rules rules.json
                  fettle priority policy set bod-26-04 --no-pause --dry-run
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(
            help: ArgumentHelp(
                "\((DeadlinePolicy.standard + DeadlinePolicy.compliance).map(\.id).joined(separator: ", ")), or own."))
        var policy: String
        @Option(help: "A file of comma-separated values, for the policy own.", completion: .file()) var table: String?
        @Option(help: ArgumentHelp("The term of an outcome; may be repeated.", valueName: "outcome=term"))
        var term: [String] = []
        @Option(
            help:
                "A file of rules that give hosts their exposure and worth by labels, a JSON array; [] takes them away. Default: as before.",
            completion: .file())
        var rules: String?
        @Option(help: "When clocks start: informed, detection, release, known-exploited.") var start: String?
        @Option(
            help:
                "What stops clocks: no-fix, not-installable, evidence-hold, freeze, offline; may be repeated. Default: as before."
        )
        var pause: [String] = []
        @Flag(name: .customLong("no-pause"), help: "Nothing stops a clock any more.") var noPause = false

        func validate() throws {
            guard pause.isEmpty || !noPause else { throw ValidationError("--no-pause goes with no --pause") }
        }

        func run() async throws {
            var body: [String: JSONValue] = ["policy": .string(policy)]
            if noPause || !pause.isEmpty { body["pauses"] = .array(pause.map { .string($0) }) }
            if let table {
                body["table"] = .string(
                    String(decoding: try InputFile.bytes(table, most: DecisionTable.maximumFileBytes), as: UTF8.self))
            }
            if let rules {
                let bytes = try InputFile.bytes(rules, most: 256 << 10)
                guard let json = try? JSONValue(parsing: bytes, limits: .message), json.array != nil else {
                    throw CommandFailure.usage("\(rules) is no JSON array of rules; docs/priority.md has an example")
                }
                body["rules"] = json
            }
            if let start { body["clockStart"] = .string(start) }
            var terms: [String: JSONValue] = [:]
            for text in term {
                guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
                    throw CommandFailure.usage("--term \(text) is not OUTCOME=TERM")
                }
                terms[String(text[..<sign])] = .string(String(text[text.index(after: sign)...]))
            }
            if !terms.isEmpty { body["terms"] = .object(terms) }
            let client = try changing.data.client
            let path = PriorityCommand.path(organisation, client)
            let present: JSONValue
            do {
                present = try await client.get(path)
            } catch let failure as CommandFailure where failure.exitCode == CommandFailure.failure {
                say("\(failure.description)\nIt is replaced as a whole.")
                present = .null
            }
            let query = [("dryRun", changing.dryRun ? "true" : nil)]
            let made =
                try await present == .null
                ? client.patch(unread: path, .object(body), query) : client.patch(path, .object(body), query)
            if changing.dryRun {
                try output.show(made) { emit(PriorityCommand.difference(present, $0)) }
                return say("dry run: nothing was changed")
            }
            try output.show(made) { say("deadlines are set by \($0.text("policy")), version \($0.text("version"))") }
        }
    }
}
