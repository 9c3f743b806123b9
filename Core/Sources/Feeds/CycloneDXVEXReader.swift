import JSON
import PackageURLs
import Timestamps

/// Reads the vulnerabilities of a CycloneDX document (ECMA-424), JSON: those of a bill of materials, or a VEX document
/// alone. Components are found by their reference inside the document, or by the package URL at the end of a BOM-Link.
public struct CycloneDXVEXReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "cyclonedx") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.advisory) { this, reader, stopped throws(JSONError) in
            let start = reader
            var isBOM = false
            var components: [String: String] = [:]
            var date: Timestamp?
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "bomFormat": isBOM = try reader.string() == "CycloneDX"
                case "components": try this.components(&reader, &components, depth: 0)
                case "metadata":
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "timestamp": date = try reader.feedDate()
                        case "component": try this.component(&reader, &components, depth: 0)
                        default: try reader.skip()
                        }
                    }
                default: try reader.skip()
                }
            }
            guard isBOM else {
                throw JSONError(.missingField, reason: "it is no CycloneDX document: bomFormat is not CycloneDX")
            }
            reader = start
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "vulnerabilities":
                    try reader.array { reader throws(JSONError) in
                        try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                            try this.vulnerability(&reader, &item, components, date)
                        }
                    }
                case "bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "$schema":
                    try reader.skip()
                default: this.drop("", key)
                }
            }
        }
    }

    private func components(
        _ reader: inout JSONReader, _ components: inout [String: String], depth: Int
    ) throws(JSONError) {
        try reader.array { reader throws(JSONError) in try self.component(&reader, &components, depth: depth) }
    }

    private func component(
        _ reader: inout JSONReader, _ components: inout [String: String], depth: Int
    ) throws(JSONError) {
        var reference = ""
        var purl = ""
        var cpe = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "bom-ref": reference = try reader.string()
            case "purl": purl = try reader.string()
            case "cpe": cpe = try reader.string()
            case "components" where depth < 16: try self.components(&reader, &components, depth: depth + 1)
            default: try reader.skip()
            }
        }
        if !reference.isEmpty { components[reference] = purl.isEmpty ? cpe : purl }
    }

    private struct Affected {
        var reference = ""
        var versions: [(text: String, isRange: Bool, status: String)] = []
    }

    private mutating func vulnerability(
        _ reader: inout JSONReader, _ item: inout FeedItem, _ components: [String: String], _ date: Timestamp?
    ) throws(JSONError) {
        var advisory = Advisory(source: source, id: "")
        var id = ""
        var affected: [Affected] = []
        var state = ""
        var reasons: [String] = []
        var responses: [String] = []
        var changed: Timestamp?
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id": id = try reader.string()
            case "description": advisory.summary = try reader.feedText()
            case "detail": advisory.details = try reader.feedDetails()
            case "created", "published": advisory.published = try reader.feedDate() ?? advisory.published
            case "updated": changed = try reader.feedDate()
            case "rejected": advisory.withdrawn = try reader.feedDate()
            case "cwes":
                try reader.array { reader throws(JSONError) in advisory.addWeakness("CWE-\(try reader.integer())") }
            case "ratings":
                try reader.array { reader throws(JSONError) in
                    if let rating = try self.rating(&reader) { advisory.severities.append(rating) }
                }
            case "references":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        if key == "id" { advisory.aliases.append(try reader.string()) }
                    }
                }
            case "advisories":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        if key == "url" {
                            advisory.references.append(Reference(type: "ADVISORY", url: try reader.string()))
                        }
                    }
                }
            case "analysis":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "state": state = try reader.feedText()
                    case "justification", "detail": reasons.append(try reader.feedText())
                    case "response": responses = try reader.feedStrings()
                    default: self.drop("vulnerabilities/analysis/", key)
                    }
                }
            case "affects":
                affected = try reader.feedList { reader throws(JSONError) in try self.affected(&reader) }
            default: self.drop("vulnerabilities/", key)
            }
        }
        // Its own times say more of it than the document's, which may be issued anew for something else.
        advisory.modified = changed ?? advisory.published ?? date
        advisory.id = id
        item.id = id
        item.fault = RecordID.fault(of: id)
        advisory.aliases = advisory.aliases.filter { $0 != id && RecordID.fault(of: $0) == nil }
        var statements = CSAFStatements()
        for product in affected {
            guard let target = Self.target(product.reference, components) else {
                tally.drop("component that is no package of a known stream")
                continue
            }
            let plan: Statement.Plan =
                responses.contains("will_not_fix") || responses.contains("can_not_fix") ? .willNotFix : .none
            let reason = bounded(reasons.joined(separator: ": "))
            // Without an analysis a listed component is affected.
            guard let whole = Self.status(state.isEmpty ? "exploitable" : state) else {
                item.fault = "the state \(state.prefix(40)) is not known"
                return
            }
            if product.versions.isEmpty {
                _ = statements.add(
                    target, whole, plan: whole == .affected ? plan : .none, reason: reason, severities: [])
            }
            for version in product.versions {
                let status: Statement.Status
                switch version.status {
                case "unaffected": status = whole == .fixed ? .fixed : .notAffected
                case "unknown": status = .underInvestigation
                default: status = whole
                }
                var target = target
                target.version = version.isRange ? "" : version.text
                target.range = version.isRange ? version.text : ""
                if !statements.add(
                    target, status, plan: status == .affected ? plan : .none, reason: reason, severities: [])
                {
                    tally.alarm(
                        place: "affects", record: id, reason: "\(version.text.prefix(80)) is no range of versions")
                }
            }
        }
        advisory.statements = statements.finished()
        item.records = [.advisory(advisory)]
    }

    private func rating(_ reader: inout JSONReader) throws(JSONError) -> Severity? {
        var vector = ""
        var method = ""
        var word = ""
        var scorer = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "vector": vector = try reader.feedText()
            case "method": method = try reader.feedText()
            case "severity": word = try reader.feedText()
            case "source":
                try reader.object { reader, key throws(JSONError) in
                    if key == "name" { scorer = try reader.feedText() }
                }
            default: try reader.skip()
            }
        }
        guard !vector.isEmpty else {
            return word.isEmpty ? nil : Severity(type: "CycloneDX", score: word, scorer: scorer)
        }
        switch method {
        case "CVSSv2": return Severity(type: "CVSS_V2", score: vector, scorer: scorer)
        case "CVSSv3", "CVSSv31":
            let prefix = method == "CVSSv3" ? "CVSS:3.0/" : "CVSS:3.1/"
            return Severity(
                type: "CVSS_V3", score: vector.hasPrefix("CVSS:") ? vector : prefix + vector, scorer: scorer)
        case "CVSSv4":
            return Severity(
                type: "CVSS_V4", score: vector.hasPrefix("CVSS:") ? vector : "CVSS:4.0/" + vector, scorer: scorer)
        default: return Severity(type: method.isEmpty ? "other" : method, score: vector, scorer: scorer)
        }
    }

    private mutating func affected(_ reader: inout JSONReader) throws(JSONError) -> Affected {
        var affected = Affected()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "ref": affected.reference = try reader.string()
            case "versions":
                affected.versions = try reader.feedList { reader throws(JSONError) in
                    var version = (text: "", isRange: false, status: "")
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "version": version.text = try reader.string()
                        case "range": (version.text, version.isRange) = (try reader.string(), true)
                        case "status": version.status = try reader.string()
                        default: try reader.skip()
                        }
                    }
                    return version
                }
            default: self.drop("vulnerabilities/affects/", key)
            }
        }
        return affected
    }

    private static func target(_ reference: String, _ components: [String: String]) -> CSAFTargets.Target? {
        if let text = components[reference], !text.isEmpty { return OpenVEXReader.target(text) }
        // A BOM-Link ends in the reference of the component, which is often its package URL.
        let fragment = reference.split(separator: "#", maxSplits: 1).last.map(String.init) ?? reference
        if let text = components[fragment], !text.isEmpty { return OpenVEXReader.target(text) }
        return OpenVEXReader.target(
            PercentEncoding.decoded(fragment).flatMap { $0.hasPrefix("pkg:") ? $0 : nil } ?? fragment)
    }

    private static func status(_ state: String) -> Statement.Status? {
        switch state {
        case "exploitable": .affected
        case "resolved", "resolved_with_pedigree": .fixed
        case "in_triage": .underInvestigation
        case "false_positive", "not_affected": .notAffected
        default: nil
        }
    }
}
