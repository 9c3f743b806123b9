import ArgumentParser
import Glibc
import JSON
import NIOCore

/// `fettle audit list | export | verify | prove | checkpoint | key | erase`.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "See who did what, and prove that the record was not altered.",
        subcommands: [
            List.self, Export.self, AuditVerifyCommand.self, Prove.self, Checkpoint.self, Key.self, Erase.self,
        ], defaultSubcommand: List.self)

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a log as JSON Lines, with its signed checkpoints.",
            discussion: "Anybody can verify it without the server: fettle audit verify FILE --key KEY")
        @OptionGroup var data: DataOption
        @OptionGroup var log: AuditLogOption

        func run() async throws {
            try await data.client.stream("/api/v1/audit/export" + OperatorClient.query(log.query)) { part in
                try writeAll(Array(part.readableBytesView))
            }
        }
    }

    struct Prove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the proof that an event is in the log, or that the log only grew.",
            discussion: "Anybody can verify it without the server: fettle audit verify --proof FILE --key KEY")
        @OptionGroup var data: DataOption
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
            let proof = try await data.client.get(
                "/api/v1/audit/proof",
                log.query + [
                    ("event", event.map(String.init)), ("size", size.map(String.init)),
                    ("from", from.map(String.init)), ("to", to.map(String.init)),
                ])
            print(proof.text)
        }
    }

    struct Checkpoint: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the last signed checkpoint.",
            discussion: """
                Keep it where the server's administrators cannot reach it: `fettle audit verify --checkpoint FILE` then \
                finds whatever was done to the records up to it, even by somebody who has the signing key.
                """)
        @OptionGroup var data: DataOption
        @OptionGroup var log: AuditLogOption
        @OptionGroup var output: OutputOption
        @Option(help: "That of this size instead.")
        var size: Int?

        func run() async throws {
            let checkpoint = try await data.client.get(
                "/api/v1/audit/checkpoint", log.query + [("size", size.map(String.init))])
            output.show(checkpoint) { print($0.text("note"), terminator: "") }
        }
    }

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key that signs checkpoints.",
            discussion: "The form is that of signed notes (C2SP): NAME+ID+BASE64.")
        @OptionGroup var data: DataOption
        @OptionGroup var output: OutputOption

        func run() async throws {
            let items = try await data.client.list("/api/v1/audit/keys")
            output.show(items) { items in
                for item in items { print(item.text("key")) }
            }
        }
    }

    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Erase the personal data of one event; the record itself and all proofs stay.",
            discussion: "That it was done, by whom and why enters the log.")
        @OptionGroup var data: DataOption
        @Argument(help: "The event's id, as `fettle audit list` shows it.")
        var event: Int64
        @Option(help: "Why; it enters the log, so do not repeat the data.")
        var reason: String

        func run() async throws {
            _ = try await data.client.post("/api/v1/audit/\(event)/erase", ["reason": .string(reason)])
            say("the personal data of event \(event) are erased")
        }
    }
}

/// Which log is meant.
struct AuditLogOption: ParsableArguments {
    @Option(help: "The organisation whose log is meant. Default: default.")
    var organisation: String?
    @Flag(help: "The installation's log: every organisation's records, and those that belong to none.")
    var installation = false

    func validate() throws {
        guard organisation == nil || !installation else {
            throw ValidationError("say --organisation or --installation, not both")
        }
    }

    /// As the API takes it.
    var query: [(String, String?)] {
        [("organisation", organisation), ("installation", installation ? "true" : nil)]
    }
}

/// Writes bytes to standard output.
private func writeAll(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { write(1, $0.baseAddress.map { $0 + written }, bytes.count - written) }
        guard count > 0 else {
            if errno == EINTR { continue }
            throw CommandFailure.failed("cannot write to standard output: \(String(cString: strerror(errno)))")
        }
        written += count
    }
}
