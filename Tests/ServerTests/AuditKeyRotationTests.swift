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

extension ServerTests {
    /// The audit log's key hands over to another, and whoever kept the first one verifies all.
    @Suite struct AuditKeyRotationTests {
        /// A lost folder does not come back as a new one in silence: the server says what is wrong, and makes nothing.
        @Test(arguments: TestEngine.allCases) func aLostFolderIsTold(_ engine: TestEngine) async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let database = try await engine.newDatabase()
            func start(accepting: Bool = false) async throws -> TestServer {
                try await TestServer.start(folder: folder) {
                    $0.database = database
                    $0.acceptsNewAuditKey = accepting
                }
            }
            var server = try await start()
            let first = try await server.api(.GET, "audit/keys").json["items"]?[0]?["key"]?.string
            try await server.stop()
            let authority = "\(folder)/authority"
            try FileManager.default.moveItem(atPath: authority, toPath: "\(folder)/kept")
            let refusal = await #expect(throws: DataFolderError.self) { _ = try await start() }
            for word in ["backup", "--accept-new-audit-key", "audit log"] {
                #expect(refusal?.description.contains(word) == true, "\(refusal!)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(authority)/audit.key"), "nothing was made")
            #expect(!FileManager.default.fileExists(atPath: "\(authority)/ca-1.pem"))

            // Another key in its place is no better.
            let other = try await TestServer.start()
            try await other.stop()
            try FileManager.default.copyItem(atPath: "\(other.folder)/authority", toPath: authority)
            await #expect(throws: DataFolderError.self) { _ = try await start() }
            try FileManager.default.removeItem(atPath: authority)

            // Put back, all is as before; given up, it is on record.
            try FileManager.default.copyItem(atPath: "\(folder)/kept", toPath: authority)
            server = try await start()
            #expect(try await server.api(.GET, "audit/keys").json["items"]?[0]?["key"]?.string == first)
            try await server.stop()
            try FileManager.default.removeItem(atPath: authority)
            server = try await start(accepting: true)
            #expect(try await server.api(.GET, "audit/keys").json["items"]?[0]?["key"]?.string != first)
            #expect(try await server.audit(organisation: "").filter { $0 == "audit.key-added" }.count == 2)
            try await server.stop()
            server = try await start()
            try await server.stop()
        }

