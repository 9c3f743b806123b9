import Versions

/// Versions as matching compares them: by key where there is one, else by the scheme's own rule for pairs.
enum VersionOrder {
    /// The key; Debian's versions are read as dpkg reads its own database. Nil where the scheme makes none.
    static func key(_ version: String, scheme: String) -> VersionKey? {
        guard let order = VersionSchemes.named(scheme) else { return nil }
        if order == DebianVersion.self { return try? DebianVersion.parse(version, strictness: .lax).key }
        return try? order.key(for: version)
    }

    /// How two versions without keys stand; nil where that is not known.
    static func compare(_ a: String, _ b: String, scheme: String) -> Ordering? {
        guard let order = VersionSchemes.named(scheme), let result = try? order.compare(a, b), result != .unordered
        else {
            return nil
        }
        return result
    }
}

/// A version that is judged against one catalogue, with its keys in the schemes that were asked for.
struct JudgedVersion {
    let version: String
    private var keys: [(scheme: UInt32, key: VersionKey?)] = []

    private var place: UInt32??

    init(_ version: String) { self.version = version }

    /// Its place in the catalogue's table of strings, looked up once; nil where it is not there.
    mutating func string(_ reader: CatalogueReader) throws(CatalogueError) -> UInt32? {
        if let place { return place }
        let found = try reader.index(of: version)
        place = .some(found)
        return found
    }

    /// The key in a scheme, made once.
    mutating func key(
        _ scheme: UInt32, _ name: () throws(CatalogueError) -> String
    ) throws(CatalogueError) -> VersionKey? {
        for entry in keys where entry.scheme == scheme { return entry.key }
        let key = VersionOrder.key(version, scheme: try name())
        keys.append((scheme, key))
        return key
    }
}
