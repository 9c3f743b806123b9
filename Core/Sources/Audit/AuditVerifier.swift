public import Digest
import JSON

/// What a verified log is.
public struct AuditReport: Hashable, Sendable {
    /// The header of the export.
    public var header: AuditExportHeader
    /// How many records were recomputed.
    public var records: Int
    /// How many of them had personal data that were erased.
    public var erased: Int
    /// How many signed checkpoints agree with the records.
    public var checkpoints: Int
    /// The size that the last of them covers; records after it are signed by nobody yet.
    public var covered: Int
    /// The tree's root.
    public var root: SHA256Digest
    /// How many records handed over to another signing key.
    public var rotations: Int
}

/// Recomputes an export line by line, in memory that grows with the logarithm of its length, and names the first
/// record that is wrong.
///
///     var verifier = AuditVerifier(keys: keys, checkpoints: kept, verify: ed25519)
///     for line in lines { try verifier.read(line) }
///     let report = try verifier.finish()
public struct AuditVerifier: Sendable {
    /// Whether a key's 32 bytes made the signature over a message (RFC 8032).
    public typealias Verify =
        @Sendable (_ publicKey: [UInt8], _ message: [UInt8], _ signature: [UInt8]) -> Bool

    /// The keys that the caller trusts; nil for those that the export names.
    private let pinned: [NoteKey]?
    private let verify: Verify
    /// Checkpoints kept outside, the smallest first.
    private var kept: [(note: SignedNote, checkpoint: AuditCheckpoint)] = []
    /// The keys that may sign here, as far as the export has been read.
    private var trust = AuditTrust([])
    private var rotations = 0
    private var header: AuditExportHeader?
    private var frontier = MerkleFrontier()
    private var erased = 0
    private var checkpoints = 0
    private var covered = 0
    private var ended = false
    private var line = 0
    /// The first fault, and what in a later line would tell more of it.
    private var fault: AuditFault?
    private var clue: Clue?

    private enum Clue {
        case sequence(Int)
        case hash(SHA256Digest)
    }

    /// A verifier for one export.
    ///
    /// - Parameters:
    ///   - keys: the keys that may sign, and with them those that rotations join to them; nil takes those that the export
    ///     names, which shows only that it is whole.
    ///   - checkpoints: notes that were kept outside; the export must go at least as far as each.
    ///   - verify: Ed25519, which the caller has.
    /// - Throws: ``AuditFault`` for a note that is no checkpoint.
    public init(keys: [NoteKey]?, checkpoints: [SignedNote] = [], verify: @escaping Verify) throws(AuditFault) {
        pinned = keys
        self.verify = verify
        for note in checkpoints {
            guard let checkpoint = AuditCheckpoint(note.text) else {
                throw AuditFault(.unreadable, "what was given as a checkpoint is a signed note, but no checkpoint")
            }
            kept.append((note, checkpoint))
        }
        kept.sort { $0.checkpoint.size < $1.checkpoint.size }
    }

    /// Takes the next line, without its line feed.
    ///
    /// - Throws: ``AuditFault`` where nothing that follows could tell more.
    public mutating func read(_ bytes: [UInt8]) throws(AuditFault) {
        line += 1
        let value: JSONValue
        do {
            let limits = JSONLimits(
                maximumBytes: AuditExportHeader.maximumLineBytes, maximumDepth: 20, maximumItems: 200_000,
                maximumStringBytes: 3 << 20)
            value = try JSONValue(parsing: bytes, limits: limits)
            try take(value)
        } catch let fault as AuditFault {
            throw fault
        } catch {
            if let fault { throw fault }
            throw AuditFault(.unreadable, record: header == nil ? nil : frontier.size, "line \(line): \(error)")
        }
    }

