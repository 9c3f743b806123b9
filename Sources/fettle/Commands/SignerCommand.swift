import ArgumentParser
import Glibc
import JSON
import Orders
import Signer

/// `fettle signer`.
struct SignerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signer", abstract: "Run the process that holds the keys and signs the orders.",
        discussion: """
            `fettle serve` starts it by itself. Run it by hand where it shall live under another account or on another \
            machine: then give the server its socket (fettle serve --signer SOCKET), forwarded by ssh -L where it is remote.

            Examples:
              fettle signer
              fettle signer run --data /srv/signer --listen /run/fettle/signer.sock
              fettle signer rotate director
            """, subcommands: [Run.self, Rotate.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign what may be signed, until SIGTERM.",
            discussion: """
                Examples:
                  fettle signer run --data /var/lib/fettle
                """)
        @Option(
            help: "The folder in whose subfolder signer the keys are. Default: $FETTLE_DATA, else ./var.",
            completion: .directory)
        var data: String?
        @Option(help: "The Unix socket to listen on. Default: signer.sock in the subfolder.") var listen: String?
        @Flag(help: .hidden) var untilInputEnds = false

        func run() async throws {
            umask(0o077)
            signal(SIGTERM) { _ in _exit(0) }
            signal(SIGINT) { _ in _exit(0) }
            let data = data ?? environment("FETTLE_DATA") ?? "./var"
            do {
                guard mkdir(data, 0o700) == 0 || errno == EEXIST else {
                    throw CommandFailure.failed("cannot make \(data): \(String(cString: strerror(errno)))")
                }
                var signer = try Signer(folder: "\(data)/signer", now: now())
                let listener = try SignerListener(socket: listen ?? SignerProcess.socket(data))
                if let problem = signer.policyProblem { say("signer: \(problem)") }
                try listener.serve(&signer, parent: untilInputEnds ? 0 : nil, clock: now) { say("signer: \($0)") }
            } catch let error as SignerError {
                throw CommandFailure.failed("the signer cannot work: \(error)")
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the key of a role: root, release or director.",
            discussion: """
                Hosts learn of it at their next check-in. A release or director key stays good for --overlap beside the new \
                one, so that campaigns under way go on; a stolen one ends at once: --overlap 0s.

                Examples:
                  fettle signer rotate director
                  fettle signer rotate release --overlap 0s
                """)
        @Argument(help: "root, release or director.") var role: String
        @Option(
            help: "The folder in whose subfolder signer the keys are. Default: $FETTLE_DATA, else ./var.",
            completion: .directory)
        var data: String?
        @Option(help: "How long the old key stays good: 14d, 12h, 0s.") var overlap = "14d"
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption

        func run() async throws {
            guard let role = OrderRole(rawValue: role) else {
                throw CommandFailure.usage("\"\(role)\" is none of root, release, director")
            }
            guard let overlap = overlap == "0s" ? 0 : seconds(overlap), overlap <= 90 * 86_400 else {
                throw CommandFailure.usage("--overlap \(overlap) is not a time up to 90d, such as 14d or 0s")
            }
            let data = data ?? environment("FETTLE_DATA") ?? "./var"
            try confirming.confirm("replace the \(role.rawValue) key in \(data)/signer")
            do {
                let id = try Signer.rotate(role, folder: "\(data)/signer", overlap: overlap, now: now())
                try output.tell(
                    ["role": .string(role.rawValue), "keyid": .string("\(id)")], "the new \(role.rawValue) key is \(id)"
                )
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
    }
}
