import ArgumentParser
import Glibc
import JSON

/// `fettle context list | show | use | add | delete`.
struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context", abstract: "Choose which server commands talk to, and as whom.",
        discussion: """
            A context is a server's address, the authority that vouches for it, an organisation and a login. They are kept \
            in $XDG_CONFIG_HOME/fettle/contexts.json (else ~/.config), readable by you alone. Without one, commands use \
            the server of this machine.

            Examples:
              fettle context list
              fettle context use production
              fettle context use local           the server of this machine
            """,
        subcommands: [List.self, Show.self, Use.self, Add.self, Delete.self], defaultSubcommand: List.self,
        aliases: ["contexts"])

    private static let columns: [Column] = [
        Column(
            "CURRENT", raw: { $0["current"]?.bool == true ? "true" : "false" },
            text: { $0["current"]?.bool == true ? "*" : "" }),
        .member("name"), .member("server"), .member("user"), .member("organisation"),
        Column("LOGIN") { $0["loggedIn"]?.bool == true ? "yes" : "no" },
        .member("authority", "AUTHORITY", wide: true),
    ]

    /// What is told of a context: everything but the token.
    static func json(_ context: Context, _ file: ContextFile) throws -> JSONValue {
        let pin = try context.authority.map { try ServerTrust.fingerprint(pem: $0) }
        return [
            "name": .string(context.name), "server": .string(context.server.description),
            "current": .bool(file.current == context.name), "loggedIn": .bool(context.token != nil),
            "user": context.user.map { .string($0) } ?? .null,
            "organisation": context.organisation.map { .string($0) } ?? .null,
            "authority": pin.map { .string("sha256:" + $0) } ?? .null,
        ]
    }

    static let names: CompletionKind = .custom { _, _, _ in
        ((try? ContextFile.read().contexts.keys.sorted()) ?? []) + [Context.local]
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List contexts.",
            discussion: """
                Examples:
                  fettle context list
                  fettle context list -o json --query '[?current].server | [0]'
                """)
        @OptionGroup var output: OutputOption

        func run() throws {
            let file = try ContextFile.read()
            let items = try file.contexts.values.sorted { $0.name < $1.name }.map { try json($0, file) }
            emit(try output.text(Shown(items, columns, name: { $0.text("name") })))
            if items.isEmpty, output.output == .table { say("no contexts; make one: fettle login URL") }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the context in use, or another.",
            discussion: """
                Examples:
                  fettle context show
                  fettle context show production -o json
                """)
        @OptionGroup var output: OutputOption
        @Argument(help: "Its name.", completion: names) var name: String?

        func run() throws {
            let file = try ContextFile.read()
            guard let name = name ?? environment("FETTLE_CONTEXT") ?? file.current, name != Context.local else {
                let local: JSONValue = ["name": .string(Context.local), "current": true]
                return emit(
                    try output.text(
                        Shown(item: local, name: Context.local) { _ in
                            "local: the server of this machine, over its socket\n"
                        }))
            }
            let item = try json(try file.context(name), file)
            emit(
                try output.text(
                    Shown(item: item, name: name, csv: columns) { _ in
                        lines([
                            ("Name", item.text("name")), ("Server", item.text("server")), ("User", item.text("user")),
                            ("Organisation", item.text("organisation")), ("Logged in", item.text("loggedIn")),
                            ("Authority", item.text("authority")),
                        ])
                    }))
        }
    }

    struct Use: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Use a context from now on, or change its organisation.",
            discussion: """
                "local" stands for the server of this machine. $FETTLE_CONTEXT and --context choose for one shell or command.

                Examples:
                  fettle context use production
                  fettle context use production --organisation berlin
                  fettle context use local
                """)
        @OptionGroup var output: OutputOption
        @Argument(help: "Its name, or local.", completion: names) var name: String
        @Option(help: "The organisation that is meant where none is said; empty for none.") var organisation: String?

        func run() throws {
            try ContextFile.change { file in
                if name == Context.local {
                    file.current = nil
                } else {
                    var context = try file.context(name)
                    if let organisation { context.organisation = organisation.isEmpty ? nil : organisation }
                    file.contexts[name] = context
                    file.current = name
                }
            }
            let used: JSONValue
            if name == Context.local {
                used = ["name": .string(name), "current": true]
            } else {
                let file = try ContextFile.read()
                used = try json(try file.context(name), file)
            }
            try output.tell(
                used, "commands use \(name == Context.local ? "the server of this machine" : name) from now on")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a context by hand: for programs that have an API token already.",
            discussion: """
                People say `fettle login URL` instead. The token is read from a file or standard input, never from the \
                command line, where others could see it.

                Examples:
                  fettle context add ci --server https://fettle.example.org:8080 --ca-pin SHA256 --token-file token
                """)
        @OptionGroup var output: OutputOption
        @Argument(help: "Its name: \(Context.nameRule).") var name: String
        @Option(help: "The server's address: https://HOST:PORT.") var server: String
        @OptionGroup var pin: PinOption
        @Option(help: "The organisation that is meant where none is said.") var organisation: String?
        @Option(help: "A file with an API token; - for standard input.", completion: .file()) var tokenFile: String?
        @Flag(help: "Use it from now on.") var use = false

        func run() async throws {
            guard Context.isName(name) else {
                throw CommandFailure.usage("\"\(name)\" cannot be a context's name: \(Context.nameRule), and not local")
            }
            let address = try WebAddress(server)
            var context = Context(name: name, server: address, organisation: organisation)
            context.token = try tokenFile.map { try readToken($0) }
            context.authority = try await pin.authority(of: address)
            let (made, use) = (context, use)
            try ContextFile.change { file in
                guard file.contexts[made.name] == nil else {
                    throw CommandFailure.failed(
                        "there is a context \"\(made.name)\" already; remove it first: fettle context delete \(made.name)"
                    )
                }
                file.contexts[made.name] = made
                if use { file.current = made.name }
            }
            let file = try ContextFile.read()
            try output.tell(
                try json(try file.context(name), file),
                "context \(name) is added" + (use ? " and in use" : "; use it: fettle context use \(name)"))
        }
    }

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a context with its login.",
            discussion: """
                The token is not revoked by that: fettle logout does both.

                Examples:
                  fettle context delete old --yes
                """)
        @Argument(help: "Its name.", completion: names) var name: String
        @OptionGroup var output: OutputOption
        @OptionGroup var confirming: Confirming
        @Flag(help: "Change nothing; say what would be done.") var dryRun = false

        func run() throws {
            _ = try ContextFile.read().context(name)
            if dryRun { return say("dry run: would forget the context \(name); nothing was changed") }
            try confirming.confirm("forget the context \(name) with its login")
            try ContextFile.change { file in
                _ = try file.context(name)
                file.contexts[name] = nil
                if file.current == name { file.current = nil }
            }
            try output.tell(["name": .string(name), "deleted": true], "context \(name) is forgotten")
        }
    }
}

