import ArgumentParser
import Glibc

/// `fettle`: the server, and the commands that use its API from anywhere.
struct Fettle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fettle",
        abstract: "Keep fleets of machines in fine fettle: see what is missing where, and how sure that is.",
        discussion: """
            On the server's machine commands use its socket; from anywhere else, after `fettle login URL`, its API. Data \
            goes to standard output, everything else to standard error.

            Exit codes: \(CommandFailure.exitCodes.map { "\($0.code) \($0.meaning)" }.joined(separator: "; ")).

            Examples:
              fettle up
              fettle login https://fettle.example.org:8080
              fettle hosts list --security
              fettle patches --security -o csv
              fettle campaign create "Security updates" --security --labels site=berlin --dry-run
              fettle why web1 openssl
            """,
        version: fettleVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "See",
                subcommands: [
                    HostsCommand.self, PatchesCommand.self, SearchCommand.self, AuditCommand.self, ServerCommand.self,
                ]),
            CommandGroup(
                name: "Vulnerabilities",
                subcommands: [
                    VulnerabilityCommand.self, FindingsCommand.self, ChangelogsCommand.self, ExceptionCommand.self,
                    EvidenceCommand.self, PauseCommand.self, PriorityCommand.self, FeedsCommand.self,
                    BacktestCommand.self,
                ]),
            CommandGroup(
                name: "Patch",
                subcommands: [CampaignCommand.self, PolicyCommand.self, WhyCommand.self, WindowsCommand.self]),
            CommandGroup(
                name: "Who you are",
                subcommands: [
                    LoginCommand.self, LogoutCommand.self, WhoamiCommand.self, ContextCommand.self, KeysCommand.self,
                ]),
            CommandGroup(
                name: "Manage",
                subcommands: [
                    TokensCommand.self, UsersCommand.self, RolesCommand.self, APITokensCommand.self,
                    SessionsCommand.self, OrganisationsCommand.self, AuthorityCommand.self,
                ]),
            CommandGroup(
                name: "Run",
                subcommands: [
                    UpCommand.self, ServeCommand.self, SignerCommand.self, LoginLinkCommand.self, DatabaseCommand.self,
                ]),
            CommandGroup(
                name: "Tools",
                subcommands: [
                    MatchCommand.self, VersionCommand.self, CVSSCommand.self, CompletionCommand.self, ManCommand.self,
                ]),
        ])
}

/// What `fettle --version` prints.
let fettleVersion = "0.1.0"

@main
enum Main {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command: any ParsableCommand
            if let direct = await direct(Array(CommandLine.arguments.dropFirst())) {
                command = direct
            } else {
                command = try await Fettle.asyncParseAsRoot()
            }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            fflush(nil)
        } catch {
            end(error)
        }
    }

    /// The command that is called, without the table of all commands: making that takes longer than most of them run.
    ///
    /// - Returns: nil for help and for whatever is not understood, which the whole table answers.
    private static func direct(_ arguments: [String]) async -> (any ParsableCommand)? {
        guard let name = arguments.first, arguments.dropFirst().first != "help" else { return nil }
        let commands = Fettle.configuration.subcommands
        // Completions of hosts' names ask the server: only what parses asynchronously may have them.
        guard
            let command = commands.first(where: { $0.configuration.commandName == name })
                as? any AsyncParsableCommand.Type
        else { return nil }
        return try? await command.asyncParseAsRoot(Array(arguments.dropFirst()))
    }

    /// Says why it ends, and ends with the code for that.
    private static func end(_ error: any Error) -> Never {
        switch error {
        case let failure as CommandFailure: end(failure)
        case let refusal as Refused: end(refusal.failure)
        case let untrusted as UntrustedServer: end(untrusted.failure)
        case is CancellationError: exit(130)
        default: break
        }
        let code = Fettle.exitCode(for: error)
        let message = Fettle.fullMessage(for: error)
        if code.isSuccess {
            emit(message + "\n")
            exit(0)
        }
        if !message.isEmpty { say(message) }
        // ArgumentParser's own code for wrong usage is sysexits' 64; shells and gh use 2.
        exit(code == .validationFailure ? CommandFailure.usage : code.rawValue)
    }

    private static func end(_ failure: CommandFailure) -> Never {
        say("fettle: \(failure.description)")
        exit(failure.exitCode)
    }
}
