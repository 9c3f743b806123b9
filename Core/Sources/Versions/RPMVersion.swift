/// A version of an RPM package: `[epoch:]version[-release]`, ordered as librpm's `rpmvercmp` orders each part.
///
/// rpm reads a part as runs of letters and runs of digits; whatever stands between them only separates. At each place
/// `~` comes first, then the end, then `^`, then letters, then digits. An epoch that is not written is 0; a release that
/// is not written comes before every other.
public struct RPMVersion: VersionScheme, Hashable {
    /// `rpm`.
    public static let name = "rpm"

    /// The epoch's digits; empty when not written, which orders as 0.
    public let epoch: String
    /// The version.
    public let version: String
    /// The release; nil when not written.
    public let release: String?

    /// Splits as librpm does: the epoch is the digits before a colon, the release follows the last hyphen.
    public static func parse(_ version: String) throws(VersionError) -> RPMVersion {
        let parts = try split(VersionScanner(version, scheme: name))
        return RPMVersion(
            epoch: String(decoding: parts.epoch, as: UTF8.self),
            version: String(decoding: parts.version, as: UTF8.self),
            release: parts.release.map { String(decoding: $0, as: UTF8.self) })
    }

    /// The key of an EVR.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let parts = try split(VersionScanner(version, scheme: name))
        var writer = KeyWriter(capacity: parts.count)
        writer.number(parts.epoch)
        encode(parts.version, into: &writer)
        if let release = parts.release {
            writer.tag(Tag.release)
            encode(release, into: &writer)
        }
        return writer.key
    }

    private typealias Parts = (
        epoch: ArraySlice<UInt8>, version: ArraySlice<UInt8>, release: ArraySlice<UInt8>?, count: Int
    )

    private static func split(_ scanner: VersionScanner) throws(VersionError) -> Parts {
        var scanner = scanner
        let count = scanner.end
        var epoch = scanner.take(while: isDigit)
        if !scanner.take(0x3A) {
            epoch = []
            scanner.position = 0
        }
        let rest = scanner.rest
        guard !rest.isEmpty else { throw scanner.error(scanner.end, "nothing follows the epoch's colon") }
        guard let hyphen = rest.lastIndex(of: 0x2D) else { return (epoch, rest, nil, count) }
        return (epoch, rest[..<hyphen], rest[(hyphen + 1)...], count)
    }

    private enum Tag {
        static let tilde: UInt8 = 1
        static let end: UInt8 = 2
        static let release: UInt8 = 2
        static let caret: UInt8 = 3
        static let letters: UInt8 = 4
        static let digits: UInt8 = 5
    }

    private static func encode(_ part: ArraySlice<UInt8>, into writer: inout KeyWriter) {
        var index = part.startIndex
        while index < part.endIndex {
            let byte = part[index]
            var last = index + 1
            if isDigit(byte) {
                while last < part.endIndex, isDigit(part[last]) { last += 1 }
                writer.tag(Tag.digits)
                writer.number(part[index..<last])
            } else if isLetter(byte) {
                while last < part.endIndex, isLetter(part[last]) { last += 1 }
                writer.tag(Tag.letters)
                writer.text(part[index..<last])
            } else if byte == 0x7E {
                writer.tag(Tag.tilde)
            } else if byte == 0x5E {
                writer.tag(Tag.caret)
            }
            index = last
        }
        writer.tag(Tag.end)
    }
}
