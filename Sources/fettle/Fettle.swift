import ArgumentParser
import Glibc

/// `fettle`: the server, and the operator's commands against the server on this machine.
struct Fettle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fettle",
        abstract: "Keep fleets of machines in fine fettle: see what is missing where, and how sure that is.",
        discussion: """
            Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, \
            3 not found, 4 the server does not run.
            """,
        version: fettleVersion,
        subcommands: [
            UpCommand.self, ServeCommand.self, LoginLinkCommand.self, HostsCommand.self, PatchesCommand.self,
            TokensCommand.self,
            OrganisationsCommand.self, ServerCommand.self, AuthorityCommand.self, DatabaseCommand.self,
            VersionCommand.self,
        ])
}

/// What `fettle --version` prints.
let fettleVersion = "0.1.0"

@main
enum Main {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try Fettle.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            say("fettle: \(failure.description)")
            exit(failure.exitCode)
        } catch {
            let code = Fettle.exitCode(for: error)
            let message = Fettle.fullMessage(for: error)
            if code.isSuccess {
                print(message)
                exit(0)
            }
            if !message.isEmpty { say(message) }
            // ArgumentParser's own code for wrong usage is sysexits' 64; shells and gh use 2.
            exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}
