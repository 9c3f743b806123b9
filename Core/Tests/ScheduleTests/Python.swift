import Foundation

/// The system's Python with python3-dateutil and python3-icalendar from apt: an independent word on calendars.
enum Python {
    /// The lines that the program writes for that input.
    static func run(_ program: String, input: String) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "fettle-oracle-\(UUID().uuidString)")
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", program]
        process.environment = ["PATH": "/usr/bin:/bin", "PYTHONTZPATH": ZoneFiles.root]
        process.standardInput = try FileHandle(forReadingFrom: file)
        // A file, not a pipe: a read of a pipe may be interrupted by a signal.
        let answer = file.appendingPathExtension("out")
        try Data().write(to: answer)
        defer { try? FileManager.default.removeItem(at: answer) }
        process.standardOutput = try FileHandle(forWritingTo: answer)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return try String(decoding: Data(contentsOf: answer), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}
