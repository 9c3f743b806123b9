import Foundation

/// A lab network of its own (`Testbed/run-host`) with a Fettle server in it, and throw-away hosts.
///
/// Labs of different names know nothing of each other, so suites can run side by side.
// Sendable: only the calls that start and end things change its state, and a test makes these one after the other;
// what a test does on several hosts at once (`exec`, `fettle`) reads constants only.
final class Lab: @unchecked Sendable {
    /// The server's address in every lab.
    static let address = "198.18.0.1"

    let name: String
    let folder: String
    private var server: Process?
    private(set) var hosts: [String] = []

    init(_ name: String) throws {
        self.name = name
        self.folder = NSTemporaryDirectory() + "fettle-lab-\(name)-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // What an interrupted run has left behind.
        try runHost(["lab", "down"], check: false)
        try runHost(["lab", "up"])
    }

    /// Ends everything: server, hosts, network, files.
    func down() {
        stopServer()
        _ = try? runHost(["lab", "down"], check: false)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// `Testbed/run-host` for this lab.
    @discardableResult
    func runHost(_ arguments: [String], seconds: Double = 120, check: Bool = true) throws -> CommandResult {
        try run(
            [Testbed.script("run-host")] + arguments, environment: ["TESTBED_LAB": name], seconds: seconds,
            check: check)
    }

    // MARK: The server

    /// The server's data folder.
    var data: String { folder + "/server" }

    /// Starts the server, known by those names, and waits until it is ready.
    func startServer(_ arguments: [String] = [], names: [String] = [Lab.address]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Testbed.script("run-host"))
        process.arguments =
            [
                "lab", "exec", Testbed.program("fettle"), "serve", "--data", data,
                "--listen-agents", "\(Self.address):8443", "--listen-enrolment", "\(Self.address):8444",
            ] + names.flatMap { ["--name", $0] } + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["TESTBED_LAB": name]) { $1 }
        let log = folder + "/server.log"
        if !FileManager.default.fileExists(atPath: log) { FileManager.default.createFile(atPath: log, contents: nil) }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        handle.seekToEndOfFile()
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        try process.run()
        server = process
        try eventually("the server is ready", seconds: 30) {
            guard process.isRunning else {
                throw CommandError(description: "the server ended:\n\(serverLog.suffix(4000))")
            }
            return try fettle(["server", "status"], check: false).status == 0
        }
    }

    /// Ends the server in order, or with SIGKILL.
    func stopServer(kill hard: Bool = false) {
        guard let server, server.isRunning else { return }
        // `run-host lab exec` stands between; the server is the process that listens in this data folder.
        _ = try? run(["pkill", hard ? "-KILL" : "-TERM", "-f", "fettle serve --data \(data) "], check: false)
        server.waitUntilExit()
        self.server = nil
    }

    /// What the server has logged.
    var serverLog: String { (try? String(contentsOfFile: folder + "/server.log", encoding: .utf8)) ?? "" }

    /// The command line, against this lab's server.
    @discardableResult
    func fettle(_ arguments: [String], check: Bool = true, seconds: Double = 60) throws -> CommandResult {
        try run(
            [Testbed.program("fettle")] + arguments, environment: ["FETTLE_DATA": data], seconds: seconds, check: check)
    }

    // MARK: Hosts

    /// Starts a host with the agent at /usr/local/bin/fettle-agent.
    func startHost(_ host: String, root: String, arguments: [String] = []) throws {
        try runHost(
            ["start", host, "--root", root, "--bind", "\(Testbed.program("fettle-agent")):/usr/local/bin/fettle-agent"]
                + arguments)
        hosts.append(host)
    }

    /// Runs a command on a host, as root.
    @discardableResult
    func exec(_ host: String, _ command: [String], seconds: Double = 120, check: Bool = true) throws -> CommandResult {
        try runHost(["exec", host] + command, seconds: seconds, check: check)
    }

    /// Enrols a host and starts its agent in the background.
    func enrol(_ host: String, token: String) throws {
        try exec(host, ["fettle-agent", "enroll", token])
        try startAgent(host)
    }

    /// Starts the agent of an enrolled host in the background.
    func startAgent(_ host: String, arguments: [String] = [], clockOffset: Int = 0) throws {
        let run = ["env", "FETTLE_TEST_CLOCK_OFFSET=\(clockOffset)", "fettle-agent", "run", "--start-delay", "1"]
        let command = (run + arguments).joined(separator: " ")
        try exec(host, ["sh", "-c", "setsid \(command) >>/var/log/fettle-agent.log 2>&1 </dev/null & sleep 0.1"])
    }

    /// Kills every process of that name on a host with SIGKILL, as soon as one lives whose command line has `words`; hunted on
    /// the host itself, where some live for moments only.
    ///
    /// - Returns: the command lines of those that were killed, each after its number; empty where none came within the time.
    func kill(_ host: String, _ program: String, where words: String = "", seconds: Int = 30) throws -> [String] {
        let hunt = """
            end=$(($(date +%s) + \(seconds)))
            until [ -n "$found" ]; do
                [ "$(date +%s)" -le $end ] || exit 0
                for pid in $(pgrep -x '\(program)'); do
                    line=$(tr '\\0' ' ' </proc/$pid/cmdline) || continue
                    case $line in *'\(words)'*) found=1 ;; esac
                done 2>/dev/null
                [ -n "$found" ] || sleep 0.02
            done
            for pid in $(pgrep -x '\(program)'); do
                line=$(tr '\\0' ' ' </proc/$pid/cmdline) || continue
                kill -KILL $pid && echo "$pid $line"
            done 2>/dev/null
            true
            """
        return try exec(host, ["sh", "-c", hunt]).output.split(separator: "\n").map(String.init)
    }

    /// Kills the whole agent of a host, job and all, and starts it again.
    ///
    /// - Parameter words: waited for in the command line of one of its processes, such as `--job`.
    /// - Returns: the command lines of the processes that died.
    /// - Throws: where there was nothing to kill, or no other process is the agent afterwards: such a test would show nothing.
    func killAgent(_ host: String, where words: String = "") throws -> [String] {
        let killed = try kill(host, "fettle-agent", where: words)
        guard !killed.isEmpty else { throw CommandError(description: "no agent on \(host) to kill") }
        let numbers = Set(killed.compactMap { $0.split(separator: " ").first })
        try startAgent(host)
        try eventually("the agent of \(host) lives again", seconds: 30) {
            let alive = try exec(host, ["pgrep", "-x", "fettle-agent"], check: false).output.split(separator: "\n")
            return !alive.isEmpty && numbers.isDisjoint(with: alive)
        }
        return killed
    }

    /// What the agent of a host has logged.
    func agentLog(_ host: String) -> String {
        (try? exec(host, ["cat", "/var/log/fettle-agent.log"], check: false).output) ?? ""
    }
}

/// Waits until `condition` holds; throws when it does not in time.
func eventually(_ what: String, seconds: Double, _ condition: () throws -> Bool) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if try condition() { return }
        usleep(200_000)
    }
    throw CommandError(description: "not within \(seconds) s: \(what)")
}
