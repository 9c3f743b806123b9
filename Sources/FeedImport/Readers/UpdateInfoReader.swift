public import Feeds
import Timestamps

/// Reads updateinfo.xml of rpm repositories (AlmaLinux, Rocky Linux, Amazon, Oracle, SUSE, Fedora): one record an update.
///
/// A package that an update lists closes its vulnerabilities: every version before it is affected. Updates that are no
/// security updates are kept as information, for they answer what an update is about.
public struct UpdateInfoReader: FeedReader {
    /// What has been read so far.
    public private(set) var tally: FeedTally
    /// The stream of every update, where the feed's configuration names it; else each says its own.
    private let stream: String?

    /// A reader.
    ///
    /// - Parameter stream: the stream as ``Statement/stream`` names it, such as `Amazon Linux:2`; nil where each update says
    ///   it by its collection, release or the suffix of its versions.
    public init(source: String = "updateinfo", stream: String? = nil) {
        tally = FeedTally(source: source)
        self.stream = stream
    }

    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        do {
            let scanner = try XMLScanner(bytes)
            guard try scanner.next() == "updates" else {
                return tally.quarantine(place: place, reason: "its root is not <updates>")
            }
            while let name = try scanner.next() {
                guard name == "update" else {
                    tally.drop(name)
                    continue
                }
                let line = scanner.line
                let update = try scanner.element()
                if let advisory = advisory(update, place: "\(place):\(line)") {
                    tally.store()
                    try store(.advisory(advisory))
                }
            }
        } catch let fault as XMLFault {
            tally.quarantine(place: place, reason: fault.description)
        }
    }

    private mutating func advisory(_ update: XMLElement, place: String) -> Advisory? {
        let id = update.text("id")
        guard isUsableIdentifier(id) else {
            tally.quarantine(place: place, record: String(id.prefix(64)), reason: "<update> has no usable <id>")
            return nil
        }
        var advisory = Advisory(source: tally.source, id: id)
        var references: [XMLElement] = []
        var collections: [XMLElement] = []
        for child in update.children {
            switch child.name {
            case "id": break
            case "title": if advisory.summary.isEmpty { advisory.summary = boundedDetails(child.text) }
            case "summary": if !child.text.isEmpty { advisory.summary = boundedDetails(child.text) }
            case "description": advisory.details = boundedDetails(child.text)
            case "severity":
                if !child.text.isEmpty, child.text != "None" {
                    advisory.severities.append(Severity(type: "", score: child.text))
                }
            case "issued": advisory.published = date(child)
            case "updated": advisory.modified = date(child)
            case "references": references = child.all("reference")
            case "pkglist": collections += child.all("collection")
            case "reboot_suggested": advisory.isRebootSuggested = advisory.isRebootSuggested || Self.isTrue(child)
            case "release", "rights", "pushcount": break
            default: tally.drop("update/\(child.name)")
            }
        }
        if advisory.modified == nil { advisory.modified = advisory.published }
        for reference in references { add(reference, to: &advisory) }
        let isSecurity = update["type"] == nil || update["type"] == "security"
        if isSecurity, advisory.closes.isEmpty {
            // Some vendors name them in the text alone.
            advisory.closes = cveIdentifiers(in: advisory.summary + "\n" + advisory.details).filter { $0 != id }
        }
        // A bug fix that refers to vulnerabilities closes them, whatever its type.
        advisory.isInformational = !isSecurity && advisory.closes.isEmpty
        var statements = PackageStatements()
        var unknown: [String] = []
        for collection in collections {
            let module = collection.child("module").map { "\($0["name"] ?? ""):\($0["stream"] ?? "")" } ?? ""
            for child in collection.children where !["name", "package", "module"].contains(child.name) {
                tally.drop("pkglist/collection/\(child.name)")
            }
            for package in collection.all("package") {
                if Self.isTrue(package.child("reboot_suggested")) { advisory.isRebootSuggested = true }
                for child in package.children where !Self.packageFields.contains(child.name) {
                    tally.drop("pkglist/collection/package/\(child.name)")
                }
                guard package["arch"] != "src", package["arch"] != "nosrc" else { continue }
                guard let name = package["name"], !name.isEmpty, let version = package["version"], !version.isEmpty
                else {
                    tally.quarantine(place: place, record: id, reason: "a package has no name or version")
                    return nil
                }
                let release = package["release"] ?? ""
                let epoch = package["epoch"] ?? "0"
                let evr =
                    (epoch.isEmpty || epoch == "0" ? "" : epoch + ":") + version
                    + (release.isEmpty ? "" : "-" + release)
                guard isVersion(evr, scheme: "rpm") else {
                    tally.alarm(place: place, record: id, reason: "\(name): \(evr.prefix(100)) is no rpm version")
                    continue
                }
                guard let place = self.place(of: update, collection, evr) else {
                    unknown.append("\(name)-\(evr)")
                    continue
                }
                var statement = Statement.affected(
                    stream: place, kind: .binary, name: name, scheme: "rpm", before: evr)
                statement.module = module
                statements.add(statement, architecture: package["arch"] ?? "")
            }
        }
        if let first = unknown.first {
            tally.quarantine(
                place: place, record: id,
                reason: """
                    it does not say which distribution's release it is for (\(first.prefix(100))); name the feed's stream \
                    in the feeds' configuration
                    """)
            return nil
        }
        advisory.statements = statements.statements
        advisory.nameScale()
        return advisory
    }

    private static let packageFields: Set = [
        "filename", "sum", "reboot_suggested", "restart_suggested", "relogin_suggested",
    ]

    private mutating func add(_ reference: XMLElement, to advisory: inout Advisory) {
        let url = reference["href"] ?? ""
        let kind = reference["type"] ?? ""
        var id = reference["id"] ?? ""
        if id.isEmpty || !id.hasPrefix("CVE-") {
            id = cveIdentifiers(in: (reference["title"] ?? "") + " " + url).first ?? id
        }
        if kind == "cve" || id.hasPrefix("CVE-"), let cve = cveIdentifiers(in: id).first {
            if !advisory.closes.contains(cve) { advisory.closes.append(cve) }
        }
        if !url.isEmpty {
            advisory.references.append(Reference(type: kind == "self" ? "ADVISORY" : "WEB", url: url))
        }
    }

    /// Where the packages of a collection belong.
    private func place(of update: XMLElement, _ collection: XMLElement, _ evr: String) -> DistributionStream? {
        if let stream { return DistributionStream(stream: stream) }
        for text in [collection.text("name"), update.text("release")] {
            if let place = DistributionStream(platform: text) { return place }
        }
        let from = (update["from"] ?? update["author"] ?? "").lowercased()
        let id = update.text("id")
        let vendors = [
            ("almalinux", "ALSA", "AlmaLinux"), ("rocky", "RLSA", "Rocky Linux"), ("oracle", "ELSA", "Oracle Linux"),
            ("redhat", "RHSA", "Red Hat:enterprise_linux"),
        ]
        let vendor = vendors.first {
            from.contains($0.0) || id.hasPrefix($0.1) || collection["short"]?.hasPrefix($0.0) == true
        }
        return DistributionStream(evr: evr, vendor: vendor?.2)
    }

    private func date(_ element: XMLElement) -> Timestamp? {
        FeedDate.parse(element["date"] ?? element.text)
    }

    private static func isTrue(_ element: XMLElement?) -> Bool {
        guard let element else { return false }
        return element.text.isEmpty || ["true", "1", "yes"].contains(element.text.lowercased())
    }
}
