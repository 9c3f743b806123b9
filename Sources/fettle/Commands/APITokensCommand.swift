import ArgumentParser
import JSON
import Timestamps

/// `fettle api-tokens list | create | revoke`.
struct APITokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-tokens", abstract: "Make, list and revoke the API tokens that programs use in your name.",
        discussion: """
            Not to be confused with fettle tokens, which let hosts in.

            Examples:
              fettle api-tokens create backup --scopes hosts:read,audit:read --expires 30d
              fettle api-tokens list
            """,
        subcommands: [List.self, Create.self, Revoke.self], defaultSubcommand: List.self, aliases: ["api-token"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List API tokens, yours or somebody's; their texts are not kept.",
            discussion: """
                Examples:
                  fettle api-tokens list
                  fettle api-tokens list --user maria -o wide
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Option(help: "Those of this user.") var user: String?

        private static let columns: [Column] = [
            .member("id"), .member("name"),
            Column("SCOPES") { $0["scopes"]?.array?.compactMap(\.string).joined(separator: ",") ?? "(your roles)" },
            Column("STATE") { token in
                if token["revoked"]?.string != nil { return "revoked" }
                return (token["expires"]?.string ?? "") <= now().description ? "expired" : "good"
            },
            .age("lastUsed", "LAST USED"), .age("expires", "EXPIRES"), .age("created", "CREATED", wide: true),
        ]

        func run() async throws {
            try await reading.run { client in
                let items: [JSONValue]
                if let user {
                    let id = try await UsersCommand.find(user, client, organisation).text("id")
                    items = try await client.list(organisation.path(client, "users", id, "api-tokens"))
                } else {
                    items = try await client.list("/api/v1/api-tokens")
                }
                return Shown(items, Self.columns, empty: "no API tokens")
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an API token and print it; it is shown this once only.",
            discussion: """
                It never does more than you may do at the time of its use.

                Examples:
                  fettle api-tokens create ci --expires 30d --scopes hosts:read
                  fettle api-tokens create ci | fettle context add ci --server URL --token-file -
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Argument(help: "What it is for.") var name: String
        @Option(help: "What it is limited to, with commas: hosts:read,audit:read. Default: to nothing but your roles.")
        var scopes: String?
        @Option(help: "How long it lives, in days: 30d.") var expires = "90d"

        func run() async throws {
            let client = try changing.data.client
            guard let lifetime = seconds(expires), lifetime % 86_400 == 0 else {
                throw CommandFailure.usage("--expires \(expires) is not a number of days such as 30d")
            }
            var body: [String: JSONValue] = ["name": .string(name), "days": .integer(lifetime / 86_400)]
            if let scopes { body["scopes"] = .array(scopes.split(separator: ",").map { .string(String($0)) }) }
            guard changing.goesOn("make the API token \(name) for \(expires)") else { return }
            let token = try await client.post("/api/v1/api-tokens", .object(body))
            try output.show(token) { token in
                emit(token.text("token") + "\n")
                say(
                    "the token \(token.text("id")) is good until \(token.text("expires")); keep it: it is not shown again"
                )
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revoke API tokens: they let nobody in any more.",
            discussion: """
                Examples:
                  fettle api-tokens revoke 4f7a0x9c2d --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Option(help: "Those of this user.") var user: String?
        @Argument(help: "The tokens' ids.") var ids: [String]

        func run() async throws {
            let client = try changing.data.client
            let owner: String?
            if let user {
                owner = try await UsersCommand.find(user, client, organisation).text("id")
            } else {
                owner = nil
            }
            if !changing.dryRun { try confirming.confirm("revoke the API token \(ids.joined(separator: ", "))") }
            try await changing.each(ids, output) { id in
                guard changing.goesOn("revoke the API token \(id)") else { return nil }
                let path = owner.map { organisation.path(client, "users", $0, "api-tokens", id) }
                _ = try await client.delete(path ?? "/api/v1/api-tokens/\(OperatorClient.escaped(id))")
                say("the API token \(id) is revoked")
                return ["id": .string(id), "deleted": true]
            }
        }
    }
}
