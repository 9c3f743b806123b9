import Audit
import Glibc
import JSON
import Timestamps

/// The key that is to sign next, with the word of both keys, in a file of its own until the database says that it signs.
///
/// A rotation is three steps, each whole or not at all: this file is written; one transaction puts the rotation on record
/// and names the new key; the files of the key that signs are replaced. A server that dies before the second leaves a file
/// that means nothing; one that dies after it leaves the third to whoever starts or signs next.
struct NextAuditKey: Sendable {
    let signing: AuditSigningKey
    /// The rotation, signed by both keys.
    let note: SignedNote
    let rotation: AuditKeyRotation
    var key: NoteKey { signing.key }

    private static let prefix = "audit-next-"

    /// Makes a key that follows that one, and keeps it in the folder.
    static func make(in folder: String, after current: AuditKey, base: String, now: Timestamp) throws -> NextAuditKey {
        let count = try AuditRotations.read(folder).count
        guard count < AuditKeyRotation.maximumCount else {
            throw DataFolderError("the audit key was rotated \(count) times, which is the most that a log can tell")
        }
        let signing = try AuditSigningKey()
        let text = AuditKeyRotation(base: base, from: current.key, to: signing.key, time: now.description).text
        let note = try current.sign(text).signed(by: signing.key, signing.signature(text))
        guard let next = NextAuditKey(signing, note) else {
            throw DataFolderError("the rotation of the audit key was not signed as it should be; nothing was changed")
        }
        let lines =
            "\(signing.text)\n\(String(decoding: JSONValue.string(note.description).canonicalBytes(), as: UTF8.self))\n"
        try writePrivateFile(next.path(folder), Array(lines.utf8))
        return next
    }

    /// The key of that description among those that wait in a folder; nil where it is not there.
    static func find(_ description: String, in folder: String) throws -> NextAuditKey? {
        try all(in: folder).first { $0.key.description == description }
    }

    private init?(_ signing: AuditSigningKey, _ note: SignedNote) {
        guard let rotation = AuditKeyRotation(note, verify: AuditSignatures.verify), rotation.to == signing.key else {
            return nil
        }
        self.signing = signing
        self.note = note
        self.rotation = rotation
    }

    /// Lets the folder's servers sign with it: the rotation is kept before the old key is gone.
    func finish(in folder: String) throws {
        try AuditRotations.add(note, folder)
        try writePrivateFile(AuditKey.path(folder), Array("\(signing.text)\n".utf8))
        try Self.tidy(folder, current: key)
    }

    /// Takes it away again, before the database has named it.
    func discard(in folder: String) { unlink(path(folder)) }

    /// Removes what waits for nothing any more: the key that signs by now, and those that were to follow another one.
    static func tidy(_ folder: String, current: NoteKey) throws {
        for next in try all(in: folder) where next.key == current || next.rotation.from != current {
            next.discard(in: folder)
        }
    }

    private static func all(in folder: String) throws -> [NextAuditKey] {
        try folderEntries(folder).filter { $0.hasPrefix(prefix) && $0.hasSuffix(".key") }.compactMap { name in
            let lines = String(decoding: try readFile("\(folder)/\(name)") ?? [], as: UTF8.self).split(separator: "\n")
            guard lines.count == 2, let signing = AuditSigningKey(String(lines[0])),
                let note = try AuditRotations.note(lines[1])
            else { return nil }
            return NextAuditKey(signing, note)
        }
    }

    private func path(_ folder: String) -> String { "\(folder)/\(Self.prefix)\(key.id).key" }
}

/// The rotations of a folder: `audit.rotations`, a signed note a line as a JSON string, the oldest first.
enum AuditRotations {
    static func read(_ folder: String) throws -> [SignedNote] {
        let path = path(folder)
        return try String(decoding: try readFile(path) ?? [], as: UTF8.self).split(separator: "\n").map { line in
            guard let note = try note(line), AuditKeyRotation(note, verify: AuditSignatures.verify) != nil else {
                throw DataFolderError(
                    "\(path): \(line.prefix(80)) is not a rotation that both its keys have signed; put the file back from a backup"
                )
            }
            return note
        }
    }

    static func add(_ note: SignedNote, _ folder: String) throws {
        let known = try read(folder)
        guard !known.contains(note) else { return }
        var bytes: [UInt8] = []
        for note in known + [note] {
            bytes += JSONValue.string(note.description).canonicalBytes() + [UInt8(ascii: "\n")]
        }
        try writePrivateFile(path(folder), bytes)
    }

    /// The note of a line; nil for anything else.
    static func note(_ line: Substring) throws -> SignedNote? {
        (try? JSONValue(parsing: Array(line.utf8), limits: .message))?.string.flatMap { SignedNote($0) }
    }

    private static func path(_ folder: String) -> String { "\(folder)/audit.rotations" }
}
