import Foundation
import JSON

/// What an enrolled agent holds and does while nothing happens: the executor and the network process of
/// `fettle-agent run`, enrolled with a server of their own.
final class AgentMemoryBenchmark: Sendable {
    private let server: ServerProcess
    private let agent: Int32
    /// When the tenth scan was over.
    private let scanned: ContinuousClock.Instant

    private static let scans = 10
    private static let what = "agent after ten scans, both processes"

    /// Starts and enrols an agent and has it scan ten times; it rests until ``finish()``.
    static func start(_ bench: Bench) async throws -> AgentMemoryBenchmark {
        Progress.step("agent: enrolling one, which scans ten times")
        let server = try await ServerProcess.start(bench, data: bench.scratch + "/server-agent")
        var agent: Int32 = 0
        do {
            let state = bench.scratch + "/agent"
            try output(of: [bench.agent, "enroll", "--state", state, server.token(uses: 1)])
            let process = Process()
            process.executableURL = URL(fileURLWithPath: bench.agent)
            process.arguments = ["run", "--state", state, "--start-delay", "0"]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            agent = process.processIdentifier
            var last = try await scanEnd(bench, state, after: "")
            let host = try status(bench, state)["host"]?.string ?? ""
            for number in 1..<scans {
                _ = try server.command(["hosts", "scan", host])
                last = try await scanEnd(bench, state, after: last)
                Progress.count(number + 1, of: scans, "scans")
            }
            return AgentMemoryBenchmark(server: server, agent: agent)
        } catch {
            if agent > 0 { kill(agent, SIGTERM) }
            server.stop()
            throw error
        }
    }

    private init(server: ServerProcess, agent: Int32) {
        self.server = server
        self.agent = agent
        self.scanned = .now
    }

    /// The lines where no agent could be started.
    static func missing(_ why: String) -> [Budget] {
        [Budget(what: "\(what): RSS", limit: 20, unit: "MB", note: why)]
    }

    /// Measures and ends the agent.
    func finish() async -> [Budget] {
        defer {
            kill(agent, SIGTERM)
            server.stop()
        }
        Progress.step("agent: thirty seconds of rest")
        do {
            // The hour of the budget cannot be waited for here; what is said is how long it was.
            let rested = Int(seconds(ContinuousClock.now - scanned))
            var quiet: [Double] = []
            let pids = [agent] + Self.children(of: agent)
            guard pids.count == 2 else {
                throw BenchmarkError("the agent has \(pids.count) processes where two belong")
            }
            var before = try pids.reduce(0.0) { try $0 + cpuSeconds(of: $1) }
            for _ in 0..<30 {
                try await Task.sleep(for: .seconds(1))
                let now = try pids.reduce(0.0) { try $0 + cpuSeconds(of: $1) }
                quiet.append(now - before)
                before = now
            }
            let held = pids.compactMap { memory(of: $0) }
            guard held.count == pids.count else {
                throw BenchmarkError("the agent's memory cannot be read: run as root")
            }
            let sum = held.reduce(Memory(), +)
            let each = zip(["executor", "network"], held).map { name, memory in
                "\(name) \(rounded(Double(memory.resident) / 1e6)) RSS, \(rounded(Double(memory.privateBytes) / 1e6)) private"
            }.joined(separator: "; ")
            let note =
                "measured \(rested) s after the tenth scan, not an hour; MB: \(each); PSS "
                + rounded(Double(sum.proportional) / 1e6)
            let busy = quiet.filter { $0 > 0 }
            let idle = quiet.count - busy.count
            return [
                Budget(
                    what: "\(Self.what): RSS", figure: Double(sum.resident) / 1e6, limit: 20, unit: "MB", note: note),
                Budget(
                    what: "\(Self.what): private", figure: Double(sum.privateBytes) / 1e6, limit: 3, unit: "MB",
                    note: note),
                Budget(
                    what: "\(Self.what): CPU between check-ins", figure: (median(quiet) ?? 0) * 1000, limit: 0,
                    unit: "ms a second",
                    note:
                        "\(idle) of 30 seconds used none at all; the \(busy.count) with a check-in (every 5 s here, 300 s by "
                        + "default) \(rounded(busy.reduce(0, +) * 1000 / Double(max(1, busy.count)))) ms each"),
            ]
        } catch {
            return Self.missing("\(error)")
        }
    }

    private static func status(_ bench: Bench, _ state: String) throws -> JSONValue {
        // Its exit status tells of problems, which a young agent has; what it prints counts.
        try JSONValue(
            parsing: Array(try measured([bench.agent, "status", "-o", "json", "--state", state]).output),
            limits: .message)
    }

    /// Waits for a scan that ended after the one before.
    private static func scanEnd(_ bench: Bench, _ state: String, after last: String) async throws -> String {
        for _ in 0..<240 {
            try await Task.sleep(for: .milliseconds(250))
            if let end = try status(bench, state)["executor"]?["lastScan"]?.string, end > last { return end }
        }
        throw BenchmarkError(
            "the agent did not scan within a minute: \(try status(bench, state)["problems"]?.prettyPrinted() ?? "")")
    }

    private static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let end = text.lastIndex(of: ")")
            else { return false }
            return text[text.index(after: end)...].split(separator: " ").dropFirst().first == "\(parent)"
        }
    }
}
