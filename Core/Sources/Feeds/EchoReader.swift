import JSON

/// Reads Echo's advisories: packages with vulnerabilities, each with the version that fixes it where there is one.
///
/// A document about one package alone is named after it. A record is one vulnerability of one package.
public struct EchoReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "echo") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.feed) { this, reader, stopped throws(JSONError) in
            try reader.object { reader, key throws(JSONError) in
                let key = key.string
                if RecordID.isCVE(key) {
                    return try this.entry(key, Self.package(place), &reader, place, &stopped, store)
                }
                try reader.object { reader, id throws(JSONError) in
                    try this.entry(id.string, key, &reader, place, &stopped, store)
                }
            }
        }
    }

    /// `curl` of `echo/curl.json`.
    private static func package(_ place: String) -> String {
        let file = place.split(separator: "/").last ?? ""
        return String(file.hasSuffix(".json") ? file.dropLast(5) : file)
    }

    private mutating func entry(
        _ id: String, _ name: String, _ reader: inout JSONReader, _ place: String, _ stopped: inout (any Error)?,
        _ store: (FeedRecord) throws -> Void
    ) throws(JSONError) {
        try record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
            item.id = id
            item.fault = RecordID.fault(of: id) ?? (name.isEmpty ? "it has no package" : nil)
            var advisory = Advisory(source: this.source, id: id)
            var statement = Statement(stream: "Echo", kind: .source, name: name, status: .affected)
            var fixed = ""
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "fixed_version": fixed = try reader.feedText()
                case "severity": advisory.severities = [Severity(type: "Echo", score: try reader.feedText())]
                default: this.drop("", key)
                }
            }
            if fixed == "0" {
                statement.status = .notAffected
            } else if fixed.isEmpty {
                statement.plan = .unfixed
            } else {
                statement.ranges = [VersionRange(scheme: "deb", upper: fixed)]
                statement.fixed = fixed
            }
            advisory.statements = [statement]
            item.records = [.advisory(advisory)]
        }
    }
}
