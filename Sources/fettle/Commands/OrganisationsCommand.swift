import ArgumentParser
import JSON

/// `fettle organisations list | show | create | rename`.
struct OrganisationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organisations", abstract: "Keep the hosts of several organisations apart.",
        discussion: """
            Examples:
              fettle organisations create berlin --name "Berlin office"
              fettle organisations list
            """,
        subcommands: [List.self, Show.self, Create.self, Rename.self, Approvals.self, Changelogs.self],
        defaultSubcommand: List.self,
        aliases: ["orgs"])

    private static let columns: [Column] = [.member("id"), .member("name"), .age("created", "CREATED")]

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the organisations that you may see.",
            discussion: """
                Examples:
                  fettle organisations list -o name
                """)
        @OptionGroup var reading: Reading

        func run() async throws {
            try await reading.run {
                Shown(try await $0.list("/api/v1/organisations"), columns, empty: "no organisations")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an organisation.",
            discussion: """
                Examples:
                  fettle organisations show berlin
                """)
        @OptionGroup var reading: Reading
        @Argument(help: "Its id.") var id: String

        func run() async throws {
            try await reading.run { client in
                let item = try await client.get("/api/v1/organisations/\(OperatorClient.escaped(id))")
                return Shown(item: item, csv: columns) { _ in
                    lines([("Id", item.text("id")), ("Name", item.text("name")), ("Created", item.text("created"))])
                }
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an organisation.",
            discussion: """
                Examples:
                  fettle organisations create berlin --name "Berlin office"
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Argument(help: "Its id: small letters, digits and hyphens; it never changes.") var id: String
        @Option(help: "What people call it.") var name: String?

        func run() async throws {
            guard changing.goesOn("make the organisation \(id)") else { return }
            var body: [String: JSONValue] = ["id": .string(id)]
            if let name { body["name"] = .string(name) }
            let made = try await changing.data.client.post("/api/v1/organisations", .object(body))
            try output.show(made) { emit($0.text("id") + "\n") }
        }
    }

    struct Approvals: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show or set how many people other than its author must approve a plan.",
            discussion: """
                0 is for one-person shops: whoever may approve releases a plan alone. It is in the audit log and shown on \
                every campaign.

                Examples:
                  fettle organisations approvals berlin
                  fettle organisations approvals berlin 2
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @Argument(help: "Its id.") var id: String
        @Argument(help: "How many: 0 to 16.") var number: Int?

        func validate() throws {
            guard number.map({ (0...16).contains($0) }) ?? true else { throw ValidationError("it takes 0 to 16") }
        }

        func run() async throws {
            let client = try changing.data.client
            let path = "/api/v1/organisations/\(OperatorClient.escaped(id))/settings"
            let present = try await client.get(path)
            guard let number else { return try output.show(present) { emit($0.text("approvalsRequired") + "\n") } }
            let sum = "ask for \(number) approvals instead of \(present.text("approvalsRequired")) in \(id)"
            guard changing.goesOn(sum) else { return }
            if number == 0 { try confirming.confirm(sum) }
            let changed = try await client.patch(path, ["approvalsRequired": .integer(Int64(number))])
            try output.tell(changed, "\(id) asks for \(number) approvals")
        }
    }

    struct Rename: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what an organisation is called; its id stays.",
            discussion: """
                Examples:
                  fettle organisations rename berlin "Berlin and Potsdam"
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Argument(help: "Its id.") var id: String
        @Argument(help: "Its new name.") var name: String

        func run() async throws {
            let client = try changing.data.client
            let path = "/api/v1/organisations/\(OperatorClient.escaped(id))"
            let present = try await client.get(path)
            guard changing.goesOn("call \(present.text("id")) \"\(name)\" instead of \"\(present.text("name"))\"")
            else { return }
            let changed = try await client.patch(path, ["name": .string(name)])
            try output.tell(changed, "\(id) is called \"\(name)\"")
        }
    }
}
