/// A version of a FreeBSD package: `version[_revision][,epoch]`, ordered as `pkg version -t` orders it (libpkg's
/// `pkg_version_cmp`).
///
/// A version is a list of components, each a number, a letter and a patch level. Missing components are 0. A component
/// that starts with a letter has number -1, so `1.a` is before `1`; `pl`, `snap`, `alpha`, `beta`, `pre` and `rc` start a
/// component of their own; `*` is below everything. A `+` starts the list anew. Case does not count.
public enum FreeBSDVersion: VersionScheme {
    /// `freebsd`.
    public static let name = "freebsd"

    /// The key of a version; a package's name with a hyphen may stand before it.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        if let hyphen = scanner.rest.lastIndex(of: 0x2D) { scanner.position = hyphen + 1 }
        guard !scanner.isAtEnd else { throw scanner.error(scanner.end, "nothing follows the last hyphen") }
        let whole = scanner.rest
        var revision: ArraySlice<UInt8> = []
        var epoch: ArraySlice<UInt8> = []
        var last = whole.endIndex
        if let comma = whole.lastIndex(of: 0x2C) {
            epoch = whole[(comma + 1)..<last]
            try check(epoch, "the epoch after the comma", scanner)
            last = comma
        }
        if let underscore = whole[..<last].lastIndex(of: 0x5F) {
            revision = whole[(underscore + 1)..<last]
            try check(revision, "the revision after the underscore", scanner)
            last = underscore
        }
        scanner.end = last
        guard !scanner.isAtEnd else { throw scanner.error(scanner.position, "the version is empty") }
        if let other = scanner.rest.firstIndex(where: { $0 >= 0x80 }) {
            throw scanner.unexpected(other, expecting: "an ASCII character")
        }
        var writer = KeyWriter(capacity: 3 * whole.count)
        writer.number(epoch)
        encode(&scanner, into: &writer)
        writer.number(revision)
        return writer.key
    }

    private static func check(
        _ digits: ArraySlice<UInt8>, _ what: String, _ scanner: VersionScanner
    ) throws(VersionError) {
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else {
            throw scanner.error(digits.startIndex, "\(what) must be a number")
        }
    }

    /// A number that may be -2, -1 or from 0 up.
    private enum Number {
        case star, none
        case digits(ArraySlice<UInt8>)
        var isZero: Bool { if case .digits(let digits) = self { digits.isEmpty } else { false } }
    }

    private struct Component {
        var number = Number.none
        var letter: UInt8 = 0
        var patch = Number.digits([])

        var isZero: Bool { number.isZero && letter == 0 && patch.isZero }
        /// Before a component that is 0.
        var isBelowZero: Bool {
            if case .digits(let digits) = number {
                if !digits.isEmpty || letter > 0 { return false }
                if case .digits = patch { return false }
            }
            return true
        }
    }

    private enum Tag {
        static let below: UInt8 = 1
        static let zerosThenBelow: UInt8 = 2
        static let blocksThenBelow: UInt8 = 3
        static let end: UInt8 = 4
        static let blocksThenAbove: UInt8 = 5
        static let zerosThenAbove: UInt8 = 6
        static let above: UInt8 = 7
    }

    private static func encode(_ scanner: inout VersionScanner, into writer: inout KeyWriter) {
        // Zeros and starts of blocks wait until it is known what they lead to.
        var zeros = 0
        var blocks = 0
        while let byte = scanner.next {
            if byte == 0x2B {
                scanner.position += 1
                blocks += 1
                zeros = 0
                continue
            }
            let component = component(&scanner)
            if component.isZero {
                zeros += 1
                continue
            }
            let isBelow = component.isBelowZero
            // Between blocks and zeros, what comes first decides; both are only written when there are some.
            if blocks > 0 {
                writer.tag(isBelow ? Tag.blocksThenBelow : Tag.blocksThenAbove)
                writer.count(blocks, descending: !isBelow)
            }
            if zeros > 0 {
                writer.tag(isBelow ? Tag.zerosThenBelow : Tag.zerosThenAbove)
                writer.count(zeros, descending: !isBelow)
            }
            (zeros, blocks) = (0, 0)
            writer.tag(isBelow ? Tag.below : Tag.above)
            write(component.number, into: &writer)
            writer.tag(component.letter)
            write(component.patch, into: &writer)
        }
        writer.tag(Tag.end)
    }

    private static func write(_ number: Number, into writer: inout KeyWriter) {
        switch number {
        case .star: writer.tag(0)
        case .none: writer.tag(1)
        case .digits(let digits):
            writer.tag(2)
            writer.number(digits)
        }
    }

    private static let stages: [(word: StaticString, rank: UInt8)] = [
        ("pl", 0), ("snap", 0x73), ("alpha", 0x61), ("beta", 0x62), ("pre", 0x70), ("rc", 0x72),
    ]

    private static func component(_ scanner: inout VersionScanner) -> Component {
        var result = Component()
        let startsWithLetter: Bool
        if let byte = scanner.next, isDigit(byte) {
            result.number = .digits(scanner.take(while: isDigit).drop(while: isZero))
            startsWithLetter = false
        } else if scanner.next == 0x2A {
            result.number = .star
            _ = scanner.take { $0 != 0x2B }
            startsWithLetter = false
        } else {
            startsWithLetter = true
        }
        if let byte = scanner.next, isLetter(byte) {
            let start = scanner.position
            let word = scanner.take(while: isLetter)
            let stage = stages.first { isWord(word, $0.word) }
            if stage != nil, !startsWithLetter {
                // The stage starts a component of its own.
                scanner.position = start
                return result
            }
            result.letter = stage?.rank ?? lowercase(byte)
            result.patch =
                scanner.next.map(isDigit) ?? false
                ? .digits(scanner.take(while: isDigit).drop(while: isZero)) : .none
        }
        _ = scanner.take { !isAlphanumeric($0) && $0 != 0x2B && $0 != 0x2A }
        return result
    }
}
