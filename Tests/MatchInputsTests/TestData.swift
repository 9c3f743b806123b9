import FeedImport
import Feeds
import Foundation
import Inventory
import Matching
import Testing

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let repository = URL(filePath: #filePath).appending(path: "../../..").standardized.path
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return URL(filePath: repository).appending(path: "../shared/data").standardized.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

    static func text(_ path: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/zcat")
        process.arguments = ["-f", root + "/" + path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    /// Lines of `ecosystem<TAB>name<TAB>version` with what follows.
    static func rows(_ path: String) throws -> [[String]] {
        try text(path).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    static let ecosystems = ["AlmaLinux", "Alpine", "Bitnami", "Debian", "Go", "PyPI", "crates.io"]

    static func records(_ ecosystem: String, _ body: (FeedRecord) throws -> Void) throws {
        let counts = try FeedFile("\(root)/feeds/osv/\(ecosystem)/all.zip").records(body)
        #expect(counts.quarantined == 0 && counts.stored > 1_000)
    }

    /// A folder that is removed when the test is over.
    static func withFolder<T>(_ body: (String) throws -> T) throws -> T {
        let path = "/tmp/fettle-match-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}
