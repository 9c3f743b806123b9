import Glibc

/// Why a command failed, with its exit code.
struct CommandFailure: Error, CustomStringConvertible {
    let exitCode: Int32
    let description: String

    /// Something went wrong.
    static func failed(_ text: String) -> CommandFailure { CommandFailure(exitCode: 1, description: text) }

    /// The command was called wrongly.
    static func usage(_ text: String) -> CommandFailure { CommandFailure(exitCode: 2, description: text) }

    /// What was named does not exist.
    static func notFound(_ text: String) -> CommandFailure { CommandFailure(exitCode: 3, description: text) }

    /// No server answers on the socket.
    static func notRunning(_ data: String, _ reason: String) -> CommandFailure {
        CommandFailure(
            exitCode: 4,
            description: """
                no server answers on \(data)/fettle.sock (\(reason)).
                Start it with: fettle serve --data \(data)
                """)
    }
}

/// Prints to standard error: everything that is not data.
func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

/// The value of an environment variable; nil where it is unset or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}
