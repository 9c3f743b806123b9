import JSON
import Timestamps

/// Reads records of the CVE program, JSON 5 (https://github.com/CVEProject/cve-schema), with what authorized publishers add
/// to them: CISA's vulnrichment are its inputs of SSVC, scores, weaknesses and CPE names.
///
/// The numbering authority's own texts name products freely; only what stands under a CPE name, or is a package of a known
/// registry, becomes a statement.
public struct CVEReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    /// Whose word the inputs of SSVC are.
    private let coordinator: String

    /// A reader that has read nothing.
    public init(source: String = "cve", coordinator: String = "vulnrichment") {
        tally = FeedTally(source: source)
        self.coordinator = coordinator
    }

    /// Reads one record, or an array of them.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try oneOrMany(bytes, place, FeedLimits.feed, store) { this, reader, item throws(JSONError) in
            try this.vulnerability(&reader, &item)
        }
    }

    /// Names of places in a container, for counts.
    private struct Place {
        let metrics: StaticString
        let ssvc: StaticString
        let affected: StaticString
        let versions: StaticString

        init(isAuthority: Bool) {
            metrics = isAuthority ? "cna/metrics/" : "adp/metrics/"
            ssvc = isAuthority ? "cna/metrics/ssvc/" : "adp/metrics/ssvc/"
            affected = isAuthority ? "cna/affected/" : "adp/affected/"
            versions = isAuthority ? "cna/affected/versions/" : "adp/affected/versions/"
        }
    }

    private struct Draft {
        var advisory: Advisory
        var statements: [Statement] = []
        var cpes = CPEStatements()
        var apple = AppleBulletin()
        var decision: DecisionPoints?
        var urls = FewTexts()
        var alarms: [String] = []
    }

    private mutating func vulnerability(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var draft = Draft(advisory: Advisory(source: source, id: ""))
        var id = ""
        var isRejected = false
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "cveMetadata":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "cveId": id = try reader.string()
                    case "state": isRejected = try reader.string() == "REJECTED"
                    case "datePublished": draft.advisory.published = try reader.feedDate()
                    case "dateUpdated": draft.advisory.modified = try reader.feedDate()
                    case "dateRejected": draft.advisory.withdrawn = try reader.feedDate()
                    default: self.drop("cveMetadata/", key)
                    }
                }
            case "containers":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "cna": try self.container(&draft, &reader, isAuthority: true)
                    case "adp":
                        try reader.array { reader throws(JSONError) in
                            try self.container(&draft, &reader, isAuthority: false)
                        }
                    default: self.drop("containers/", key)
                    }
                }
            case "dataType", "dataVersion": try reader.skip()
            default: self.drop("", key)
            }
        }
        var advisory = draft.advisory
        advisory.id = id
        item.id = id
        item.fault = RecordID.isCVE(id) ? nil : (RecordID.fault(of: id) ?? "its id is no CVE")
        draft.apple.finish(&draft.cpes)
        advisory.statements = draft.statements + draft.cpes.finished()
        if isRejected {
            advisory.withdrawn = advisory.withdrawn ?? advisory.modified ?? .init(seconds: 0)
        } else {
            // A record that came back keeps the date of its rejection.
            advisory.withdrawn = nil
            CVEText.mark(&advisory)
        }
        alarms(draft.alarms, "affected", item)
        item.records = [.advisory(advisory)]
        if var decision = draft.decision {
            decision.id = id
            item.records.append(.decisionPoints(decision))
        }
    }

    /// What one publisher says: the numbering authority, or one that adds to it.
    private mutating func container(
        _ draft: inout Draft, _ reader: inout JSONReader, isAuthority: Bool
    ) throws(JSONError) {
        let place = Place(isAuthority: isAuthority)
        var severities: [Severity] = []
        var scorer = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "title": if isAuthority { draft.advisory.summary = try reader.feedText() } else { try reader.skip() }
            case "providerMetadata":
                try reader.object { reader, key throws(JSONError) in
                    if key == "shortName" { scorer = try reader.feedText() }
                }
            case "descriptions" where isAuthority: draft.advisory.details = try CVEText.english(&reader)
            case "rejectedReasons" where isAuthority: draft.advisory.details = try CVEText.english(&reader)
            case "metrics": severities = try self.metrics(&draft, &reader, place)
            case "problemTypes":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        guard key == "descriptions" else { return }
                        try reader.array { reader throws(JSONError) in
                            try reader.object { reader, key throws(JSONError) in
                                if key == "cweId" { draft.advisory.addWeakness(try reader.feedText()) }
                            }
                        }
                    }
                }
            case "references":
                try reader.array { reader throws(JSONError) in
                    var reference = Reference(type: "WEB", url: "")
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "url": reference.url = try reader.string()
                        case "tags": reference.type = CVEText.referenceType(try reader.feedStrings())
                        default: try reader.skip()
                        }
                    }
                    if draft.urls.insert(reference.url) { draft.advisory.references.append(reference) }
                }
            case "tags":
                for tag in try reader.feedStrings() where tag == "disputed" { draft.advisory.isDisputed = true }
            case "source":
                guard try reader.peek() == .object else { return try reader.skip() }
                try reader.object { reader, key throws(JSONError) in
                    guard key == "advisory", try reader.peek() == .string else { return }
                    let other = try reader.string()
                    if other.hasPrefix("GHSA-"), RecordID.fault(of: other) == nil {
                        draft.advisory.aliases.append(other)
                    }
                }
            case "affected":
                try reader.array { reader throws(JSONError) in try self.affected(&draft, &reader, place) }
            case "cpeApplicability":
                try reader.array { reader throws(JSONError) in
                    var configuration = try CPEConfiguration(&reader) { self.drop("cpeApplicability/", $0) }
                    configuration.add(to: &draft.cpes)
                    draft.alarms += configuration.alarms
                }
            default: self.drop(isAuthority ? "cna/" : "adp/", key)
            }
        }
        for var severity in severities {
            severity.scorer = scorer
            draft.advisory.severities.append(severity)
        }
    }

    private mutating func metrics(
        _ draft: inout Draft, _ reader: inout JSONReader, _ place: Place
    ) throws(JSONError) -> [Severity] {
        var severities: [Severity] = []
        try reader.array { reader throws(JSONError) in
            try reader.object { reader, key throws(JSONError) in
                let type: String
                switch key {
                case "cvssV2_0": type = "CVSS_V2"
                case "cvssV3_0", "cvssV3_1": type = "CVSS_V3"
                case "cvssV4_0": type = "CVSS_V4"
                case "other":
                    let before = reader
                    var kind = ""
                    try reader.object { reader, key throws(JSONError) in
                        if key == "type" { kind = try reader.feedText() }
                    }
                    guard kind.lowercased() == "ssvc" else {
                        return self.tally.drop("\(place.metrics)\(kind.prefix(64))")
                    }
                    reader = before
                    return try reader.object { reader, key throws(JSONError) in
                        guard key == "content" else { return }
                        draft.decision = try SSVCText.read(&reader, source: self.coordinator) {
                            self.drop(place.ssvc, $0)
                        }
                    }
                case "format", "scenarios": return try reader.skip()
                default: return self.drop(place.metrics, key)
                }
                try reader.object { reader, key throws(JSONError) in
                    if key == "vectorString" { severities.append(Severity(type: type, score: try reader.string())) }
                }
            }
        }
        return severities
    }

    private mutating func affected(
        _ draft: inout Draft, _ reader: inout JSONReader, _ place: Place
    ) throws(JSONError) {
        var product = CVEProduct()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "vendor": product.vendor = try reader.feedText()
            case "product": product.product = try reader.feedText()
            case "cpes": product.cpes = try reader.feedStrings()
            case "packageName": product.package = try reader.feedText()
            case "collectionURL": product.collection = try reader.feedText()
            case "defaultStatus": product.isAffectedByDefault = try reader.feedText() == "affected"
            case "versions":
                product.versions = try reader.feedList { reader throws(JSONError) in
                    var version = CVEProduct.Version()
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "version": version.version = try reader.feedText()
                        case "status": version.status = try reader.feedText()
                        case "versionType": version.type = try reader.feedText()
                        case "lessThan": version.upper = try reader.feedText()
                        case "lessThanOrEqual":
                            version.upper = try reader.feedText()
                            version.includesUpper = true
                        case "changes":
                            try reader.array { reader throws(JSONError) in
                                var at = ""
                                var status = ""
                                try reader.object { reader, key throws(JSONError) in
                                    switch key {
                                    case "at": at = try reader.feedText()
                                    case "status": status = try reader.feedText()
                                    default: try reader.skip()
                                    }
                                }
                                version.changes.append((at, status == "affected"))
                            }
                        default: self.drop(place.versions, key)
                        }
                    }
                    return version
                }
            default: self.drop(place.affected, key)
            }
        }
        if !product.add(to: &draft.statements, &draft.cpes, &draft.apple) {
            tally.drop("\(place.affected): names no CPE or package")
        }
    }
}
