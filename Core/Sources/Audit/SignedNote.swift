import Digest

/// A public key that signs notes (C2SP signed-note), Ed25519, written as `NAME+ID+BASE64`.
public struct NoteKey: Hashable, Sendable, CustomStringConvertible {
    /// Ed25519's type in a note's key.
    public static let ed25519: UInt8 = 0x01

    /// The name: no spaces, no plus.
    public let name: String
    /// The 32 bytes of RFC 8032.
    public let publicKey: [UInt8]

    /// A key with that name; nil where the name or the number of bytes is wrong.
    public init?(name: String, publicKey: [UInt8]) {
        guard publicKey.count == 32, isKeyName(name) else { return nil }
        self.name = name
        self.publicKey = publicKey
    }

    /// Reads what ``description`` writes; nil for anything else.
    public init?(_ text: String) {
        // Base64 may hold a plus, names may not: the first two separate.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decode(parts[2]), bytes.first == Self.ed25519,
            let key = NoteKey(name: String(parts[0]), publicKey: Array(bytes.dropFirst())),
            noteHex(key.id) == parts[1]
        else { return nil }
        self = key
    }

    /// The first four bytes of the SHA-256 of name, line feed, type and key.
    public var id: UInt32 {
        let digest = SHA256.hash(Array(name.utf8) + [0x0A, Self.ed25519] + publicKey)
        return digest.bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The private key's text, `PRIVATE+KEY+NAME+ID+BASE64`, as Go's sumdb/note keeps it.
    ///
    /// - Parameters:
    ///   - seed: the 32 bytes of RFC 8032 that ``publicKey`` comes from.
    public func privateText(seed: [UInt8]) -> String {
        "PRIVATE+KEY+\(name)+\(noteHex(id))+\(Base64.encode([Self.ed25519] + seed))"
    }

    /// Name and seed of a private key's text; nil for anything else.
    public static func readPrivate(_ text: String) -> (name: String, seed: [UInt8])? {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let bytes = Base64.decode(parts[4]),
            bytes.count == 33, bytes[0] == Self.ed25519
        else { return nil }
        return (String(parts[2]), Array(bytes.dropFirst()))
    }

    /// As programs that read signed notes take it.
    public var description: String { "\(name)+\(noteHex(id))+\(Base64.encode([Self.ed25519] + publicKey))" }
}

/// A text with signatures below it (C2SP signed-note). Read, it is no more than a claim: ``signers(_:verify:)`` tells.
public struct SignedNote: Hashable, Sendable, CustomStringConvertible {
    /// One signature line.
    public struct Signature: Hashable, Sendable {
        /// The key's name.
        public var name: String
        /// The key's id.
        public var id: UInt32
        /// What the key made of the text: 64 bytes for Ed25519.
        public var bytes: [UInt8]
    }

    /// The largest note that is read, in bytes.
    public static let maximumBytes = 64 << 10
    /// The most signatures that are read.
    public static let maximumSignatures = 16

    /// What is signed, with its last line feed.
    public let text: String
    /// In the order of their lines.
    public let signatures: [Signature]

    /// A text signed by one key.
    public init(text: String, key: NoteKey, signature: [UInt8]) {
        self.text = text
        self.signatures = [Signature(name: key.name, id: key.id, bytes: signature)]
    }

    /// The same text, signed by one more key.
    public func signed(by key: NoteKey, _ signature: [UInt8]) -> SignedNote {
        SignedNote(text, signatures + [Signature(name: key.name, id: key.id, bytes: signature)])
    }

    private init(_ text: String, _ signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note; nil where it is not one, or beyond the limits.
    public init?(_ note: String) {
        guard note.utf8.count <= Self.maximumBytes, note.hasSuffix("\n"),
            note.utf8.allSatisfy({ $0 >= 0x20 || $0 == 0x0A })
        else { return nil }
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard let blank = lines.lastIndex(of: ""), blank > lines.startIndex, blank < lines.endIndex - 1,
            lines.endIndex - 1 - blank <= Self.maximumSignatures
        else { return nil }
        text = lines[..<blank].joined(separator: "\n") + "\n"
        var signatures: [Signature] = []
        for line in lines[(blank + 1)...] {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "\u{2014}", isKeyName(String(parts[1])),
                let bytes = Base64.decode(parts[2]), bytes.count > 4
            else { return nil }
            signatures.append(
                Signature(
                    name: String(parts[1]), id: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) },
                    bytes: Array(bytes.dropFirst(4))))
        }
        self.signatures = signatures
    }

    /// The keys among `keys` that signed the text; nil where one of them stands below it with a signature that is wrong.
    ///
    /// - Parameters:
    ///   - verify: whether a key's 32 bytes made the signature over these bytes (RFC 8032).
    public func signers(
        _ keys: [NoteKey], verify: (_ publicKey: [UInt8], _ message: [UInt8], _ signature: [UInt8]) -> Bool
    ) -> [NoteKey]? {
        let message = Array(text.utf8)
        var signers: [NoteKey] = []
        for signature in signatures {
            for key in keys where key.name == signature.name && key.id == signature.id {
                guard verify(key.publicKey, message, signature.bytes) else { return nil }
                signers.append(key)
            }
        }
        return signers
    }

    /// The note as it is sent and kept.
    public var description: String {
        signatures.reduce(text + "\n") { note, signature in
            let id = (0..<4).map { UInt8(truncatingIfNeeded: signature.id >> UInt32(24 - 8 * $0)) }
            return note + "\u{2014} \(signature.name) \(Base64.encode(id + signature.bytes))\n"
        }
    }
}

/// Whether a name may stand in a signature line.
private func isKeyName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 512
        && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
}

/// Eight hexadecimal digits.
private func noteHex(_ id: UInt32) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
