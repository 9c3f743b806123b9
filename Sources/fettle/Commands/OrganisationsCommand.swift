import ArgumentParser
import JSON

/// `fettle organisations create | list`.
struct OrganisationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organisations", abstract: "Keep the hosts of several organisations apart.",
        subcommands: [Create.self, List.self], defaultSubcommand: List.self)

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an organisation.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @Argument(help: "Its name: small letters, digits and hyphens.")
        var name: String

        func run() async throws {
            let made = try await data.client.post("/api/v1/organisations", ["id": .string(name)])
            output.show(made) { print($0.text("id")) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List organisations.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption

        func run() async throws {
            let items = try await data.client.list("/api/v1/organisations")
            output.show(items) { items in
                printTable(["ID", "NAME"], items.map { [$0.text("id"), $0.text("name")] })
            }
        }
    }
}
