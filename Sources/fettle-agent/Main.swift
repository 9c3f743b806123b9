import Agent
import ArgumentParser
import Glibc
import Wire

@main struct Main {
    static func main() {
        ProcessName.take()
        // The kinds of children, which only the agent itself starts, do without the parser's memory.
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.prefix(2) {
        case ["run", "--network-process"]: exit(runNetworkProcess(words.dropFirst(2)))
        case ["run", "--executor"]: exit(runExecutor(words.dropFirst(2)))
        case ["run", "--job"]: exit(JobChild.main(path: words.dropFirst(2).first ?? ""))
        case ["run", "--changelogs"]:
            let rest = Array(words.dropFirst(2))
            exit(ChangelogChild.main(folder: rest.first ?? "", order: rest.dropFirst().first ?? ""))
        case ["scan", "--documents"]:
            exit(ScanChild.run { try ScanChild.scanMachine(previousFacts: words.dropFirst(2).first ?? "") })
        default: FettleAgent.main()
        }
    }

    private static func runNetworkProcess(_ words: ArraySlice<String>) -> Int32 {
        let values = values(words)
        var options = NetworkProcess.Options()
        options.version = values["--protocol"].flatMap { Int($0) }.flatMap { ProtocolVersion(rawValue: $0) } ?? .current
        options.startDelay = values["--start-delay"].flatMap { Int64($0) } ?? options.startDelay
        return NetworkProcess.main(layout: StateLayout(values["--state"] ?? StateLayout.standard), options: options)
    }

    private static func runExecutor(_ words: ArraySlice<String>) -> Int32 {
        let values = values(words)
        let passed = ["--protocol", "--start-delay"].flatMap { name in values[name].map { [name, $0] } ?? [] }
        do {
            let layout = StateLayout(values["--state"] ?? StateLayout.standard)
            let timeout = values["--scan-timeout"].flatMap { Int64($0) } ?? Executor.scanTimeout
            try Executor(layout: layout, arguments: passed, scanTimeout: timeout).run()
            return 0
        } catch {
            Journal.write(.error, "\(error)")
            return 1
        }
    }

    /// `--name value` pairs, as the agent writes them for its own children.
    private static func values(_ words: ArraySlice<String>) -> [String: String] {
        var values: [String: String] = [:]
        var words = words
        while let name = words.popFirst(), let value = words.popFirst() { values[name] = value }
        return values
    }
}

/// `fettle-agent`.
struct FettleAgent: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fettle-agent",
        abstract: "Tell a Fettle server the truth about this host.",
        discussion: """
            Exit codes: 0 well, 1 failed, 3 not enrolled, 4 enrolled with problems (status), 64 wrong usage.
            """,
        version: AgentVersion.text,
        subcommands: [EnrollCommand.self, RunCommand.self, ScanCommand.self, StatusCommand.self])
}
