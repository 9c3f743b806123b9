/// One ordering of version strings, as an encoder to bytes whose plain byte order is the version order.
///
/// Comparison is then a `memcmp`, a range is a binary search, and a database can index versions. The property
/// `key(a) < key(b)` exactly when the native tool says `a < b` is tested against that tool.
public protocol VersionScheme: Sendable {
    /// The name in commands and documents, such as `deb`.
    static var name: String { get }

    /// The key of a version; versions the scheme calls equal have equal keys.
    ///
    /// Throws when the text is no version of this scheme, saying where.
    static func key(for version: String) throws(VersionError) -> VersionKey
}

/// The place of a version in its scheme's order. Keys of different schemes must not be compared.
public struct VersionKey: Comparable, Hashable, Sendable {
    /// The bytes to store and index; their plain order is the order of versions.
    public let bytes: [UInt8]

    /// Takes a key's bytes back from storage.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Plain byte order, a shorter key before its extensions, as `memcmp` and databases have it.
    public static func < (left: Self, right: Self) -> Bool {
        left.bytes.withUnsafeBufferPointer { left in
            right.bytes.withUnsafeBufferPointer { right in
                let common = min(left.count, right.count)
                var index = 0
                while index < common {
                    if left[index] != right[index] { return left[index] < right[index] }
                    index += 1
                }
                return left.count < right.count
            }
        }
    }
}

/// How one version stands to another.
public enum Ordering: Sendable, Hashable, CaseIterable {
    /// The first is older.
    case less
    /// Neither is older.
    case equal
    /// The first is newer.
    case greater

    /// `<`, `=` or `>`.
    public var symbol: String {
        switch self {
        case .less: "<"
        case .equal: "="
        case .greater: ">"
        }
    }
}

/// Compares two versions by a scheme; throws for the first that is no version of it.
public func compare(
    _ a: String, _ b: String, scheme: any VersionScheme.Type
) throws(VersionError) -> Ordering {
    let (left, right) = (try scheme.key(for: a), try scheme.key(for: b))
    return left == right ? .equal : left < right ? .less : .greater
}

/// The orderings this build knows.
public enum VersionSchemes {
    /// All schemes, sorted by name.
    public static let all: [any VersionScheme.Type] = [DebianVersion.self]

    /// The scheme of that name; nil when there is none.
    public static func named(_ name: String) -> (any VersionScheme.Type)? {
        all.first { $0.name == name }
    }
}
