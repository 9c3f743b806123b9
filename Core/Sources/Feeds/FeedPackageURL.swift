import Versions

/// A package URL (https://github.com/package-url/purl-spec) as far as VEX documents need it: which package of which stream.
struct FeedPackageURL: Hashable {
    var type = ""
    var namespace = ""
    var name = ""
    var version = ""
    var qualifiers: [String: String] = [:]

    /// Reads one; nil where it is none. A colon or an `@` inside a name must be encoded, as the specification says, but for
    /// npm's scopes.
    init?(_ text: String) {
        guard text.utf8.count <= 4_096, text.hasPrefix("pkg:") else { return nil }
        // By bytes: what separates is ASCII, and there are very many of these.
        var rest = text.dropFirst(4)
        while rest.utf8.first == 0x2F { rest = rest[rest.utf8.index(after: rest.startIndex)...] }
        if let hash = rest.utf8.firstIndex(of: 0x23) { rest = rest[..<hash] }
        if let question = rest.utf8.firstIndex(of: 0x3F) {
            for pair in rest.utf8[rest.utf8.index(after: question)...].split(separator: 0x26) {
                guard let equals = pair.firstIndex(of: 0x3D),
                    let value = percentDecoded(Substring(pair[pair.index(after: equals)...]))
                else { return nil }
                qualifiers[Substring(pair[..<equals]).lowercased()] = value
            }
            rest = rest[..<question]
        }
        guard let slash = rest.utf8.firstIndex(of: 0x2F) else { return nil }
        type = rest[..<slash].lowercased()
        rest = rest[rest.utf8.index(after: slash)...]
        if let at = rest.utf8.lastIndex(of: 0x40), at != rest.startIndex, rest.utf8[rest.utf8.index(before: at)] != 0x2F
        {
            guard let version = percentDecoded(rest[rest.utf8.index(after: at)...]) else { return nil }
            self.version = version
            rest = rest[..<at]
        }
        var parts: [String] = []
        for part in rest.utf8.split(separator: 0x2F) {
            guard let part = percentDecoded(Substring(part)) else { return nil }
            parts.append(part)
        }
        guard let last = parts.popLast(), !last.isEmpty else { return nil }
        name = last
        namespace = parts.joined(separator: "/")
    }

    /// The version with its epoch in front, as the schemes of distributions read it.
    var fullVersion: String {
        guard let epoch = qualifiers["epoch"], epoch != "0", !epoch.isEmpty, !version.isEmpty, !version.contains(":")
        else {
            return version
        }
        return "\(epoch):\(version)"
    }

    /// Source package or binary package of a distribution; nil for others.
    var distributionKind: Statement.Kind? {
        guard ["deb", "rpm", "apk", "alpm"].contains(type) else { return nil }
        let arch = qualifiers["arch"] ?? ""
        return arch == "src" || arch == "source" || arch == "nosrc" ? .source : .binary
    }

    /// The module stream that a package belongs to: `nodejs:18`; what is no name and stream stays as it stands, so that it
    /// matches no package without a module.
    var module: String {
        if type == "rpmmod" { return Self.module("\(name):\(version)") }
        return qualifiers["rpmmod"].map(Self.module) ?? ""
    }

    private static func module(_ text: String) -> String {
        text.split(separator: ":").prefix(2).joined(separator: ":")
    }

    /// The name as its ecosystem writes it.
    var fullName: String {
        guard !namespace.isEmpty else { return name }
        switch type {
        case "maven": return "\(namespace):\(name)"
        case "npm", "golang", "composer", "swift", "github", "bitbucket": return "\(namespace)/\(name)"
        default: return name
        }
    }

    private static let languages = [
        "npm": "npm", "pypi": "PyPI", "maven": "Maven", "golang": "Go", "gem": "RubyGems", "cargo": "crates.io",
        "composer": "Packagist", "nuget": "NuGet", "hex": "Hex", "pub": "Pub", "swift": "SwiftURL", "cran": "CRAN",
        "hackage": "Hackage", "bitnami": "Bitnami", "julia": "Julia",
    ]

    /// The stream of a language package; nil for others.
    var language: String? { Self.languages[type] }

