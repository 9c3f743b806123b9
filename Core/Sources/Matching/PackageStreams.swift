import Feeds
public import Inventory
import Versions

/// Which streams of advisories a package belongs to, by its distribution's os-release or its purl type.
///
/// A distribution is judged by its own advisories alone. A rebuild (AlmaLinux, Rocky, Oracle, CentOS) never takes Red Hat's:
/// its builds have other numbers.
public enum PackageStreams {
    /// The streams that may speak of a package, its own first; empty where none is known.
    ///
    /// - Parameter known: every stream that there is data for, which decides between spellings.
    public static func streams(of package: SoftwarePackage, known: (String) -> Bool, all: [String]) -> [String] {
        if package.distribution.isEmpty {
            return ecosystems[package.scheme].map { [$0] } ?? []
        }
        var streams = streams(ofDistribution: package.distribution)
        if let pattern = products(ofDistribution: package.distribution) {
            streams += all.filter { stream in pattern.contains { stream.hasPrefix($0.0) && stream.hasSuffix($0.1) } }
        }
        let version = package.version + " " + package.sourceVersion
        if package.distribution.hasPrefix("ubuntu-") {
            let release = package.distribution.dropFirst("ubuntu-".count)
            // A version of a channel that is paid for is judged by that channel.
            if version.contains("esm") { streams += ["Ubuntu:Pro:\(release):LTS", "Ubuntu:Pro:\(release)"] }
            if version.lowercased().contains("fips") {
                streams += [
                    "Ubuntu:Pro:FIPS:\(release):LTS", "Ubuntu:Pro:FIPS-updates:\(release):LTS",
                    "Ubuntu:Pro:FIPS-preview:\(release):LTS",
                ]
            }
            if package.source.contains("realtime") { streams.append("Ubuntu:Pro:Realtime:\(release):LTS") }
        }
        return unique(streams).filter(known)
    }

    /// The streams of a distribution release as os-release names it, in spellings that feeds use; empty where none is known.
    public static func streams(ofDistribution distribution: String) -> [String] {
        guard let dash = distribution.lastIndex(of: "-") else { return rolling[distribution].map { [$0] } ?? [] }
        let id = String(distribution[..<dash])
        let version = String(distribution[distribution.index(after: dash)...])
        let major = String(version.prefix { $0 != "." })
        let minor = version.split(separator: ".").prefix(2).joined(separator: ".")
        switch id {
        case "debian": return ["Debian:\(debianCodenames[version] ?? major)"]
        case "ubuntu":
            let parts = version.split(separator: ".")
            let isLTS = parts.count >= 2 && parts[1] == "04" && (Int(parts[0]) ?? 1) % 2 == 0
            return isLTS ? ["Ubuntu:\(minor):LTS", "Ubuntu:\(minor)"] : ["Ubuntu:\(minor)"]
        case "alpine": return ["Alpine:v\(minor)"]
        case "almalinux": return ["AlmaLinux:\(major)"]
        case "rocky": return ["Rocky Linux:\(major)"]
        case "ol": return ["Oracle Linux:\(major)"]
        case "amzn": return ["Amazon Linux:\(major)"]
        case "fedora": return ["Fedora:\(major)"]
        case "rhel":
            return [
                "Red Hat:enterprise_linux:\(major)", "Red Hat:enterprise_linux:\(minor)", "Red Hat:rhel_eus:\(minor)",
                "Red Hat:rhel_e4s:\(minor)", "Red Hat:rhel_aus:\(minor)", "Red Hat:rhel_tus:\(minor)",
                "Red Hat:rhel_els:\(major)",
            ]
        case "sles", "sled", "sles_sap": return ["SUSE:\(version)"]
        case "opensuse-leap": return ["openSUSE:Leap \(version)", "openSUSE:\(version)", "SUSE:\(version)"]
        case "opensuse-tumbleweed": return ["openSUSE:Tumbleweed"]
        case "wolfi", "chainguard", "arch", "opensuse", "minimos", "alpaquita": return rolling[id].map { [$0] } ?? []
        case "mageia": return ["Mageia:\(major)"]
        case "openEuler", "openeuler": return ["openEuler:\(version)", "openEuler:\(version)-LTS"]
        case "photon": return ["Photon OS:\(minor)"]
        case "azurelinux", "mariner": return ["Azure Linux:\(major)"]
        default: return rolling[id].map { [$0] } ?? []
        }
    }

