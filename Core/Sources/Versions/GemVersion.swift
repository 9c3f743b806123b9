/// A version of a Ruby gem, ordered as `Gem::Version` orders it.
///
/// A version is a list of numbers and words, split at dots and between letters and digits; a hyphen stands for `.pre.`.
/// It goes on with zeros for ever; a word comes before 0, so `1.a` is before `1`. Zeros before the first word and at the
/// end do not count. Case counts in words.
public enum GemVersion: VersionScheme {
    /// `gem`.
    public static let name = "gem"

    private enum Tag {
        static let word: UInt8 = 1
        static let zerosThenWord: UInt8 = 2
        static let end: UInt8 = 3
        static let zerosThenNumber: UInt8 = 4
        static let number: UInt8 = 5
    }

    /// The key of a version that `Gem::Version.correct?` accepts, except for the empty one; besides, letters may follow the
    /// first number at once, as in advisories.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name, trimming: true)
        let segments = try segments(&scanner)
        var writer = KeyWriter(capacity: scanner.end)
        // Zeros wait until it is known what they lead to.
        var zeros = 0
        var hadWord = false
        for segment in segments {
            if segment.allSatisfy(isZero) {
                zeros += 1
            } else if isDigit(segment[segment.startIndex]) {
                if zeros > 0 {
                    writer.tag(Tag.zerosThenNumber)
                    writer.count(zeros, descending: true)
                }
                writer.tag(Tag.number)
                writer.number(segment)
                zeros = 0
            } else {
                if !hadWord { zeros = 0 }
                hadWord = true
                if zeros > 0 {
                    writer.tag(Tag.zerosThenWord)
                    writer.count(zeros)
                }
                writer.tag(Tag.word)
                writer.text(segment)
                zeros = 0
            }
        }
        writer.tag(Tag.end)
        return writer.key
    }

    /// What a hyphen stands for.
    private static let pre = Array("pre".utf8)[...]

    private static func segments(_ scanner: inout VersionScanner) throws(VersionError) -> [ArraySlice<UInt8>] {
        var segments = [try scanner.number("the first segment")]
        var mayEnd = true
        var inPrerelease = false
        while let byte = scanner.next {
            if isDigit(byte) {
                segments.append(scanner.take(while: isDigit))
                mayEnd = true
            } else if isLetter(byte) {
                segments.append(scanner.take(while: isLetter))
                mayEnd = true
            } else if byte == 0x2E, mayEnd {
                scanner.position += 1
                mayEnd = false
            } else if byte == 0x2D, inPrerelease || mayEnd {
                // Inside a prerelease hyphens may stand anywhere.
                scanner.position += 1
                segments.append(pre)
                mayEnd = inPrerelease
                inPrerelease = true
            } else {
                throw scanner.unexpected(scanner.position, expecting: "a letter, a digit, a dot or a hyphen")
            }
        }
        guard mayEnd else { throw scanner.unexpected(scanner.end, expecting: "a segment") }
        return segments
    }
}