    /// The stream and channel of a distribution's package, from its namespace and the `distro` qualifier; nil where they do
    /// not tell.
    var distribution: (stream: String, channel: String)? {
        let distro = qualifiers["distro"] ?? ""
        let release = distro.split(separator: "-").last.map(String.init) ?? ""
        let major = release.split(separator: ".").first.map(String.init) ?? ""
        switch (type, namespace) {
        case ("deb", "debian"):
            if let stream = Releases.debian[distro] { return (stream, "") }
            return major.isEmpty ? nil : ("Debian:\(major)", "")
        case ("deb", "ubuntu"): return ubuntu(distro)
        case ("apk", "alpine"):
            let parts = release.split(separator: ".").prefix(2)
            return parts.count == 2
                ? ("Alpine:\(parts[0].hasPrefix("v") ? "" : "v")\(parts.joined(separator: "."))", "") : nil
        case ("apk", "wolfi"): return ("Wolfi", "")
        case ("apk", "chainguard"): return ("Chainguard", "")
        case ("apk", "minimos"): return ("MinimOS", "")
        case ("alpm", _): return ("Arch Linux", "")
        case ("rpm", "redhat"), ("rpm", "rhel"):
            return major.isEmpty ? nil : ("Red Hat:enterprise_linux:\(major)", "")
        case ("rpm", "almalinux"), ("rpm", "alma"): return major.isEmpty ? nil : ("AlmaLinux:\(major)", "")
        case ("rpm", "rocky"), ("rpm", "rocky-linux"), ("rpm", "rockylinux"):
            return major.isEmpty ? nil : ("Rocky Linux:\(major)", "")
        case ("rpm", "fedora"): return major.isEmpty ? nil : ("Fedora:\(major)", "")
        case ("rpm", "amzn"), ("rpm", "amazon"): return release.isEmpty ? nil : ("Amazon Linux:\(release)", "")
        case ("rpm", "ol"), ("rpm", "oracle"), ("rpm", "oraclelinux"):
            return major.isEmpty ? nil : ("Oracle Linux:\(major)", "")
        case ("rpm", "suse"), ("rpm", "sles"): return release.isEmpty ? nil : ("SUSE:\(release)", "")
        case ("rpm", "opensuse"):
            return release.isEmpty
                ? nil : (distro.contains("leap") ? "openSUSE:Leap \(release)" : "openSUSE:Tumbleweed", "")
        case ("rpm", "photon"): return release.isEmpty ? nil : ("Photon OS:\(release)", "")
        case ("rpm", "azurelinux"), ("rpm", "mariner"): return release.isEmpty ? nil : ("Azure Linux:\(major)", "")
        default: return nil
        }
    }

    /// `jammy`, `ubuntu-22.04`, `esm-infra/focal`: what stands before the slash is the channel, of Ubuntu Pro.
    private func ubuntu(_ distro: String) -> (stream: String, channel: String)? {
        let parts = distro.split(separator: "/", maxSplits: 1).map(String.init)
        guard let code = parts.last else { return nil }
        let base: String
        if let stream = Releases.ubuntu[code] {
            base = stream
        } else if code.hasPrefix("ubuntu-") {
            base = "Ubuntu:" + Releases.ubuntuRelease(code.dropFirst(7))
        } else {
            return nil
        }
        guard parts.count == 2 else { return (base, "") }
        return ("Ubuntu:Pro:" + base.dropFirst("Ubuntu:".count), parts[0])
    }

    /// The order of the package's versions; nil where none is known.
    var scheme: String? {
        if let language { return Ecosystem(language).scheme?.name }
        return ["deb", "rpm", "apk", "alpm"].contains(type) ? type : nil
    }
}

/// Ranges of versions as VEX documents write them: `vers:npm/>=1.0|<2.0` (the purl specification's VERS), `>=1.0|<2.0`,
/// `< 4.2`.
enum VersionRangeText {
    /// The versions and ranges; nil where the text is neither, or names versions that are left out.
    static func parse(_ text: String, scheme: String) -> (versions: [String], ranges: [VersionRange])? {
        var body = Substring(text)
        if body.hasPrefix("vers:") {
            guard let slash = body.firstIndex(of: "/") else { return nil }
            body = body[body.index(after: slash)...]
        }
        var versions: [String] = []
        var ranges: [VersionRange] = []
        var open: VersionRange?
        // Bounds stand behind each other with a comma, a bar or nothing between; a version without a sign needs a separator.
        var isSeparated = true
        body = body.drop { $0 == " " }
        while let first = body.first {
            if first == " " || first == "|" || first == "," {
                if first != " " { isSeparated = true }
                body.removeFirst()
                continue
            }
            if first == "*" {
                body.removeFirst()
                guard isSeparated, body.isEmpty || " |,".contains(body.first ?? " ") else { return nil }
                isSeparated = false
                ranges.append(VersionRange(scheme: scheme))
                continue
            }
            let sign = body.prefix { "<>=!".contains($0) }
            guard isSeparated || !sign.isEmpty else { return nil }
            isSeparated = false
            body = body.dropFirst(sign.count).drop { $0 == " " }
            let written = body.prefix { !" |,<>=".contains($0) }
            body = body.dropFirst(written.count)
            guard let version = percentDecoded(written), !version.isEmpty else { return nil }
            switch sign {
            case "", "=", "==":
                guard open == nil else { return nil }
                versions.append(version)
            case ">", ">=":
                guard open == nil else { return nil }
                open = VersionRange(scheme: scheme, lower: version, includesLower: sign == ">=")
            case "<", "<=":
                var range = open ?? VersionRange(scheme: scheme)
                open = nil
                range.upper = version
                range.includesUpper = sign == "<="
                ranges.append(range)
            default: return nil
            }
        }
        if let open { ranges.append(open) }
        return versions.isEmpty && ranges.isEmpty ? nil : (versions, ranges)
    }
}
