import ArgumentParser
import JSON

/// `fettle sessions list | end`.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "See where you are logged in by browser, and end it.",
        discussion: """
            Somebody else's: fettle users end-sessions.

            Examples:
              fettle sessions list
              fettle sessions end --all
            """,
        subcommands: [List.self, End.self], defaultSubcommand: List.self, aliases: ["session"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List your sessions, the one used last first.",
            discussion: """
                Examples:
                  fettle sessions list -o wide
                """)
        @OptionGroup var reading: Reading

        private static let columns: [Column] = [
            .member("id"), .member("address"), .age("seen", "LAST USED"), .age("expires", "EXPIRES"),
            .member("method", "LOGIN", wide: true), .member("agent", "BROWSER", wide: true),
            .age("created", "CREATED", wide: true),
        ]

        func run() async throws {
            try await reading.run { client in
                Shown(try await client.list("/api/v1/sessions"), Self.columns, empty: "no sessions")
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End sessions of yours.",
            discussion: """
                Examples:
                  fettle sessions end s-4f7a
                  fettle sessions end --all
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @Flag(help: "All of them.") var all = false
        @Argument(help: "The sessions' ids.") var ids: [String] = []

        func validate() throws {
            guard all == ids.isEmpty else { throw ValidationError("say the sessions' ids, or --all") }
        }

        func run() async throws {
            let client = try changing.data.client
            if all {
                guard changing.goesOn("end all your sessions") else { return }
                _ = try await client.delete("/api/v1/sessions")
                return try output.tell(["all": true, "ended": true], "your sessions have ended")
            }
            try await changing.each(ids, output) { id in
                guard changing.goesOn("end the session \(id)") else { return nil }
                _ = try await client.delete("/api/v1/sessions/\(OperatorClient.escaped(id))")
                say("the session \(id) has ended")
                return ["id": .string(id), "ended": true]
            }
        }
    }
}
