import Agent
import ArgumentParser
import Glibc
import Wire

/// `fettle-agent run`: the agent, in the foreground.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the agent in the foreground until SIGTERM.",
        discussion: """
            Two processes: the executor, which keeps the caller's rights and gives up its network, and the network \
            process, which gives up root. As another user than root both run as that user, and status says so.
            """)

    @Option(help: ArgumentHelp("Where the agent keeps its state.", valueName: "folder"))
    var state: String = StateLayout.standard

    @Option(
        help: ArgumentHelp("The first contact comes up to this many seconds after the start.", valueName: "seconds"))
    var startDelay: Int64 = 60

    @Option(help: ArgumentHelp("A scan that takes longer is ended.", valueName: "seconds"))
    var scanTimeout: Int64 = Executor.scanTimeout

    @Option(name: .customLong("protocol"), help: .hidden)
    var protocolVersion: Int = ProtocolVersion.current.rawValue

    func validate() throws {
        guard (0...3600).contains(startDelay) else { throw ValidationError("--start-delay is 0 to 3600 seconds.") }
        guard (1...3600).contains(scanTimeout) else { throw ValidationError("--scan-timeout is 1 to 3600 seconds.") }
        guard ProtocolVersion(rawValue: protocolVersion) != nil else {
            throw ValidationError("This agent speaks the protocols 1 and 2.")
        }
    }

    func run() throws {
        let status = AgentStatus(StateLayout(state), now: Moment.now().wall)
        if status.verdict == .notEnrolled || status.verdict == .unreadable {
            Journal.write(.error, status.problems.map { "\($0.what). \($0.cure)" }.joined(separator: " "))
            throw ExitCode(status.verdict.rawValue)
        }
        // Once more from the start, without what reading the command line has cost: it would stay for months.
        let words = [
            "fettle-agent", "run", "--executor", "--state", state, "--start-delay", String(startDelay), "--protocol",
            String(protocolVersion), "--scan-timeout", String(scanTimeout),
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        execv("/proc/self/exe", arguments)
        throw SystemError("start", "the executor")
    }
}
