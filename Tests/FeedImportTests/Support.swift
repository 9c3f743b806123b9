import Feeds
import Foundation
import Synchronization
import Timestamps

@testable import FeedImport

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum SharedData {
    static let path: String? = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        let beside = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/data")
            .standardizedFileURL.path
        return FileManager.default.fileExists(atPath: beside) ? beside : nil
    }()

    static var feeds: String { "\(path ?? "/nonexistent")/feeds" }
    static var isPresent: Bool { path != nil }
}

/// A folder that is gone when nobody holds it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "fettle-feeds-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: URL(filePath: file).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }

    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// Runs a program, which must succeed, and gives its output.
    @discardableResult
    func run(_ program: String, _ arguments: String..., input: String? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.currentDirectoryURL = URL(filePath: path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(program: "\(program) \(arguments)") }
        return String(decoding: data, as: UTF8.self)
    }

    struct Failed: Error { let program: String }
}

func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

/// All records of a document, by a reader.
func read<Reader: FeedReader>(_ reader: inout Reader, _ bytes: [UInt8]) -> [FeedRecord] {
    var records: [FeedRecord] = []
    bytes.withUnsafeBytes { buffer in
        try? reader.read(buffer, place: "test") { records.append($0) }
    }
    return records
}

func advisories(_ records: [FeedRecord]) -> [Advisory] {
    records.compactMap { if case .advisory(let advisory) = $0 { advisory } else { nil } }
}

/// An instant for all tests.
let noon = Timestamp(rfc3339: "2026-11-21T12:00:00Z")!

/// What a call throws, in words.
func words(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}

/// `feed-server.py` over a folder, for as long as it is held.
final class FeedServer: Sendable {
    let port: Int
    private let process: Process
    private let input: Pipe
    private let output = Mutex<[UInt8]>([])
    /// What is served lives as long as the server.
    private let scratch: Scratch

    init(_ scratch: Scratch) throws {
        self.scratch = scratch
        let folder = "\(scratch.path)/www"
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "feed-server.py").path
        process.arguments = ["python3", script, folder]
        input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var first: [UInt8] = []
        while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 { first.append(byte) }
        port = Int(String(decoding: first, as: UTF8.self)) ?? 0
        output.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            self?.output.withLock { $0 += data }
        }
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.terminate()
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

    /// The requests so far: path, Range, If-None-Match.
    var requests: [String] {
        let bytes = output.withLock { $0 }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The requests, once there are as many.
    func requests(_ count: Int) async throws -> [String] {
        for _ in 0..<500 {
            if requests.count >= count { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        return requests
    }
}

extension FeedFolder {
    /// Syncs one feed.
    func sync(
        _ feed: FeedDefinition, _ limits: NetworkLimits = .quick, shrink: Double = 0.1, accept: Bool = false,
        verify: Bool = false
    ) async throws -> Result<FeedOutcome, ImportError> {
        var configuration = FeedConfiguration(feeds: [feed])
        configuration.network = limits
        configuration.maximumShrink = shrink
        var answer: Result<FeedOutcome, ImportError>?
        try await FeedSync(self, configuration, acceptsShrink: accept, verifies: verify, now: { noon }).run([feed]) {
            answer = $1
        }
        return try answer ?? .failure(ImportError(.file, "nothing was told"))
    }

    /// Imports a path.
    func take(
        _ path: String, _ naming: FeedImporter.Naming = .init(), accept: Bool = false
    ) throws -> [String: Result<FeedOutcome, ImportError>] {
        var answers: [String: Result<FeedOutcome, ImportError>] = [:]
        let importer = FeedImporter(self, FeedConfiguration(feeds: []), acceptsShrink: accept, now: { noon })
        try importer.run(path, naming) { answers[$0] = $1 }
        return answers
    }

    /// The ids of all advisories in use.
    func ids() throws -> Set<String> {
        var ids: Set<String> = []
        try records { _, record in if case .advisory(let advisory) = record { ids.insert(advisory.id) } }
        return ids
    }
}

extension NetworkLimits {
    /// Limits that a test does not wait for.
    static var quick: NetworkLimits {
        var limits = NetworkLimits()
        limits.pause = 1
        return limits
    }
}

/// A minimal OSV record.
func osv(_ id: String, fixed: String = "1.0-1") -> String {
    """
    {"id":"\(id)","modified":"2026-01-02T03:04:05Z","affected":[{"package":{"ecosystem":"Debian:12","name":"x"},\
    "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"\(fixed)"}]}]}]}
    """
}
