public import Feeds
import Timestamps

/// Reads OVAL definitions of vulnerabilities and patches (Red Hat, SUSE, Debian, Ubuntu, Photon, Azure Linux, Oracle) as far
/// as they test versions of packages: one record a definition.
///
/// The document is read twice, tests first, because definitions stand before what they refer to. What criteria ask besides
/// is counted in ``FeedTally/unmapped``; a definition for a release that is not known is kept, with an alarm.
public struct OVALReader: XMLReading {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    /// The stream of every definition, where the feed's configuration names it.
    private let stream: String?

    /// A reader.
    ///
    /// - Parameter stream: the stream as ``Statement/stream`` names it, for documents that do not name their release.
    public init(source: String = "oval", stream: String? = nil) {
        tally = FeedTally(source: source)
        self.stream = stream
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place: place, store)
    }

    static let root = "oval_definitions"

    mutating func records(
        _ scanner: XMLScanner, _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        var criteria = OVALCriteria(tests: try OVALTests(bytes))
        while let name = try scanner.next() {
            guard name == "definition" else { continue }
            let line = scanner.line
            let definition = try scanner.element()
            guard definition["class"] == "patch" || definition["class"] == "vulnerability" else {
                // What is installed, and whether it is well configured, is no vulnerability.
                tally.drop("definition[\(definition["class"]?.prefix(32) ?? "")]")
                continue
            }
            if let advisory = advisory(definition, &criteria, place: "\(place):\(line)") {
                tally.store()
                try store(.advisory(advisory))
            }
        }
        for (field, count) in criteria.unmapped { for _ in 0..<min(count, 10_000_000) { tally.drop(field) } }
    }

    private mutating func advisory(
        _ definition: XMLElement, _ criteria: inout OVALCriteria, place: String
    ) -> Advisory? {
        let definitionID = definition["id"] ?? ""
        guard isUsableIdentifier(definitionID) else {
            tally.quarantine(
                place: place, record: String(definitionID.prefix(64)), reason: "<definition> has no usable id")
            return nil
        }
        guard let metadata = definition.child("metadata") else {
            tally.quarantine(place: place, record: definitionID, reason: "<definition> has no <metadata>")
            return nil
        }
        var advisory = Advisory(source: tally.source, id: definitionID)
        name(&advisory, metadata, definitionID)
        describe(&advisory, metadata)
        if definition["deprecated"] == "true" { advisory.isInformational = true }
        for child in definition.children where !["metadata", "criteria", "notes"].contains(child.name) {
            tally.drop("definition/\(child.name)")
        }
        var findings: [OVALCriteria.Finding] = []
        for group in definition.all("criteria") { findings += criteria.findings(group) }
        let platforms = metadata.descendants("platform").compactMap { DistributionStream(platform: $0.text) }
        var statements = PackageStatements()
        var homeless: String?
        for finding in findings {
            let scheme = finding.kind == .dpkg ? "deb" : "rpm"
            let bounds = [finding.lower, finding.upper].compactMap { $0 }
            if let bound = bounds.first(where: { !isVersion($0, scheme: scheme) }) {
                let reason = "\(finding.name): \(bound.prefix(100)) is no \(scheme) version"
                tally.alarm(place: place, record: advisory.id, reason: reason)
                for home in homes(finding, platforms) {
                    let kind = statement(finding, home, definitionID, scheme).kind
                    statements.add(.unread(stream: home.stream, kind: kind, name: finding.name, reason: reason))
                }
                continue
            }
            let homes = self.homes(finding, platforms)
            if homes.isEmpty { homeless = finding.name }
            for home in homes {
                statements.add(
                    statement(finding, home, definitionID, scheme), architectures: finding.architectures)
            }
        }
        if let homeless {
            tally.alarm(
                place: place, record: advisory.id,
                reason: "\(homeless) is for no release that is known here; name the feed's stream in its configuration")
        }
        advisory.statements = statements.statements
        advisory.nameScale()
        if advisory.statements.isEmpty { tally.drop("definition without a package that is understood") }
        return advisory
    }

    private func homes(_ finding: OVALCriteria.Finding, _ platforms: [DistributionStream]) -> [DistributionStream] {
        if let stream { return [DistributionStream(stream: stream)] }
        if let named = finding.context.platforms { return named }
        if !platforms.isEmpty { return platforms }
        return DistributionStream(evr: finding.upper ?? finding.lower ?? "", vendor: nil).map { [$0] } ?? []
    }

    private func statement(
        _ finding: OVALCriteria.Finding, _ home: DistributionStream, _ definitionID: String, _ scheme: String
    ) -> Statement {
        // Debian's and Microsoft's documents name source packages where OVAL means binary ones.
        let namesSources =
            definitionID.hasPrefix("oval:org.debian:") || definitionID.hasPrefix("oval:com.microsoft.")
        var statement = Statement(
            stream: home.stream, kind: namesSources ? .source : .binary, name: finding.name,
            status: finding.isNotAffected ? .notAffected : .affected)
        statement.channel = home.channel
        statement.module = finding.context.module
        if finding.lower != nil || finding.upper != nil {
            statement.ranges = [
                VersionRange(
                    scheme: scheme, lower: finding.lower, includesLower: finding.includesLower, upper: finding.upper,
                    includesUpper: finding.includesUpper)
            ]
        }
        if !finding.isNotAffected {
            if finding.upper != nil, !finding.includesUpper {
                statement.fixed = finding.upper
            } else {
                statement.plan = .unfixed
            }
        }
        return statement
    }

    /// What it is called, and which vulnerabilities it is about.
    private func name(_ advisory: inout Advisory, _ metadata: XMLElement, _ definitionID: String) {
        let title = metadata.text("title")
        let references = metadata.all("reference")
        var vulnerabilities: [String] = []
        let named = references.map { $0["ref_id"] ?? "" } + metadata.descendants("cve").map(\.text) + [title]
        for text in named {
            for id in cveIdentifiers(in: text) where !vulnerabilities.contains(id) { vulnerabilities.append(id) }
        }
        advisory.summary = boundedDetails(title)
        // `RHSA-2017:1109: java…`, `PHSA-2020:00001 sqlite…`; a vulnerability's own id is no advisory's.
        let first = title.split(separator: " ").first.map { String($0.hasSuffix(":") ? $0.dropLast() : $0) } ?? ""
        let isName =
            first.contains("-") && first.contains { $0.isNumber }
            && first.prefix { $0 != "-" }.allSatisfy { $0.isUppercase }
        if isName, isUsableIdentifier(first), !first.hasPrefix("CVE-") {
            advisory.id = first
            advisory.closes = vulnerabilities
        } else if vulnerabilities.count == 1, first == vulnerabilities[0],
            !definitionID.hasPrefix("oval:com.microsoft.")
        {
            advisory.id = first
        } else {
            advisory.aliases = vulnerabilities.count == 1 ? vulnerabilities : []
            advisory.closes = vulnerabilities.count == 1 ? [] : vulnerabilities
        }
        for reference in references {
            guard let url = reference["ref_url"], !url.isEmpty else { continue }
            advisory.references.append(Reference(type: reference["source"] == "CVE" ? "WEB" : "ADVISORY", url: url))
        }
    }

    private mutating func describe(_ advisory: inout Advisory, _ metadata: XMLElement) {
        advisory.details = boundedDetails(metadata.text("description"))
        var dates: [String: String] = [:]
        for child in metadata.children where !Self.known.contains(child.name) { tally.drop("metadata/\(child.name)") }
        let parts = [metadata] + ["advisory", "debian"].compactMap { metadata.child($0) }
        for part in parts {
            for child in part.children {
                switch child.name {
                case "severity":
                    let severity = Severity(type: "", score: child.text)
                    if !child.text.isEmpty, !advisory.severities.contains(severity) {
                        advisory.severities.append(severity)
                    }
                case "issued", "updated": dates[child.name] = child["date"] ?? child.text
                case "date", "public_date", "advisory_date": dates["issued"] = child.text
                default: break
                }
            }
        }
        advisory.published = dates["issued"].flatMap(FeedDate.parse)
        advisory.modified = dates["updated"].flatMap(FeedDate.parse) ?? advisory.published
        let vulnerabilities = metadata.descendants("cve")
        for vulnerability in vulnerabilities {
            for weakness in Self.weaknesses(vulnerability["cwe"] ?? "") where !advisory.weaknesses.contains(weakness) {
                advisory.weaknesses.append(weakness)
            }
            for (attribute, type) in [("cvss4", "CVSS_V4"), ("cvss3", "CVSS_V3"), ("cvss2", "CVSS_V2")] {
                guard let score = vulnerability[attribute], let slash = score.firstIndex(of: "/") else { continue }
                // Of several vulnerabilities each has its own, which an advisory's cannot be.
                if vulnerabilities.count == 1 {
                    advisory.severities.append(Severity(type: type, score: String(score[score.index(after: slash)...])))
                } else {
                    tally.drop("metadata/advisory/cve@\(attribute)")
                }
            }
        }
    }

    private static let known: Set = [
        "title", "affected", "reference", "description", "advisory", "debian", "severity", "advisory_date",
        "advisory_id", "patchable", "oval_repository",
    ]

    /// `CWE-79`, also out of `(CWE-120|CWE-122)` and `CWE-190->CWE-787`.
    private static func weaknesses(_ text: String) -> [String] {
        text.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "-" }).map {
            $0.hasSuffix("-") ? String($0.dropLast()) : String($0)
        }
        .filter { $0.hasPrefix("CWE-") && $0.dropFirst(4).allSatisfy(\.isNumber) && $0.utf8.count > 4 }
    }
}
