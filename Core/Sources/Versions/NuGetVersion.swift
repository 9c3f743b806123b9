/// A version of a NuGet package: one to four numbers, missing ones 0; a prerelease in which case does not count; a build
/// that does not count (NuGet's `VersionComparer`).
public enum NuGetVersion: VersionScheme {
    /// `nuget`.
    public static let name = "nuget"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let parts = try SemanticParts(version, scheme: name, grammar: [.short, .long, .zeros, .trimming, .folding])
        guard parts.numbers.count <= 4 else {
            throw parts.scanner.error(parts.numbers[4].startIndex, "a NuGet version has at most four numbers")
        }
        return parts.key
    }
}