    private mutating func take(_ value: JSONValue) throws {
        guard header != nil else {
            guard value["type"]?.string == "header" else {
                throw AuditFault(.unreadable, "line 1 is not the header of an export")
            }
            let header = try AuditExportHeader(value)
            self.header = header
            trust = AuditTrust(pinned ?? header.keys)
            try trust.extend(by: header.rotations, origin: header.origin, verify: verify)
            for (note, _) in kept where pinned != nil {
                try trust.check(note, "the checkpoint that was given", verify: verify)
            }
            for (_, checkpoint) in kept where checkpoint.origin != header.origin {
                throw AuditFault(
                    .inconsistent,
                    "the checkpoint that was given is of \(checkpoint.origin), the export of \(header.origin)")
            }
            try compareKept()
            return
        }
        guard !ended else { throw AuditFault(.unreadable, "line \(line) comes after the end of the export") }
        switch value["type"]?.string {
        case "record": try take(record: AuditExportRecord(value))
        case "checkpoint": if fault == nil { try take(checkpoint: value["note"]?.string ?? "") }
        case "end": ended = true
        default: throw AuditFault(.unreadable, "line \(line) is neither a record nor a checkpoint nor the end")
        }
    }

    private mutating func take(record: AuditExportRecord) throws(AuditFault) {
        if fault != nil { return lookForClue(record) }
        let next = frontier.size
        if record.sequence > next {
            fault = AuditFault(
                .removed, record: next,
                "it is not there; record \(record.sequence) follows \(next == 0 ? "at once" : "record \(next - 1)")")
            clue = .sequence(next)
            return
        }
        if record.sequence < next {
            throw AuditFault(
                .inserted, record: next, id: record.id,
                "in its place stands a record that is numbered \(record.sequence), which was there before")
        }
        let hash = MerkleTree.leafHash(record.event)
        guard hash == record.hash else {
            fault = AuditFault(
                .changed, record: next, id: record.id,
                "the event's hash is \(hash.hex), the tree has \(record.hash.hex)")
            clue = .hash(record.hash)
            return
        }
        frontier.append(hash)
        guard frontier.root == record.root else {
            throw AuditFault(
                .changed, record: next, id: record.id,
                "the tree up to it has another root than was noted: it was changed with its hash, inserted, or put in the place of another"
            )
        }
        try check(record, number: next)
        try compareKept()
    }

    /// Looks at what the hash does not show: form, organisation, personal data.
    private mutating func check(_ record: AuditExportRecord, number: Int) throws(AuditFault) {
        let event: AuditEvent
        do { event = try AuditEvent(canonical: record.event) } catch {
            throw AuditFault(.changed, record: number, id: record.id, "it is no event: \(error)")
        }
        let log = header?.organisation ?? AuditEvent.installation
        guard event.organisation == record.organisation, log == AuditEvent.installation || log == event.organisation
        else {
            throw AuditFault(
                .organisation, record: number, id: record.id,
                "the event is of \"\(event.organisation)\", kept as one of \"\(record.organisation)\", in the log of \"\(log)\""
            )
        }
        try takeRotation(event, number, record.id)
        guard case .erased(let commitment)? = event.personal else {
            guard record.personal == nil, record.salt == nil else {
                throw AuditFault(
                    .personal, record: number, id: record.id,
                    "there are personal data that the event does not commit to")
            }
            return
        }
        guard let personal = record.personal, let salt = record.salt else {
            guard record.personal == nil, record.salt == nil else {
                throw AuditFault(
                    .personal, record: number, id: record.id, "the personal data lack their salt, or it them")
            }
            erased += 1
            return
        }
        var hasher = SHA256()
        hasher.update(salt)
        hasher.update(personal)
        guard hasher.finalize() == commitment else {
            throw AuditFault(
                .personal, record: number, id: record.id, "the personal data are not those that the event commits to")
        }
    }

    /// A record that hands over to another key: both keys must have signed that, and the old one signs nothing from here on.
    private mutating func takeRotation(_ event: AuditEvent, _ number: Int, _ id: Int64) throws(AuditFault) {
        guard event.action == AuditKeyRotation.action else { return }
        guard let note = event.detail[AuditKeyRotation.member]?.string.flatMap({ SignedNote($0) }),
            trust.take(note, record: number, origin: header?.origin ?? "", verify: verify)
        else {
            throw AuditFault(
                .forgedRotation, record: number, id: id,
                "it names another signing key, and not both keys say so, or neither is a trusted one")
        }
        rotations += 1
    }

