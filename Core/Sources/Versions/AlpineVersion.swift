/// A version of an Alpine package: `number{.number}{letter}{_suffix{number}}{~hash}{-r number}`, ordered as version 3 of
/// apk-tools orders it (apk-package(5), `src/version.c`).
///
/// A number after the first that starts with 0 compares as text, so `1.05` is before `1.1`. At each place the order is:
/// the suffixes alpha, beta, pre, rc; the end; the build (-r); the hash; a suffix's number; the suffixes cvs, svn, git,
/// hg, p; the letter; one more number.
public enum AlpineVersion: VersionScheme {
    /// `apk`.
    public static let name = "apk"

    enum Tag {
        static let before: UInt8 = 1
        static let end: UInt8 = 2
        static let build: UInt8 = 3
        static let hash: UInt8 = 4
        static let suffixNumber: UInt8 = 5
        static let after: UInt8 = 6
        static let letter: UInt8 = 7
        static let zeroLed: UInt8 = 8
        static let number: UInt8 = 9
    }

    /// The key of a version that `apk version --check` accepts.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        var writer = KeyWriter(capacity: scanner.end)
        writer.number(try scanner.number("the first component"))
        while scanner.take(0x2E) {
            let digits = try scanner.number("what follows a dot")
            if digits.first == 0x30 {
                writer.tag(Tag.zeroLed)
                writer.text(digits)
            } else {
                writer.tag(Tag.number)
                writer.number(digits)
            }
        }
        if let letter = scanner.next, letter &- 0x61 <= 25 {
            scanner.position += 1
            writer.tag(Tag.letter)
            writer.tag(letter)
        }
        while scanner.take(0x5F) {
            let start = scanner.position
            let word = scanner.take { $0 &- 0x61 <= 25 }
            guard let rank = suffixRank(word) else {
                throw scanner.error(start, "after an underscore stands one of alpha beta pre rc cvs svn git hg p")
            }
            writer.tag(rank < 4 ? Tag.before : Tag.after)
            writer.tag(rank)
            if let digit = scanner.next, isDigit(digit) {
                writer.tag(Tag.suffixNumber)
                writer.number(scanner.take(while: isDigit))
            }
        }
        if scanner.take(0x7E) {
            let hash = scanner.take { isDigit($0) || $0 &- 0x61 <= 5 }
            guard !hash.isEmpty else { throw scanner.unexpected(scanner.position, expecting: "a hexadecimal hash") }
            writer.tag(Tag.hash)
            writer.text(hash)
        }
        if scanner.next == 0x2D {
            guard scanner.peek(1) == 0x72 else {
                throw scanner.unexpected(scanner.position, expecting: "-r and a number")
            }
            scanner.position += 2
            writer.tag(Tag.build)
            writer.number(try scanner.number("the build after -r"))
        }
        try scanner.finish(expecting: "a dot, a letter, an underscore, ~ or -r")
        writer.tag(Tag.end)
        return writer.key
    }

    /// As the keys say where both are valid. Old indexes hold strings that apk itself calls invalid and yet compares;
    /// ``AlpineVersion+Invalid`` has the rule for them.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        guard let left = try? key(for: a), let right = try? key(for: b) else {
            return Invalid.compare(
                Invalid(try VersionScanner(a, scheme: name).rest), Invalid(try VersionScanner(b, scheme: name).rest))
        }
        return left.ordering(to: right)
    }

    static func suffixRank(_ word: ArraySlice<UInt8>) -> UInt8? {
        let words: [StaticString] = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"]
        return words.firstIndex { isWord(word, $0) }.map { UInt8($0) }
    }
}
