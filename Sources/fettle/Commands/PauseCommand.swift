import ArgumentParser
import JSON
import Timestamps

/// `fettle pause list | start | end`.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Times in which the clocks of findings stand still, and why.",
        discussion: """
            Only reasons that the policy names move dates (fettle priority policy set POLICY --pause REASON). That a host is \
            away, that there is no fix and that evidence is held is noted by the server; a freeze and what cannot be \
            installed is what people say.

            Examples:
              fettle pause list
              fettle pause start freeze --note "end of the year" --until 2027-01-06T00:00:00Z
              fettle pause start not-installable --host web1 --vulnerability CVE-2024-3094 --note "vendor has it" --until 14d
              fettle pause end pause-4f7a9c2d
            """,
        subcommands: [List.self, Start.self, End.self], defaultSubcommand: List.self, aliases: ["pauses"])

    private static let columns: [Column] = [
        .member("id"), .member("reason"),
        Column("WHERE") { item in
            let place = item.text("host").isEmpty ? item.text("selector") : item.text("host")
            return place.isEmpty ? "all hosts" : place
        },
        Column("VULNERABILITY") { $0.text("vulnerability").isEmpty ? "all" : $0.text("vulnerability") },
        Column("FROM", raw: { $0.text("from") }, text: { String($0.text("from").prefix(16)) }),
        Column(
            "UNTIL", raw: { $0.text("until") },
            text: { $0.text("until").isEmpty ? "it runs" : String($0.text("until").prefix(16)) }),
        Column("MOVES DATES") { $0["counts"]?.bool == true ? "yes" : "no: not in the policy" },
        .member("startedBy", "BY", wide: true), .member("endedBy", "ENDED BY", wide: true), .member("note", wide: true),
    ]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List pauses, the latest first.",
            discussion: """
                Examples:
                  fettle pause list -o wide
                  fettle pause list --running -o json
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Flag(help: "Only those that run now.") var running = false

        func run() async throws {
            try await reading.run { client in
                let all = try await client.list("/api/v1/pauses", [organisation.query(client)])
                let time = now()
                let items = all.filter { item in
                    guard running else { return true }
                    let from = Timestamp(rfc3339: item.text("from"))
                    let until = Timestamp(rfc3339: item.text("until"))
                    return (from.map { $0 <= time } ?? true) && (until.map { time < $0 } ?? true)
                }
                return Shown(items, columns, empty: "no clock stands still, or stood")
            }
        }
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let clocks stand still for a reason, until a time.",
            discussion: """
                Examples:
                  fettle pause start freeze --note "end of the year" --until 2027-01-06T00:00:00Z
                  fettle pause start freeze --labels site=berlin --note "audit" --until 14d
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "freeze, not-installable, no-fix, evidence-hold or offline.") var reason: String
        @Option(help: "Why; it enters the audit log.") var note: String
        @Option(help: "Only on this host.", completion: hostNames) var host: String?
        @Option(help: "Only on hosts with these labels: site=berlin,tier in (web,api).") var labels: String?
        @Option(help: "Only of this vulnerability.") var vulnerability: String?
        @Option(help: "How long (14d, at most 366d), or until when (RFC 3339).") var until: String
        @Option(help: "From when (RFC 3339); now by default.") var from: String?

        func run() async throws {
            var body: [String: JSONValue] = [
                "reason": .string(reason), "note": .string(note),
                "until": .string(try instant(until, option: "--until")),
            ]
            if let from { body["from"] = .string(try instant(from, option: "--from")) }
            for (name, value) in [("host", host), ("selector", labels), ("vulnerability", vulnerability)] {
                if let value { body[name] = .string(value) }
            }
            let client = try changing.data.client
            guard changing.goesOn("let clocks stand still (\(reason)) until \(body["until"]?.string ?? "")") else {
                return
            }
            let made = try await client.post(organisation.path(client, "pauses"), .object(body))
            try output.show(made) {
                emit($0.text("id") + "\n")
                if $0["counts"]?.bool == false {
                    say("it moves no date: the policy does not name \(reason) (fettle priority policy show)")
                }
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let clocks go on from now.",
            discussion: """
                Examples:
                  fettle pause end pause-4f7a9c2d
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "Their ids.") var ids: [String]

        func run() async throws {
            let client = try changing.data.client
            try await changing.each(ids, output) { id in
                guard changing.goesOn("end the pause \(id)") else { return nil }
                let done = try await client.post(organisation.path(client, "pauses", id, "end"))
                say("pause \(id) has ended: clocks go on")
                return done
            }
        }
    }
}

/// An instant: a time from now, or RFC 3339.
func instant(_ text: String, option: String) throws -> String {
    if let time = Timestamp(rfc3339: text) { return time.description }
    guard let length = seconds(text) else {
        throw CommandFailure.usage("\(option) \(text) is neither a time such as 90d nor RFC 3339")
    }
    return now().adding(seconds: length).description
}
