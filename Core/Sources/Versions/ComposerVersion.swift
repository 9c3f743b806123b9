/// A version of a Composer package, ordered by PHP's `version_compare`, as Composer's `Comparator` orders it.
///
/// A leading `v` does not count; `-`, `_`, `+` and every change between letters and digits separate. At each place the
/// order is: unknown words, `dev`, `alpha` (a), `beta` (b), `RC` (rc), the end, a number, `pl` (p); words count by how
/// they begin. `1.0` is before `1.0.0`, as in PHP: Composer itself pads versions before it compares.
///
/// Two different branches (`dev-main`, `dev-2.x`) have no order. PHP's wildcard `#` equals every number, so versions with
/// it have no keys. A version that starts or ends with a separator is refused: PHP does not even find
/// it equal to itself.
public enum ComposerVersion: VersionScheme {
    /// `composer`.
    public static let name = "composer"

    private enum Part {
        case number(ArraySlice<UInt8>)
        case word(UInt8)
        case wildcard
    }

    private enum Rank {
        static let end: UInt8 = 6
        static let number: UInt8 = 7
        static let patch: UInt8 = 8
    }

    /// The key of a version; of a branch, that of its name read as a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let scanner = try VersionScanner(version, scheme: name)
        if let wildcard = scanner.bytes.firstIndex(of: 0x23) {
            throw scanner.error(wildcard, "# stands for any number and has no place in an order")
        }
        var writer = KeyWriter(capacity: scanner.end)
        for part in try parts(of: scanner) {
            switch part {
            case .number(let digits):
                writer.tag(Rank.number)
                writer.number(digits)
            case .word(let rank):
                writer.tag(rank)
            case .wildcard:
                break
            }
        }
        writer.tag(Rank.end)
        return writer.key
    }

    /// As Composer answers: nothing is said of two different branches.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let (left, right) = (try VersionScanner(a, scheme: name), try VersionScanner(b, scheme: name))
        if isBranch(left), isBranch(right) { return a == b ? .equal : .unordered }
        guard left.bytes.contains(0x23) || right.bytes.contains(0x23) else {
            return try key(for: a).ordering(to: try key(for: b))
        }
        let (one, two) = (try parts(of: left), try parts(of: right))
        for index in 0..<max(one.count, two.count) {
            let order = compare(index < one.count ? one[index] : nil, index < two.count ? two[index] : nil)
            if order != .equal { return order }
        }
        return .equal
    }

    private static func isBranch(_ scanner: VersionScanner) -> Bool { scanner.bytes.starts(with: "dev-".utf8) }

    private static func compare(_ a: Part?, _ b: Part?) -> Ordering {
        if case .number(let left) = a, case .number(let right) = b { return compareNumbers(left, right) }
        if case .wildcard = a { return wildcard(against: b) }
        if case .wildcard = b { return wildcard(against: a).reversed }
        let (left, right) = (rank(a), rank(b))
        return left == right ? .equal : left < right ? .less : .greater
    }

    private static func wildcard(against part: Part?) -> Ordering {
        guard case .word(let rank) = part else { return .equal }
        return rank < Rank.end ? .greater : .less
    }

    private static func rank(_ part: Part?) -> UInt8 {
        switch part {
        case .none: Rank.end
        case .word(let rank): rank
        case .number, .wildcard: Rank.number
        }
    }

    private static func parts(of scanner: VersionScanner) throws(VersionError) -> [Part] {
        var scanner = scanner
        if let first = scanner.next, first | 0x20 == 0x76, scanner.end > 1 { scanner.position += 1 }
        var parts: [Part] = []
        if let first = scanner.next, !isAlphanumeric(first), first != 0x23 {
            throw scanner.error(scanner.position, "it starts with a separator")
        }
        if let last = scanner.rest.last, !isAlphanumeric(last), last != 0x23 {
            throw scanner.error(scanner.end - 1, "it ends in a separator")
        }
        while let byte = scanner.next {
            if isDigit(byte) {
                parts.append(.number(scanner.take(while: isDigit)))
            } else if isLetter(byte) {
                parts.append(.word(rank(ofWord: scanner.take(while: isLetter))))
            } else {
                if byte >= 0x80 { throw scanner.unexpected(scanner.position, expecting: "an ASCII character") }
                scanner.position += 1
                if byte == 0x23 { parts.append(.wildcard) }
            }
        }
        return parts
    }

    private static func rank(ofWord word: ArraySlice<UInt8>) -> UInt8 {
        if word.starts(with: "dev".utf8) { return 2 }
        switch word.first {
        case 0x61: return 3
        case 0x62: return 4
        case 0x70: return Rank.patch
        default: return word.starts(with: "RC".utf8) || word.starts(with: "rc".utf8) ? 5 : 1
        }
    }
}
