import Foundation
import Versions

/// The real dpkg, asked many questions by each of a few shells.
enum Dpkg {
    static let path = "/usr/bin/dpkg"
    static var isPresent: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// The claims (a, lt | eq | gt, b) that dpkg denies.
    ///
    /// The three relations exclude each other, so a claim that holds is the whole answer, in one run of dpkg.
    static func denied(_ claims: [(String, Ordering, String)]) async throws -> [String] {
        let lines = claims.map { a, ordering, b in
            let relation = [Ordering.less: "lt", .equal: "eq", .greater: "gt"][ordering] ?? ""
            return "\(a)\t\(relation)\t\(b)"
        }
        let loop = #"""
            while IFS='	' read -r a op b; do
                dpkg --compare-versions -- "$a" "$op" "$b" 2>/dev/null || printf '%s %s %s\n' "$a" "$op" "$b"
            done
            """#
        return try await run(loop, lines: lines)
    }

    /// The texts `dpkg --validate-version` accepts.
    static func valid(_ texts: [String]) async throws -> Set<String> {
        let loop = #"""
            while IFS= read -r v; do
                dpkg --validate-version -- "$v" 2>/dev/null && printf '%s\n' "$v"
            done
            """#
        return Set(try await run(loop, lines: texts))
    }

    /// The texts dpkg compares at all, with or without a warning.
    static func comparable(_ texts: [String]) async throws -> Set<String> {
        let loop = #"""
            while IFS= read -r v; do
                dpkg --compare-versions -- "$v" eq 1 2>/dev/null; [ $? -le 1 ] && printf '%s\n' "$v"
            done
            """#
        return Set(try await run(loop, lines: texts))
    }

    /// The versions of the packages in this machine's database.
    static func installedVersions() throws -> [String] {
        let status = try String(contentsOfFile: "/var/lib/dpkg/status", encoding: .utf8)
        let versions = status.split(separator: "\n").filter { $0.hasPrefix("Version: ") }
        return Set(versions.map { String($0.dropFirst("Version: ".count)) }).sorted()
    }

    private static func run(_ script: String, lines: [String]) async throws -> [String] {
        let shells = 4
        return try await withThrowingTaskGroup(of: [String].self) { group in
            for shell in 0..<shells {
                let share = lines.indices.filter { $0 % shells == shell }.map { lines[$0] }
                group.addTask { try shellOutput(script, input: share) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private static func shellOutput(_ script: String, input: [String]) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "fettle-versions-\(UUID().uuidString)")
        try Data(input.map { $0 + "\n" }.joined().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// The shared test data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardized.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

    static func lines(_ path: String) throws -> [String] {
        let text = try String(contentsOfFile: root + "/" + path, encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
