import Audit
import Digest
import JSON
import Testing

/// Keys that hand over to the next: what was signed before stays proved, what the old key signs after is forged.
struct AuditKeyRotationTests {
    private static let base = "fettle/test"
    private static let old = TestExport.key
    private static let new = TestKey("fettle/second")
    private static let last = TestKey("fettle/third")

    private static func note(_ from: TestKey, _ to: TestKey, base: String = base) -> SignedNote {
        let text = AuditKeyRotation(base: base, from: from.key, to: to.key, time: "2026-11-21T08:30:00Z").text
        let (first, second) = (from.sign(text), to.sign(text))
        return first.signed(by: to.key, second.signatures[0].bytes)
    }

    /// A log of 20 records in which records 7 and 12 hand over; checkpoints every five.
    private struct Log {
        var export: TestExport
        var rotations = [note(old, new), note(new, last)]

        init() throws {
            export = try TestExport()
            try put(rotations[0], 7)
            try put(rotations[1], 12)
            sign(5, old)
            sign(10, new)
            sign(15, last)
            sign(20, last)
        }

        mutating func put(_ note: SignedNote, _ number: Int) throws {
            let event = try AuditEvent(
                organisation: "acme", time: "2026-11-21T08:30:00Z", actor: "user:1", action: AuditKeyRotation.action,
                subject: "audit", detail: [AuditKeyRotation.member: .string(note.description)])
            export.records[number].event = event.canonicalBytes()
            (export.records[number].personal, export.records[number].salt) = (nil, nil)
            export.rebuild()
        }

        mutating func sign(_ size: Int, _ key: TestKey) {
            let root = export.records[size - 1].root
            export.notes[size] = key.sign(AuditCheckpoint(origin: TestExport.origin, size: size, root: root).text)
        }

        func verified(_ keys: [NoteKey]?, kept: [SignedNote] = []) throws -> AuditReport {
            var verifier = try AuditVerifier(keys: keys, checkpoints: kept, verify: TestKey.verify)
            let header = AuditExportHeader(
                origin: TestExport.origin, organisation: "acme", size: export.size, keys: [last.key],
                rotations: rotations)
            try verifier.read(header.json.canonicalBytes())
            for line in export.lines.dropFirst() { try verifier.read(line) }
            return try verifier.finish()
        }

        func fault(_ keys: [NoteKey]?, kept: [SignedNote] = []) -> AuditFault? {
            #expect(throws: AuditFault.self) { _ = try verified(keys, kept: kept) }
        }
    }

