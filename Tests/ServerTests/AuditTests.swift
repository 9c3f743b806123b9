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
