import Foundation
import JSON

/// A server of its own: `fettle serve` on free ports, with its data in a folder.
final class ServerProcess: Sendable {
    /// Its process id.
    let pid: Int32
    /// The `--data` folder.
    let data: String
    private let fettle: String

    /// Starts a server and waits until it answers.
    ///
    /// - Parameters:
    ///   - database: its address; nil for SQLite in `data`.
    static func start(_ bench: Bench, data: String, database: String? = nil) async throws -> ServerProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: bench.fettle)
        process.arguments =
            [
                "serve", "--data", data, "--listen-agents", "127.0.0.1:0", "--listen-enrolment", "127.0.0.1:0",
                "--listen-metrics", "127.0.0.1:0", "--listen-web", "127.0.0.1:0", "--log-level", "error", "--interval",
                "5", "--scan-interval", "3600",
            ] + (database.map { ["--database", $0] } ?? [])
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let log = data + "/log"
        FileManager.default.createFile(atPath: log, contents: nil)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        try process.run()
        let server = ServerProcess(pid: process.processIdentifier, data: data, fettle: bench.fettle)
        for _ in 0..<150 {
            if (try? measured([bench.fettle, "server", "status", "--data", data]))?.status == 0 { return server }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        server.stop()
        let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        throw BenchmarkError("fettle serve did not answer within 30 seconds: \(said.suffix(400))")
    }

    private init(pid: Int32, data: String, fettle: String) {
        self.pid = pid
        self.data = data
        self.fettle = fettle
    }

    /// Runs one of the operator's commands against it.
    func command(_ arguments: [String]) throws -> Data {
        try output(of: [fettle] + arguments + ["--data", data])
    }

    /// A new enrolment token for that many hosts.
    func token(uses: Int) throws -> String {
        let answer = try command(["tokens", "create", "--uses", "\(uses)", "-o", "json"])
        guard let token = try JSONValue(parsing: Array(answer), limits: .message)["token"]?.string else {
            throw BenchmarkError("fettle tokens create printed no token")
        }
        return token
    }

    /// CPU seconds that it has used so far.
    func cpu() throws -> Double { try cpuSeconds(of: pid) }

    /// Ends it.
    func stop() {
        kill(pid, SIGTERM)
        for _ in 0..<100 where kill(pid, 0) == 0 { usleep(100_000) }
        if kill(pid, 0) == 0 { kill(pid, SIGKILL) }
    }
}
