import JSON

/// Reads advisories as GitHub's interfaces answer them: global security advisories of REST
/// (https://docs.github.com/rest/security-advisories), one or an array. The files of its database are OSV
/// (``OSVReader``).
public struct GitHubReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "github") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try oneOrMany(bytes, place, FeedLimits.feed, store) { this, reader, item throws(JSONError) in
            try this.advisory(&reader, &item)
        }
    }

    private mutating func advisory(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var advisory = Advisory(source: source, id: "")
        var alarms: [String] = []
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "ghsa_id": advisory.id = try reader.string()
            case "cve_id":
                let cve = try reader.feedText()
                if !cve.isEmpty { advisory.aliases.append(cve) }
            case "summary": advisory.summary = try reader.feedText()
            case "description": advisory.details = try reader.feedDetails()
            case "severity":
                let word = try reader.feedText()
                if !word.isEmpty { advisory.severities.append(Severity(type: "GitHub", score: word)) }
            case "published_at": advisory.published = try reader.feedDate()
            case "updated_at": advisory.modified = try reader.feedDate()
            case "withdrawn_at": advisory.withdrawn = try reader.feedDate()
            case "cwes":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        if key == "cwe_id" { advisory.addWeakness(try reader.string()) }
                    }
                }
            case "cvss_severities":
                try reader.feedObject { reader, key throws(JSONError) in
                    let type = key == "cvss_v4" ? "CVSS_V4" : "CVSS_V3"
                    try reader.feedObject { reader, key throws(JSONError) in
                        guard key == "vector_string" else { return }
                        let vector = try reader.feedText()
                        if !vector.isEmpty { advisory.severities.append(Severity(type: type, score: vector)) }
                    }
                }
            case "references":
                advisory.references = try reader.feedStrings().map { Reference(type: "WEB", url: $0) }
            case "vulnerabilities":
                try reader.array { reader throws(JSONError) in
                    if let statement = try self.statement(&reader, &alarms) { advisory.statements.append(statement) }
                }
            default: self.drop("", key)
            }
        }
        item.id = advisory.id
        item.fault = RecordID.fault(of: advisory.id)
        self.alarms(alarms, "vulnerabilities", item)
        item.records = [.advisory(advisory)]
    }

    private mutating func statement(
        _ reader: inout JSONReader, _ alarms: inout [String]
    ) throws(JSONError) -> Statement? {
        var ecosystem = ""
        var name = ""
        var range = ""
        var fixed = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "package":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "ecosystem": ecosystem = try reader.string()
                    case "name": name = try reader.feedText()
                    default: self.drop("vulnerabilities/package/", key)
                    }
                }
            case "vulnerable_version_range": range = try reader.feedText()
            case "first_patched_version":
                guard try reader.peek() == .object else {
                    fixed = try reader.feedText()
                    return
                }
                try reader.object { reader, key throws(JSONError) in
                    if key == "identifier" { fixed = try reader.string() }
                }
            default: self.drop("vulnerabilities/", key)
            }
        }
        guard let place = GitHubEcosystem.stream(ecosystem), !name.isEmpty else {
            tally.drop("ecosystem " + ecosystem.prefix(64))
            return nil
        }
        var statement = Statement(stream: place.stream, kind: .language, name: name, status: .affected)
        statement.fixed = fixed.isEmpty ? nil : fixed
        guard !range.isEmpty, let (versions, ranges) = VersionRangeText.parse(range, scheme: place.scheme) else {
            let reason = "\(name): \(range.prefix(80)) is no range of versions"
            alarms.append(reason)
            return .unread(stream: place.stream, kind: .language, name: name, reason: reason)
        }
        statement.versions = versions
        statement.ranges = ranges
        return statement
    }
}
