/// A version of an Erlang or Elixir package: Semantic Versioning 2.0.0 to the letter, as Elixir's `Version` reads it. The
/// build does not count.
public enum HexVersion: VersionScheme {
    /// `hex`.
    public static let name = "hex"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        try SemanticParts(version, scheme: name, grammar: []).key
    }
}
