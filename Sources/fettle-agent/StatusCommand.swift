import Agent
import ArgumentParser
import JSON

/// `fettle-agent status`: how the agent of this host stands.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print whom this host is enrolled as, what was last said to the server, and what is wrong.",
        discussion: """
            Needs no server. Exit codes: 0 well, 1 the state cannot be read, 3 not enrolled, 4 enrolled with problems.
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Option(name: [.short, .long], help: "What to print.")
    var output: Output = .text

    @Option(help: ArgumentHelp("Where the agent keeps its state.", valueName: "folder"))
    var state: String = StateLayout.standard

    func run() throws {
        let status = AgentStatus(StateLayout(state), now: Moment.now().wall)
        switch output {
        case .json: print(status.json.prettyPrinted())
        case .text: print(status.text, terminator: "")
        }
        guard status.verdict == .well else { throw ExitCode(status.verdict.rawValue) }
    }
}
