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
            return (ecosystems[package.scheme].map { [$0] } ?? []).filter(known)
        }
        // A backport is a build of the next release's source, whose advisories speak of it.
        if let release = backported(package) { return [release].filter(known) }
        var streams = streams(ofDistribution: package.distribution)
        if let pattern = products(ofDistribution: package.distribution) {
            streams += all.filter { stream in
                pattern.contains { stream.hasPrefix($0.prefix) && endsIn($0.release, stream) }
            }
        }
        if package.distribution.hasPrefix("rhel-") { streams += minors(of: package.distribution, all) }
        if package.distribution.hasPrefix("ubuntu-") {
            let release = package.distribution.dropFirst("ubuntu-".count)
            // What the paid channel fixes is open in builds of the others; a build of it is judged by it (``isPaid``).
            streams += ["Ubuntu:Pro:\(release):LTS", "Ubuntu:Pro:\(release)"]
            if isOfFIPS(package) {
                streams += [
                    "Ubuntu:Pro:FIPS:\(release):LTS", "Ubuntu:Pro:FIPS-updates:\(release):LTS",
                    "Ubuntu:Pro:FIPS-preview:\(release):LTS",
                ]
            }
            if package.source.holds("realtime") { streams.append("Ubuntu:Pro:Realtime:\(release):LTS") }
        }
        return unique(streams).filter(known)
    }

    /// Whether a stream is a channel that is paid for: its fixes are no fixes for who has not subscribed.
    static func isPaid(_ stream: String) -> Bool { stream.hasPrefix("Ubuntu:Pro:") }

    /// Whether a package is a build of a channel that is paid for.
    static func isOfPaidChannel(_ package: SoftwarePackage) -> Bool {
        guard package.distribution.hasPrefix("ubuntu-") else { return false }
        return package.version.holds("esm") || package.sourceVersion.holds("esm") || isOfFIPS(package)
            || package.source.holds("realtime")
    }

    private static func isOfFIPS(_ package: SoftwarePackage) -> Bool {
        package.version.lowercased().contains("fips") || package.sourceVersion.lowercased().contains("fips")
    }

    /// The stream of the release that a backport to a Debian release was taken from: `~bpo12` is a build of 13's.
    private static func backported(_ package: SoftwarePackage) -> String? {
        guard package.version.holds("~bpo"), package.distribution.hasPrefix("debian-"),
            let mark = package.version.firstRange(of: "~bpo")
        else { return nil }
        let digits = package.version[mark.upperBound...].prefix { $0.isASCII && $0.isNumber }
        // 1.0-1~bpo70+1 is how it was written up to 7.
        guard let release = Int(digits), release >= 8, release < 60 else { return nil }
        return "Debian:\(release + 1)"
    }

    /// Red Hat's streams of minor releases up to the host's own; streams for one minor release alone (EUS and its like) are
    /// not among them.
    private static func minors(of distribution: String, _ all: [String]) -> [String] {
        let parts = distribution.dropFirst("rhel-".count).split(separator: ".")
        guard parts.count >= 2, let minor = Int(parts[1]) else { return [] }
        let start = "Red Hat:enterprise_linux:\(parts[0])."
        return all.filter { stream in
            guard stream.hasPrefix(start), let other = Int(stream.dropFirst(start.count)) else { return false }
            return other <= minor
        }
    }

    /// Whether a product's stream is of a service pack, with or without a mark of long support (`-LTSS`, `-ESPOS`).
    private static func endsIn(_ release: String, _ stream: String) -> Bool {
        guard let range = stream.firstRange(of: release) else { return false }
        return range.upperBound == stream.endIndex || stream[range.upperBound] == "-"
    }

    /// The streams of a distribution release as os-release names it, in spellings that feeds use; empty where none is known.
    public static func streams(ofDistribution distribution: String) -> [String] {
        guard let dash = distribution.lastIndex(of: "-") else { return rolling[distribution].map { [$0] } ?? [] }
        let id = String(distribution[..<dash])
        let version = String(distribution[distribution.index(after: dash)...])
        let major = String(version.prefix { $0 != "." })
        var minor: String { version.split(separator: ".").prefix(2).joined(separator: ".") }
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
    private static func products(ofDistribution distribution: String) -> [(prefix: String, release: String)]? {
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
                    || name.holds("--")
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
}
