import JSON
import Versions

/// Reads the security databases of apk distributions: Alpine's secdb (https://secdb.alpinelinux.org), Wolfi's, Chainguard's
/// and MinimOS's, a whole repository or one package a document.
///
/// Of each package stands which version fixes what; `0` means that no version ever had it. A record is one vulnerability of
/// one package. Names are of source packages (origins).
public struct SecDBReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    private let stream: String?

    /// A reader that has read nothing.
    /// - Parameter stream: the stream of all records; by default it is told from the document's release and address.
    public init(source: String = "secdb", stream: String? = nil) {
        tally = FeedTally(source: source)
        self.stream = stream
    }

    /// Reads one database.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        // Older releases have YAML of the same form.
        if let first = bytes.first(where: { $0 > 0x20 && $0 < 0x80 }), first != 0x7B {
            let json: [UInt8]
            do throws(PlainYAML.Fault) {
                json = try PlainYAML.parse(bytes).canonicalBytes()
            } catch {
                return tally.quarantine(place: "\(place), line \(error.line)", reason: error.reason)
            }
            return try json.withUnsafeBytes { try readJSON($0, place, store) }
        }
        try readJSON(bytes, place, store)
    }

    private mutating func readJSON(
        _ bytes: UnsafeRawBufferPointer, _ place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.advisory) { this, reader, stopped throws(JSONError) in
            // What the packages belong to may stand after them.
            let start = reader
            var head = Head()
            try this.head(&head, &reader)
            guard let stream = this.stream ?? head.stream else {
                throw JSONError(
                    .missingField,
                    reason: "it tells neither a distroversion nor an address of a distribution that is known")
            }
            guard head.isDatabase else {
                throw JSONError(.missingField, reason: "it has no packages; is it a security database?")
            }
            reader = start
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "packages":
                    // A repository without any writes null.
                    if try reader.isNull() { return }
                    try reader.array { reader throws(JSONError) in
                        try reader.object { reader, key throws(JSONError) in
                            guard key == "pkg" else { return this.drop("packages/", key) }
                            let before = reader
                            var name = ""
                            try reader.object { reader, key throws(JSONError) in
                                if key == "name" { name = try reader.string() }
                            }
                            reader = before
                            try reader.object { reader, key throws(JSONError) in
                                switch key {
                                case "name": try reader.skip()
                                case "secfixes": try this.fixes(name, stream, &reader, place, &stopped, store)
                                default: this.drop("packages/pkg/", key)
                                }
                            }
                        }
                    }
                case "secfixes": try this.fixes(head.name, stream, &reader, place, &stopped, store)
                case "distroversion", "reponame", "urlprefix", "name": try reader.skip()
                default: this.drop("", key)
                }
            }
        }
    }

    /// What the whole document says.
    private struct Head {
        var version = ""
        var address = ""
        var repository = ""
        var name = ""
        var isDatabase = false

        var stream: String? {
            if !version.isEmpty {
                return "Alpine:" + (version.first == "v" || version == "edge" ? version : "v" + version)
            }
            let hosts = [
                ("wolfi.dev", "Wolfi"), ("cgr.dev", "Chainguard"), ("mini.dev", "MinimOS"), ("minimus.io", "MinimOS"),
            ]
            return hosts.first { address.contains($0.0) }?.1
        }
    }

    private mutating func head(_ head: inout Head, _ reader: inout JSONReader) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "distroversion": head.version = try reader.feedText()
            case "urlprefix": head.address = try reader.feedText()
            case "reponame": head.repository = try reader.feedText()
            case "name": head.name = try reader.string()
            case "packages", "secfixes":
                head.isDatabase = true
                try reader.skip()
            default: try reader.skip()
            }
        }
    }

    /// The fixes of one package: version, then what it fixes. Null says that there are none.
    private mutating func fixes(
        _ name: String, _ stream: String, _ reader: inout JSONReader, _ place: String, _ stopped: inout (any Error)?,
        _ store: (FeedRecord) throws -> Void
    ) throws(JSONError) {
        var versions: [String: [String]] = [:]
        var order: [String] = []
        try reader.feedObject { reader, version throws(JSONError) in
            let version = version.string
            for entry in try reader.feedStrings() {
                // `CVE-2017-2616 (+ regression fix)`, `CVE-2019-1 CVE-2019-2`.
                for written in Self.written(entry).split(whereSeparator: { $0 == " " || $0 == "," }) {
                    let token = Self.withoutTail(written)
                    guard Self.isID(token) else {
                        self.tally.drop("secfixes/note")
                        continue
                    }
                    if versions[String(token)] == nil { order.append(String(token)) }
                    versions[String(token), default: []].append(version)
                }
            }
        }
        for id in order {
            var item = FeedItem()
            item.id = id
            item.fault = RecordID.fault(of: id) ?? (name.isEmpty ? "its package has no name" : nil)
            var advisory = Advisory(source: source, id: id)
            advisory.statements = [Self.statement(name, stream, versions[id] ?? [])]
            item.records = [.advisory(advisory)]
            try give(item, place, &stopped, store)
        }
    }

    /// `CVE 2018-16859` and `CVE_2019-2426` occur, and mean what they seem to.
    private static func written(_ entry: String) -> String {
        guard entry.contains("CVE ") || entry.contains("CVE_") else { return entry }
        return entry.replacing("CVE ", with: "CVE-").replacing("CVE_", with: "CVE-")
    }

    /// `CVE-2017-17434-1` and `CVE-2017-8073.patch` are of their CVE.
    private static func withoutTail(_ token: Substring) -> Substring {
        guard token.hasPrefix("CVE-"), !RecordID.isCVE(String(token)) else { return token }
        let parts = token.split(separator: "-", maxSplits: 2)
        guard parts.count == 3 else { return token }
        let number = parts[2].prefix { $0.isNumber }
        return token[..<number.endIndex]
    }

    /// `CVE-????-?????` is none.
    private static func isID(_ token: Substring) -> Bool {
        if token.hasPrefix("CVE-") { return RecordID.isCVE(String(token)) }
        let space = token.prefix { $0 != "-" }
        return space.utf8.count < token.utf8.count - 1
            && space.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
            && token.utf8.contains { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// Affected before any of the versions: what was fixed twice was fixed late.
    private static func statement(_ name: String, _ stream: String, _ versions: [String]) -> Statement {
        var statement = Statement(stream: stream, kind: .source, name: name, status: .affected)
        let fixes = versions.filter { $0 != "0" }
        guard var last = fixes.first else {
            statement.status = .notAffected
            return statement
        }
        for version in fixes.dropFirst() where (try? AlpineVersion.compare(version, last)) == .greater {
            last = version
        }
        statement.ranges = fixes.map { VersionRange(scheme: "apk", upper: $0) }
        statement.fixed = last
        return statement
    }
}
