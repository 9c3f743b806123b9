/// A version of an npm package, as node-semver's strict parser reads it: three numbers, each at most 2^53 - 1; blanks
/// around it and a leading `v` do not count; at most 256 characters.
///
/// Ranges are ``NPMRange``.
public enum NPMVersion: VersionScheme {
    /// `npm`.
    public static let name = "npm"

    /// The longest version node-semver takes.
    public static let maximumLength = 256

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        try parts(of: version).key
    }

    static func parts(of version: String) throws(VersionError) -> SemanticParts {
        let parts = try SemanticParts(version, scheme: name, grammar: [.prefix, .trimming])
        guard version.utf8.count <= maximumLength else {
            throw parts.scanner.error(maximumLength, "it is longer than \(maximumLength) characters")
        }
        if parts.scanner.bytes.contains(0x56), let first = parts.numbers.first, first.startIndex > 0,
            parts.scanner.bytes[first.startIndex - 1] == 0x56
        {
            throw parts.scanner.error(first.startIndex - 1, "a leading v must be in lower case")
        }
        for digits in parts.numbers where compareNumbers(digits, maximumNumber) == .greater {
            throw parts.scanner.error(digits.startIndex, "a number is above 9007199254740991")
        }
        return parts
    }

    private static let maximumNumber = Array("9007199254740991".utf8)[...]
}
