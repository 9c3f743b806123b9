/// The orderings this build knows.
public enum VersionSchemes {
    /// All schemes, sorted by name.
    public static let all: [any VersionScheme.Type] = [
        AlpineVersion.self, AppleVersion.self, CargoVersion.self, ComposerVersion.self, CRANVersion.self,
        DebianVersion.self, FreeBSDVersion.self, GemVersion.self, GoVersion.self, HackageVersion.self, HexVersion.self,
        HomebrewVersion.self, MavenVersion.self, NPMVersion.self, NuGetVersion.self, OpenSSLVersion.self,
        PacmanVersion.self, PubVersion.self, PythonVersion.self, RPMVersion.self, SemanticVersion.self,
        WindowsVersion.self,
    ].sorted { $0.name < $1.name }

    /// Package URL types whose versions have another scheme's order.
    private static let aliases: [(name: String, scheme: any VersionScheme.Type)] = [
        ("swift", SemanticVersion.self), ("bitnami", SemanticVersion.self), ("julia", SemanticVersion.self),
        ("github", SemanticVersion.self), ("bioconductor", CRANVersion.self),
    ]

    private static let byName: [String: any VersionScheme.Type] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) } + aliases.map { ($0.name, $0.scheme) })

    /// The scheme of that name, which is a package URL's type where there is one; nil when there is none. The types
    /// `swift`, `bitnami`, `julia` and `github` are `semver`, `bioconductor` is `cran`.
    public static func named(_ name: String) -> (any VersionScheme.Type)? {
        byName[name]
    }
}
