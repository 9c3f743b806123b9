import Audit
import Digest
import JSON
import Testing

/// An export made in memory, with a checkpoint every five records.
struct TestExport {
    static let key = TestKey("fettle/test")
    static let origin = "fettle/test/organisation/acme"
    var records: [AuditExportRecord] = []
    var notes: [Int: SignedNote] = [:]
    var size: Int
    var hasEnd = true

    init(_ count: Int = 20) throws {
        size = count
        for number in 0..<count {
            let personal: [String: JSONValue] = ["name": .string("person \(number)")]
            let salt = try #require(PersonalDataSalt(bytes: Array(repeating: UInt8(number), count: 16)))
            let event = try AuditEvent(
                organisation: "acme", time: "2026-11-21T08:30:00Z", actor: "user:\(number % 3)", action: "x.done",
                subject: "x:\(number)", detail: ["n": .integer(Int64(number))],
                personal: number % 2 == 0 ? .known(personal, salt: salt) : nil)
            records.append(
                AuditExportRecord(
                    sequence: number, id: Int64(100 + number), organisation: "acme", hash: event.leafHash(),
                    root: event.leafHash(), event: event.canonicalBytes(),
                    personal: number % 2 == 0 ? JSONValue.object(personal).canonicalBytes() : nil,
                    salt: number % 2 == 0 ? salt.bytes : nil))
        }
        rebuild()
        for size in stride(from: 5, through: count, by: 5) { notes[size] = Self.sign(size, records[size - 1].root) }
    }

    static func sign(_ size: Int, _ root: SHA256Digest) -> SignedNote {
        key.sign(AuditCheckpoint(origin: origin, size: size, root: root).text)
    }

    /// Makes numbers, hashes and roots fit, as a careful forger does.
    mutating func rebuild() {
        var frontier = MerkleFrontier()
        for index in records.indices {
            records[index].sequence = index
            records[index].hash = MerkleTree.leafHash(records[index].event)
            frontier.append(records[index].hash)
            records[index].root = frontier.root
        }
        size = records.count
    }

    var lines: [[UInt8]] {
        var lines = [
            AuditExportHeader(origin: Self.origin, organisation: "acme", size: size, keys: [Self.key.key]).json
        ]
        for (index, record) in records.enumerated() {
            lines.append(record.json)
            if let note = notes[index + 1] {
                lines.append(["type": "checkpoint", "note": .string(note.description)])
            }
        }
        for (size, note) in notes.sorted(by: { $0.key < $1.key }) where size > records.count {
            lines.append(["type": "checkpoint", "note": .string(note.description)])
        }
        if hasEnd { lines.append(["type": "end"]) }
        return lines.map { $0.canonicalBytes() }
    }

    func verified(kept: [SignedNote] = [], keys: [NoteKey]? = [Self.key.key]) throws -> AuditReport {
        var verifier = try AuditVerifier(keys: keys, checkpoints: kept, verify: TestKey.verify)
        for line in lines { try verifier.read(line) }
        return try verifier.finish()
    }

    func fault(kept: [SignedNote] = [], keys: [NoteKey]? = [Self.key.key]) -> AuditFault? {
        #expect(throws: AuditFault.self) { _ = try verified(kept: kept, keys: keys) }
    }
}

struct AuditVerifierTests {
    private func expect(
        _ fault: AuditFault?, _ kind: AuditFault.Kind, record: Int?, _ comment: Comment? = nil
    ) {
        #expect(fault?.kind == kind, comment)
        #expect(fault?.record == record, comment)
    }

    private func changed(_ record: inout AuditExportRecord) {
        record.event = Array(
            String(decoding: record.event, as: UTF8.self).replacing("x.done", with: "x.undone").utf8)
    }

    @Test func anIntactExportIsVerified() throws {
        var export = try TestExport(22)
        export.records[4].personal = nil
        export.records[4].salt = nil
        let report = try export.verified()
        #expect(report.records == 22)
        #expect(report.checkpoints == 4)
        #expect(report.covered == 20)
        #expect(report.erased == 1, "erased is not wrong")
        #expect(report.root == export.records[21].root)
        #expect(try export.verified(keys: nil).records == 22)
        #expect(try TestExport(0).verified().records == 0)
    }

