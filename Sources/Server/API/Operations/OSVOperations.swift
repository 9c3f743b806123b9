import Feeds
import HTTPTypes
import Inventory
import JSON
import Matching
import PackageURLs
import SoftwareReading
import Timestamps
import Wire

/// The query API of OSV (<https://google.github.io/osv.dev/api/>), answered from the server's own feeds, so that clients such as
/// pip-audit need nobody else. It tells what vendors publish and nothing of anybody's hosts: whoever reaches the listener may ask.
enum OSVOperations {
    static let all: [Operation] = [query, batch, show]

    private static let subject: Schema = .object([
        .optional(
            "package",
            .object([
                .optional("name", .text(1...512)), .optional("ecosystem", .text(1...128)),
                .optional("purl", .text(1...8192)),
            ]), "The package: name and ecosystem, or a purl."),
        .optional("version", .text(1...512), "The version; it may stand in the purl instead."),
        .optional("commit", .text(1...64), "Not answered here: no feed that is kept names commits."),
        .optional("page_token", .text(0...512), "Ignored: every answer is whole."),
    ])

    private static let query: Operation = Operation(
        .post, "/v1/query", id: "osvQuery", tag: .vulnerabilities,
        summary: "The records that affect a package in a version, in OSV's format.",
        description: "The media type of the request may be left out, as OSV's own service allows.", access: .open,
        about: .installation, body: BodyDeclaration(subject),
        responses: [
            VulnerabilityOperations.noFeeds,
            .ok(
                .object([
                    .optional(
                        "vulns", .array(.anything, count: 0...10_000), "OSV records; absent where there are none.")
                ])),
        ], traits: [.anyMediaType]
    ) { call in
        let knowledge = try knowledge(call)
        let records = try records(call.body, knowledge, at: "")
        guard !records.isEmpty else { return .json([:]) }
        return .json(["vulns": .array(records.map(OSVText.json))])
    }

    /// The most records that one request is answered with.
    private static let mostRecords = 10_000

    private static let batch: Operation = Operation(
        .post, "/v1/querybatch", id: "osvQueryBatch", tag: .vulnerabilities,
        summary: "The ids of the records that affect each of up to 1,000 packages.", access: .open,
        about: .installation,
        body: BodyDeclaration(
            .object([.required("queries", .array(subject, count: 0...1000))]), maximumBytes: 1 << 20),
        responses: [
            VulnerabilityOperations.noFeeds,
            .ok(
                .object([
                    .required(
                        "results",
                        .array(
                            .object([
                                .optional(
                                    "vulns",
                                    .array(
                                        .object([
                                            .required("id", .text(1...512)), .required("modified", .time),
                                        ]), count: 0...10_000))
                            ]), count: 0...1000))
                ])),
        ], traits: [.anyMediaType]
    ) { call in
        let knowledge = try knowledge(call)
        var results: [JSONValue] = []
        var total = 0
        var answered: [String: JSONValue] = [:]
        for (index, query) in (call.body["queries"]?.array ?? []).enumerated() {
            let text = query.canonicalText
            var answer = answered[text]
            if answer == nil {
                let records = try records(query, knowledge, at: "/queries/\(index)")
                answer =
                    records.isEmpty
                    ? [:]
                    : [
                        "vulns": .array(
                            records.map {
                                ["id": .string($0.id), "modified": .string(OSVText.modified($0).description)]
                            })
                    ]
                answered[text] = answer
            }
            total += answer?["vulns"]?.array?.count ?? 0
            // Anybody may ask: what one request costs must have an end.
            guard total <= mostRecords else {
                throw Refusal(
                    .invalid([
                        .init(
                            pointer: "/queries/\(index)",
                            detail: "Up to here more than \(mostRecords) records answer the request.",
                            cure: "Ask for fewer packages at a time.")
                    ]))
            }
            results.append(answer ?? [:])
        }
        return .json(["results": .array(results)])
    }

    private static let show: Operation = Operation(
        .get, "/v1/vulns/{id}", id: "osvShow", tag: .vulnerabilities, summary: "One record in OSV's format.",
        access: .open, about: .installation, parameters: [.path("id", .text(1...512), "The record's id.")],
        responses: [
            .ok(.anything), .problem(.notFound, "No feed has such a record."), VulnerabilityOperations.noFeeds,
        ]
    ) { call in
        let knowledge = try knowledge(call)
        let id = try call.path("id")
        guard let record = try record(id, knowledge) else { throw Refusal(.missing("record", id)) }
        return .json(OSVText.json(record))
    }

    /// What is known; refused where nothing is, for an empty answer would say that nothing affects the package.
    private static func knowledge(_ call: Call) throws -> VulnerabilityDesk.Knowledge {
        guard let knowledge = call.state.vulnerabilities.knowledge else {
            throw Refusal(.noFeeds(call.state.vulnerabilities.fault))
        }
        return knowledge
    }

