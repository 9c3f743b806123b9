import ArgumentParser
import Glibc
import JSON
import Wire

/// `fettle login`.
struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login", abstract: "Log in to a server by browser, from anywhere.",
        discussion: """
            Prints an address and a code. Open the address in any browser, log in there, compare the code and allow it: this \
            program then has an API token of yours, for 90 days, that you can revoke at any time (fettle logout, fettle \
            api-tokens). The server's authority is pinned at the first login, never silently. Without URL it renews the \
            login of the context in use.

            Examples:
              fettle login https://fettle.example.org:8080
              fettle login https://10.0.0.5:8080 --ca-pin SHA256 --name production
              fettle login
            """)

    @Argument(help: "The server's address: https://HOST:PORT. Default: that of the context in use.") var url: String?
    @Option(help: "The context's name. Default: made of the host's name.") var name: String?
    @Option(help: "The context whose login to renew.", completion: ContextCommand.names) var context: String?
    @Option(help: "The organisation that is meant where none is said.") var organisation: String?
    @OptionGroup var pin: PinOption
    @OptionGroup var output: OutputOption
    @Option(help: "Seconds to wait for the browser.") var timeout = 600

    func validate() throws {
        guard url == nil || context == nil else { throw ValidationError("say URL or --context, not both") }
        guard name == nil || url != nil else { throw ValidationError("--name goes with a URL") }
        guard (1...600).contains(timeout) else { throw ValidationError("--timeout takes 1 to 600 seconds") }
    }

    func run() async throws {
        var context = try await target()
        let client = OperatorClient(anonymous: context)
        let asked = try await client.post("/api/v1/device/authorisations", ["machine": .string(machineName())])
        // The page is where this program found the server: the address that the server has of itself may be another.
        let path = pathAndQuery(asked.text("verificationURIComplete"))
        say("Open this address in a browser, log in, and allow the code:")
        // Programs are printed what became of it, and nothing else.
        if output.isForPeople { emit("\(context.server)\(path)\n") } else { say("\(context.server)\(path)") }
        say("Code: \(asked.text("userCode"))")
        let answer = try await wait(client, asked)
        context.token = answer.text("token")
        context.user = answer.text("user")
        let made = context
        try ContextFile.change { file in
            file.contexts[made.name] = made
            file.current = made.name
        }
        say("logged in to \(made.server) as \(answer.text("user")) until \(answer.text("expires"))")
        try output.tell(
            try ContextCommand.json(made, try ContextFile.read()),
            "the context \(made.name) is in use; try: fettle hosts list")
    }

    /// The context to log in to: made anew for a URL, with its authority settled.
    private func target() async throws -> Context {
        let file = try ContextFile.read()
        guard let url else {
            guard let known = context ?? environment("FETTLE_CONTEXT") ?? file.current else {
                throw CommandFailure.usage("no context is in use; say where to log in: fettle login https://HOST:PORT")
            }
            var context = try file.context(known)
            if pin.caPin != nil { context.authority = try await pin.authority(of: context.server) }
            if let organisation { context.organisation = organisation }
            return context
        }
        let server = try WebAddress(url)
        let same = file.contexts.values.filter { $0.server == server }.sorted { $0.name < $1.name }.first
        let name = self.name ?? same?.name ?? server.suggestedName
        guard Context.isName(name) else {
            throw CommandFailure.usage(
                "\"\(name)\" cannot be a context's name: \(Context.nameRule); say another: --name NAME")
        }
        var context = file.contexts[name] ?? Context(name: name, server: server)
        let isKnown = file.contexts[name]?.server == server
        if !isKnown, file.contexts[name] != nil {
            throw CommandFailure.usage(
                "the context \"\(name)\" is of another server; say another name (--name NAME), or remove it: fettle context delete \(name)"
            )
        }
        // What was pinned once stays pinned: only --ca-pin replaces it.
        if !isKnown || pin.caPin != nil { context.authority = try await pin.authority(of: server) }
        if let organisation { context.organisation = organisation }
        return context
    }

    /// Asks until somebody has decided (RFC 8628, section 3.5).
    private func wait(_ client: OperatorClient, _ asked: JSONValue) async throws -> JSONValue {
        var interval = max(1, asked["interval"]?.integer ?? 5)
        let start = ContinuousClock.now
        let end = start + .seconds(min(Int64(timeout), asked["expiresIn"]?.integer ?? 600))
        var isFirst = true
        while ContinuousClock.now < end {
            sayProgress(
                "waiting for the browser … \((ContinuousClock.now - start).components.seconds) s", isFirst: isFirst)
            isFirst = false
            try await Task.sleep(for: .seconds(interval))
            switch try await client.ask("/api/v1/device/tokens", ["deviceCode": .string(asked.text("deviceCode"))]) {
            case .success(let answer): return answer
            case .failure(let refused):
                switch refused.problem.kind {
                case "authorization_pending": break
                case "slow_down": interval += 5
                case "access_denied": throw CommandFailure.denied("the login was refused in the browser")
                case "expired_token": throw CommandFailure.denied("the code has expired; begin anew: fettle login")
                default: throw refused.failure
                }
            }
        }
        throw CommandFailure.denied("nobody allowed the login in time; begin anew: fettle login")
    }

    private func pathAndQuery(_ address: String) -> String {
        guard let scheme = address.firstRange(of: "://"), let slash = address[scheme.upperBound...].firstIndex(of: "/")
        else { return "/device" }
        return String(address[slash...])
    }

    private func machineName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return String("fettle on \(name.isEmpty ? "a machine" : name)".prefix(64))
    }
}

