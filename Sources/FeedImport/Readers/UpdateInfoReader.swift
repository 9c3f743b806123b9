public import Feeds
import Timestamps

/// Reads updateinfo.xml of rpm repositories (AlmaLinux, Rocky Linux, Amazon, Oracle, SUSE, Fedora): one record an update.
///
/// A package that an update lists closes its vulnerabilities: every version before it is affected. Updates that are no
/// security updates are kept as information, for they answer what an update is about.
///
/// A repository is of one architecture, and its file names the builds of that one alone. Of machines that no package of the
/// file is for, it knows nothing: a package limited to some architectures leaves those others unknown, and not unaffected.
public struct UpdateInfoReader: XMLReading {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    /// The stream of every update, where the feed's configuration names it; else each says its own.
    private let stream: String?
    /// Architectures that no package of the document is for.
    private var unspoken: [String] = []

    /// The architectures of rpm distributions.
    private static let architectures: Set = [
        "x86_64", "i686", "i586", "i386", "aarch64", "armv7hl", "ppc64le", "ppc64", "s390x", "riscv64", "loongarch64",
    ]

    /// A reader.
    ///
    /// - Parameter stream: the stream as ``Statement/stream`` names it, such as `Amazon Linux:2`; nil where each update says
    ///   it by its collection, release or the suffix of its versions.
    public init(source: String = "updateinfo", stream: String? = nil) {
        tally = FeedTally(source: source)
        self.stream = stream
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place: place, store)
    }

    static let root = "updates"

    mutating func records(
        _ scanner: XMLScanner, _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        // Read twice: which architectures a file speaks of shows only at its end.
        unspoken = Self.architectures.subtracting(try Self.spoken(bytes)).sorted()
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
    }

    /// The architectures that packages of the document are for.
    private static func spoken(_ bytes: UnsafeRawBufferPointer) throws(XMLFault) -> Set<String> {
        var found: Set<String> = []
        let scanner = try XMLScanner(bytes)
        while let name = try scanner.next() {
            if name == "package", let architecture = scanner.attribute("arch") { found.insert(architecture) }
        }
        return found
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
                guard let home = self.place(of: update, collection, evr) else {
                    unknown.append("\(name)-\(evr)")
                    continue
                }
                guard isVersion(evr, scheme: "rpm") else {
                    let reason = "\(name): \(evr.prefix(100)) is no rpm version"
                    tally.alarm(place: place, record: id, reason: reason)
                    statements.add(.unread(stream: home.stream, kind: .binary, name: name, reason: reason))
                    continue
                }
                var statement = Statement.affected(
                    stream: home, kind: .binary, name: name, scheme: "rpm", before: evr)
                statement.module = module
                if let amazon = AmazonAdvisory(id: id) { statement.narrow(to: amazon) }
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
        advisory.statements += advisory.statements.compactMap(elsewhere)
        advisory.nameScale()
        return advisory
    }

    /// What a limited statement says of the architectures that the file does not know: nothing.
    private func elsewhere(_ statement: Statement) -> Statement? {
        guard !statement.architectures.isEmpty, !unspoken.isEmpty, statement.status == .affected else { return nil }
        var unknown = statement
        unknown.status = .underInvestigation
        unknown.architectures = unspoken
        unknown.fixed = nil
        unknown.reason = "the feed is of other architectures"
        return unknown
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
