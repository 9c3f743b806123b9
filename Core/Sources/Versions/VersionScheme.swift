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

    /// How two versions stand to each other.
    ///
    /// Where a scheme's own rule for a *pair* is no order (it goes in circles, or leaves pairs open), this answers as the
    /// rule does, with ``Ordering/unordered`` for what it leaves open, and the scheme says so. Otherwise it is the order
    /// of the keys, which is what this does unless a scheme says more.
    static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering
}

extension VersionScheme {
    /// The order of the keys.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        try key(for: a).ordering(to: try key(for: b))
    }
}

/// The place of a version in its scheme's order. Keys of different schemes must not be compared.
public struct VersionKey: Comparable, Hashable, Sendable {
    /// The bytes to store and index; their plain order is the order of versions.
    public let bytes: [UInt8]

    /// Takes a key's bytes back from storage.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The bytes as hexadecimal digits, for people and for programs that sort text.
    public var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How this key stands to another of the same scheme.
    public func ordering(to other: VersionKey) -> Ordering {
        self == other ? .equal : self < other ? .less : .greater
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
    /// The scheme has no order for the two.
    case unordered

    /// `<`, `=`, `>` or `?`.
    public var symbol: String {
        switch self {
        case .less: "<"
        case .equal: "="
        case .greater: ">"
        case .unordered: "?"
        }
    }
}

/// Compares two versions by a scheme; throws for the first that is no version of it.
public func compare(
    _ a: String, _ b: String, scheme: any VersionScheme.Type
) throws(VersionError) -> Ordering {
    try scheme.compare(a, b)
}

extension Ordering {
    /// How the second stands to the first.
    public var reversed: Ordering {
        switch self {
        case .less: .greater
        case .greater: .less
        case .equal, .unordered: self
        }
    }
}
