import Foundation
import Glibc
import JSON
import NIOHTTP1
import Testing
import Wire

/// The built `fettle-agent` on this machine: an executor and its network process, really forked.
final class RealAgent {
    let state: String
    private(set) var executor: pid_t = 0

    /// Enrols with a new token of the server.
    init(_ server: TestServer) async throws {
        state = try temporaryFolder() + "/agent"
        let answer = try await server.api(.POST, "enrolment-tokens", ["uses": 1, "expiresIn": 3600])
        let token = try #require(answer.json["token"]?.string, "\(answer.text)")
        let process = try start(["enroll", token, "--state", state])
        var status: Int32 = 0
        #expect(waitpid(process, &status, 0) == process)
        #expect(status == 0, "fettle-agent enroll failed")
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: state)
    }

    func run(scanTimeout: Int = 180) throws {
        executor = try start(["run", "--state", state, "--start-delay", "0", "--scan-timeout", "\(scanTimeout)"])
    }

    /// Ends it as a service manager does.
    func stop() {
        guard executor > 0 else { return }
        kill(executor, SIGTERM)
        kill(executor, SIGCONT)
        var status: Int32 = 0
        waitpid(executor, &status, 0)
        executor = 0
    }

    private func start(_ arguments: [String]) throws -> pid_t {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let program = URL(filePath: own).deletingLastPathComponent().appending(path: "fettle-agent").path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if ProcessInfo.processInfo.environment["FETTLE_TEST_LOG"] == nil {
            for output: Int32 in [1, 2] { posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0) }
        }
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, nil, words, environ)
        try #require(code == 0, "cannot start \(program)")
        return process
    }

    // MARK: What it says

    private func status(_ folder: String) -> JSONValue? {
        guard let data = FileManager.default.contents(atPath: "\(state)/\(folder)/status.json") else { return nil }
        return try? JSONValue(parsing: Array(data), limits: .message)
    }

    var executorStatus: JSONValue? { status("executor") }
    var networkStatus: JSONValue? { status("network") }
    var host: String {
        let data = FileManager.default.contents(atPath: "\(state)/network/identity.json")
        return data.flatMap { try? JSONValue(parsing: Array($0), limits: .message) }?["host"]?.string ?? ""
    }
    var network: pid_t { pid_t(executorStatus?["networkPID"]?.integer ?? 0) }

    // MARK: What the kernel says

    /// The children of the executor that were started with this word, and are no zombies.
    func children(_ word: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let stat = Self.text("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else { return false }
            let fields = stat[stat.index(after: end)...].split(separator: " ")
            guard fields.count > 1, fields[0] != "Z", pid_t(fields[1]) == executor else { return false }
            return Self.text("/proc/\(pid)/cmdline")?.split(separator: "\0").contains { $0 == word } ?? false
        }
    }

    static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    static func namespace(_ pid: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")
    }

    /// The real, effective, saved and file-system user ids.
    static func users(_ pid: pid_t) -> [String] {
        let line = text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("Uid:") }
        return line.map { $0.split(separator: "\t").dropFirst().map(String.init) } ?? []
    }
}
