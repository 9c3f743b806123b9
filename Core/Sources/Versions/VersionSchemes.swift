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

    private static let byName: [String: any VersionScheme.Type] = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// The scheme of that name, which is a package URL's type where there is one; nil when there is none.
    public static func named(_ name: String) -> (any VersionScheme.Type)? {
        byName[name]
    }
}