/// `--ca-pin`, and what is done without it.
struct PinOption: ParsableArguments {
    @Option(
        help: """
            SHA-256 of the authority that vouches for the server, as fettle authority shows it there. Without it the \
            authorities of this system decide, and where they do not know the server you are asked.
            """)
    var caPin: String?

    func validate() throws {
        if let caPin, ServerTrust.fingerprint(typed: caPin) == nil {
            throw ValidationError("--ca-pin takes the 64 hexadecimal digits that fettle authority shows on the server")
        }
    }

    /// The PEM of the authority to pin; nil where this system's authorities vouch for the server.
    func authority(of server: WebAddress) async throws -> String? {
        if let pin = caPin.flatMap(ServerTrust.fingerprint(typed:)) {
            let chain = try await ServerTrust.presentedChain(server)
            for certificate in chain where try ServerTrust.fingerprint(certificate) == pin {
                let authority = try ServerTrust.pem(certificate)
                guard try await isTrusted(server, authority) else {
                    throw CommandFailure.denied("the pinned authority does not vouch for \(server) under that name")
                }
                return authority
            }
            throw CommandFailure.denied(
                """
                none of the \(chain.count) certificates of \(server) has the SHA-256 \(pin). Nothing was sent.
                The address or the pin is of another server, or somebody stands between.
                """)
        }
        if try await isTrusted(server, nil) { return nil }
        guard let last = try await ServerTrust.presentedChain(server).last else {
            throw CommandFailure.denied("\(server) presents no certificate")
        }
        let (pin, authority) = (try ServerTrust.fingerprint(last), try ServerTrust.pem(last))
        let found = """
            no authority that this system trusts vouches for \(server). It presents one of its own:
              SHA-256 \(pin)
            Compare it with what fettle authority shows on the server.
            """
        guard canAsk else {
            throw CommandFailure.usage("\(found)\nWhere they are the same: --ca-pin \(pin)")
        }
        say(found)
        guard ask("Are they the same?") else {
            throw CommandFailure.denied("the server is not trusted; nothing was sent")
        }
        guard try await isTrusted(server, authority) else {
            throw CommandFailure.denied("that authority does not vouch for \(server) under that name")
        }
        return authority
    }

    private func isTrusted(_ server: WebAddress, _ authority: String?) async throws -> Bool {
        let client = OperatorClient(anonymous: Context(name: "", server: server, authority: authority))
        do {
            _ = try await client.get("/api/v1/me")
            return true
        } catch is UntrustedServer {
            return false
        } catch let failure as CommandFailure where failure.exitCode == CommandFailure.denial {
            return true
        }
    }
}

/// Reads an API token from a file; - is standard input.
func readToken(_ path: String) throws -> String {
    let text: String
    if path == "-" {
        text = readLine() ?? ""
    } else {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure.failed("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &buffer, buffer.count)
        text = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
    let token = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), token.utf8.count <= 200 else {
        throw CommandFailure.usage("\(path) has no API token; fettle api-tokens create prints one")
    }
    return token
}

/// `Key:          value`, a line each; what is empty is left out.
func lines(_ items: [(String, String)]) -> String {
    items.filter { !$0.1.isEmpty }.map { fieldLine($0.0, $0.1) }.joined()
}
