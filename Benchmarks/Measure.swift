// Beside the server glibc's times are told to come from here.
import CDispatch
import Foundation

/// CPU seconds (user and system, all threads, in nanosecond steps) that a running process has used so far; its
/// children do not count.
///
/// - Throws: where the process is gone.
func cpuSeconds(of pid: Int32) throws -> Double {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
        throw BenchmarkError("process \(pid) is gone: its log says why")
    }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// CPU seconds of this process so far.
func ownCPUSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// How much memory a process holds, in bytes.
struct Memory: Sendable {
    /// RSS: what is in memory and mapped by it, shared or not.
    var resident = 0
    /// PSS: the same, shared pages divided by their sharers.
    var proportional = 0
    /// What only it has.
    var privateBytes = 0

    static func + (left: Memory, right: Memory) -> Memory {
        Memory(
            resident: left.resident + right.resident, proportional: left.proportional + right.proportional,
            privateBytes: left.privateBytes + right.privateBytes)
    }
}

/// The memory of a running process, from /proc/PID/smaps_rollup; nil where it cannot be read.
func memory(of pid: Int32) -> Memory? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8) else { return nil }
    func bytes(_ key: String) -> Int {
        for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
            return (Int(line.split(separator: " ").dropFirst().first ?? "0") ?? 0) * 1024
        }
        return 0
    }
    return Memory(
        resident: bytes("Rss"), proportional: bytes("Pss"),
        privateBytes: bytes("Private_Dirty") + bytes("Private_Clean"))
}

/// Seconds of a duration.
func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

/// How a program ran.
struct ProgramRun {
    /// CPU seconds, user and system, of it and its children.
    var cpu: Double
    /// Seconds on the clock.
    var wall: Double
    /// Its exit status.
    var status: Int32
    /// What it wrote to standard output.
    var output: Data
    /// What it wrote to standard error.
    var errors: String
}

/// Runs a program to its end and measures it. Nothing else of this process may end meanwhile.
func measured(_ command: [String], environment: [String: String] = [:]) throws -> ProgramRun {
    var before = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &before)
    let errorFile = FileManager.default.temporaryDirectory.appendingPathComponent("fettle-bench-\(getpid()).err")
    FileManager.default.createFile(atPath: errorFile.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: errorFile) }
    let start = ContinuousClock.now
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = try FileHandle(forWritingTo: errorFile)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let wall = seconds(ContinuousClock.now - start)
    var after = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &after)
    func value(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return ProgramRun(
        cpu: value(after.ru_utime) + value(after.ru_stime) - value(before.ru_utime) - value(before.ru_stime),
        wall: wall, status: process.terminationStatus, output: output,
        errors: (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "")
}

/// Runs a program that must succeed and gives what it printed.
@discardableResult
func output(of command: [String], environment: [String: String] = [:]) throws -> Data {
    let run = try measured(command, environment: environment)
    guard run.status == 0 else {
        throw BenchmarkError("\(command.joined(separator: " ")) ended with \(run.status): \(run.errors.suffix(400))")
    }
    return run.output
}

/// The median CPU of several runs, in seconds, after one that warms the disk's cache.
///
/// - Parameter prepare: runs before each, and is not measured.
func medianCPU(
    _ command: [String], environment: [String: String] = [:], runs: Int = 7, prepare: () throws -> Void = {}
) throws -> (cpu: Double, last: ProgramRun) {
    var figures: [Double] = []
    var last: ProgramRun?
    for number in 0...runs {
        try prepare()
        let run = try measured(command, environment: environment)
        guard run.status == 0 else {
            throw BenchmarkError(
                "\(command.joined(separator: " ")) ended with \(run.status): \(run.errors.suffix(400))")
        }
        if number > 0 { figures.append(run.cpu) }
        last = run
    }
    guard let last, let cpu = median(figures) else { throw BenchmarkError("\(command) did not run") }
    return (cpu, last)
}
