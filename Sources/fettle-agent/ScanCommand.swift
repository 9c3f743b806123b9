import Agent
import ArgumentParser
import Glibc
import JSON
import PackageManagers
import Timestamps

/// `fettle-agent scan`: the whole truth about this host, without a server.
struct ScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Print what this host has, what its repositories offer, and what it needs.",
        discussion: """
            Needs no server and changes nothing. As root it sees all processes; what it cannot read it calls unknown, \
            with why.
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case table
        case json
    }

    @Option(name: [.short, .long], help: "What to print.")
    var output: Output = .table

    @Option(help: "Scan the tree of files under this folder instead of this machine.")
    var root: String = "/"

    @Flag(
        inversion: .prefixedNo,
        help:
            "Ask the package manager why an upgrade is kept back; without it that is unknown. Never asked in another root."
    )
    var resolver = true

    func run() throws {
        let tree = HostTree(root: root)
        let scan = try HostScan.run(
            tree: tree, resolver: resolver && tree.isMachine ? .host : .none, now: Self.now(),
            agentVersion: AgentVersion.text)
        switch output {
        case .json: print(scan.json.prettyPrinted())
        case .table: print(scan.report(colour: Self.showsColours()), terminator: "")
        }
    }

    /// The machine's clock.
    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Colours are for a terminal that has them, and for people who did not refuse them (no-color.org).
    private static func showsColours() -> Bool {
        func variable(_ name: String) -> String { getenv(name).map { String(cString: $0) } ?? "" }
        return isatty(STDOUT_FILENO) == 1 && variable("NO_COLOR").isEmpty && variable("TERM") != "dumb"
    }
}
