public import Feeds
import Timestamps

/// Reads CVRF 1.1 and 1.2 advisories (Red Hat, SUSE, Cisco, Microsoft): one record a document.
///
/// Products become statements where they are packages of a distribution that is known (a name with version and release as a
/// component of a product). Other vendors' products have no package to compare with; they are counted, and the advisory is
/// kept for what it closes, its severity and its text.
public struct CVRFReader: XMLReading {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader.
    public init(source: String = "cvrf") { tally = FeedTally(source: source) }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place: place, store)
    }

    static let root = "cvrfdoc"

    mutating func records(
        _ scanner: XMLScanner, _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        let document = try scanner.element()
        // What follows the root must be nothing: a document that breaks off is not taken.
        while try scanner.next() != nil {}
        guard let advisory = advisory(document, place: place) else { return }
        tally.store()
        try store(.advisory(advisory))
    }

    private mutating func advisory(_ document: XMLElement, place: String) -> Advisory? {
        let tracking = document.child("DocumentTracking")
        // Some write blanks into ids; a space is none.
        let id = (tracking?.child("Identification")?.text("ID") ?? "").split(separator: " ").joined(separator: "-")
        guard isUsableIdentifier(id) else {
            tally.quarantine(place: place, record: String(id.prefix(64)), reason: "the document has no usable id")
            return nil
        }
        var advisory = Advisory(source: tally.source, id: id)
        advisory.summary = boundedDetails(document.text("DocumentTitle"))
        advisory.published = FeedDate.parse(tracking?.text("InitialReleaseDate") ?? "")
        advisory.modified = FeedDate.parse(tracking?.text("CurrentReleaseDate") ?? "") ?? advisory.published
        let notes = document.child("DocumentNotes")?.all("Note") ?? []
        advisory.details = boundedDetails(
            (notes.first { $0["Type"] == "Summary" } ?? notes.first { $0["Type"] == "General" } ?? notes.first)?.text
                ?? "")
        for reference in document.child("DocumentReferences")?.all("Reference") ?? [] {
            let url = reference.text("URL")
            if !url.isEmpty {
                advisory.references.append(
                    Reference(type: reference["Type"] == "Self" ? "ADVISORY" : "WEB", url: url))
            }
        }
        let severity = document.text("AggregateSeverity")
        if !severity.isEmpty { advisory.severities.append(Severity(type: "", score: severity)) }
        for child in document.children where !Self.known.contains(child.name) { tally.drop(child.name) }

        let products = CVRFProducts(document.child("ProductTree"))
        let vulnerabilities = document.all("Vulnerability")
        var statements = PackageStatements()
        for vulnerability in vulnerabilities {
            let cve = vulnerability.text("CVE")
            if isUsableIdentifier(cve), !advisory.closes.contains(cve) { advisory.closes.append(cve) }
            if advisory.modified == nil { advisory.modified = FeedDate.parse(vulnerability.text("ReleaseDate")) }
            for cwe in vulnerability.all("CWE") {
                if let id = cwe["ID"], id.hasPrefix("CWE-"), !advisory.weaknesses.contains(id) {
                    advisory.weaknesses.append(id)
                }
            }
            score(vulnerability, of: vulnerabilities.count, &advisory)
            for status in vulnerability.child("ProductStatuses")?.all("Status") ?? [] {
                state(status, products, &statements, advisory.id, place)
            }
            for child in vulnerability.children where !Self.knownOfVulnerability.contains(child.name) {
                tally.drop("Vulnerability/\(child.name)")
            }
        }
        // Where one document is one vulnerability, as some vendors publish them, it is that vulnerability.
        if advisory.closes == [advisory.id] { advisory.closes = [] }
        advisory.isInformational = vulnerabilities.isEmpty
        advisory.statements = statements.statements
        advisory.nameScale()
        return advisory
    }

    private mutating func state(
        _ status: XMLElement, _ products: CVRFProducts, _ statements: inout PackageStatements, _ id: String,
        _ place: String
    ) {
        let type = status["Type"] ?? status["Status"] ?? ""
        for reference in status.all("ProductID") {
            guard let package = products.package(reference.text) else {
                tally.drop("ProductStatuses: a product that is no package of a known distribution")
                continue
            }
            if let version = package.version, !isVersion(version, scheme: "rpm") {
                let reason = "\(package.name): \(version.prefix(100)) is no rpm version"
                tally.alarm(place: place, record: id, reason: reason)
                statements.add(
                    .unread(stream: package.home.stream, kind: package.kind, name: package.name, reason: reason))
                continue
            }
            var statement = Statement(
                stream: package.home.stream, kind: package.kind, name: package.name, status: .affected)
            statement.channel = package.home.channel
            switch (type, package.version) {
            case ("Fixed", let version?), ("First Fixed", let version?), ("Recommended", let version?):
                statement.ranges = [VersionRange(scheme: "rpm", upper: version)]
                statement.fixed = version
            case ("Known Affected", let version), ("First Affected", let version), ("Last Affected", let version):
                if let version { statement.ranges = [VersionRange(scheme: "rpm", upper: version, includesUpper: true)] }
                statement.plan = .unfixed
            case ("Known Not Affected", let version):
                statement.status = .notAffected
                if let version { statement.ranges = [VersionRange(scheme: "rpm", lower: version)] }
            case ("Under Investigation", _):
                statement.status = .underInvestigation
            default:
                tally.drop("ProductStatuses/Status[\(type.prefix(32))]")
                continue
            }
            statements.add(statement, architecture: package.architecture)
        }
    }

    private mutating func score(_ vulnerability: XMLElement, of count: Int, _ advisory: inout Advisory) {
        for set in vulnerability.child("CVSSScoreSets")?.children ?? [] {
            let version3 = set.text("VectorV3")
            let vector = version3.isEmpty ? set.text("Vector") : version3
            guard !vector.isEmpty else { continue }
            let severity = Severity(
                type: !version3.isEmpty || vector.hasPrefix("CVSS:3") ? "CVSS_V3" : "CVSS_V2", score: vector)
            // Of several vulnerabilities each has its own, which an advisory's cannot be.
            if count == 1 {
                if !advisory.severities.contains(severity) { advisory.severities.append(severity) }
            } else {
                tally.drop("Vulnerability/CVSSScoreSets")
            }
        }
    }

    private static let known: Set = [
        "DocumentTitle", "DocumentType", "DocumentPublisher", "DocumentTracking", "DocumentNotes",
        "DocumentDistribution",
        "AggregateSeverity", "DocumentReferences", "ProductTree", "Vulnerability", "Acknowledgments",
    ]
    private static let knownOfVulnerability: Set = [
        "Title", "ID", "Notes", "DiscoveryDate", "ReleaseDate", "CVE", "CWE", "ProductStatuses", "CVSSScoreSets",
        "References", "Acknowledgments",
    ]
}

