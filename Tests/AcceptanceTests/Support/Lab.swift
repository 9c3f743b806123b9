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
