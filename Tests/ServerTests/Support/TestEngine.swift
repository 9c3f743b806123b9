import Foundation
import Testing

/// The tests of the server, one after the other: several of them measure times.
@Suite(.serialized) struct ServerTests {}

/// Both engines.
enum TestEngine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgresql

    var testDescription: String { rawValue }

    /// The address of a new, empty database; nil for the embedded one of the data folder.
    func newDatabase() async throws -> String? {
        switch self {
        case .sqlite: return nil
        case .postgresql:
            let server = try await TestPostgreSQL.shared.address()
            let schema = "t\(UUID().uuidString.replacing("-", with: "").lowercased())"
            try shell("psql '\(server)' -q -c 'CREATE SCHEMA \(schema)'")
            return "\(server)?options=-csearch_path%3D\(schema)"
        }
    }
}

/// A PostgreSQL server of this process's own. Without it tests fail.
actor TestPostgreSQL {
    static let shared = TestPostgreSQL()
    private var started: String?

    func address() throws -> String {
        if let started { return started }
        let script = repository + "/Testbed/start-postgres"
        let address = try shell("'\(script)' start --durable --dir /dev/shm/fettle-server-tests-\(getpid())")
        started = address
        atexit {
            _ = try? shell("'\(repository)/Testbed/start-postgres' wipe --dir /dev/shm/fettle-server-tests-\(getpid())")
        }
        return address
    }
}

/// The repository's root.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

struct ShellFailed: Error, CustomStringConvertible {
    let description: String
}

/// Runs a command line; returns the last line that it prints. A server it leaves behind does not hold it.
@discardableResult
func shell(_ command: String) throws -> String {
    let output = FileManager.default.temporaryDirectory.appending(path: "fettle-shell-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: output) }
    let status = system("{ \(command); } >'\(output.path)' 2>&1 </dev/null")
    let text = try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    guard status == 0 else { throw ShellFailed(description: "\(command) failed: \(text)") }
    return text.split(separator: "\n").last.map(String.init) ?? ""
}

/// A new folder that is short enough for a socket's path.
func temporaryFolder() throws -> String {
    let path = "/tmp/fs-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
