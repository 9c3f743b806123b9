import ArgumentParser
import JSON
import NIOCore
import TextTable

/// `fettle audit list | export | verify | prove | checkpoint | key | rotate-key | erase`.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "See who did what, and prove that the record was not altered.",
        discussion: """
            Examples:
              fettle audit list --since 7d
              fettle audit export > log.jsonl && fettle audit verify log.jsonl
            """,
        subcommands: [
            List.self, Export.self, AuditVerifyCommand.self, Prove.self, Checkpoint.self, Key.self, RotateKey.self,
            Erase.self,
        ], defaultSubcommand: List.self)

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a log as JSON Lines, with its signed checkpoints.",
            discussion: """
                Anybody can verify it without the server: fettle audit verify FILE --key KEY

                Examples:
                  fettle audit export > log.jsonl
                """)
        @OptionGroup var data: DataOption
        @OptionGroup var log: AuditLogOption

        func run() async throws {
            let client = try data.client
            try await client.stream("/api/v1/audit/export" + OperatorClient.query(log.query(client))) { part in
                emit(bytes: Array(part.readableBytesView))
            }
        }
    }

    struct Prove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the proof that an event is in the log, or that the log only grew.",
            discussion: """
                Anybody can verify it without the server: fettle audit verify --proof FILE --key KEY

                Examples:
                  fettle audit prove --event 42 > proof.json
                  fettle audit prove --from 100 --to 200 > grown.json
                """)
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption
        @OptionGroup var log: AuditLogOption
        @Option(help: "The event's id, as `fettle audit list` shows it.")
        var event: Int64?
        @Option(help: "With --event: in the checkpoint of that size. Default: in the last one.")
        var size: Int?
        @Option(help: "The smaller size of the log.")
        var from: Int?
        @Option(help: "The larger size. Default: that of the last checkpoint.")
        var to: Int?

        func validate() throws {
            guard (event == nil) != (from == nil), event != nil || size == nil, from != nil || to == nil else {
                throw ValidationError("say --event ID [--size N], or --from SIZE [--to SIZE]")
            }
        }

        func run() async throws {
            let client = try data.client
            let proof = try await client.get(
                "/api/v1/audit/proof",
                log.query(client) + [
                    ("event", event.map(String.init)), ("size", size.map(String.init)),
                    ("from", from.map(String.init)), ("to", to.map(String.init)),
                ])
            try output.show(proof) { emit($0.text + "\n") }
        }
    }

    struct Checkpoint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the last signed checkpoint.",
            discussion: """
                Keep it where the server's administrators cannot reach it: `fettle audit verify --checkpoint FILE` then \
                finds whatever was done to the records up to it, even by somebody who has the signing key.

                Examples:
                  fettle audit checkpoint > checkpoint-$(date +%F).txt
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var log: AuditLogOption
        @Option(help: "That of this size instead.")
        var size: Int?

        func run() async throws {
            try await reading.run { client in
                let checkpoint = try await client.get(
                    "/api/v1/audit/checkpoint", log.query(client) + [("size", size.map(String.init))])
                // Signed byte by byte: a note whose text is written otherwise is no note.
                return Shown(item: checkpoint, name: checkpoint.text("origin")) { _ in checkpoint.text("note") }
            }
        }
    }

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key that signs checkpoints.",
            discussion: """
                The form is that of signed notes (C2SP): NAME+ID+BASE64.

                Examples:
                  fettle audit key > server.key
                """)
        @OptionGroup var reading: Reading

        func run() async throws {
            try await reading.run { client in
                let items = try await client.list("/api/v1/audit/keys")
                let keys = items.map { $0.text("key") }
                return Shown(item: .array(items)) { _ in keys.map { TextTable.printable($0) + "\n" }.joined() }
                    .with(csv: Shown(items).csv, names: keys)
            }
        }
    }

    struct RotateKey: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-key",
            abstract: "Let a new key sign checkpoints from now on; the old one signs nothing any more.",
            discussion: """
                Each log gets a record that both keys have signed. What the old key signed stays proved, and whoever \
                trusts only the old key can verify what comes after: fettle audit verify --key OLD. Back up DATA/authority \
                afterwards.

                Examples:
                  fettle audit rotate-key --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption

        func run() async throws {
            let client = try changing.data.client
            let current = try await client.list("/api/v1/audit/keys").first { $0["current"]?.bool == true }
            let sum = "let a new key sign the audit log instead of \(current?.text("key") ?? "")"
            guard changing.goesOn(sum) else { return }
            try confirming.confirm(sum)
            let answer = try await client.post("/api/v1/audit/keys/rotate", ["current": current?["key"] ?? .null])
            say("this key signs the audit log from now on; back up the server's folder authority")
            try output.show(answer) { emit($0.text("key") + "\n") }
        }
    }

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erase the personal data of one event; the record itself and all proofs stay.",
            discussion: """
                That it was done, by whom and why enters the log.

                Examples:
                  fettle audit erase 42 --reason "request of 2026-11-20" --yes
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @Argument(help: "The event's id, as `fettle audit list` shows it.")
        var event: Int64
        @Option(help: "Why; it enters the log, so do not repeat the data.")
        var reason: String

        func run() async throws {
            let client = try changing.data.client
            guard changing.goesOn("erase the personal data of event \(event)") else { return }
            try confirming.confirm("erase the personal data of event \(event), for ever")
            _ = try await client.post("/api/v1/audit/\(event)/erase", ["reason": .string(reason)])
            try output.tell(
                ["id": .integer(event), "erased": true], "the personal data of event \(event) are erased")
        }
    }
}

/// Which log is meant.
struct AuditLogOption: ParsableArguments {
    @OptionGroup var organisation: OrganisationOption
    @Flag(help: "The installation's log: every organisation's records, and those that belong to none.")
    var installation = false

    func validate() throws {
        guard organisation.organisation == nil || !installation else {
            throw ValidationError("say --organisation or --installation, not both")
        }
    }

    /// As the API takes it.
    func query(_ client: OperatorClient) -> [(String, String?)] {
        installation ? [("installation", "true")] : [organisation.query(client)]
    }
}
