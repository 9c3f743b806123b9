public import Versions

/// An ecosystem of the OSV format: a name and, after a colon, what narrows it (`Debian:12`, `Ubuntu:Pro:18.04:LTS`).
public struct Ecosystem: Sendable, Hashable, CustomStringConvertible {
    /// What stands before the first colon, such as `Debian`.
    public let name: String
    /// What follows it, such as `12`; nil when nothing does.
    public let release: String?

    /// Splits at the first colon.
    public init(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else {
            name = text
            release = nil
            return
        }
        name = String(text[..<colon])
        let rest = text[text.index(after: colon)...]
        release = rest.isEmpty ? nil : String(rest)
    }

    /// As OSV writes it.
    public var description: String { release.map { "\(name):\($0)" } ?? name }

    /// The order of its versions, by OSV's list of ecosystems; nil where it has none that is known here.
    public var scheme: (any VersionScheme.Type)? {
        if let rebuilt { return rebuilt.scheme }
        return Self.schemes[name]
    }

    /// What its packages are: of a distribution its source packages, or its binary ones, as its feed has them.
    public var packageKind: Statement.Kind {
        if let rebuilt { return rebuilt.packageKind }
        if Self.sources.contains(name) { return .source }
        return Self.binaries.contains(name) ? .binary : .language
    }

    /// Root and Seal rebuild packages of another ecosystem, which they name.
    private var rebuilt: Ecosystem? {
        guard name == "Root" || name == "Seal", let release else { return nil }
        return Ecosystem(release)
    }

    private static let sources: Set = [
        "Debian", "Ubuntu", "Echo", "Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "MinimOS",
        "Wolfi", "Azure Linux", "Mageia", "SUSE", "openSUSE", "openEuler", "Rocky Linux",
    ]
    private static let binaries: Set = ["AlmaLinux", "Red Hat", "Photon OS", "TuxCare", "FreeBSD"]

    private static let schemes: [String: any VersionScheme.Type] = {
        let groups: [(any VersionScheme.Type, [String])] = [
            (DebianVersion.self, ["Debian", "Ubuntu", "Echo"]),
            (
                RPMVersion.self,
                [
                    "AlmaLinux", "Azure Linux", "Mageia", "Photon OS", "Red Hat", "Rocky Linux", "SUSE", "TuxCare",
                    "openEuler", "openSUSE",
                ]
            ),
            (
                AlpineVersion.self,
                ["Alpaquita", "Alpine", "BellSoft Hardened Containers", "Chainguard", "MinimOS", "Wolfi"]
            ),
            (
                SemanticVersion.self,
                ["Bitnami", "GitHub Actions", "Julia", "Kubernetes", "Linux", "SwiftURL", "VSCode"]
            ),
            (CRANVersion.self, ["CRAN", "Bioconductor"]), (HackageVersion.self, ["Hackage", "GHC"]),
            (CargoVersion.self, ["crates.io"]), (ComposerVersion.self, ["Packagist"]), (GemVersion.self, ["RubyGems"]),
            (GoVersion.self, ["Go"]), (HexVersion.self, ["Hex"]), (MavenVersion.self, ["Maven"]),
            (NPMVersion.self, ["npm"]), (NuGetVersion.self, ["NuGet"]), (PubVersion.self, ["Pub"]),
            (PythonVersion.self, ["PyPI"]), (FreeBSDVersion.self, ["FreeBSD"]),
        ]
        return Dictionary(uniqueKeysWithValues: groups.flatMap { scheme, names in names.map { ($0, scheme) } })
    }()
}