    @Test func whoeverTrustsOneKeyVerifiesTheWholeLog() throws {
        let log = try Log()
        for key in [Self.old, Self.new, Self.last] {
            let report = try log.verified([key.key])
            #expect(report.checkpoints == 4 && report.covered == 20 && report.rotations == 2)
            // What was kept elsewhere before the keys changed still counts.
            let kept = try [5, 10, 20].map { try #require(log.export.notes[$0]) }
            #expect(try log.verified([key.key], kept: kept).records == 20)
        }
        #expect(try log.verified(nil).rotations == 2)
        #expect(log.fault([TestKey("fettle/stranger").key])?.kind == .forgedCheckpoint)
        let header = AuditExportHeader(
            origin: "x", organisation: "acme", size: 0, keys: [Self.last.key], rotations: log.rotations)
        #expect(try AuditExportHeader(header.json) == header)
    }

    @Test func theOldKeySignsNothingAfterItHandedOver() throws {
        var log = try Log()
        for (size, key, record) in [(10, Self.old, 7), (15, Self.old, 7), (15, Self.new, 12)] {
            log = try Log()
            log.sign(size, key)
            let fault = log.fault([Self.last.key])
            #expect(fault?.kind == .forgedCheckpoint)
            #expect(fault?.reason.contains("handed over to another key in record \(record)") == true, "\(fault!)")
            // Nor as a checkpoint that somebody brings.
            let forged = try #require(log.export.notes[size])
            #expect(try Log().fault([Self.last.key], kept: [forged])?.kind == .forgedCheckpoint)
        }
    }

    @Test func aRotationTakesTheWordOfBothKeys() throws {
        let text = AuditKeyRotation(
            base: Self.base, from: Self.old.key, to: Self.new.key, time: "2026-11-21T08:30:00Z"
        ).text
        let mallory = TestKey("mallory")
        let onlyOld = Self.old.sign(text)
        let onlyNew = Self.new.sign(text)
        let wrong = onlyOld.signed(by: Self.new.key, mallory.sign(text).signatures[0].bytes)
        for note in [
            onlyOld, onlyNew, wrong, Self.note(mallory, TestKey("fettle/other")), Self.old.sign("no rotation\n"),
            Self.note(Self.old, Self.new, base: "fettle/another"),
        ] {
            var log = try Log()
            try log.put(note, 7)
            log.sign(10, Self.new)
            log.sign(15, Self.last)
            log.sign(20, Self.last)
            log.rotations = [Self.note(Self.new, Self.last)]
            let fault = log.fault([Self.old.key, Self.last.key])
            #expect(fault?.kind == .forgedRotation && fault?.record == 7, "\(fault!)")
        }
    }

    /// Whoever steals a key after it was retired cannot hand over to a key of theirs.
    @Test func aKeyHandsOverOnce() throws {
        let mallory = TestKey("mallory")
        var log = try Log()
        try log.put(Self.note(Self.old, mallory), 17)
        log.sign(20, mallory)
        let fault = log.fault([Self.last.key])
        #expect(fault?.kind == .forgedRotation && fault?.record == 17)
        log = try Log()
        log.rotations.append(Self.note(Self.old, mallory))
        #expect(log.fault([Self.old.key])?.kind == .forgedRotation)
        // The same word twice is the same word: the installation's log has it once an organisation.
        log = try Log()
        try log.put(log.rotations[0], 17)
        log.sign(20, Self.last)
        #expect(try log.verified([Self.last.key]).rotations == 3)
    }

    @Test func proofsCarryRotationsToo() throws {
        let log = try Log()
        let tree = log.export.records.map(\.hash)
        func node(_ node: MerkleNode) -> SHA256Digest {
            NaiveTree.root(tree[(node.index << node.height)..<((node.index + 1) << node.height)])
        }
        func inclusion(_ size: Int, _ rotations: [SignedNote]) throws -> AuditProof {
            try AuditProof.inclusion(
                event: log.export.records[3].event, id: 103, index: 3,
                proof: #require(MerkleTree.inclusionProof(of: 3, in: size, node: node)),
                checkpoint: try #require(log.export.notes[size]), rotations: rotations)
        }
        func fault(_ proof: AuditProof, _ keys: [NoteKey], known: [SignedNote] = []) -> AuditFault? {
            do {
                _ = try proof.verify(keys: keys, known: known, verify: TestKey.verify)
                return nil
            } catch {
                return error
            }
        }
        let proof = try inclusion(20, log.rotations)
        #expect(try AuditProof(proof.json) == proof)
        #expect(try proof.verify(keys: [Self.old.key], verify: TestKey.verify).contains("record 3"))
        #expect(fault(proof, [TestKey("mallory").key])?.kind == .forgedCheckpoint)

        // A key that has handed over proves nothing alone: nobody can tell when it signed.
        let retired = try inclusion(10, log.rotations)
        let said = fault(retired, [Self.last.key])
        #expect(said?.kind == .retiredKey && said?.reason.contains("fettle audit prove") == true, "\(said!)")
        #expect(fault(try inclusion(10, []), [Self.new.key, Self.last.key], known: log.rotations)?.kind == .retiredKey)
        let kept = try #require(log.export.notes[10])
        #expect(throws: Never.self) { try retired.verify(keys: [Self.last.key], kept: [kept], verify: TestKey.verify) }
        #expect(
            fault(try inclusion(10, []), [Self.new.key]) == nil, "whoever knows of no rotation trusts the key he gave")

        // Its successor's word joins it to the whole.
        func consistency(_ from: Int, _ to: Int) throws -> AuditProof {
            let notes = try [from, to].map { try #require(log.export.notes[$0]) }
            let ends = try notes.map { try #require(AuditCheckpoint($0.text)) }
            return try AuditProof.consistency(
                from: ends[0], to: ends[1],
                proof: #require(MerkleTree.consistencyProof(from: from, to: to, node: node)), checkpoints: notes,
                rotations: log.rotations)
        }
        #expect(fault(try consistency(10, 20), [Self.old.key]) == nil)
        #expect(fault(try consistency(5, 10), [Self.old.key])?.kind == .retiredKey)
    }
}
