/// A version of a Rust crate: Semantic Versioning 2.0.0 to the letter, as the `semver` crate reads it.
///
/// The build does not count, as in Cargo's resolver and in the specification; the crate's own `Ord` also sorts by it.
public enum CargoVersion: VersionScheme {
    /// `cargo`.
    public static let name = "cargo"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        try SemanticParts(version, scheme: name, grammar: []).key
    }
}
