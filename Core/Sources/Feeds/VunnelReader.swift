import JSON
import Timestamps
import Versions

/// Reads the records that scanners' own builds make of feeds which have no form of their own for programs (anchore's vunnel):
/// `Vulnerability` of a distribution's release, `Advisory` of GitHub's for a registry. One record a document, or an array.
///
/// Through it come Amazon, Oracle, Photon, Mariner and others whose own form is a web page.
public struct VunnelReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "vunnel") {
        tally = FeedTally(source: source)
    }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try oneOrMany(bytes, place, FeedLimits.advisory, store) { this, reader, item throws(JSONError) in
            try this.entry(&reader, &item)
        }
    }

    private mutating func entry(_ reader: inout JSONReader, _ item: inout FeedItem) throws(JSONError) {
        var isKnown = false
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "item":
                isKnown = true
                try self.entry(&reader, &item)
            case "Vulnerability":
                let draft = try self.draft(&reader)
                // Of GitHub's records it stands there empty.
                guard !draft.isEmpty else { return }
                isKnown = true
                self.finish(draft, &item)
            case "Advisory":
                isKnown = true
                self.finish(try self.draft(&reader), &item)
            case "identifier", "schema": try reader.skip()
            default: self.drop("", key)
            }
        }
        if !isKnown { throw JSONError(.missingField, reason: "it has neither a Vulnerability nor an Advisory") }
    }

    private struct Fix {
        var name = ""
        var namespace = ""
        var version = ""
        var range = ""
        var module = ""
        var noAdvisory = false
    }

    private struct Draft {
        var advisory: Advisory
        var namespace = ""
        var fixes: [Fix] = []
        var isEmpty = true
    }

    private mutating func draft(_ reader: inout JSONReader) throws(JSONError) -> Draft {
        var draft = Draft(advisory: Advisory(source: source, id: ""))
        try reader.object { reader, key throws(JSONError) in
            draft.isEmpty = false
            switch key {
            case "Name", "ghsaId": draft.advisory.id = try reader.string()
            case "NamespaceName", "namespace": draft.namespace = try reader.string()
            case "Description": draft.advisory.details = try reader.feedDetails()
            case "Summary": draft.advisory.summary = try reader.feedText()
            case "Severity":
                let word = try reader.feedText()
                if !word.isEmpty, word != "Unknown" {
                    draft.advisory.severities.append(Severity(type: draft.namespace, score: word))
                }
            case "Link", "url":
                let url = try reader.feedText()
                if !url.isEmpty { draft.advisory.references.append(Reference(type: "ADVISORY", url: url)) }
            case "published": draft.advisory.published = try reader.feedDate()
            case "updated": draft.advisory.modified = try reader.feedDate()
            case "withdrawn": draft.advisory.withdrawn = try reader.feedDate()
            case "CVE":
                // Names, or objects with one.
                for id in try self.names(&reader) where !draft.advisory.aliases.contains(id) {
                    draft.advisory.aliases.append(id)
                }
            case "Metadata":
                try reader.feedObject { reader, key throws(JSONError) in
                    guard key == "CVE" else { return self.drop("Metadata/", key) }
                    for id in try self.names(&reader) where !draft.advisory.aliases.contains(id) {
                        draft.advisory.aliases.append(id)
                    }
                }
            case "CVSS":
                if try reader.peek() == .array {
                    try reader.array { reader throws(JSONError) in
                        draft.advisory.severities += try self.score(&reader)
                    }
                } else {
                    draft.advisory.severities += try self.score(&reader)
                }
            case "FixedIn":
                draft.fixes = try reader.feedList { reader throws(JSONError) in try self.fix(&reader) }
            default: self.drop("", key)
            }
        }
        return draft
    }

    private func names(_ reader: inout JSONReader) throws(JSONError) -> [String] {
        try reader.feedList { reader throws(JSONError) in
            guard try reader.peek() == .object else { return try reader.string() }
            var name = ""
            try reader.object { reader, key throws(JSONError) in if key == "Name" { name = try reader.string() } }
            return name
        }
    }

    private func score(_ reader: inout JSONReader) throws(JSONError) -> [Severity] {
        var vector = ""
        try reader.feedObject { reader, key throws(JSONError) in
            if key == "vector_string" { vector = try reader.feedText() }
        }
        guard !vector.isEmpty else { return [] }
        let type = vector.hasPrefix("CVSS:4") ? "CVSS_V4" : vector.hasPrefix("CVSS:3") ? "CVSS_V3" : "CVSS_V2"
        return [Severity(type: type, score: vector)]
    }

    private mutating func fix(_ reader: inout JSONReader) throws(JSONError) -> Fix {
        var fix = Fix()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "Name", "name": fix.name = try reader.string()
            case "NamespaceName", "namespace": fix.namespace = try reader.string()
            case "Version", "identifier": fix.version = try reader.feedText()
            case "VulnerableRange", "range": fix.range = try reader.feedText()
            case "Module": fix.module = try reader.feedText()
            case "VendorAdvisory":
                try reader.feedObject { reader, key throws(JSONError) in
                    if key == "NoAdvisory", try reader.peek() == .bool { fix.noAdvisory = try reader.bool() }
                }
            case "VersionFormat", "ecosystem": try reader.skip()
            default: self.drop("FixedIn/", key)
            }
        }
        return fix
    }

    private mutating func finish(_ draft: Draft, _ item: inout FeedItem) {
        var advisory = draft.advisory
        item.id = advisory.id
        item.fault = RecordID.fault(of: advisory.id)
        if !RecordID.isVulnerability(advisory.id) {
            advisory.closes = advisory.aliases
            advisory.aliases = []
        }
        advisory.aliases.removeAll { $0 == advisory.id }
        for fix in draft.fixes {
            guard let place = Self.stream(fix.namespace.isEmpty ? draft.namespace : fix.namespace) else {
                tally.drop("namespace " + fix.namespace.prefix(64))
                continue
            }
            var statement = Statement(stream: place.stream, kind: place.kind, name: fix.name, status: .affected)
            statement.module = fix.module
            statement.channel = place.channel
            let version = fix.version == "None" ? "" : fix.version
            if version == "0" {
                statement.status = .notAffected
            } else {
                statement.fixed = version.isEmpty ? nil : version
                if version.isEmpty { statement.plan = fix.noAdvisory ? .willNotFix : .unfixed }
                let range = fix.range.replacing("||", with: "|")
                if range.isEmpty {
                    if !version.isEmpty { statement.ranges = [VersionRange(scheme: place.scheme, upper: version)] }
                } else if let (versions, ranges) = VersionRangeText.parse(range, scheme: place.scheme) {
                    statement.versions = versions
                    statement.ranges = ranges
                } else {
                    let reason = "\(range.prefix(80)) is no range of versions"
                    tally.alarm(place: fix.name, record: advisory.id, reason: reason)
                    statement = .unread(stream: place.stream, kind: place.kind, name: fix.name, reason: reason)
                    statement.module = fix.module
                }
            }
            if let amazon = AmazonAdvisory(id: advisory.id) { statement.narrow(to: amazon) }
            advisory.statements.append(statement)
        }
        item.records = [.advisory(advisory)]
    }

    /// The stream of `rhel:8.6+eus`, `github:python`, `wolfi:rolling`; nil where it is not known.
    static func stream(_ namespace: String) -> (stream: String, channel: String, kind: Statement.Kind, scheme: String)?
    {
        let parts = namespace.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let channels = parts[1].split(separator: "+", maxSplits: 1).map(String.init)
        guard let release = channels.first else { return nil }
        let channel = channels.count > 1 ? channels[1] : ""
        let major = release.split(separator: ".").first.map(String.init) ?? release
        switch parts[0] {
        case "alpine": return ("Alpine:" + (release == "edge" ? release : "v" + release), "", .source, "apk")
        case "debian": return ("Debian:" + (release == "unstable" ? "sid" : release), "", .source, "deb")
        case "ubuntu":
            let name = Releases.ubuntuRelease(release)
            return channel.isEmpty
                ? ("Ubuntu:" + name, "", .source, "deb") : ("Ubuntu:Pro:" + name, channel, .source, "deb")
        case "echo": return ("Echo", "", .source, "deb")
        case "wolfi": return ("Wolfi", "", .source, "apk")
        case "chainguard": return ("Chainguard", "", .source, "apk")
        case "minimos": return ("MinimOS", "", .source, "apk")
        case "arch", "archlinux": return ("Arch Linux", "", .binary, "alpm")
        case "rhel":
            return (
                channel.isEmpty ? "Red Hat:enterprise_linux:\(major)" : "Red Hat:rhel_\(channel):\(release)", "",
                .source, "rpm"
            )
        case "amzn": return ("Amazon Linux:\(release)", "", .binary, "rpm")
        case "ol": return ("Oracle Linux:\(major)", "", .binary, "rpm")
        case "sles": return ("SUSE:\(release)", "", .binary, "rpm")
        case "mariner", "azurelinux": return ("Azure Linux:\(major)", "", .source, "rpm")
        case "photon": return ("Photon OS:\(release)", "", .binary, "rpm")
        case "fedora": return ("Fedora:\(release)", "", .binary, "rpm")
        case "almalinux": return ("AlmaLinux:\(major)", "", .binary, "rpm")
        case "rockylinux": return ("Rocky Linux:\(major)", "", .binary, "rpm")
        case "github": return GitHubEcosystem.stream(parts[1]).map { ($0.stream, "", .language, $0.scheme) }
        default: return nil
        }
    }
}

/// GitHub's names of ecosystems, in either case.
enum GitHubEcosystem {
    static func stream(_ name: String) -> (stream: String, scheme: String)? {
        let stream: String
        switch name.lowercased() {
        case "npm": stream = "npm"
        case "python", "pip", "pypi": stream = "PyPI"
        case "java", "maven": stream = "Maven"
        case "go", "golang": stream = "Go"
        case "gem", "rubygems": stream = "RubyGems"
        case "nuget", "dotnet": stream = "NuGet"
        case "composer", "packagist", "php": stream = "Packagist"
        case "rust", "cargo": stream = "crates.io"
        case "erlang", "hex": stream = "Hex"
        case "dart", "pub": stream = "Pub"
        case "swift": stream = "SwiftURL"
        case "actions": stream = "GitHub Actions"
        default: return nil
        }
        return (Ecosystem(stream).scheme?.name).map { (stream, $0) }
    }
}