/// The products of a CVRF document by their ids.
private struct CVRFProducts {
    struct Package {
        var home: DistributionStream
        var kind: Statement.Kind
        var name: String
        var version: String?
        var architecture = ""
    }

    private var names: [String: String] = [:]
    private var parts: [String: (component: String, product: String)] = [:]

    init(_ tree: XMLElement?) {
        for product in tree?.descendants("FullProductName") ?? [] {
            if let id = product["ProductID"] { names[id] = product.text }
        }
        for relation in tree?.descendants("Relationship") ?? [] {
            guard let id = relation.child("FullProductName")?["ProductID"],
                let component = relation["ProductReference"],
                let product = relation["RelatesToProductReference"]
            else { continue }
            parts[id] = (component, product)
        }
    }

    /// The package that an id names, where it is one of a known distribution.
    func package(_ id: String) -> Package? {
        guard let part = parts[id] else { return nil }
        guard
            let home = DistributionStream(platform: names[part.product] ?? part.product)
                ?? DistributionStream(platform: part.product)
        else { return nil }
        var component = names[part.component] ?? part.component
        guard !component.contains(" "), component.utf8.count <= 512 else { return nil }
        // A file's name says the architecture as well.
        var architecture = ""
        if component.hasSuffix(".rpm") {
            let parts = component.split(separator: ".", omittingEmptySubsequences: false).dropLast()
            architecture = parts.last.map(String.init) ?? ""
            component = parts.dropLast().joined(separator: ".")
        }
        let pieces = component.split(separator: "-", omittingEmptySubsequences: false)
        // name-version-release: the version begins with a digit, or there is none.
        guard pieces.count >= 3, let digit = pieces[pieces.count - 2].first, digit.isNumber else {
            return Package(home: home, kind: .binary, name: component, version: nil)
        }
        let name = pieces.dropLast(2).joined(separator: "-")
        let version = pieces.suffix(2).joined(separator: "-")
        // Red Hat names the source, SUSE each package.
        let isSource = architecture.isEmpty ? home.stream.hasPrefix("Red Hat:") : architecture == "src"
        return Package(
            home: home, kind: isSource ? .source : .binary, name: name, version: version,
            architecture: isSource ? "" : architecture)
    }
}
