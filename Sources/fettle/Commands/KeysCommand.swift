import ArgumentParser
import Digest
import JSON

/// `fettle keys`.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Keep the key with which you sign what you approve.",
        discussion: """
            An approval that its approver signed cannot be made up by whoever takes the server over: the signer checks it \
            against the keys that its policy registers, before any host acts. The private key stays on this machine.

            Examples:
              fettle keys create
              fettle keys register --user anna --organisation berlin
            """, subcommands: [Create.self, Show.self, Register.self], defaultSubcommand: Show.self)

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key.",
            discussion: """
                Examples:
                  fettle keys create
                  fettle keys create laptop
                """)
        @Argument(help: "What to call it.") var name = ApproverKey.defaultName
        @Flag(
            help:
                "Replace a key of that name; approvals signed with the old one no longer count once it is unregistered."
        )
        var replace = false
        @OptionGroup var output: OutputOption

        func run() async throws {
            let key = try ApproverKey.create(name, replace: replace)
            let path = try ApproverKey.path(of: name)
            try output.show(try described(key)) { _ in
                say("made \(path); keep a copy of it where only you can read it")
                say("have it registered: fettle keys register --user NAME")
                emit(Base64.encode(key.publicKey) + "\n")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the public part of a key.",
            discussion: """
                Examples:
                  fettle keys show
                """)
        @Argument(help: "Which.") var name = ApproverKey.defaultName
        @OptionGroup var output: OutputOption

        func run() async throws {
            let key = try existing(name)
            try output.show(try described(key)) { _ in emit(Base64.encode(key.publicKey) + "\n") }
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what to put into the signer's policy, so that your approvals count.",
            discussion: """
                Who runs the signer writes it to policy.json in its folder (DATA/signer); the server cannot. From then on \
                only signed approvals count in that organisation, so register every approver at once.

                Examples:
                  fettle keys register --user anna
                  fettle keys register --user anna --organisation berlin --required 2
                """)
        @OptionGroup var output: OutputOption
        @Argument(help: "Which key.") var name = ApproverKey.defaultName
        @Option(help: "The name that you log in with.") var user: String
        @Option(help: "The organisation's id.") var organisation = "default"
        @Option(help: "How many approvals its releases need at least (0 to 16).") var required: Int64 = 1

        func run() async throws {
            guard (0...16).contains(required) else {
                throw CommandFailure.usage("--required \(required) is not between 0 and 16")
            }
            let key = try existing(name)
            let policy: JSONValue = [
                "organisations": .object([
                    organisation: [
                        "approvalsRequired": .integer(required),
                        "approvers": .object([user: .string(Base64.encode(key.publicKey))]),
                    ]
                ])
            ]
            say("merge this into policy.json in the signer's folder; a running signer reads it at once:")
            try output.show(policy) { emit(jsonText($0)) }
        }
    }
}

private func existing(_ name: String) throws -> ApproverKey {
    guard let key = try ApproverKey.find(name) else {
        let option = name == ApproverKey.defaultName ? "" : " \(name)"
        throw CommandFailure.notFound(
            "there is no \(try ApproverKey.path(of: name)); make it: fettle keys create\(option)")
    }
    return key
}

private func described(_ key: ApproverKey) throws -> JSONValue {
    [
        "name": .string(key.name), "keyid": .string(key.keyID), "publicKey": .string(Base64.encode(key.publicKey)),
        "path": .string(try ApproverKey.path(of: key.name)),
    ]
}
