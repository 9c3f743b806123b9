import JSON
import Timestamps

/// Reads the National Vulnerability Database's JSON 2.0 (https://nvd.nist.gov/developers/vulnerabilities): a page, a year's
/// file or one vulnerability.
///
/// What it says of packages are CPE names, the weakest evidence there is. Rejected vulnerabilities come as withdrawn.
public struct NVDReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "nvd") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.feed) { this, reader, stopped throws(JSONError) in
            let start = reader
            var isPage = false
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "vulnerabilities":
                    isPage = true
                    try reader.array { reader throws(JSONError) in
                        try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                            var isThere = false
                            try reader.object { reader, key throws(JSONError) in
                                guard key == "cve" else { return this.drop("vulnerabilities/", key) }
                                isThere = true
                                try this.vulnerability(&reader, &item)
                            }
                            if !isThere { item.fault = "it has no cve" }
                        }
                    }
                case "resultsPerPage", "startIndex", "totalResults", "format", "version", "timestamp": try reader.skip()
                default: if isPage { this.drop("", key) }
                }
            }
            guard !isPage else { return }
            reader = start
            try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                try this.vulnerability(&reader, &item)
            }
        }
    }

    private mutating func vulnerability(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var advisory = Advisory(source: source, id: "")
        var statements = CPEStatements()
        var status = ""
        var decision: DecisionPoints?
        var id = ""
        var alarms: [String] = []
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id": id = try reader.string()
            case "published": advisory.published = try reader.feedDate()
            case "lastModified": advisory.modified = try reader.feedDate()
            case "vulnStatus": status = try reader.feedText()
            case "cveTags":
                for tag in try self.tags(&reader) where tag == "disputed" { advisory.isDisputed = true }
            case "descriptions": advisory.details = try CVEText.english(&reader)
            case "metrics": try self.metrics(&advisory, &decision, &reader)
            case "weaknesses":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "description":
                            try reader.array { reader throws(JSONError) in
                                try reader.object { reader, key throws(JSONError) in
                                    guard key == "value" else { return try reader.skip() }
                                    advisory.addWeakness(try reader.string())
                                }
                            }
                        default: try reader.skip()
                        }
                    }
                }
            case "configurations":
                try reader.array { reader throws(JSONError) in
                    var configuration = try CPEConfiguration(&reader) { self.drop("configurations/", $0) }
                    configuration.add(to: &statements)
                    alarms += configuration.alarms
                }
            case "references": advisory.references = try self.references(&reader)
            default: self.drop("", key)
            }
        }
        advisory.id = id
        item.id = id
        item.fault = RecordID.isCVE(id) ? nil : (RecordID.fault(of: id) ?? "its id is no CVE")
        advisory.statements = statements.finished()
        CVEText.mark(&advisory)
        if status == "Rejected" { advisory.withdrawn = advisory.modified ?? advisory.published ?? .init(seconds: 0) }
        self.alarms(alarms, "configurations", item)
        item.records = [.advisory(advisory)]
        if var decision {
            decision.id = id
            item.records.append(.decisionPoints(decision))
        }
    }

    /// The tags that any source gives.
    private func tags(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        var tags: [String] = []
        try reader.array { reader throws(JSONError) in
            try reader.object { reader, key throws(JSONError) in
                if key == "tags" { tags += try reader.feedStrings() }
            }
        }
        return tags
    }

    private mutating func metrics(
        _ advisory: inout Advisory, _ decision: inout DecisionPoints?, _ reader: inout JSONReader
    ) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            let type: String
            switch key {
            case "cvssMetricV2": type = "CVSS_V2"
            case "cvssMetricV30", "cvssMetricV31": type = "CVSS_V3"
            case "cvssMetricV40": type = "CVSS_V4"
            case "ssvcV203":
                return try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        guard key == "ssvcData" else { return }
                        decision = try SSVCText.read(&reader, source: self.source) {
                            self.drop("metrics/ssvcData/", $0)
                        }
                    }
                }
            default: return self.drop("metrics/", key)
            }
            try reader.array { reader throws(JSONError) in
                var severity = Severity(type: type, score: "")
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "source": severity.scorer = try reader.feedText()
                    case "cvssData":
                        try reader.object { reader, key throws(JSONError) in
                            if key == "vectorString" { severity.score = try reader.string() }
                        }
                    default: try reader.skip()
                    }
                }
                // Its own analysts are the source itself.
                if severity.scorer == "nvd@nist.gov" { severity.scorer = "" }
                if !severity.score.isEmpty { advisory.severities.append(severity) }
            }
        }
    }

    private func references(_ reader: inout JSONReader) throws(JSONError) -> [Reference] {
        var references: [Reference] = []
        try reader.array { reader throws(JSONError) in
            var reference = Reference(type: "WEB", url: "")
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "url": reference.url = try reader.string()
                case "tags": reference.type = CVEText.referenceType(try reader.feedStrings())
                default: try reader.skip()
                }
            }
            references.append(reference)
        }
        return references
    }
}
