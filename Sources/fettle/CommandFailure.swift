import Glibc

/// Why a command failed, with its exit code.
struct CommandFailure: Error, CustomStringConvertible {
    let exitCode: Int32
    let description: String

    static let failure: Int32 = 1
    static let usage: Int32 = 2
    static let missing: Int32 = 3
    static let denial: Int32 = 4
    static let partial: Int32 = 5

    /// The exit codes, as help and manual tell them.
    static let exitCodes: [(code: Int32, meaning: String)] = [
        (0, "done"), (failure, "failed"), (usage, "wrong usage, or a question that nobody could answer"),
        (missing, "what was named does not exist, or you may not see it"),
        (denial, "not logged in, not allowed, or the server is not the one it should be"),
        (partial, "done for some of what was named, not for all"),
    ]

    /// Something went wrong.
    static func failed(_ text: String) -> CommandFailure { CommandFailure(exitCode: failure, description: text) }

    /// The command was called wrongly.
    static func usage(_ text: String) -> CommandFailure { CommandFailure(exitCode: usage, description: text) }

    /// What was named does not exist.
    static func notFound(_ text: String) -> CommandFailure { CommandFailure(exitCode: missing, description: text) }

    /// Who asks is not known or may not, or who answers is not who it should be.
    static func denied(_ text: String) -> CommandFailure { CommandFailure(exitCode: denial, description: text) }

    /// No server answers on the socket.
    static func notRunning(_ data: String, _ reason: String) -> CommandFailure {
        failed(
            """
            no server answers on \(data)/fettle.sock (\(reason)).
            Start it with: fettle serve --data \(data)
            Or use one elsewhere: fettle login URL
            """)
    }
}

/// The value of an environment variable; nil where it is unset or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}
