public import Digest
public import JSON

/// The first line of an export: what the rest is.
///
/// An export is JSON Lines: this header, one line a record in the order of the tree, each checkpoint after the record
/// up to which it goes, and a last line with the counts. Lines are canonical JSON (RFC 8785).
public struct AuditExportHeader: Hashable, Sendable {
    /// The format's name.
    public static let format = "fettle-audit-export"
    /// The format's version.
    public static let version: Int64 = 1
    /// The longest line that is read, in bytes.
    public static let maximumLineBytes = 4 << 20
    /// The most keys that are read.
    public static let maximumKeys = 64 + AuditKeyRotation.maximumCount + 1

    /// The tree's name in its checkpoints.
    public var origin: String
    /// Whose tree; ``AuditEvent/installation`` for the one of all records.
    public var organisation: String
    /// How many records follow.
    public var size: Int
    /// The keys that sign checkpoints.
    public var keys: [NoteKey]
    /// How one key handed over to the next (``AuditKeyRotation``); none in a log whose key never changed.
    public var rotations: [SignedNote]

    /// A header with these fields.
    public init(
        origin: String, organisation: String, size: Int, keys: [NoteKey], rotations: [SignedNote] = []
    ) {
        self.rotations = rotations
        self.origin = origin
        self.organisation = organisation
        self.size = size
        self.keys = keys
    }

    /// The line's JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "type": "header", "format": .string(Self.format), "version": .integer(Self.version),
            "origin": .string(origin), "organisation": .string(organisation), "size": .integer(Int64(size)),
            "keys": .array(keys.map { .string($0.description) }),
        ]
        if !rotations.isEmpty { fields["rotations"] = .array(rotations.map { .string($0.description) }) }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(_ value: JSONValue) throws(JSONError) {
        var object = try JSONObject(value)
        _ = try object.string("type")
        let (format, version) = (try object.string("format"), try object.integer("version", in: 0...Int64.max))
        guard format == Self.format, version == Self.version else {
            throw JSONError(
                .outOfBounds, pointer: "/version",
                reason: "this is \(format) \(version); this program reads \(Self.format) \(Self.version)")
        }
        origin = try object.string("origin")
        organisation = try object.string("organisation")
        size = Int(try object.integer("size", in: 0...Int64(MerkleTree.maximumSize)))
        keys = []
        for text in try object.strings("keys", maximumCount: Self.maximumKeys) {
            guard let key = NoteKey(text) else {
                throw JSONError(.outOfBounds, pointer: "/keys", reason: "\(text.prefix(80)) is not a key of a note")
            }
            keys.append(key)
        }
        rotations = try SignedNote.rotations(&object)
        try object.finish()
    }
}

extension SignedNote {
    /// Reads the member `rotations`; none where it is not there.
    static func rotations(_ object: inout JSONObject) throws(JSONError) -> [SignedNote] {
        guard object.unreadKeys.contains("rotations") else { return [] }
        var notes: [SignedNote] = []
        for text in try object.strings(
            "rotations", maximumCount: AuditKeyRotation.maximumCount, maximumBytes: 8192)
        {
            guard let note = SignedNote(text) else {
                throw JSONError(.outOfBounds, pointer: "/rotations", reason: "\(text.prefix(40)) is no signed note")
            }
            notes.append(note)
        }
        return notes
    }
}

/// One record of an export.
public struct AuditExportRecord: Hashable, Sendable {
    /// Its number in the tree, from 0.
    public var sequence: Int
    /// What the server calls it.
    public var id: Int64
    /// Whose log the server keeps it in.
    public var organisation: String
    /// The leaf's hash as the tree has it.
    public var hash: SHA256Digest
    /// The root of the tree that ends with this record; it shows at which record an altered export begins to differ.
    public var root: SHA256Digest
    /// The event's bytes as the server has them.
    public var event: [UInt8]
    /// The personal data as the server has them: canonical JSON; nil where there are none or they were erased.
    public var personal: [UInt8]?
    /// Their salt.
    public var salt: [UInt8]?

    /// A record with these fields.
    public init(
        sequence: Int, id: Int64, organisation: String, hash: SHA256Digest, root: SHA256Digest, event: [UInt8],
        personal: [UInt8]?, salt: [UInt8]?
    ) {
        self.sequence = sequence
        self.id = id
        self.organisation = organisation
        self.hash = hash
        self.root = root
        self.event = event
        self.personal = personal
        self.salt = salt
    }

    /// The line's JSON. Bytes that are not canonical JSON, as only tampering makes them, are shown in hexadecimal.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "type": "record", "sequence": .integer(Int64(sequence)), "id": .integer(id),
            "organisation": .string(organisation), "hash": .string(hash.hex), "root": .string(root.hex),
        ]
        members[Self.place("event", event)] = Self.shown(event)
        if let personal { members[Self.place("personal", personal)] = Self.shown(personal) }
        if let salt { members["salt"] = .string(hexadecimalText(salt)) }
        return .object(members)
    }

    /// Reads ``json``.
    public init(_ value: JSONValue) throws(JSONError) {
        var object = try JSONObject(value)
        _ = try object.string("type")
        sequence = Int(try object.integer("sequence", in: 0...Int64(MerkleTree.maximumSize)))
        id = try object.integer("id", in: Int64.min...Int64.max)
        organisation = try object.string("organisation")
        hash = try Self.digest("hash", &object)
        root = try Self.digest("root", &object)
        guard let event = try Self.bytes("event", &object) else {
            throw JSONError(.missingField, pointer: "/event", reason: "a record without an event")
        }
        self.event = event
        personal = try Self.bytes("personal", &object)
        salt = try object.optionalString("salt").map(Self.unhex)
        try object.finish()
    }

    private static func canonical(_ bytes: [UInt8]) -> JSONValue? {
        guard let value = try? JSONValue(parsing: bytes, limits: .message), value.canonicalBytes() == bytes else {
            return nil
        }
        return value
    }

    private static func place(_ name: String, _ bytes: [UInt8]) -> String {
        canonical(bytes) == nil ? "\(name)Hex" : name
    }

    private static func shown(_ bytes: [UInt8]) -> JSONValue {
        canonical(bytes) ?? .string(hexadecimalText(bytes))
    }

    private static func bytes(_ name: String, _ object: inout JSONObject) throws(JSONError) -> [UInt8]? {
        if let value = object.optionalValue(name) { return value.canonicalBytes() }
        guard let hex = try object.optionalString("\(name)Hex", maximumBytes: 3 << 20) else { return nil }
        return try unhex(hex)
    }

    private static func unhex(_ text: String) throws(JSONError) -> [UInt8] {
        guard let bytes = hexadecimalBytes(text) else {
            throw JSONError(.outOfBounds, reason: "\(text.prefix(40)) is not hexadecimal")
        }
        return bytes
    }

    static func digest(_ name: String, _ object: inout JSONObject) throws(JSONError) -> SHA256Digest {
        let hex = try object.string(name, maximumBytes: 64)
        guard let digest = SHA256Digest(hex: hex), digest.hex == hex else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: name), reason: "not 64 small hexadecimal digits")
        }
        return digest
    }
}

/// Two small digits a byte.
func hexadecimalText(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// The bytes of ``hexadecimalText(_:)``; nil for anything else.
func hexadecimalBytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
        let digit: UInt8
        switch character {
        case 0x30...0x39: digit = character - 0x30
        case 0x61...0x66: digit = character - 0x57
        default: return nil
        }
        if let first = high {
            bytes.append(first << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    return high == nil ? bytes : nil
}
