import ArgumentParser
import JSON

/// `fettle tokens create | list | revoke`.
struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Make, list and revoke enrolment tokens.",
        subcommands: [Create.self, List.self, Revoke.self], defaultSubcommand: List.self)

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it; it is shown this once only.",
            discussion: "On the host: fettle-agent enroll TOKEN")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Option(help: "How many hosts may enrol with it.")
        var uses = 1
        @Option(help: "How long it is good for: 90m, 24h, 7d.")
        var expires = "24h"
        @Option(help: "The organisation whose hosts they become.")
        var organisation: String?
        @Option(help: "The enrolment listener's HOST:PORT as hosts reach it. Default: the server's own first name.")
        var address: String?

        func run() async throws {
            guard let lifetime = seconds(expires) else {
                throw CommandFailure.usage("--expires \(expires) is not a time such as 90m, 24h or 7d")
            }
            guard (1...1_000_000).contains(uses) else {
                throw CommandFailure.usage("--uses \(uses) is not between 1 and 1000000")
            }
            var body: [String: JSONValue] = [
                "uses": .integer(Int64(uses)), "expiresIn": .integer(lifetime),
            ]
            if let address { body["address"] = .string(address) }
            let token = try await data.client.post(
                "/api/v1/enrolment-tokens" + OperatorClient.query([("organisation", organisation)]), .object(body))
            output.show(token) { token in
                print(token.text("token"))
                say("good until \(token.text("expires")) for \(token.text("uses")) host(s): fettle-agent enroll TOKEN")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tokens; their secrets are not kept.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Option(help: "The organisation whose tokens they are.")
        var organisation: String?

        func run() async throws {
            let items = try await data.client.list("/api/v1/enrolment-tokens", [("organisation", organisation)])
            output.show(items) { items in
                printTable(
                    ["ID", "ORGANISATION", "STATE", "USED", "EXPIRES", "CREATED"],
                    items.map { token in
                        [
                            token.text("id"), token.text("organisation"), token.text("state"),
                            "\(token.text("used"))/\(token.text("uses"))", token.text("expires"), token.text("created"),
                        ]
                    })
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a token useless.")
        @OptionGroup var data: DataOption
        @Argument(help: "The token's id.")
        var id: String
        @Option(help: "The organisation whose token it is.")
        var organisation: String?

        func run() async throws {
            _ = try await data.client.delete(
                "/api/v1/enrolment-tokens/\(OperatorClient.escaped(id))"
                    + OperatorClient.query([("organisation", organisation)]))
            say("token \(id) is revoked")
        }
    }
}
