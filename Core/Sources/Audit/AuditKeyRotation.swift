/// One signing key hands over to the next: what is written in the log and in exports, signed by both.
///
/// The old key says who comes after it, the new one whom it follows. So whoever trusts either can verify the whole log.
public struct AuditKeyRotation: Hashable, Sendable {
    /// The action of the record that a rotation is in a log.
    public static let action = "audit.key-rotated"
    /// The member of that record's detail that has the signed note.
    public static let member = "rotation"
    /// The most rotations that are read of an export or a proof.
    public static let maximumCount = 256

    private static let format = "fettle-audit-key-rotation/v1"

    /// What the names of the trees begin with whose checkpoints the keys sign.
    public var base: String
    /// The key that signs no more.
    public var from: NoteKey
    /// The one that signs from now on.
    public var to: NoteKey
    /// When, RFC 3339.
    public var time: String

    /// A rotation with these fields.
    public init(base: String, from: NoteKey, to: NoteKey, time: String) {
        self.base = base
        self.from = from
        self.to = to
        self.time = time
    }

    /// What both keys sign: five lines.
    public var text: String { "\(Self.format)\n\(base)\n\(from)\n\(to)\n\(time)\n" }

    /// Reads ``text``; nil for anything else.
    public init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 6, lines[0] == Self.format, lines[5].isEmpty, !lines[1].isEmpty,
            let from = NoteKey(lines[2]), let to = NoteKey(lines[3]), from != to
        else { return nil }
        self.init(base: lines[1], from: from, to: to, time: lines[4])
    }

    /// Reads a note that both keys have signed; nil where it is none, or one of the signatures is not there or wrong.
    public init?(_ note: SignedNote, verify: AuditVerifier.Verify) {
        guard let rotation = Self(note.text), let signers = note.signers([rotation.from, rotation.to], verify: verify),
            signers.contains(rotation.from), signers.contains(rotation.to)
        else { return nil }
        self = rotation
    }

    /// Whether it is about the tree of that name.
    public func isOf(origin: String) -> Bool { origin.hasPrefix(base + "/") }
}

/// The keys that may sign a tree's checkpoints: those that somebody trusts, and those that rotations join to them.
public struct AuditTrust: Sendable {
    /// All of them.
    public private(set) var keys: [NoteKey]
    /// Those that a record of the tree has retired, with that record's number.
    private var retired: [NoteKey: Int] = [:]
    /// To which key each has handed over: it can do so once.
    private var successors: [NoteKey: NoteKey] = [:]

    /// Trusts these.
    public init(_ keys: [NoteKey]) {
        self.keys = keys
    }

    /// Takes rotations, in whatever order; one whose keys are both unknown joins nothing.
    ///
    /// - Parameter origin: the tree's name; nil for any.
    /// - Throws: ``AuditFault`` where one key hands over to two others: somebody has used it who should not.
    public mutating func extend(
        by notes: [SignedNote], origin: String?, verify: AuditVerifier.Verify
    ) throws(AuditFault) {
        var rotations = notes.compactMap { AuditKeyRotation($0, verify: verify) }
            .filter { origin.map($0.isOf) ?? true }
        while let index = rotations.firstIndex(where: { keys.contains($0.from) || keys.contains($0.to) }) {
            let rotation = rotations.remove(at: index)
            guard add(rotation) else {
                throw AuditFault(
                    .forgedRotation, "\(rotation.from.name) hands over to two keys, and only one of them can be right")
            }
        }
    }

    /// Takes the rotation that is that record of the tree: from the next record on the old key signs nothing.
    ///
    /// - Returns: false where it is not signed by both keys, is of another tree, joins no trusted key, or the old key has
    ///   handed over to another one.
    public mutating func take(
        _ note: SignedNote, record: Int, origin: String, verify: AuditVerifier.Verify
    ) -> Bool {
        guard let rotation = AuditKeyRotation(note, verify: verify), rotation.isOf(origin: origin),
            keys.contains(rotation.from) || keys.contains(rotation.to), add(rotation)
        else { return false }
        if retired[rotation.from] == nil { retired[rotation.from] = record }
        return true
    }

    /// Checks that a key signed the note which has not been retired.
    ///
    /// - Parameter name: what the note is, for people.
    public func check(_ note: SignedNote, _ name: String, verify: AuditVerifier.Verify) throws(AuditFault) {
        guard let signers = note.signers(keys, verify: verify) else {
            throw AuditFault(.forgedCheckpoint, "\(name): its signature is wrong")
        }
        guard let signer = signers.first(where: { retired[$0] == nil }) ?? signers.first else {
            let names = note.signatures.map(\.name).joined(separator: ", ")
            throw AuditFault(.forgedCheckpoint, "\(name) is signed by \(names), which is not a trusted key")
        }
        if let record = retired[signer] {
            throw AuditFault(
                .forgedCheckpoint,
                "\(name) is signed by \(signer.name), which handed over to another key in record \(record)")
        }
    }

    /// Checks that the key which signed the note has not handed over to another one, whenever that was: for a note that stands
    /// alone, so that nobody can tell whether it was signed before.
    ///
    /// - Parameter name: what the note is, for people.
    func checkNotRetired(
        _ note: SignedNote, _ name: String, verify: AuditVerifier.Verify
    ) throws(AuditFault) {
        guard let signers = note.signers(keys, verify: verify), !signers.contains(where: { successors[$0] == nil }),
            let signer = signers.first, let successor = successors[signer]
        else { return }
        throw AuditFault(
            .retiredKey,
            """
            \(name) is signed by \(signer.name), which has handed over to \(successor.name); whoever has kept that key can sign \
            what never was. Make the proof anew (fettle audit prove), or give the checkpoint that you kept before as --checkpoint
            """)
    }

    /// False where the old key has handed over to another one.
    private mutating func add(_ rotation: AuditKeyRotation) -> Bool {
        guard successors[rotation.from] ?? rotation.to == rotation.to else { return false }
        successors[rotation.from] = rotation.to
        for key in [rotation.from, rotation.to] where !keys.contains(key) { keys.append(key) }
        return true
    }
}
