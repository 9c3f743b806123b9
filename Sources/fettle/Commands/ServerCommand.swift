import ArgumentParser
import JSON

/// `fettle server status | acknowledge-restore | dismiss-restore`.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "See how the server is, and confirm its restore from a backup.",
        discussion: """
            Examples:
              fettle server status
              fettle server status --query hosts
            """,
        subcommands: [Status.self, AcknowledgeRestore.self, DismissRestore.self], defaultSubcommand: Status.self)

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the server's state.",
            discussion: """
                Examples:
                  fettle server status --watch 5
                """)
        @OptionGroup var reading: Reading

        func run() async throws {
            try await reading.run { client in
                let server = try await client.get("/api/v1/server")
                let isRestored = server["restored"]?.bool == true
                var shown = Shown(item: server, name: server.text("version")) { _ in
                    lines([
                        ("Version", server.text("version")),
                        ("Started", "\(server.text("started")) (\(age(server["started"]?.string)))"),
                        ("Database", server.text("database")), ("Epoch", server.text("epoch")),
                        ("Agents", server.text("agentAddress")), ("Enrolment", server.text("enrolmentAddress")),
                        ("Metrics", server.text("metricsAddress")), ("Hosts", Self.hosts(server["hosts"])),
                        ("Authority", server.text("authority")),
                        ("Restored", isRestored ? "yes: " + server.text("restoredReason") : ""),
                    ])
                }
                if isRestored {
                    shown.notes = [
                        "confirm with: fettle server acknowledge-restore",
                        "or, where one host's claim is false: fettle server dismiss-restore --reason WHY",
                    ]
                }
                return shown
            }
        }

        private static func hosts(_ value: JSONValue?) -> String {
            (value?.object ?? [:]).sorted { $0.key < $1.key }.compactMap { key, value in
                value.integer.map { "\($0) \(key)" }
            }.joined(separator: ", ")
        }
    }

    struct AcknowledgeRestore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "acknowledge-restore",
            abstract:
                "Confirm that the server was restored from a backup, and begin a new epoch above all that was seen.",
            discussion: """
                Examples:
                  fettle server acknowledge-restore
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption

        func run() async throws {
            let client = try changing.data.client
            if changing.dryRun {
                let server = try await client.get("/api/v1/server")
                guard server["restored"]?.bool == true else {
                    throw CommandFailure.failed("there is no restore to confirm")
                }
                _ = changing.goesOn("confirm the restore and begin an epoch after \(server.text("epoch"))")
                return
            }
            let server = try await client.post("/api/v1/server/acknowledge-restore")
            try output.tell(server, "the restore is confirmed; the epoch is \(server.text("epoch"))")
        }
    }

    struct DismissRestore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dismiss-restore",
            abstract: "Take a host's claim that the server was restored for false, and put the host into quarantine.",
            discussion: """
                Where the server was not restored, a host that has seen more than it is broken, altered, or of another
                server. Orders to the others go on. It is released with fettle hosts release.

                Examples:
                  fettle server dismiss-restore --reason "web3 was cloned from the test lab" --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var why: ReasonOption

        func run() async throws {
            let client = try changing.data.client
            let server = try await client.get("/api/v1/server")
            guard server["restored"]?.bool == true else {
                throw CommandFailure.failed("there is no claim of a restore to dismiss")
            }
            let sum = "dismiss this claim and put its host into quarantine: \(server.text("restoredReason"))"
            guard changing.goesOn(sum) else { return }
            try confirming.confirm(sum)
            let answer = try await client.post("/api/v1/server/dismiss-restore", why.json)
            let host =
                answer["host"]?.string.map { "host \($0) is in quarantine" } ?? "no host had to be put into quarantine"
            try output.tell(answer, "the claim is dismissed; \(host)")
        }
    }
}

/// `fettle authority show | rotate`.
struct AuthorityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "See and replace the certificate authority.",
        discussion: """
            The SHA-256 of the one that issues is what fettle login --ca-pin takes.

            Examples:
              fettle authority
            """,
        subcommands: [Show.self, Rotate.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the trusted authorities.",
            discussion: """
                Examples:
                  fettle authority show --query "[?role=='issues'].pin | [0]"
                """)
        @OptionGroup var reading: Reading

        func run() async throws {
            try await reading.run { client in
                Shown(
                    try await client.list("/api/v1/authorities"),
                    [.member("number"), .member("role"), .member("notAfter", "UNTIL"), .member("pin", "SHA256")],
                    name: { $0.text("number") })
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the next authority issue from now on.",
            discussion: """
                The one before stays trusted until the next rotation: rotate again only when every host has renewed \
                its certificate. Tokens made before keep working; contexts of this program pin the new one at their next \
                fettle login --ca-pin.

                Examples:
                  fettle authority rotate --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption

        func run() async throws {
            let client = try changing.data.client
            if changing.dryRun {
                let next = try await client.list("/api/v1/authorities").first { $0.text("role") == "next" }
                _ = changing.goesOn("let authority \(next?.text("number") ?? "") issue from now on")
                return
            }
            try confirming.confirm("let the next authority issue from now on")
            let issuing = try await client.list("/api/v1/authorities").first { $0.text("role") == "issues" }
            let answer = try await client.post(
                "/api/v1/authorities/rotate", ["current": issuing?["number"] ?? .null])
            try output.tell(answer, "authority \(answer.text("number")) issues from now on")
        }
    }
}
