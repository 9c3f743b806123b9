import PackageURLs
import Versions

/// Which package of which stream a package URL names.
extension PackageURL {
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
