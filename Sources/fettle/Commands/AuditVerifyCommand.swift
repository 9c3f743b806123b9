import ArgumentParser
import Audit
import Digest
import JSON
import NIOCore
import Server
import TextTable

/// `fettle audit verify`: recomputes everything here, whatever the server says.
struct AuditVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recompute a log, an export of it or a proof, and name the first wrong record.",
        discussion: """
            Without FILE the server's log is fetched and recomputed here. Exit codes: 0 all is right, 1 something was \
            changed, removed, reordered, cut off or forged, 2 wrong usage.

            Examples:
              fettle audit verify
              fettle audit verify log.jsonl --key "$(cat server.key)" --checkpoint checkpoint-2026-11-21.txt
            """)

    @OptionGroup var data: DataOption
    @OptionGroup var log: AuditLogOption
    @OptionGroup var output: OutputOption
    @Argument(help: "An export; - for standard input.", completion: .file())
    var file: String?
    @Option(
        help: "A key that may sign, as `fettle audit key` prints it. Default: the server's, or those the export names.")
    var key: [String] = []
    @Option(
        help: "A signed checkpoint that was kept elsewhere; the log must be a continuation of it.", completion: .file())
    var checkpoint: [String] = []
    @Option(help: "A proof made by `fettle audit prove`, instead of a log.", completion: .file())
    var proof: String?

    func validate() throws {
        guard proof == nil || file == nil else { throw ValidationError("say a FILE or --proof, not both") }
    }

    func run() async throws {
        let keys = try key.map { text in
            guard let key = NoteKey(text) else {
                throw CommandFailure.usage("--key \(text) is not a key as `fettle audit key` prints it")
            }
            return key
        }
        let kept = try checkpoint.map { path in
            guard let note = SignedNote(try readText(path, maximumBytes: SignedNote.maximumBytes)) else {
                throw CommandFailure.usage("\(path) is not a signed checkpoint as `fettle audit checkpoint` prints it")
            }
            return note
        }
        do {
            if let proof { return try await verify(proof: proof, keys, kept) }
            let report = try await report(keys, kept)
            try output.show(Self.json(report)) { _ in
                emit(
                    """
                    verified: \(report.records) records of \(TextTable.printable(report.header.origin))
                    root: \(report.root.hex)
                    signed: \(report.covered) records, by \(report.checkpoints) checkpoints

                    """ + (report.erased > 0 ? "erased: personal data of \(report.erased) records\n" : ""))
            }
            if report.records > report.covered {
                say("\(report.records - report.covered) records are so new that no checkpoint covers them yet")
            }
        } catch let fault as AuditFault {
            if output.output == .json { emit(jsonText(Self.json(fault))) }
            throw CommandFailure.failed("verification failed: \(fault)")
        }
    }

    private func report(_ keys: [NoteKey], _ kept: [SignedNote]) async throws -> AuditReport {
        var lines = LineSplitter()
        if let file {
            if keys.isEmpty {
                say("signatures are checked by the keys that the export itself names; --key KEY trusts only yours")
            }
            var verifier = try AuditVerifier(
                keys: keys.isEmpty ? nil : keys, checkpoints: kept, verify: AuditSignatures.verify)
            try readParts(of: file) { part in try lines.take(part) { try verifier.read($0) } }
            try lines.finish { try verifier.read($0) }
            return try verifier.finish()
        }
        var known: [SignedNote] = []
        let trusted = keys.isEmpty ? try await serverKeys(&known) : keys
        var verifier = try AuditVerifier(keys: trusted, checkpoints: kept, verify: AuditSignatures.verify)
        let client = try data.client
        try await client.stream("/api/v1/audit/export" + OperatorClient.query(log.query(client))) { part in
            try lines.take(part) { try verifier.read($0) }
        }
        try lines.finish { try verifier.read($0) }
        return try verifier.finish()
    }

    private func verify(proof path: String, _ keys: [NoteKey], _ kept: [SignedNote]) async throws {
        let text = try readText(path, maximumBytes: AuditProof.limits.maximumBytes)
        let proof: AuditProof
        do {
            proof = try AuditProof(JSONValue(parsing: Array(text.utf8), limits: AuditProof.limits))
        } catch {
            throw AuditFault(.unreadable, "\(path) is no proof: \(error)")
        }
        var known: [SignedNote] = []
        let trusted = keys.isEmpty ? try await serverKeys(&known) : keys
        let proved = try proof.verify(keys: trusted, kept: kept, known: known, verify: AuditSignatures.verify)
        try output.show(["valid": true, "proved": .string(proved)]) { _ in
            emit("verified: \(TextTable.printable(proved))\n")
        }
    }

    /// - Parameter rotations: those that the server knows are added.
    private func serverKeys(_ rotations: inout [SignedNote]) async throws -> [NoteKey] {
        do {
            let items = try await data.client.list("/api/v1/audit/keys")
            rotations += items.compactMap { SignedNote($0.text("rotation")) }
            return items.compactMap { NoteKey($0.text("key")) }
        } catch let failure as CommandFailure where failure.exitCode != CommandFailure.usage {
            throw CommandFailure.usage(
                "\(failure.description)\nTo verify without a server give its public key: --key KEY")
        }
    }

    private static func json(_ report: AuditReport) -> JSONValue {
        [
            "valid": true, "origin": .string(report.header.origin), "records": .integer(Int64(report.records)),
            "covered": .integer(Int64(report.covered)), "checkpoints": .integer(Int64(report.checkpoints)),
            "erased": .integer(Int64(report.erased)), "root": .string(report.root.hex),
        ]
    }

    private static func json(_ fault: AuditFault) -> JSONValue {
        [
            "valid": false, "kind": .string(fault.kind.rawValue), "reason": .string(fault.reason),
            "record": fault.record.map { .integer(Int64($0)) } ?? .null,
            "event": fault.id.map { .integer($0) } ?? .null,
        ]
    }
}
