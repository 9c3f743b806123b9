import Foundation
import Store
import Testing
import Timestamps

/// The tests of the store, one after the other: they share one PostgreSQL server and its connections.
@Suite(.serialized) struct StoreTests {}

/// Both engines: every test of behaviour runs on each.
enum TestEngine: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgresql

    var testDescription: String { rawValue }

    /// The address of a new, empty database.
    func newDatabase() async throws -> String {
        switch self {
        case .sqlite:
            let folder = FileManager.default.temporaryDirectory.appending(path: "fettle-store-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return "sqlite:\(folder.path)/fettle.db"
        case .postgresql:
            let server = try await PrivatePostgreSQL.shared.address()
            let schema = "t\(UUID().uuidString.replacing("-", with: "").lowercased())"
            let connection = PostgreSQLConnection(address: server)
            try connection.connect()
            try connection.script("CREATE SCHEMA \(schema)")
            return "\(server)?options=-csearch_path%3D\(schema)"
        }
    }

    /// Opens a new database with an organisation `a` and one `b`, and closes it afterwards.
    func withStore(_ body: (Store) async throws -> Void) async throws {
        let store = try await Store.open(try await newDatabase(), program: "test", connections: 4, now: t0)
        do {
            try await store.write { sql throws in
                try sql.organisations.create(Organisation(id: "a", name: "A", createdAt: t0))
                try sql.organisations.create(Organisation(id: "b", name: "B", createdAt: t0))
            }
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }
}

/// A PostgreSQL server of this process's own, durable because the tests kill clients. Without it tests fail.
actor PrivatePostgreSQL {
    static let shared = PrivatePostgreSQL()
    private var started: String?

    func address() throws -> String {
        if let started { return started }
        let folder = "/dev/shm/fettle-store-tests-\(getpid())"
        Self.wipeLeftovers()
        let address = try Self.run(["start", "--dir", folder, "--durable"])
        started = address
        atexit { _ = try? PrivatePostgreSQL.run(["wipe", "--dir", "/dev/shm/fettle-store-tests-\(getpid())"]) }
        return address
    }

    /// Servers of processes that ended without `atexit`.
    private static func wipeLeftovers() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/dev/shm")) ?? []
        for name in names where name.hasPrefix("fettle-store-tests-") {
            guard let owner = Int32(name.dropFirst("fettle-store-tests-".count)), kill(owner, 0) != 0 else { continue }
            _ = try? run(["wipe", "--dir", "/dev/shm/\(name)"])
        }
    }

    private static func run(_ arguments: [String]) throws -> String {
        let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Testbed/start-postgres")
        // Not Foundation's Process, which waits for whatever the child leaves behind: here, a server.
        let output = FileManager.default.temporaryDirectory.appending(path: "fettle-pg-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let words = ([script.path] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let status = system("\(words) >'\(output.path)' 2>&1 </dev/null")
        let text = try String(contentsOf: output, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard status == 0 else { throw NoPostgreSQL(why: text) }
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }
}

struct NoPostgreSQL: Error, CustomStringConvertible {
    let why: String
    var description: String { "PostgreSQL for the tests did not start (apt-get install postgresql): \(why)" }
}

/// When the tests' world begins.
let t0 = Timestamp(rfc3339: "2026-11-21T08:00:00Z")!