        /// Keys that hand over: whoever kept the first one verifies logs, exports and proofs of after two rotations.
        @Test(arguments: TestEngine.allCases) func theKeyIsRotated(_ engine: TestEngine) async throws {
            try await TamperedServer.with(engine) { server in
                let folder = server.running.folder
                for _ in 0..<3 { _ = try await server.running.token() }
                try await server.signed(size: 3)
                let first = try #require(try await server.keys().first)
                let kept = try await server.checkpoint()
                _ = try await server.running.api(.POST, "organisations", ["id": "other"])
                let rotated = try await fettle(["audit", "rotate-key", "--yes", "--data", folder])
                #expect(rotated.status == 0, "\(rotated.errors)")
                let second = try #require(NoteKey(rotated.output.trimmingCharacters(in: .newlines)))
                #expect(try await server.keys() == [second, first])
                // A repetition, and one that names no key, change nothing.
                for text in [first.description, "nonsense"] {
                    let again = try await server.running.api(
                        .POST, "audit/keys/rotate", ["current": .string(text)])
                    #expect(again.status == 409, "\(again.text)")
                }
                #expect(try await fettle(["audit", "rotate-key", "--data", folder]).status == 2, "it is asked about")
                for _ in 0..<3 { _ = try await server.running.token() }
                try await server.signed(size: 7)
                let third = try #require(
                    NoteKey(
                        try await server.running.api(
                            .POST, "audit/keys/rotate", ["current": .string(second.description)]
                        ).json["key"]?.string ?? ""))
                _ = try await server.running.token(organisation: "other")
                try await server.signed(size: 4, "organisation=other")
                try await server.signed(size: 8)
                #expect(try await server.keys() == [third, second, first])
                let names = try await server.checkpoint().signatures.map(\.name)
                #expect(names == [third.name])

                for log in ["", "organisation=other", "installation=true"] {
                    let export = try await server.running.api(.GET, "audit/export?\(log)")
                    for key in [first, second, third] {
                        var verifier = try AuditVerifier(
                            keys: [key], checkpoints: log.isEmpty ? [kept] : [], verify: AuditSignatures.verify)
                        for line in export.body.split(separator: UInt8(ascii: "\n")) { try verifier.read(Array(line)) }
                        #expect(try verifier.finish().rotations >= 2, "\(log) \(key)")
                    }
                }
                let file = "\(folder)/proof.json"
                let ids = try await server.ids("organisation=default")
                for words in [["--event", "\(ids[0])"], ["--from", "3"]] {
                    let made = try await fettle(["audit", "prove"] + words + ["--data", folder])
                    try made.output.write(toFile: file, atomically: true, encoding: .utf8)
                    let good = try await fettle(
                        ["audit", "verify", "--proof", file, "--key", first.description, "--data", "/tmp/no-server"])
                    #expect(good.status == 0, "\(good.errors)")
                }
                #expect(try await server.running.audit().filter { $0 == "audit.key-rotated" }.count == 2)
                #expect(
                    try await server.running.audit(organisation: "").filter { $0 == "audit.key-rotated" }.count == 2)
                #expect(try await !server.running.readyz().text.contains("audit:"))
                // Nothing but the key that signs is left of the private ones.
                let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/authority")
                #expect(files.filter { $0.hasPrefix("audit") }.sorted() == ["audit.key", "audit.rotations"])
                var status = stat()
                #expect(stat("\(folder)/authority/audit.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
            }
        }

        /// A server that dies between two steps of a rotation has changed nothing, or the next one ends it.
        @Test(arguments: [0, 1, 2, 3]) func anInterruptedRotationLosesNothing(_ steps: Int) async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let authority = "\(folder)/authority"
            func start() async throws -> TestServer {
                try await TestServer.start(folder: folder) {
                    $0.auditCheckpointInterval = 1
                    $0.auditSequencingInterval = 1
                }
            }
            var server = try await start()
            _ = try await server.token()
            let keeping = server.server.state.auditKeeping
            let first = keeping.key
            let next = try NextAuditKey.make(
                in: authority, after: first, base: keeping.base, now: server.clock.clock.now())
            if steps > 0 {
                try await keeping.record(
                    next, by: "user:1", server.server.state.store, now: server.clock.clock.now())
            }
            if steps > 1 { try AuditRotations.add(next.note, authority) }
            if steps == 1 {
                // It lives on: what it signs next, it signs with the new key.
                _ = try await server.token()
                #expect(try await eventually { server.server.state.auditKeeping.key.key == next.key })
            }
            if steps > 2 { try writePrivateFile(AuditKey.path(authority), Array("\(next.signing.text)\n".utf8)) }
            try await server.stop()
            server = try await start()
            _ = try await server.token()
            let key = server.server.state.auditKeeping.key
            #expect(key.key == (steps == 0 ? first.key : next.key))
            #expect(key.trusted == (steps == 0 ? [first.key] : [next.key, first.key]))
            try await server.stop()
            server = try await start()
            let all = TamperedServer(running: server, address: "\(folder)/fettle.sqlite")
            for log in ["", "installation=true"] {
                let report = try await all.verify(log)
                #expect(report.checkpoints > 0 && report.rotations == (steps == 0 ? 0 : log.isEmpty ? 1 : 2))
            }
            #expect(try await !server.readyz().text.contains("audit:"))
            let left = try FileManager.default.contentsOfDirectory(atPath: authority).filter {
                $0.hasPrefix("audit-next")
            }
            // A file of a rotation that never was means nothing, and goes with the next one.
            #expect(left.count == (steps == 0 ? 1 : 0))
            _ = try await server.server.state.auditKeeping.rotate(
                from: key.key, by: "user:1", server.server.state.store, now: server.clock.clock.now())
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: authority).filter { $0.hasPrefix("audit") }.sorted()
                    == ["audit.key", "audit.rotations"])
            try await server.stop()
        }
    }
}
