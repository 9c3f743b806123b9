import Foundation

/// What a program printed and how it ended.
struct CommandResult: Sendable {
    var status: Int32
    var output: String
    var errors: String

    /// Both streams, for a message.
    var everything: String { "status \(status)\n\(output)\n\(errors)" }
}

/// A program that could not be started, ended badly or took too long.
struct CommandError: Error, CustomStringConvertible {
    var description: String
}

/// Runs a program to its end.
///
/// - Parameters:
///   - seconds: after which it is killed and the call throws.
///   - environment: added to this process's own.
@discardableResult
func run(
    _ command: [String], input: String? = nil, environment: [String: String] = [:], seconds: Double = 300,
    check: Bool = true
) throws -> CommandResult {
    // Foundation's Process takes a program for running until every descendant has ended too: commands that start
    // daemons would never return. Files take the output, for a pipe would wait for the daemons just the same.
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fettle-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["input", "output", "errors"].map { folder.appendingPathComponent($0) }
    try Data((input ?? "").utf8).write(to: files[0])

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, files[0].path, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, files[1].path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, files[2].path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let variables = ProcessInfo.processInfo.environment
        .merging(["LC_ALL": "C.UTF-8", "PATH": searchPath]) { $1 }.merging(environment) { $1 }
    let argv = (["env"] + command).map { strdup($0) } + [nil]
    let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var number: pid_t = 0
    let code = posix_spawn(&number, "/usr/bin/env", &actions, nil, argv, envp)
    guard code == 0 else { throw CommandError(description: "\(command): \(String(cString: strerror(code)))") }

    let deadline = Date().addingTimeInterval(seconds)
    var status: Int32 = 0
    while waitpid(number, &status, WNOHANG) == 0 {
        guard Date() < deadline else {
            kill(number, SIGKILL)
            waitpid(number, &status, 0)
            throw CommandError(description: "\(command.joined(separator: " ")) took more than \(seconds) s")
        }
        usleep(2_000)
    }
    let text = files.map { String(decoding: (try? Data(contentsOf: $0)) ?? Data(), as: UTF8.self) }
    // As a shell has it: 128 and the signal for a program that a signal ended.
    let signal = status & 0x7F
    let result = CommandResult(
        status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: text[1], errors: text[2])
    guard !check || result.status == 0 else {
        throw CommandError(description: "\(command.joined(separator: " ")): \(result.everything)")
    }
    return result
}

/// Debian keeps some of the tools in sbin, which a plain user's path lacks.
let searchPath = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
