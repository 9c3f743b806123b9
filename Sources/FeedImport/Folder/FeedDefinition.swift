public import JSON

/// A feed that is kept: what it is called, where it comes from, how it is read.
public struct FeedDefinition: Sendable, Hashable {
    /// How a checksum is published beside a file.
    public enum Checksum: String, Sendable, Hashable, CaseIterable {
        /// `URL.sha256`: the digest in hexadecimal, alone or before a name.
        case sha256
        /// NVD's `.meta` in place of `.json.gz`: `sha256:` of the uncompressed file.
        case nvdMeta = "nvd-meta"
    }

    /// How the file is found where its address changes.
    public enum Pointer: String, Sendable, Hashable, CaseIterable {
        /// The address is a text file that names the newest one beside it.
        case latest
        /// The address is a repository's `repodata/repomd.xml`, which names updateinfo with its digest.
        case repository
        /// The address is a list of mirrors whose first line is the folder of such a repository.
        case mirrorList = "mirror-list"
    }

    /// Its name: lower-case letters, digits, `.`, `_` and `-`, at most 64.
    public var name: String
    /// Where it comes from: `https://…`, `http://…`, or `file:///…`.
    public var url: String
    /// Other places with the same file, tried in this order where the first does not answer.
    public var mirrors: [String] = []
    /// What its documents are.
    public var kind: FeedKind
    /// Whose word its records are; nil for the kind's own name.
    public var source: String?
    /// The stream of all its records, where it does not say that itself.
    public var stream: String?
    /// The checksum that is published beside it.
    public var checksum: Checksum?
    /// How the file is found.
    public var pointer: Pointer?
    /// A file of OpenPGP keys, by its whole path: then the signature beside the file (`.asc`), or beside the repository's
    /// `repomd.xml`, must be by one of them. nil where nothing is verified but checksums.
    public var keyring: String?
    /// Whether `fettle feeds sync` fetches it without being asked for it by name.
    public var isEnabled = true

    /// A feed.
    public init(name: String, url: String, kind: FeedKind) {
        self.name = name
        self.url = url
        self.kind = kind
    }

    /// How it is read.
    public var reading: FeedReading { FeedReading(kind: kind, source: source, stream: stream) }

    /// Whether a text can name a feed, and so a folder.
    public static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        let isPlain: (UInt8) -> Bool = { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) }
        return isPlain(first) && name.utf8.allSatisfy { isPlain($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }

    /// A name made of any text.
    public static func name(from text: String) -> String {
        var name = ""
        for byte in text.lowercased().utf8.prefix(64) {
            let isPlain = (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2E
            if isPlain {
                name.unicodeScalars.append(Unicode.Scalar(byte))
            } else if !name.isEmpty, !name.hasSuffix("-") {
                name += "-"
            }
        }
        while let last = name.last, last == "-" || last == "." { name.removeLast() }
        while let first = name.first, first == "-" || first == "." { name.removeFirst() }
        return name.isEmpty ? "feed" : name
    }

    /// As the configuration writes it.
    public var json: JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(name), "url": .string(url), "kind": .string(kind.rawValue), "enabled": .bool(isEnabled),
        ]
        if !mirrors.isEmpty { members["mirrors"] = .array(mirrors.map(JSONValue.string)) }
        if let source { members["source"] = .string(source) }
        if let stream { members["stream"] = .string(stream) }
        if let checksum { members["checksum"] = .string(checksum.rawValue) }
        if let pointer { members["pointer"] = .string(pointer.rawValue) }
        if let keyring { members["keyring"] = .string(keyring) }
        return .object(members)
    }

    init(_ object: inout JSONObject) throws {
        let name = try object.string("name", maximumBytes: 64)
        guard Self.isName(name) else {
            throw ImportError(
                .usage, "\(object.pointer)/name: \"\(name)\" is no name of a feed: a-z, 0-9, '.', '_', '-', at most 64")
        }
        let kind = try Self.word(&object, "kind", FeedKind.self)
        guard let kind else { throw ImportError(.usage, "\(object.pointer)/kind is missing") }
        self.init(name: name, url: try object.string("url", maximumBytes: 4096), kind: kind)
        mirrors = try object.optionalArray("mirrors", maximumCount: 16)?.compactMap(\.string) ?? []
        source = try object.optionalString("source", maximumBytes: 64)
        stream = try object.optionalString("stream", maximumBytes: 128)
        checksum = try Self.word(&object, "checksum", Checksum.self)
        pointer = try Self.word(&object, "pointer", Pointer.self)
        keyring = try object.optionalString("keyring", maximumBytes: 4096)
        if let keyring, !keyring.hasPrefix("/") {
            throw ImportError(.usage, "\(object.pointer)/keyring: \"\(keyring)\" is not the whole path of a file")
        }
        isEnabled = try object.optionalBool("enabled") ?? true
        for place in [url] + mirrors where !place.isEmpty { _ = try FeedURL(place) }
    }

    private static func word<Word: RawRepresentable & CaseIterable>(
        _ object: inout JSONObject, _ key: String, _ type: Word.Type
    ) throws -> Word? where Word.RawValue == String {
        guard let text = try object.optionalString(key, maximumBytes: 64) else { return nil }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw ImportError(.usage, "\(object.pointer)/\(key): \"\(text)\" is none of \(known)")
        }
        return word
    }
}
