import Audit
import Crypto
import Digest
import Foundation
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps
import Wire

@testable import Server

/// A server whose database somebody else writes to.
struct TamperedServer: Sendable {
    let running: TestServer
    let address: String

    /// A server that signs every second; then, where there is something to tamper with, one that numbers and signs nothing
    /// while the test looks, since every export is a record itself.
    static func with(
        _ engine: TestEngine, body: (TamperedServer) async throws -> Void,
        tampering: ((TamperedServer) async throws -> Void)? = nil
    ) async throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try await engine.newDatabase()
        try await with(engine, folder, database, interval: 1, body)
        if let tampering { try await with(engine, folder, database, interval: 86_400, tampering) }
    }

    private static func with(
        _ engine: TestEngine, _ folder: String, _ database: String?, interval: Int64,
        _ body: (TamperedServer) async throws -> Void
    ) async throws {
        let server = try await TestServer.start(engine, folder: folder, database: database) {
            $0.auditCheckpointInterval = interval
            $0.auditSequencingInterval = interval
        }
        do {
            try await body(TamperedServer(running: server, address: database ?? "\(folder)/fettle.sqlite"))
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
    }

    private func connect() throws -> any SQLConnection {
        guard address.hasPrefix("postgresql") else { return try SQLiteConnection(path: address, readOnly: false) }
        let connection = PostgreSQLConnection(address: address)
        try connection.connect()
        return connection
    }

    /// Runs statements behind the server's back.
    func alter(_ statements: [(String, [SQLValue])]) async throws {
        let connection = try connect()
        for (statement, parameters) in statements {
            #expect(try connection.execute(statement, parameters) > 0, "\(statement)")
        }
    }

    /// Runs statements, verifies the server's export, and puts everything back.
    func tampered(
        _ kind: AuditFault.Kind, _ record: Int?, _ statements: [(String, [SQLValue])], log: String = "",
        kept: [SignedNote] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let connection = try connect()
        let tables = ["audit_leaves", "audit_tiles", "audit_trees", "audit_checkpoints"]
        let isPostgreSQL = address.hasPrefix("postgresql")
        for table in tables { try connection.script("CREATE TABLE kept_\(table) AS SELECT * FROM \(table)") }
        if isPostgreSQL {
            try connection.script("SET session_replication_role = replica")
        } else {
            try connection.script("PRAGMA foreign_keys = OFF")
        }
        for (statement, parameters) in statements {
            #expect(try connection.execute(statement, parameters) > 0, "\(statement)", sourceLocation: sourceLocation)
        }
        let fault = await #expect(throws: AuditFault.self, sourceLocation: sourceLocation) {
            try await verify(log, kept: kept)
        }
        #expect(fault?.kind == kind, "\(String(describing: fault))", sourceLocation: sourceLocation)
        #expect(fault?.record == record, "\(String(describing: fault))", sourceLocation: sourceLocation)
        for table in tables {
            try connection.script(
                "DELETE FROM \(table); INSERT INTO \(table) SELECT * FROM kept_\(table); DROP TABLE kept_\(table)")
        }
    }

    func keys() async throws -> [NoteKey] {
        try await running.api(.GET, "audit/keys").json["items"]?.array?.compactMap { NoteKey($0["key"]?.string ?? "") }
            ?? []
    }

    /// Recomputes the server's export.
    func verify(_ log: String = "", kept: [SignedNote] = []) async throws -> AuditReport {
        let answer = try await running.api(.GET, "audit/export?\(log)")
        var verifier = try AuditVerifier(keys: try await keys(), checkpoints: kept, verify: AuditSignatures.verify)
        for line in answer.body.split(separator: UInt8(ascii: "\n")) { try verifier.read(Array(line)) }
        return try verifier.finish()
    }

    func checkpoint(_ log: String = "") async throws -> SignedNote {
        let text = try await running.api(.GET, "audit/checkpoint?\(log)").json["note"]?.string
        return try #require(SignedNote(text ?? ""))
    }

    func checkpointSize(_ log: String = "") async throws -> Int64? {
        try await running.api(.GET, "audit/checkpoint?\(log)").json["size"]?.integer
    }

    func proof(_ query: String) async throws -> JSONValue {
        let answer = try await running.api(.GET, "audit/proof?\(query)")
        #expect(answer.status == 200, "\(answer.text)")
        return answer.json
    }

    /// Waits until that many records are signed.
    func signed(size: Int64, _ log: String = "", sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(
            try await eventually { try await checkpointSize(log) == size }, sourceLocation: sourceLocation)
    }

    /// The ids of a log's records.
    func ids(_ log: String) async throws -> [Int64] {
        try await running.api(.GET, "audit?limit=500&\(log)").json["items"]?.array?.compactMap { $0["id"]?.integer }
            ?? []
    }

    /// A record's number in the installation's tree.
    func number(_ id: Int64) async throws -> Int {
        let items = try await running.api(.GET, "audit?limit=500&installation=true").json["items"]?.array ?? []
        return Int(try #require(items.first { $0["id"]?.integer == id }?["installationSequence"]?.integer))
    }

    func column(_ name: String, _ id: Int64) async throws -> [UInt8]? {
        var value: [UInt8]?
        try connect().query("SELECT \(name) FROM audit_leaves WHERE id = ?1", [.integer(id)]) { value = try $0.blob() }
        return value
    }

    func tile(_ organisation: String) async throws -> [UInt8]? {
        var value: [UInt8]?
        try connect().query(
            "SELECT hashes FROM audit_tiles WHERE organisation = ?1 AND level = 0 AND position = 0",
            [.text(organisation)]
        ) { value = try $0.blob() }
        return value
    }
}
