import JSON
import PackageURLs
import Timestamps

/// Reads OpenVEX documents (https://github.com/openvex/spec), 0.0 and 0.2: Ubuntu's, Chainguard's and others'.
///
/// A record is one statement of a document. A distribution's package that is fixed was affected below its version; of other
/// products a statement is about the version that it names, to the letter. Images, and packages inside of images, are
/// counted and not used: the statement holds for that image alone.
public struct OpenVEXReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "openvex") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.feed) { this, reader, stopped throws(JSONError) in
            // Dates of the document hold for statements that have none, and may stand after them.
            let start = reader
            var date: Timestamp?
            var updated: Timestamp?
            var isOpenVEX = false
            var hasStatements = false
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "@context": isOpenVEX = try reader.peek() == .string ? reader.string().contains("openvex") : false
                case "timestamp": date = try reader.feedDate()
                case "last_updated": updated = try reader.feedDate()
                case "statements":
                    hasStatements = true
                    try reader.skip()
                default: try reader.skip()
                }
            }
            guard isOpenVEX, hasStatements else {
                throw JSONError(
                    .missingField, reason: "it is no OpenVEX document: @context and statements must be there")
            }
            reader = start
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "statements":
                    try reader.array { reader throws(JSONError) in
                        try this.record(&reader, place, &stopped, store) { this, reader, item throws(JSONError) in
                            try this.statement(&reader, &item, date, updated)
                        }
                    }
                case "@context", "@id", "timestamp", "last_updated", "author", "role", "version": try reader.skip()
                default: this.drop("", key)
                }
            }
        }
    }

    private struct Draft {
        var id = ""
        var products: [String] = []
        var status = ""
        var justification = ""
        var impact = ""
        var action = ""
    }

    private mutating func statement(
        _ reader: inout JSONReader, _ item: inout FeedItem, _ date: Timestamp?, _ updated: Timestamp?
    ) throws(JSONError) {
        var draft = Draft()
        var advisory = Advisory(source: source, id: "")
        advisory.published = date
        // A statement's own times say more of it than its document's, which may be issued anew for something else.
        var said: Timestamp?
        var changed: Timestamp?
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "vulnerability":
                guard try reader.peek() == .object else {
                    draft.id = try reader.string()
                    return
                }
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "name": draft.id = try reader.string()
                    case "aliases": advisory.aliases = try reader.feedStrings()
                    case "description": advisory.details = try reader.feedDetails()
                    case "@id": try reader.skip()
                    default: self.drop("statements/vulnerability/", key)
                    }
                }
            case "products":
                try reader.array { reader throws(JSONError) in try self.product(&reader, &draft.products) }
            case "status": draft.status = try reader.string()
            case "justification": draft.justification = try reader.feedText()
            case "impact_statement": draft.impact = try reader.feedText()
            case "action_statement": draft.action = try reader.feedText()
            case "timestamp": said = try reader.feedDate()
            case "last_updated": changed = try reader.feedDate()
            case "@id", "version", "action_statement_timestamp": try reader.skip()
            default: self.drop("statements/", key)
            }
        }
        advisory.published = said ?? date
        advisory.modified = changed ?? said ?? updated ?? date
        item.id = draft.id
        advisory.id = draft.id
        advisory.aliases.removeAll { $0 == draft.id }
        item.fault = RecordID.fault(of: draft.id)
        let statuses: [String: Statement.Status] = [
            "not_affected": .notAffected, "affected": .affected, "fixed": .fixed,
            "under_investigation": .underInvestigation,
        ]
        guard let status = statuses[draft.status] else {
            item.fault = "the status \(draft.status.prefix(40)) is not known"
            return
        }
        var statements = CSAFStatements()
        let reasons = [draft.justification, draft.impact, draft.action].filter { !$0.isEmpty }
        for text in draft.products {
            guard let target = Self.target(text) else {
                tally.drop("product that is no package of a known stream")
                continue
            }
            _ = statements.add(
                target, status, plan: .none, reason: bounded(reasons.joined(separator: ": ")), severities: [])
        }
        advisory.statements = statements.finished()
        item.records = [.advisory(advisory)]
    }

    /// A product is a text, or an object with its id, other ids, and packages inside of it.
    private mutating func product(_ reader: inout JSONReader, _ products: inout [String]) throws(JSONError) {
        guard try reader.peek() == .object else {
            products.append(try reader.string())
            return
        }
        var id = ""
        var purl = ""
        var cpe = ""
        var hasParts = false
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "@id": id = try reader.feedText()
            case "identifiers":
                try reader.feedObject { reader, key throws(JSONError) in
                    switch key {
                    case "purl": purl = try reader.string()
                    case "cpe23", "cpe22": cpe = try reader.string()
                    default: self.drop("statements/products/identifiers/", key)
                    }
                }
            case "subcomponents":
                try reader.array { reader throws(JSONError) in
                    hasParts = true
                    try reader.skip()
                }
            default: self.drop("statements/products/", key)
            }
        }
        if hasParts {
            tally.drop("product with subcomponents")
        } else {
            products.append(!purl.isEmpty ? purl : !cpe.isEmpty ? cpe : id)
        }
    }

    /// What a package URL or a CPE stands for; nil where it is no package of a stream that is known.
    static func target(_ text: String) -> CSAFTargets.Target? {
        if let cpe = CPEName(text) {
            let version = cpe.version == "*" || cpe.version == "-" ? "" : cpe.version
            return .init(stream: "CPE", kind: .cpe, name: cpe.name, scheme: cpe.scheme, version: version)
        }
        guard let purl = PackageURL(text), let scheme = purl.scheme else { return nil }
        if let stream = purl.language {
            return .init(stream: stream, kind: .language, name: purl.fullName, scheme: scheme, version: purl.version)
        }
        guard let kind = purl.distributionKind, let place = purl.distribution else { return nil }
        return .init(
            stream: place.stream, channel: place.channel, kind: kind, name: purl.name, module: purl.module,
            architecture: kind == .source ? "" : purl.qualifiers["arch"] ?? "", scheme: scheme,
            version: purl.fullVersion)
    }
}
