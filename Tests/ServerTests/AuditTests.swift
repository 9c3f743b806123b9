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
    /// The audit log as an operator and an auditor see it, and what somebody who alters the database cannot hide.
    @Suite struct AuditTests {
        @Test(arguments: TestEngine.allCases) func tamperingWithTheDatabaseIsFoundByRecord(
            _ engine: TestEngine
        ) async throws {
            try await TamperedServer.with(engine) { server in
                // Two logs: twelve records of one organisation, four of another, two of the installation's own at least.
                for _ in 0..<6 { _ = try await server.running.token() }
                try await server.signed(size: 6)
                for _ in 0..<6 { _ = try await server.running.token() }
                _ = try await server.running.api(.POST, "organisations", ["id": "other"])
                for _ in 0..<3 { _ = try await server.running.token(organisation: "other") }
                try await server.signed(size: 12)
                try await server.signed(size: 4, "organisation=other")
            } tampering: { server in
                let ids = try await server.ids("organisation=default")
                let others = try await server.ids("organisation=other")
                #expect(ids.count == 12 && others.count == 4)
                #expect(try await server.verify().records == 12)
                let all = try await server.verify("installation=true")
                #expect(all.records >= 17)

                func event(_ id: Int64) async throws -> [UInt8] {
                    try #require(try await server.column("event", id))
                }
                func altered(_ id: Int64) async throws -> [UInt8] {
                    Array(
                        String(decoding: try await event(id), as: UTF8.self).replacing("\"uses\":1", with: "\"uses\":9")
                            .utf8)
                }
                let byID = "WHERE id = ?1"

                // The event alone; with its hash; with its hash and the tree's; all of it made anew by the server's own code.
                try await server.tampered(
                    .changed, 4,
                    [("UPDATE audit_leaves SET event = ?2 \(byID)", [ids[4].sqlValue, .blob(altered(ids[4]))])])
                let forged = try await altered(ids[4])
                try await server.tampered(
                    .changed, 4,
                    [
                        (
                            "UPDATE audit_leaves SET event = ?2, leaf_hash = ?3 \(byID)",
                            [ids[4].sqlValue, .blob(forged), .blob(MerkleTree.leafHash(forged).bytes)]
                        )
                    ])
                var tile = try #require(try await server.tile("default"))
                tile.replaceSubrange(4 * 32..<5 * 32, with: MerkleTree.leafHash(forged).bytes)
                try await server.tampered(
                    .inconsistent, 0,
                    [
                        (
                            "UPDATE audit_leaves SET event = ?2, leaf_hash = ?3 \(byID)",
                            [ids[4].sqlValue, .blob(forged), .blob(MerkleTree.leafHash(forged).bytes)]
                        ),
                        (
                            "UPDATE audit_tiles SET hashes = ?1 WHERE organisation = 'default' AND level = 0",
                            [.blob(tile)]
                        ),
                    ])
                try await server.tampered(
                    .changed, 7,
                    [("UPDATE audit_leaves SET event = ?2 \(byID)", [ids[7].sqlValue, .blob([0xFF, 0x7B])])])

                // Removed, in the middle and at the end; with the tree made shorter; with its checkpoints too.
                try await server.tampered(.removed, 3, [("DELETE FROM audit_leaves \(byID)", [ids[3].sqlValue])])
                let cut: [(String, [SQLValue])] = [
                    ("DELETE FROM audit_leaves WHERE organisation = 'default' AND sequence >= 10", [])
                ]
                try await server.tampered(.truncated, 10, cut)
                let shorter = cut + [("UPDATE audit_trees SET size = 10 WHERE organisation = 'default'", [])]
                try await server.tampered(.truncated, 10, shorter)
                let kept = try await server.checkpoint()
                try await server.tampered(
                    .truncated, 10,
                    shorter + [("DELETE FROM audit_checkpoints WHERE organisation = 'default' AND size > 10", [])],
                    kept: [kept])

                // Put in another place; an inserted one; the numbers of two exchanged.
                let exchange: [(String, [SQLValue])] = [
                    ("UPDATE audit_leaves SET sequence = 1000 \(byID)", [ids[2].sqlValue]),
                    ("UPDATE audit_leaves SET sequence = 2 \(byID)", [ids[9].sqlValue]),
                    ("UPDATE audit_leaves SET sequence = 9 \(byID)", [ids[2].sqlValue]),
                ]
                try await server.tampered(.reordered, 2, exchange)
                let strange = try AuditEvent(
                    organisation: "default", time: t(0), actor: "user:mallory", action: "token.created",
                    subject: "token:x")
                try await server.tampered(
                    .changed, 5,
                    [
                        ("UPDATE audit_leaves SET sequence = 1000 \(byID)", [ids[5].sqlValue]),
                        (
                            "INSERT INTO audit_leaves (organisation, leaf_hash, event, recorded_at, sequence) VALUES ('default', ?1, ?2, 0, 5)",
                            [.blob(strange.leafHash().bytes), .blob(strange.canonicalBytes())]
                        ),
                    ])

                // Given to another organisation: a gap there, and the installation's log says whose it was.
                let given: [(String, [SQLValue])] = [
                    ("UPDATE audit_leaves SET organisation = 'other', sequence = 4 \(byID)", [ids[6].sqlValue])
                ]
                try await server.tampered(.removed, 6, given)
                try await server.tampered(
                    .organisation, try await server.number(ids[6]), given, log: "installation=true")

                // Personal data of somebody else, with a salt that fits nothing; added where there were none.
                try await server.tampered(
                    .personal, 8,
                    [
                        (
                            "UPDATE audit_leaves SET personal = ?2, personal_salt = ?3 \(byID)",
                            [
                                ids[8].sqlValue, .blob(Array(#"{"name":"Eve"}"#.utf8)),
                                .blob(Array(repeating: 1, count: 16)),
                            ]
                        )
                    ])

                // Forged checkpoints: by another key, over another root, of another size.
                let mallory = Curve25519.Signing.PrivateKey()
                let key = try #require(
                    NoteKey(name: "mallory", publicKey: Array(mallory.publicKey.rawRepresentation)))
                let text = AuditCheckpoint(origin: all.header.origin, size: 12, root: all.root).text
                let note = SignedNote(
                    text: text, key: key, signature: Array(try mallory.signature(for: Array(text.utf8))))
                let place = "WHERE organisation = 'default' AND size = 12"
                try await server.tampered(
                    .forgedCheckpoint, nil,
                    [("UPDATE audit_checkpoints SET note = ?1 \(place)", [.text(note.description)])])
                let good = kept.description
                try await server.tampered(
                    .forgedCheckpoint, nil,
                    [
                        (
                            "UPDATE audit_checkpoints SET note = ?1 \(place)",
                            [.text(good.replacing("\n12\n", with: "\n13\n"))]
                        )
                    ])
                #expect(try await server.verify().records == 12, "and all was put back")
            }
        }

        @Test(arguments: TestEngine.allCases) func aLogThatContradictsItselfIsNotSigned(
            _ engine: TestEngine
        ) async throws {
            try await TamperedServer.with(engine) { server in
                for _ in 0..<5 { _ = try await server.running.token() }
                try await server.signed(size: 5)
                let tile = try #require(try await server.tile("default"))
                try await server.alter([
                    (
                        "UPDATE audit_tiles SET hashes = ?1 WHERE organisation = 'default'",
                        [.blob(Array(tile.dropFirst(32)) + tile.prefix(32))]
                    )
                ])
                #expect(try await !server.running.readyz().text.contains("audit"))
                _ = try await server.running.token()
                #expect(
                    try await eventually { try await server.running.readyz().text.contains("audit tree of default") })
                let readyz = try await server.running.readyz()
                #expect(readyz.status == 200, "hosts still report")
                #expect(try await server.running.get("/metrics").text.contains("fettle_audit_faults 1"))
                #expect(try await server.checkpointSize() == 5, "it was not signed")
                _ = try await server.running.api(.POST, "organisations", ["id": "other"])
                try await server.signed(size: 1, "organisation=other")
            }
        }

        @Test func erasureLeavesTheTreeValid() async throws {
            try await TamperedServer.with(.sqlite) { server in
                let token = try await server.running.token()
                _ = try await TestHost.enrol(server.running, token: token)
                _ = try await server.running.token()
                try await server.signed(size: 3)
                let ids = try await server.ids("organisation=default")
                let before = try await server.verify()
                let proof = try await server.proof("event=\(ids[1])&size=3")
                #expect(try await server.running.api(.POST, "audit/\(ids[1])/erase", [:]).status == 400)
                #expect(
                    try await server.running.api(.POST, "audit/\(ids[1])/erase", ["reason": ""]).problem?.pointer
                        == "/reason")
                #expect(try await server.running.api(.POST, "audit/\(ids[1])/erase", ["reason": "law"]).status == 200)
                #expect(try await server.running.api(.POST, "audit/\(ids[1])/erase", ["reason": "law"]).status == 409)
                #expect(try await server.running.api(.POST, "audit/999999/erase", ["reason": "law"]).status == 404)
                // The export stands in the log as well.
                try await server.signed(size: 5)
                let report = try await server.verify()
                #expect(report.erased == before.erased + 1)
                #expect(report.records == 5)
                let later = try await server.proof("event=\(ids[1])&size=3")
                #expect(later == proof, "the proof of before is the proof of now")
                let items = try await server.running.api(.GET, "audit?action=audit.personal-erased").json["items"]?
                    .array
                #expect(items?.count == 1)
                #expect(items?[0]["event"]?["subject"]?.string == "audit:\(ids[1])")
                let text = try await server.running.api(.GET, "audit/export").text
                #expect(!text.contains("product-uuid"), "nothing of it is left")
            }
        }

        @Test func commandsVerifyProveAndTell() async throws {
            try await TamperedServer.with(.sqlite) { server in
                let folder = server.running.folder
                func audit(_ words: String...) async throws -> CommandResult {
                    try await fettle(["audit"] + words + (words.contains("--data") ? [] : ["--data", folder]))
                }
                for _ in 0..<4 { _ = try await server.running.token() }
                try await server.signed(size: 4)
                let kept = "\(folder)/kept.txt"
                let small = try await audit("checkpoint")
                #expect(small.output.contains("\n4\n") && small.output.hasSuffix("=\n"))
                try small.output.write(toFile: kept, atomically: true, encoding: .utf8)
                for _ in 0..<4 { _ = try await server.running.token() }
                try await server.signed(size: 8)
                let key = try await audit("key").output.trimmingCharacters(in: .newlines)
                #expect(NoteKey(key) != nil)

                let ids = try await server.ids("organisation=default")
                let list = try await audit("list", "--action", "token.created", "--limit", "3")
                #expect(list.output.split(separator: "\n").count == 4)
                #expect(list.output.contains("operator:socket"))
                #expect(try await audit("list", "--actor", "nobody", "-o", "json").output == "[]\n")
                #expect(
                    try await audit("list", "--since", "1h", "--until", "30m").output.split(separator: "\n").count == 1)
                #expect(try await audit("list", "--since", "yesterday").status == 2)
                #expect(try await audit("list", "--installation").output.contains("audit.key-added"))

                let file = "\(folder)/export.jsonl"
                let export = try await audit("export")
                try export.output.write(toFile: file, atomically: true, encoding: .utf8)
                for words in [[], [file], [file, "--key", key], ["--checkpoint", kept], ["--installation"]] {
                    let result = try await fettle(["audit", "verify"] + words + ["--data", folder])
                    #expect(result.status == 0, "\(words): \(result.errors)")
                    #expect(result.output.hasPrefix("verified: "))
                }
                // Offline: no server there.
                #expect(try await audit("verify", file, "--key", key, "--data", "/tmp/no-server-here").status == 0)
                #expect(try await audit("verify", "--data", "/tmp/no-server-here").status == 2)
                let other = NoteKey(name: "other", publicKey: Array(repeating: 3, count: 32))!.description
                #expect(try await audit("verify", file, "--key", other).status == 1)
                #expect(try await audit("verify", file, "--key", "nonsense").status == 2)
                #expect(try await audit("verify", "/nowhere").status == 2)

                let altered = "\(folder)/altered.jsonl"
                let lines = export.output.split(separator: "\n").map(String.init)
                let records = lines.indices.filter { lines[$0].contains(#""type":"record""#) }
                var changed = lines
                changed[records[5]] = changed[records[5]].replacing("token.created", with: "token.revoked")
                try (changed.joined(separator: "\n") + "\n").write(toFile: altered, atomically: true, encoding: .utf8)
                let found = try await audit("verify", altered, "--key", key, "-o", "json")
                #expect(found.status == 1)
                #expect(found.errors.contains("changed: record 5 (event \(ids[5]))"))
                let verdict = try JSONValue(parsing: Array(found.output.utf8), limits: .message)
                #expect(verdict["valid"] == false && verdict["record"] == 5)
                changed = lines
                changed.removeSubrange(records[3]...records[3])
                try (changed.joined(separator: "\n") + "\n").write(toFile: altered, atomically: true, encoding: .utf8)
                #expect(try await audit("verify", altered, "--key", key).errors.contains("removed: record 3"))
                // Half of the file.
                try lines.prefix(records[4]).joined(separator: "\n").write(
                    toFile: altered, atomically: true, encoding: .utf8)
                #expect(try await audit("verify", altered, "--key", key).errors.contains("truncated: record 4"))

                let proof = "\(folder)/proof.json"
                for words in [["--event", "\(ids[6])"], ["--event", "\(ids[1])", "--size", "4"], ["--from", "4"]] {
                    let made = try await fettle(["audit", "prove"] + words + ["--data", folder])
                    #expect(made.status == 0, "\(made.errors)")
                    try made.output.write(toFile: proof, atomically: true, encoding: .utf8)
                    let good = try await audit(
                        "verify", "--proof", proof, "--key", key, "--data", "/tmp/no-server-here")
                    #expect(good.status == 0, "\(good.errors)")
                    try made.output.replacing("\"uses\": 1", with: "\"uses\": 2").replacing(
                        "\"size\": 4", with: "\"size\": 3"
                    )
                    .write(toFile: proof, atomically: true, encoding: .utf8)
                    #expect(try await audit("verify", "--proof", proof, "--key", key).status == 1)
                }
                #expect(try await audit("prove").status == 2)
                #expect(try await audit("prove", "--event", "999999").status == 3)
                #expect(
                    try await audit("erase", "\(ids[0])", "--reason", "law", "--yes").status == 1,
                    "it has no personal data")
                #expect(try await audit("erase", "\(ids[0])").status == 2)
            }
        }

        @Test func theKeyIsMadeOnceAndForItsOwnerOnly() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var keys: Set<String> = []
            for _ in 0..<2 {
                let server = try await TestServer.start(folder: folder)
                let items = try await server.api(.GET, "audit/keys").json["items"]?.array
                keys.insert(try #require(items?.first?["key"]?.string))
                #expect(items?.count == 1)
                #expect(
                    try await server.audit(organisation: "").filter { $0 == "audit.key-added" }.count == 1, "said once")
                try await server.stop()
                // Whoever stops a server finds everything signed.
                let store = try await Store.open(
                    "sqlite:\(folder)/fettle.sqlite", program: "test", now: ServerClock.system.now())
                let (size, kept) = try await store.read {
                    (try $0.audit.tree("").size, try $0.audit.latestCheckpoint("")?.size)
                }
                #expect(size > 0 && kept == size)
                await store.close()
            }
            #expect(keys.count == 1)
            var status = stat()
            #expect(stat("\(folder)/authority/audit.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
            try "nonsense\n".write(toFile: "\(folder)/authority/audit.key", atomically: true, encoding: .utf8)
            await #expect(throws: (any Error).self) { try await TestServer.start(folder: folder) }
        }

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

        @Test func openSSLVerifiesTheSignature() async throws {
            try await TamperedServer.with(.sqlite) { server in
                _ = try await server.running.token()
                try await server.signed(size: 1)
                let folder = server.running.folder
                let keys = try await server.keys()
                let note = try await server.checkpoint()
                // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
                let prefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
                try Data(prefix + keys[0].publicKey).write(to: URL(filePath: "\(folder)/key.der"))
                try Data(note.signatures[0].bytes).write(to: URL(filePath: "\(folder)/note.sig"))
                try Data(note.text.utf8).write(to: URL(filePath: "\(folder)/note.txt"))
                let command = "openssl pkeyutl -verify -pubin -keyform DER -inkey \(folder)/key.der -rawin"
                #expect(
                    try shell("\(command) -in \(folder)/note.txt -sigfile \(folder)/note.sig")
                        == "Signature Verified Successfully")
            }
        }
    }
}

private func t(_ seconds: Int64) -> String { ServerClock.system.now().adding(seconds: seconds).description }

/// A server whose database somebody else writes to.
private struct TamperedServer: Sendable {
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
