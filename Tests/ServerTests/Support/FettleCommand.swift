import Foundation
import Glibc
import JSON
import Synchronization
import Testing

/// What a program left.
struct CommandResult: Sendable {
    var status: Int32
    var output: String
    var errors: String

    var json: JSONValue { (try? JSONValue(parsing: Array(output.utf8), limits: .facts)) ?? .null }
}

/// Runs the `fettle` that was built beside this test, without the contexts of whoever runs the tests; on a thread of its
/// own, for the server in this process needs those of the pool to answer it.
func fettle(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
) async throws -> CommandResult {
    try await run(FettleCommand.program, arguments, input: input, environment: environment)
}

/// Runs any program that way.
func run(
    _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
) async throws -> CommandResult {
    let command = try FettleCommand(arguments, program: program, environment: environment)
    command.write(input)
    return await command.ended()
}

/// A program that runs, whose output can be watched.
final class FettleCommand: Sendable {
    private let process: Mutex<Process>
    private let input: Pipe
    private let output = Mutex<[UInt8]>([])
    private let errors = Mutex<[UInt8]>([])
    private let readers = DispatchGroup()

    /// The `fettle` beside this test.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return URL(filePath: own).deletingLastPathComponent().appending(path: "fettle").path
    }()

    init(_ arguments: [String], program: String = FettleCommand.program, environment: [String: String] = [:]) throws {
        let process = Process()
        let input = Pipe()
        self.input = input
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("FETTLE_") && $0.key != "NO_COLOR"
        }
        variables["XDG_CONFIG_HOME"] = "/nonexistent"
        process.environment = variables.merging(environment) { $1 }
        let (stdout, stderr) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = stdout
        process.standardError = stderr
        try process.run()
        self.process = Mutex(process)
        read(stdout.fileHandleForReading) { [self] part in output.withLock { $0 += part } }
        read(stderr.fileHandleForReading) { [self] part in errors.withLock { $0 += part } }
    }

    private func read(_ handle: FileHandle, _ take: @escaping @Sendable ([UInt8]) -> Void) {
        let descriptor = dup(handle.fileDescriptor)
        readers.enter()
        Thread.detachNewThread { [readers] in
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                take(Array(buffer[..<count]))
            }
            close(descriptor)
            readers.leave()
        }
    }

    /// Sends all of standard input, and its end.
    func write(_ text: String) {
        input.fileHandleForWriting.write(Data(text.utf8))
        try? input.fileHandleForWriting.close()
    }

    var seen: CommandResult {
        CommandResult(
            status: -1, output: String(decoding: output.withLock { $0 }, as: UTF8.self),
            errors: String(decoding: errors.withLock { $0 }, as: UTF8.self))
    }

    /// Waits for a few seconds until what came satisfies a condition.
    func shows(_ condition: (CommandResult) -> Bool) async throws -> Bool {
        try await eventually { condition(seen) }
    }

    func send(_ signal: Int32) { kill(process.withLock { $0.processIdentifier }, signal) }

    /// Waits for the end.
    func ended() async -> CommandResult {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                readers.wait()
                let status = process.withLock { process in
                    process.waitUntilExit()
                    return process.terminationStatus
                }
                var result = seen
                result.status = status
                continuation.resume(returning: result)
            }
        }
    }
}

/// Runs `fettle` on a pseudo-terminal, with `typed` as what a person types; both outputs come together.
func fettleOnTerminal(
    _ arguments: [String], typed: String = "", environment: [String: String] = [:]
) async throws -> CommandResult {
    let script = """
        import os, pty, sys, select, time
        program, typed, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
        pid, descriptor = pty.fork()
        if pid == 0:
            os.execv(program, [program] + arguments)
        out = b""
        typed = typed.encode()
        while True:
            ready, _, _ = select.select([descriptor], [], [], 20)
            if not ready: break
            try:
                part = os.read(descriptor, 65536)
            except OSError:
                break
            if not part: break
            out += part
            if typed and out.rstrip().endswith(b"[y/N]"):
                os.write(descriptor, typed)
                typed = b""
        _, status = os.waitpid(pid, 0)
        sys.stdout.buffer.write(out)
        sys.exit(os.waitstatus_to_exitcode(status))
        """
    return try await run(
        "/usr/bin/python3", ["-c", script, FettleCommand.program, typed] + arguments, environment: environment)
}
