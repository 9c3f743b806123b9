/// A version of a Dart package: a semantic version whose build counts, after everything else (pub_semver).
///
/// A version without a build comes before those with one; builds order as prereleases do.
public enum PubVersion: VersionScheme {
    /// `pub`.
    public static let name = "pub"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let parts = try SemanticParts(version, scheme: name, grammar: [.prefix, .short, .long, .zeros])
        var writer = KeyWriter(capacity: parts.scanner.end)
        parts.write(into: &writer)
        parts.write(identifiers: parts.build, into: &writer)
        return writer.key
    }
}
