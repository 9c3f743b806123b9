import Changelog
import Foundation
import Testing

/// A Debian changelog of these entries, the newest first.
func changelog(_ entries: [(version: String, lines: [String])], source: String = "tool") -> [UInt8] {
    Array(
        entries.map { entry in
            "\(source) (\(entry.version)) bookworm-security; urgency=high\n\n"
                + entry.lines.map { "  \($0)\n" }.joined()
                + "\n -- A Person <person@example.org>  Tue, 02 Jan 2024 10:00:00 +0000\n"
        }.joined(separator: "\n").utf8)
}

/// What one entry of these lines closes.
func closes(_ lines: String...) throws -> [String] {
    try DebianChangelog.read(changelog([("1.0-1", lines)])).entries[0].closes
}

/// Runs a program to its end; nil where it fails or is not installed.
func output(_ program: String, _ arguments: [String]) -> [UInt8]? {
    guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? Array(data) : nil
}
