/// A set of npm versions in the grammar of node-semver 7: comparators, `^`, `~`, `x` ranges, hyphen ranges, `||`.
///
/// A prerelease is in the set only if a comparator with the same three numbers names a prerelease too, as in npm.
public struct NPMRange: Sendable, Hashable {
    /// The longest range that is read, in bytes.
    public static let maximumBytes = 4096

    /// One condition on a version.
    struct Comparator: Sendable, Hashable {
        enum Relation: Sendable { case less, lessOrEqual, equal, greaterOrEqual, greater }
        let relation: Relation
        let key: VersionKey
        /// The key without the prerelease, where there is one.
        let triple: VersionKey?

        func holds(_ version: VersionKey) -> Bool {
            switch relation {
            case .less: version < key
            case .lessOrEqual: !(key < version)
            case .equal: version == key
            case .greaterOrEqual: !(version < key)
            case .greater: key < version
            }
        }
    }

    /// The alternatives between `||`; in each, every comparator must hold. None in an alternative: any release.
    let alternatives: [[Comparator]]

    /// Reads a range. Throws ``VersionError`` saying where.
    public init(_ range: String) throws(VersionError) {
        guard range.utf8.count <= Self.maximumBytes else {
            throw VersionError(
                scheme: "npm range", version: range, offset: Self.maximumBytes,
                reason: "it is longer than \(Self.maximumBytes) bytes")
        }
        var parser = NPMRangeParser(range)
        alternatives = try parser.parse()
    }

    /// Whether a version is in the set.
    public func contains(_ version: String) throws(VersionError) -> Bool {
        let parts = try NPMVersion.parts(of: version)
        let key = parts.key
        let triple = parts.prerelease.isEmpty ? nil : Self.triple(parts)
        return alternatives.contains { comparators in
            guard comparators.allSatisfy({ $0.holds(key) }) else { return false }
            guard let triple else { return true }
            return comparators.contains { $0.triple == triple }
        }
    }

    /// The key of the three numbers alone.
    static func triple(_ parts: SemanticParts) -> VersionKey {
        var writer = KeyWriter(capacity: 12)
        for digits in parts.numbers { writer.number(digits) }
        return writer.key
    }
}