    /// SUSE's streams are products with a service pack: every product of the same one.
    private static func products(ofDistribution distribution: String) -> [(String, String)]? {
        guard let dash = distribution.lastIndex(of: "-"), distribution.hasPrefix("sle") else { return nil }
        let parts = distribution[distribution.index(after: dash)...].split(separator: ".")
        guard let major = parts.first else { return nil }
        return [("SUSE:", parts.count > 1 ? " \(major) SP\(parts[1])" : " \(major)")]
    }

    private static let rolling = [
        "wolfi": "Wolfi", "chainguard": "Chainguard", "arch": "Arch Linux", "minimos": "MinimOS",
        "opensuse-tumbleweed": "openSUSE:Tumbleweed", "alpaquita": "Alpaquita:stream",
    ]

    private static let debianCodenames = [
        "squeeze": "6", "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
        "bookworm": "12",
        "trixie": "13", "forky": "14", "duke": "15",
    ]

    /// OSV's ecosystem of a purl type.
    static let ecosystems = [
        "pypi": "PyPI", "npm": "npm", "maven": "Maven", "gem": "RubyGems", "golang": "Go", "nuget": "NuGet",
        "cargo": "crates.io", "composer": "Packagist", "hex": "Hex", "pub": "Pub", "cran": "CRAN",
        "bioconductor": "Bioconductor", "hackage": "Hackage", "swift": "SwiftURL", "bitnami": "Bitnami",
        "github": "GitHub Actions", "julia": "Julia",
    ]

    /// The scheme of a stream's versions; nil where none is known.
    public static func scheme(ofStream stream: String) -> String? {
        if let scheme = Ecosystem(stream).scheme { return scheme.name }
        switch Ecosystem(stream).name {
        case "Amazon Linux", "Oracle Linux", "Fedora": return "rpm"
        case "Arch Linux": return "alpm"
        default: return nil
        }
    }

    /// The package that a stream, a name and a version mean: what a line `ecosystem<TAB>name<TAB>version` says.
    public static func package(stream: String, name: String, version: String) -> SoftwarePackage {
        let name = canonicalName(name, stream: stream)
        if let type = ecosystems.first(where: { $0.value == stream })?.key {
            return SoftwarePackage(scheme: type, distribution: "", name: name, architecture: "", version: version)
        }
        return SoftwarePackage(
            scheme: scheme(ofStream: stream) ?? "", distribution: stream, name: name, architecture: "", version: version
        )
    }

    /// A name as the stream compares names: registries that ignore case or punctuation say so.
    public static func canonicalName(_ name: String, stream: String) -> String {
        switch stream {
        case "PyPI":
            // PEP 503; nearly all names are in that form already.
            guard
                name.utf8.contains(where: { (0x41...0x5A).contains($0) || $0 == 0x5F || $0 == 0x2E })
                    || name.contains("--")
            else { return name }
            var result = ""
            for character in name.lowercased() {
                if character == "-" || character == "_" || character == "." {
                    if result.last != "-" { result.append("-") }
                } else {
                    result.append(character)
                }
            }
            return result
        case "Packagist", "NuGet": return name.lowercased()
        default: return name
        }
    }

    /// Whether a distribution's feed names every vulnerability of its packages, also those that are not fixed: then what it
    /// does not name is not affected, whatever a registry or a CPE says.
    public static func isComplete(_ stream: String) -> Bool {
        ["Debian", "Ubuntu", "Red Hat"].contains(Ecosystem(stream).name)
    }
}
