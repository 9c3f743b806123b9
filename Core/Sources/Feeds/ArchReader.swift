import JSON

/// Reads Arch Linux's vulnerability groups (https://security.archlinux.org/all.json), all of them or one a document.
public struct ArchReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "arch") {
        tally = FeedTally(source: source)
    }

    /// Reads groups.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try oneOrMany(bytes, place, FeedLimits.feed, store) { this, reader, item throws(JSONError) in
            try this.group(&reader, &item)
        }
    }

    private mutating func group(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var advisory = Advisory(source: source, id: "")
        var packages: [String] = []
        var status = ""
        var fixed = ""
        var id = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "name": id = try reader.string()
            case "packages": packages = try reader.feedStrings()
            case "status": status = try reader.string()
            case "severity":
                advisory.severities = [Severity(type: "Arch Linux", score: try reader.feedText())]
            case "type": advisory.summary = try reader.feedText()
            case "fixed": fixed = try reader.feedText()
            case "issues": advisory.closes = try reader.feedStrings()
            case "advisories": advisory.related = try reader.feedStrings()
            // `affected` is a version that was seen to be affected, and no lower bound.
            default: self.drop("", key)
            }
        }
        item.id = id
        advisory.id = id
        item.fault = RecordID.fault(of: id)
        for package in packages {
            var statement = Statement(stream: "Arch Linux", kind: .binary, name: package, status: .affected)
            switch status {
            case "Fixed", "Testing", "Vulnerable":
                if fixed.isEmpty {
                    statement.plan = .unfixed
                } else {
                    statement.ranges = [VersionRange(scheme: "alpm", upper: fixed)]
                    statement.fixed = fixed
                    if status == "Testing" { statement.channel = "testing" }
                }
            case "Not affected": statement.status = .notAffected
            case "Unknown": statement.status = .underInvestigation
            default: item.fault = "the status \(status.prefix(40)) is not known"
            }
            advisory.statements.append(statement)
        }
        item.records = [.advisory(advisory)]
    }
}
