import ArgumentParser
import JSON

/// `fettle server status | acknowledge-restore`.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "See how the server is, and confirm its restore from a backup.",
        subcommands: [Status.self, AcknowledgeRestore.self], defaultSubcommand: Status.self)

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the server's state.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption

        func run() async throws {
            let server = try await data.client.get("/api/v1/server")
            output.show(server) { server in
                func line(_ key: String, _ value: String) {
                    if !value.isEmpty { print(key + ":" + String(repeating: " ", count: 14 - key.count) + value) }
                }
                line("Version", server.text("version"))
                line("Started", "\(server.text("started")) (\(age(server["started"]?.string)))")
                line("Database", server.text("database"))
                line("Epoch", server.text("epoch"))
                line("Agents", server.text("agentAddress"))
                line("Enrolment", server.text("enrolmentAddress"))
                line("Metrics", server.text("metricsAddress"))
                line("Hosts", hosts(server["hosts"]))
                line("Authority", server.text("authority"))
                if server["restored"]?.bool == true {
                    line("Restored", "yes: " + server.text("restoredReason"))
                    say("confirm with: fettle server acknowledge-restore")
                }
            }
        }

        private func hosts(_ value: JSONValue?) -> String {
            guard let counts = value?.object else { return "" }
            return counts.sorted { $0.key < $1.key }.compactMap { key, value in
                value.integer.map { "\($0) \(key)" }
            }.joined(separator: ", ")
        }
    }

    struct AcknowledgeRestore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "acknowledge-restore",
            abstract:
                "Confirm that the server was restored from a backup, and begin a new epoch above all that was seen.")
        @OptionGroup var data: DataOption

        func run() async throws {
            let server = try await data.client.post("/api/v1/server/acknowledge-restore")
            say("the restore is confirmed; the epoch is \(server.text("epoch"))")
        }
    }
}

/// `fettle authority rotate`.
struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "See and replace the certificate authority.",
        subcommands: [Show.self, Rotate.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the trusted authorities.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption

        func run() async throws {
            let items = try await data.client.list("/api/v1/authorities")
            output.show(items) { items in
                printTable(
                    ["NUMBER", "ROLE", "UNTIL", "SHA256"],
                    items.map { [$0.text("number"), $0.text("role"), $0.text("notAfter"), $0.text("pin")] })
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the next authority issue from now on.",
            discussion: """
                The one before stays trusted until the next rotation: rotate again only when every host has renewed \
                its certificate. Tokens made before keep working.
                """)
        @OptionGroup var data: DataOption

        func run() async throws {
            let answer = try await data.client.post("/api/v1/authorities/rotate")
            say("authority \(answer.text("number")) issues from now on")
        }
    }
}