/// `fettle logout`.
struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Revoke this program's API token and forget it.",
        discussion: """
            The context stays, with its server and pin, for the next fettle login.

            Examples:
              fettle logout
              fettle logout --context production
            """)
    @Option(help: "Of this context. Default: the one in use.", completion: ContextCommand.names) var context: String?
    @Flag(help: "Forget the token even where the server cannot be told.") var force = false
    @Flag(help: "Change nothing; say what would be done.") var dryRun = false
    @OptionGroup var output: OutputOption

    func run() async throws {
        let file = try ContextFile.read()
        guard let name = context ?? environment("FETTLE_CONTEXT") ?? file.current, name != Context.local else {
            throw CommandFailure.usage("no context is in use; say which: fettle logout --context NAME")
        }
        let context = try file.context(name)
        guard context.token != nil else {
            return try output.tell(try ContextCommand.json(context, file), "\(name) is not logged in")
        }
        if dryRun { return say("dry run: would revoke and forget the token of \(name); nothing was changed") }
        do {
            if let id = context.tokenID { _ = try await OperatorClient(context).delete("/api/v1/api-tokens/\(id)") }
        } catch let failure as CommandFailure
            where force || failure.exitCode == CommandFailure.missing || failure.exitCode == CommandFailure.denial
        {
            say("the server did not revoke the token: \(failure.description)")
        } catch let error as UntrustedServer where force {
            say("the server did not revoke the token: \(error.failure.description)")
        }
        try ContextFile.change { file in
            file.contexts[name]?.token = nil
            file.contexts[name]?.user = nil
        }
        let left = try ContextFile.read()
        try output.tell(
            try ContextCommand.json(try left.context(name), left), "logged out of \(context.server)")
    }
}

/// `fettle whoami`.
struct WhoamiCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Say who you are to the server, and what you may do.",
        discussion: """
            Examples:
              fettle whoami
              fettle whoami -o json --query 'grants[].role'
            """)
    @OptionGroup var reading: Reading

    func run() async throws {
        try await reading.run { client in
            let me = try await client.get("/api/v1/me")
            let name = me["user"]?.text("name") ?? ""
            return Shown(item: me, name: name.isEmpty ? me.text("principal") : name) { _ in
                let grants = (me["grants"]?.array ?? []).map(grantText)
                let scopes = me["scopes"]?.array?.compactMap(\.string).joined(separator: ", ")
                return lines([
                    (
                        "You are",
                        name.isEmpty ? me.text("principal") : "\(name) (\(me["user"]?.text("displayName") ?? ""))"
                    ),
                    (
                        "By",
                        ["socket": "the server's socket", "session": "a session", "apiToken": "an API token"][
                            me.text("credential")] ?? ""
                    ),
                    ("Roles", grants.isEmpty ? "none" : grants.joined(separator: "; ")),
                    ("Limited to", scopes ?? ""),
                ])
            }
        }
    }
}

/// `operator in berlin on site=mitte`
func grantText(_ grant: JSONValue) -> String {
    let organisation = grant["organisation"]?.string
    let selector = grant.text("selector")
    return grant.text("role") + (organisation.map { " in \($0)" } ?? " everywhere")
        + (selector.isEmpty ? "" : " on \(selector)")
}
