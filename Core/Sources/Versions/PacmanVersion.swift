/// A version of an Arch package: `[epoch:]version[-release]`, ordered as libalpm's `alpm_pkg_vercmp` (vercmp(8)).
///
/// vercmp does not compare releases where one side has none, so that `1-1` and `1-2` both equal `1`: no order has that,
/// so in *keys* a version without a release comes just before all its releases, while ``compare(_:_:)`` answers as
/// vercmp does. A version that ends in a separator is refused: vercmp orders `1a.`, `1a2` and `1a.b` in a circle.
public enum PacmanVersion: VersionScheme {
    /// `alpm`.
    public static let name = "alpm"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let (bytes, release) = try encode(version)
        return VersionKey(bytes: bytes + release)
    }

    /// As `vercmp`: releases count only where both have one.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let (left, right) = (try encode(a), try encode(b))
        let order = VersionKey(bytes: left.version).ordering(to: VersionKey(bytes: right.version))
        guard order == .equal, !left.release.isEmpty, !right.release.isEmpty else { return order }
        return VersionKey(bytes: left.release).ordering(to: VersionKey(bytes: right.release))
    }

    private static func encode(_ version: String) throws(VersionError) -> (version: [UInt8], release: [UInt8]) {
        var scanner = try VersionScanner(version, scheme: name)
        var epoch = scanner.take(while: isDigit)
        if !scanner.take(0x3A) {
            epoch = []
            scanner.position = 0
        }
        let rest = scanner.rest
        let hyphen = rest.lastIndex(of: 0x2D)
        var writer = KeyWriter(capacity: scanner.end)
        writer.number(epoch)
        try encode(rest[..<(hyphen ?? rest.endIndex)], "the version", of: scanner, into: &writer)
        guard let hyphen else { return (writer.bytes, []) }
        var release = KeyWriter(capacity: rest.endIndex - hyphen)
        try encode(rest[(hyphen + 1)...], "the release after the hyphen", of: scanner, into: &release)
        return (writer.bytes, release.bytes)
    }

    /// Above a letter that follows at once, below everything else.
    private static let end: UInt8 = 1

    private static func encode(
        _ part: ArraySlice<UInt8>, _ what: String, of scanner: VersionScanner, into writer: inout KeyWriter
    ) throws(VersionError) {
        guard let last = part.last else { throw scanner.error(part.startIndex, "\(what) is empty") }
        guard isAlphanumeric(last) else {
            throw scanner.error(part.endIndex - 1, "\(what) ends in a separator, which pacman cannot order")
        }
        if let other = part.firstIndex(where: { $0 >= 0x80 }) {
            throw scanner.unexpected(other, expecting: "an ASCII character")
        }
        var index = part.startIndex
        while index < part.endIndex {
            // Fewer separators come first; at the same number letters come before digits.
            let start = index
            while index < part.endIndex, !isAlphanumeric(part[index]) { index += 1 }
            let separators = index - start
            guard separators < 100 else { throw scanner.error(start, "more than 99 separators in a row") }
            let isNumber = isDigit(part[index])
            writer.tag(UInt8(separators) * 2 + (isNumber ? 2 : separators == 0 ? 0 : 1))
            let first = index
            while index < part.endIndex, isNumber ? isDigit(part[index]) : isLetter(part[index]) { index += 1 }
            if isNumber { writer.number(part[first..<index]) } else { writer.text(part[first..<index]) }
        }
        writer.tag(end)
    }
}
