import JSON

/// Reads errata of rpm distributions in the JSON that their updateinfo.xml is passed on in: Amazon's, Rocky's, Bottlerocket's
/// and others', one a document or an array. (The XML itself is read elsewhere.)
///
/// The stream is told from the errata's id and the release of its packages; or it is given.
public struct ErrataReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    private let stream: String?

    /// A reader that has read nothing.
    public init(source: String = "errata", stream: String? = nil) {
        tally = FeedTally(source: source)
        self.stream = stream
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try oneOrMany(bytes, place, FeedLimits.feed, store) { this, reader, item throws(JSONError) in
            try this.erratum(&reader, &item)
        }
    }

    private struct Package {
        var name = ""
        var epoch = ""
        var version = ""
        var release = ""
        var architecture = ""
        var module = ""

        var evr: String {
            (epoch.isEmpty || epoch == "0" ? "" : epoch + ":") + version + (release.isEmpty ? "" : "-" + release)
        }
    }

    private mutating func erratum(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var advisory = Advisory(source: source, id: "")
        var packages: [Package] = []
        var severity = ""
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id", "updateinfo_id": advisory.id = try reader.string()
            case "title": advisory.summary = try reader.feedText()
            case "description": advisory.details = try reader.feedDetails()
            case "severity": severity = try reader.feedText()
            case "issued", "issued_date": advisory.published = try self.date(&reader)
            case "updated", "updated_date": advisory.modified = try self.date(&reader)
            case "cveids", "CveIDs": advisory.closes += try reader.feedStrings()
            case "references":
                try reader.feedObjects { reader throws(JSONError) in
                    var id = ""
                    var url = ""
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "id": id = try reader.feedText()
                        case "href", "url": url = try reader.feedText()
                        default: try reader.skip()
                        }
                    }
                    if RecordID.isCVE(id), !advisory.closes.contains(id) { advisory.closes.append(id) }
                    if !url.isEmpty { advisory.references.append(Reference(type: "WEB", url: url)) }
                }
            case "packages": packages += try reader.feedList { reader throws(JSONError) in try self.package(&reader) }
            case "pkglist", "collections": try self.collections(&reader, &packages)
            default: self.drop("", key)
            }
        }
        item.id = advisory.id
        item.fault = RecordID.fault(of: advisory.id)
        guard let stream = stream ?? Self.stream(advisory.id, packages.first?.release ?? "") else {
            item.fault = item.fault ?? "neither its id nor its packages tell the distribution's release"
            return
        }
        if !severity.isEmpty {
            advisory.severities = [Severity(type: String(stream.prefix { $0 != ":" }), score: severity)]
        }
        advisory.statements = Self.statements(packages, stream)
        if let amazon = AmazonAdvisory(id: advisory.id) {
            for index in advisory.statements.indices { advisory.statements[index].narrow(to: amazon) }
        }
        if advisory.closes.isEmpty, RecordID.isNoSecurityAdvisory(advisory.id) { advisory.isInformational = true }
        item.records = [.advisory(advisory)]
    }

    /// One collection, or several, each with its module.
    private mutating func collections(_ reader: inout JSONReader, _ packages: inout [Package]) throws(JSONError) {
        var found: [Package] = []
        func collection(_ this: inout ErrataReader, _ reader: inout JSONReader) throws(JSONError) {
            var module = ""
            var own: [Package] = []
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "packages": own = try reader.feedList { reader throws(JSONError) in try this.package(&reader) }
                case "module":
                    try reader.feedObject { reader, key throws(JSONError) in
                        switch key {
                        case "name": module = try reader.feedText() + module
                        case "stream": module += ":" + (try reader.feedText())
                        default: try reader.skip()
                        }
                    }
                default: this.drop("collections/", key)
                }
            }
            for var package in own {
                package.module = module == ":" ? "" : module
                found.append(package)
            }
        }
        if try reader.peek() == .array {
            try reader.array { reader throws(JSONError) in try collection(&self, &reader) }
        } else if try reader.peek() == .object {
            try collection(&self, &reader)
        }
        packages += found
    }

    private mutating func package(_ reader: inout JSONReader) throws(JSONError) -> Package {
        var package = Package()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "name": package.name = try reader.string()
            case "epoch": package.epoch = try reader.feedText()
            case "version": package.version = try reader.string()
            case "release": package.release = try reader.feedText()
            case "arch": package.architecture = try reader.feedText()
            default: self.drop("packages/", key)
            }
        }
        return package
    }

    /// `2021-08-13 17:31`, `{"date": "2021-07-22 03:17:17"}`; what is no date is none.
    private func date(_ reader: inout JSONReader) throws(JSONError) -> FeedDate.Value? {
        var text = ""
        switch try reader.peek() {
        case .object:
            try reader.object { reader, key throws(JSONError) in
                if key == "date", try reader.peek() == .string { text = try reader.string() }
            }
        case .string: text = try reader.string()
        default: try reader.skip()
        }
        return FeedDate.timestamp(text) ?? (text.utf8.count == 16 ? FeedDate.timestamp(text + ":00") : nil)
    }

    /// Packages that differ in their architecture alone are one statement.
    private static func statements(_ packages: [Package], _ stream: String) -> [Statement] {
        var statements = CSAFStatements()
        for package in packages where !package.name.isEmpty && !package.version.isEmpty && package.architecture != "src"
        {
            _ = statements.add(
                .init(
                    stream: stream, kind: .binary, name: package.name, module: package.module,
                    architecture: package.architecture, scheme: "rpm", version: package.evr),
                .fixed, plan: .none, reason: "", severities: [])
        }
        return statements.finished()
    }

    /// Of Amazon's its id and packages tell it; of others the number behind `el` in a package's release.
    static func stream(_ id: String, _ release: String) -> String? {
        if let amazon = AmazonAdvisory(id: id, release: release) { return amazon.stream }
        if id.hasPrefix("BRSA-") { return "Bottlerocket" }
        let names = [
            ("RL", "Rocky Linux"), ("AL", "AlmaLinux"), ("EL", "Oracle Linux"), ("RH", "Red Hat:enterprise_linux"),
            ("FEDORA", "Fedora"),
        ]
        guard let name = names.first(where: { id.hasPrefix($0.0) })?.1 else { return nil }
        for mark in [".el", "+el", "_el", ".fc"] {
            guard let range = release.firstRange(of: mark) else { continue }
            let number = release[range.upperBound...].prefix { $0.isNumber }
            if !number.isEmpty { return "\(name):\(number)" }
        }
        return nil
    }
}