    private mutating func take(checkpoint text: String) throws(AuditFault) {
        guard let note = SignedNote(text), let checkpoint = AuditCheckpoint(note.text) else {
            throw AuditFault(.forgedCheckpoint, "line \(line) is no signed checkpoint")
        }
        let name = "the checkpoint of size \(checkpoint.size)"
        try trust.check(note, name, verify: verify)
        guard checkpoint.origin == header?.origin else {
            throw AuditFault(.forgedCheckpoint, "\(name) is of another tree: \(checkpoint.origin)")
        }
        if checkpoint.size > frontier.size {
            // Records may have been cut off here; if others follow, the checkpoint is in the wrong place.
            fault = AuditFault(
                .truncated, record: frontier.size,
                "\(name) is signed, but only \(frontier.size) records are there: those from \(frontier.size) on were cut off"
            )
            clue = .sequence(frontier.size)
            return
        }
        guard checkpoint.size == frontier.size else {
            throw AuditFault(.unreadable, "line \(line): \(name) stands after record \(frontier.size - 1)")
        }
        try compare(checkpoint, name)
        checkpoints += 1
        covered = checkpoint.size
    }

    /// Compares with the checkpoints that were kept outside, as soon as the tree has their size.
    private mutating func compareKept() throws(AuditFault) {
        while let (note, checkpoint) = kept.first, checkpoint.size == frontier.size {
            kept.removeFirst()
            let name = "the checkpoint of size \(checkpoint.size) that was given"
            if pinned != nil { try trust.check(note, name, verify: verify) }
            try compare(checkpoint, name)
            covered = max(covered, checkpoint.size)
        }
    }

    private func compare(_ checkpoint: AuditCheckpoint, _ name: String) throws(AuditFault) {
        guard checkpoint.root != frontier.root else { return }
        // Every hash from the change on was made to fit: what is known is between which two checkpoints it lies.
        let range = covered + 1 < frontier.size ? "one of records \(covered) to \(frontier.size - 1)" : "it"
        throw AuditFault(
            .inconsistent, record: covered,
            "\(name) is signed over another root: \(range) was changed, removed, inserted or moved, and every hash after it made to fit"
        )
    }

    private mutating func lookForClue(_ record: AuditExportRecord) {
        if fault?.kind == .truncated, let first = fault?.record, record.sequence > first {
            fault?.kind = .removed
            fault?.reason = "it is not there; record \(record.sequence) follows"
        }
        switch clue {
        case .sequence(let number)? where record.sequence == number:
            fault?.kind = .reordered
            fault?.id = record.id
            fault?.reason = "it stands later, in line \(line)"
        case .hash(let hash)? where MerkleTree.leafHash(record.event) == hash:
            fault?.kind = .reordered
            fault?.reason =
                "another event stands in its place; its own is that of record \(record.sequence) (event \(record.id))"
        default: return
        }
        clue = nil
    }

    /// Ends the export.
    ///
    /// - Throws: the first fault; ``AuditFault`` for an export that ends too early.
    public mutating func finish() throws(AuditFault) -> AuditReport {
        if let fault { throw fault }
        guard let header else { throw AuditFault(.unreadable, "there is nothing: an export begins with a header") }
        let size = frontier.size
        guard size == header.size else {
            throw size < header.size
                ? AuditFault(
                    .truncated, record: size,
                    "the tree has \(header.size) records, only \(size) are there: those from \(size) on were cut off")
                : AuditFault(.inserted, record: header.size, "the tree has \(header.size) records, \(size) are there")
        }
        if let checkpoint = kept.first?.checkpoint {
            throw AuditFault(
                .truncated, record: size,
                "the checkpoint that was given covers \(checkpoint.size) records, the export has \(size): those from \(size) on were cut off, or the export is the older of the two"
            )
        }
        guard ended else {
            throw AuditFault(.unreadable, record: size, "the last line is missing: the export is not whole")
        }
        return AuditReport(
            header: header, records: size, erased: erased, checkpoints: checkpoints, covered: covered,
            root: frontier.root, rotations: rotations)
    }
}