    private static func records(
        _ query: JSONValue, _ knowledge: VulnerabilityDesk.Knowledge, at pointer: String
    ) throws -> [Advisory] {
        let package = try package(query, at: pointer)
        return try knowledge.matcher.records(affecting: package).compactMap { try record($0, knowledge) }
            .sorted { $0.id < $1.id }
    }

    /// The record of an id. Several feeds may have one: the voice that speaks of most packages is the record itself, of
    /// equals that of the first feed by name, so that every answer has the same.
    private static func record(_ id: String, _ knowledge: VulnerabilityDesk.Knowledge) throws -> Advisory? {
        try knowledge.catalogue.advisories(id: id).map { try knowledge.catalogue.advisory($0) }
            .max { ($0.statements.count, $1.source) < ($1.statements.count, $0.source) }
    }

    private static func package(_ query: JSONValue, at pointer: String) throws -> SoftwarePackage {
        func refusal(_ detail: String, _ cure: String) -> Refusal {
            Refusal(.invalid([.init(pointer: pointer, detail: detail, cure: cure)]))
        }
        if query["commit"] != nil {
            throw refusal("Commits are not known here.", "Ask for a package and a version.")
        }
        let version = query["version"]?.string ?? ""
        if let text = query["package"]?["purl"]?.string {
            guard var url = PackageURL(text) else { throw refusal("The purl is none.", "Write pkg:TYPE/NAME@VERSION.") }
            if url.version.isEmpty { url.version = version }
            guard let package = url.package(distribution: "") else {
                throw refusal("The purl names no version.", "Add one, or send `version`.")
            }
            return package
        }
        guard let name = query["package"]?["name"]?.string, let ecosystem = query["package"]?["ecosystem"]?.string,
            !version.isEmpty
        else { throw refusal("No package, ecosystem or version.", "Send package.name, package.ecosystem and version.") }
        return PackageStreams.package(stream: ecosystem, name: name, version: version)
    }
}

/// Advisories as OSV records (<https://ossf.github.io/osv-schema/>, version 1.6).
enum OSVText {
    /// When it last changed, else when it was published; a record must say so.
    static func modified(_ advisory: Advisory) -> Timestamp {
        advisory.modified ?? advisory.published ?? Timestamp(milliseconds: 0)
    }

    static func json(_ advisory: Advisory) -> JSONValue {
        var record: [String: JSONValue] = [
            "schema_version": "1.6.0", "id": .string(advisory.id), "modified": .string(modified(advisory).description),
            "summary": .string(advisory.summary), "details": .string(advisory.details),
            "database_specific": ["source": .string(advisory.source)],
        ]
        if let published = advisory.published { record["published"] = .string(published.description) }
        if let withdrawn = advisory.withdrawn { record["withdrawn"] = .string(withdrawn.description) }
        func list(_ name: String, _ values: [String]) {
            if !values.isEmpty { record[name] = .array(values.map { .string($0) }) }
        }
        list("aliases", advisory.aliases)
        list("upstream", advisory.closes)
        list("related", advisory.related)
        let severities = severities(advisory.severities)
        if !severities.isEmpty { record["severity"] = .array(severities) }
        record["references"] = .array(
            advisory.references.map { ["type": .string($0.type), "url": .string($0.url)] })
        record["affected"] = .array(
            advisory.statements.filter { $0.status == .affected && $0.kind != .cpe }.map(affected))
        return .object(record)
    }

    private static func severities(_ severities: [Severity]) -> [JSONValue] {
        severities.filter { $0.type.hasPrefix("CVSS_V") }.map {
            ["type": .string($0.type), "score": .string($0.score)]
        }
    }

    private static func affected(_ statement: Statement) -> JSONValue {
        var entry: [String: JSONValue] = [
            "package": ["ecosystem": .string(statement.stream), "name": .string(statement.name)]
        ]
        let ranges =
            statement.ranges.isEmpty && statement.versions.isEmpty
            ? [VersionRange(scheme: "", upper: statement.fixed)] : statement.ranges
        // One range for each order, with all its events, as OSV writes them: clients such as pip-audit read the first.
        let types = ranges.map { $0.scheme == "semver" ? "SEMVER" : "ECOSYSTEM" }
        let written = Set(types).sorted().map { type -> JSONValue in
            var events: [JSONValue] = []
            for (range, own) in zip(ranges, types) where own == type {
                events.append(["introduced": .string(range.lower ?? "0")])
                if let upper = range.upper {
                    events.append(range.includesUpper ? ["last_affected": .string(upper)] : ["fixed": .string(upper)])
                }
            }
            return ["type": .string(type), "events": .array(events)]
        }
        if !written.isEmpty { entry["ranges"] = .array(written) }
        if !statement.versions.isEmpty { entry["versions"] = .array(statement.versions.map { .string($0) }) }
        let own = severities(statement.severities)
        if !own.isEmpty { entry["severity"] = .array(own) }
        return .object(entry)
    }
}
