import ArgumentParser
import JSON

/// `fettle tokens create | list | show | revoke`.
struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Make, list and revoke enrolment tokens.",
        discussion: """
            Whoever has such a token can enrol hosts. For programs that use the API: fettle api-tokens.

            Examples:
              fettle tokens create --uses 10 --expires 7d --label site=berlin
              fettle tokens list
            """,
        subcommands: [List.self, Show.self, Create.self, Revoke.self], defaultSubcommand: List.self, aliases: ["token"])

    private static let columns: [Column] = [
        .member("id"), .member("organisation"), .member("state"),
        Column("USED") { "\($0.text("used"))/\($0.text("uses"))" }, .member("expires"), .member("created"),
        .member("createdBy", "CREATED BY", wide: true), .age("lastUsed", "LAST USED", wide: true),
        Column("LABELS", wide: true) { labelText($0["labels"]) }, .member("note", wide: true),
    ]

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it; it is shown this once only.",
            discussion: """
                On the host: fettle-agent enroll TOKEN

                Examples:
                  fettle tokens create
                  fettle tokens create --uses 50 --expires 7d --label site=berlin --label tier=web
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Option(help: "How many hosts may enrol with it.")
        var uses = 1
        @Option(help: "How long it is good for: 90m, 24h, 7d.")
        var expires = "24h"
        @Option(help: ArgumentHelp("A label that its hosts are born with; may be repeated.", valueName: "key=value"))
        var label: [String] = []
        @Option(help: "What it is for.")
        var note: String?
        @Option(help: "The enrolment listener's HOST:PORT as hosts reach it. Default: the server's own first name.")
        var address: String?

        func run() async throws {
            guard let lifetime = seconds(expires) else {
                throw CommandFailure.usage("--expires \(expires) is not a time such as 90m, 24h or 7d")
            }
            guard (1...1_000_000).contains(uses) else {
                throw CommandFailure.usage("--uses \(uses) is not between 1 and 1000000")
            }
            var body: [String: JSONValue] = ["uses": .integer(Int64(uses)), "expiresIn": .integer(lifetime)]
            if let address { body["address"] = .string(address) }
            if let note { body["note"] = .string(note) }
            if !label.isEmpty {
                var labels: [String: JSONValue] = [:]
                for text in label {
                    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
                        throw CommandFailure.usage("--label \(text) is not KEY=VALUE")
                    }
                    labels[String(text[..<sign])] = .string(String(text[text.index(after: sign)...]))
                }
                body["labels"] = .object(labels)
            }
            let client = try changing.data.client
            guard changing.goesOn("make a token for \(counted(Int64(uses), "host")), good for \(expires)") else {
                return
            }
            let token = try await client.post(organisation.path(client, "enrolment-tokens"), .object(body))
            try output.show(token) { token in
                emit(token.text("token") + "\n")
                say(
                    "good until \(token.text("expires")) for \(counted(token["uses"]?.integer ?? 0, "host")): fettle-agent enroll TOKEN"
                )
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List tokens, the newest first; their secrets are not kept.",
            discussion: """
                Examples:
                  fettle tokens list -o wide
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption

        func run() async throws {
            try await reading.run { client in
                Shown(
                    try await client.list("/api/v1/enrolment-tokens", [organisation.query(client)]), columns,
                    empty: "no tokens; make one: fettle tokens create")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a token's record.",
            discussion: """
                Examples:
                  fettle tokens show t-4f7a9c2d
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The token's id.") var id: String

        func run() async throws {
            try await reading.run { client in
                let token = try await client.get(organisation.path(client, "enrolment-tokens", id))
                return Shown(item: token, csv: columns) { _ in
                    lines([
                        ("Id", token.text("id")), ("Organisation", token.text("organisation")),
                        ("State", token.text("state")), ("Used", "\(token.text("used")) of \(token.text("uses"))"),
                        ("Created", "\(token.text("created")) by \(token.text("createdBy"))"),
                        ("Expires", token.text("expires")), ("Last used", age(token["lastUsed"]?.string)),
                        ("Labels", labelText(token["labels"])), ("Note", token.text("note")),
                    ])
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make tokens useless; hosts that enrolled with them stay.",
            discussion: """
                Examples:
                  fettle tokens revoke t-4f7a9c2d
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The tokens' ids.") var ids: [String]

        func run() async throws {
            let client = try changing.data.client
            try await changing.each(ids, output) { id in
                if changing.dryRun {
                    let token = try await client.get(organisation.path(client, "enrolment-tokens", id))
                    _ = changing.goesOn("revoke the token \(id), which is \(token.text("state"))")
                    return nil
                }
                let done = try await client.post(organisation.path(client, "enrolment-tokens", id, "revoke"))
                say("token \(id) is revoked")
                return done
            }
        }
    }
}