    @Test(arguments: 0..<20) func eachRecordIsNamed(_ number: Int) throws {
        let intact = try TestExport()
        var export = intact
        changed(&export.records[number])
        expect(export.fault(), .changed, record: number)

        // With its hash.
        export.records[number].hash = MerkleTree.leafHash(export.records[number].event)
        expect(export.fault(), .changed, record: number)

        // With every hash after it: only the signed checkpoints are left to tell.
        export.rebuild()
        expect(export.fault(), .inconsistent, record: number / 5 * 5)

        export = intact
        export.records.remove(at: number)
        export.notes = [:]
        expect(export.fault(), number == 19 ? .truncated : .removed, record: number)

        // As the line of a file, with all checkpoints where they were.
        var lines = intact.lines
        let line = try #require(
            lines.firstIndex { String(decoding: $0, as: UTF8.self).contains("\"sequence\":\(number),") })
        lines.remove(at: line)
        let fault = #expect(throws: AuditFault.self) {
            var verifier = try AuditVerifier(keys: [TestExport.key.key], verify: TestKey.verify)
            for line in lines { try verifier.read(line) }
            _ = try verifier.finish()
        }
        expect(fault, number == 19 ? .truncated : .removed, record: number)

        export = intact
        export.records.remove(at: number)
        for index in number..<19 { export.records[index].sequence = index }
        expect(export.fault(), number == 19 ? .truncated : .changed, record: number, "renumbered")

        export = intact
        export.records.insert(intact.records[(number + 7) % 20], at: number)
        #expect(export.fault()?.record == number)

        if number < 19 {
            export = intact
            export.records.swapAt(number, number + 1)
            expect(export.fault(), .reordered, record: number)
            // As rows of a database whose numbers were exchanged: the tree's own hashes stay.
            for index in [number, number + 1] {
                export.records[index].sequence = index
                export.records[index].hash = intact.records[index].hash
                export.records[index].root = intact.records[index].root
            }
            expect(export.fault(), .reordered, record: number)
        }

        export = intact
        export.records[number].personal = Array(#"{"name":"somebody else"}"#.utf8)
        export.records[number].salt = Array(repeating: 1, count: 16)
        expect(export.fault(), .personal, record: number)

        export = intact
        export.records[number].organisation = "other"
        expect(export.fault(), .organisation, record: number)

        export = intact
        export.records[number].event.insert(0x20, at: 1)
        expect(export.fault(), .changed, record: number)
        export.records[number].event = [0xFF, 0x00]
        expect(export.fault(), .changed, record: number)
        export.rebuild()
        export.notes = [:]
        expect(export.fault(), .changed, record: number)
    }

    @Test(arguments: 0..<20) func whatWasCutOffIsNamed(_ length: Int) throws {
        let intact = try TestExport()
        var export = intact
        export.records.removeLast(20 - length)
        export.notes = [:]
        expect(export.fault(), .truncated, record: length)
        // The header says so too: a checkpoint that was left, or kept outside, tells.
        export.size = length
        #expect(try export.verified().records == length)
        expect(export.fault(kept: [try #require(intact.notes[20])]), .truncated, record: length)
        export.notes = intact.notes
        expect(export.fault(), .truncated, record: length)
        export = intact
        export.hasEnd = false
        expect(export.fault(), .unreadable, record: 20)
    }

    @Test func anotherTreeWithTheSameKeyContradictsWhatWasKept() throws {
        let kept = try #require(TestExport().notes[10])
        var export = try TestExport()
        changed(&export.records[3])
        export.rebuild()
        for size in export.notes.keys { export.notes[size] = TestExport.sign(size, export.records[size - 1].root) }
        #expect(try export.verified().records == 20, "signed anew, it agrees with itself")
        expect(export.fault(kept: [kept]), .inconsistent, record: 5)
    }

    @Test func forgedCheckpointsAreFound() throws {
        let intact = try TestExport()
        var export = intact
        export.notes[10] = TestKey("mallory").sign(try #require(intact.notes[10]).text)
        expect(export.fault(), .forgedCheckpoint, record: nil)
        // The right name over another text.
        let text = try #require(intact.notes[10]).description
        export.notes[10] = try #require(SignedNote(text.replacing("\n10\n", with: "\n15\n")))
        expect(export.fault(), .forgedCheckpoint, record: nil)
        export.notes[10] = TestExport.key.sign(
            AuditCheckpoint(origin: "another/tree", size: 10, root: intact.records[9].root).text)
        expect(export.fault(), .forgedCheckpoint, record: nil)
        export.notes[10] = TestExport.key.sign("no checkpoint\n")
        expect(export.fault(), .forgedCheckpoint, record: nil)
        #expect(throws: AuditFault.self) {
            _ = try intact.verified(kept: [TestKey("mallory").sign(intact.notes[10]!.text)])
        }
    }

    @Test func whatIsNoExportIsRefusedByLine() throws {
        for lines in [
            [], [#"{"type":"end"}"#], ["nonsense"], [#"{"type":"header","format":"other","version":1}"#],
            [String(decoding: try TestExport().lines[0], as: UTF8.self), #"{"type":"record"}"#],
            [String(decoding: try TestExport().lines[0], as: UTF8.self), "\u{0}"],
        ] {
            let fault = #expect(throws: AuditFault.self) {
                var verifier = try AuditVerifier(keys: nil, verify: TestKey.verify)
                for line in lines { try verifier.read(Array(line.utf8)) }
                _ = try verifier.finish()
            }
            #expect(fault?.kind == .unreadable)
        }
    }

    /// Whatever one byte becomes, the export is refused or means the same; nothing crashes.
    @Test func noByteCanBeChangedUnnoticed() throws {
        let lines = try TestExport(6).lines
        let intact = try lines.map { try JSONValue(parsing: $0, limits: .message) }
        var generator = SystemRandomNumberGenerator()
        var unnoticed = 0
        for _ in 0..<600 {
            var altered = lines
            let line = Int.random(in: 0..<lines.count, using: &generator)
            let place = Int.random(in: 0..<lines[line].count, using: &generator)
            altered[line][place] ^= UInt8.random(in: 1...255, using: &generator)
            do {
                var verifier = try AuditVerifier(keys: [TestExport.key.key], verify: TestKey.verify)
                for line in altered { try verifier.read(line) }
                _ = try verifier.finish()
                // The server's own number of a record is told, not proved; the header's keys are not asked.
                let value = try JSONValue(parsing: altered[line], limits: .message)
                let same = value == intact[line]
                let harmless = value["id"] != intact[line]["id"] || value["keys"] != intact[line]["keys"]
                #expect(same || harmless, "\(String(decoding: altered[line], as: UTF8.self))")
                unnoticed += 1
            } catch is AuditFault {}
        }
        #expect(unnoticed < 120)
    }

    @Test func proofsAreDocuments() throws {
        let export = try TestExport()
        let tree = try export.records.map(\.hash)
        func node(_ node: MerkleNode) -> SHA256Digest {
            NaiveTree.root(tree[(node.index << node.height)..<((node.index + 1) << node.height)])
        }
        let note = try #require(export.notes[15])
        let proof = try AuditProof.inclusion(
            event: export.records[7].event, id: 107, index: 7,
            proof: #require(MerkleTree.inclusionProof(of: 7, in: 15, node: node)), checkpoint: note)
        #expect(try AuditProof(proof.json) == proof)
        let keys = [TestExport.key.key]
        #expect(try proof.verify(keys: keys, verify: TestKey.verify).contains("record 7"))
        let checkpoints = try [5, 15].map { try #require(AuditCheckpoint(export.notes[$0]!.text)) }
        let growth = try AuditProof.consistency(
            from: checkpoints[0], to: checkpoints[1],
            proof: #require(MerkleTree.consistencyProof(from: 5, to: 15, node: node)), checkpoints: [note])
        #expect(try AuditProof(growth.json) == growth)
        #expect(try growth.verify(keys: keys, kept: [export.notes[5]!], verify: TestKey.verify).contains("beginning"))
        #expect(throws: AuditFault.self) {
            try growth.verify(keys: keys, kept: [export.notes[10]!], verify: TestKey.verify)
        }
        #expect(throws: AuditFault.self) { try growth.verify(keys: [], verify: TestKey.verify) }
        for text in [#""index":7"#, #""x:7""#, #""n":7"#] {
            let altered = String(decoding: proof.json.canonicalBytes(), as: UTF8.self)
                .replacing(text, with: text.replacing("7", with: "8"))
            let forged = try AuditProof(JSONValue(parsing: Array(altered.utf8), limits: AuditProof.limits))
            #expect(throws: AuditFault.self) { try forged.verify(keys: keys, verify: TestKey.verify) }
        }
    }
}
