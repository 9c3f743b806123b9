/// A version of OpenSSL: three numbers, then letters (`1.0.2zb`), then a prerelease or snapshot after a hyphen.
///
/// `alpha`, `beta`, `pre` and `rc` come before the release, any other word (`-dev`, `-cvs`, `-fips`) after it and before
/// the next letter.
public enum OpenSSLVersion: VersionScheme {
    /// `openssl`.
    public static let name = "openssl"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        var writer = KeyWriter(capacity: scanner.end)
        for index in 0..<3 {
            if index > 0, !scanner.take(0x2E) {
                throw scanner.unexpected(scanner.position, expecting: "a dot and another number: three are needed")
            }
            writer.number(try scanner.number("a version's part"))
        }
        writer.text(scanner.take { $0 &- 0x61 <= 25 })
        guard scanner.take(0x2D) else {
            try scanner.finish(expecting: "a small letter or a hyphen")
            writer.tag(Tag.release)
            return writer.key
        }
        let word = scanner.take(while: isLetter)
        guard !word.isEmpty else { throw scanner.unexpected(scanner.position, expecting: "a word such as beta") }
        let prereleases: [StaticString] = ["alpha", "beta", "pre", "rc"]
        writer.tag(prereleases.contains { isWord(word, $0) } ? Tag.before : Tag.after)
        writer.folded(word)
        writer.number(scanner.take(while: isDigit))
        try scanner.finish(expecting: "a digit")
        return writer.key
    }

    private enum Tag {
        static let before: UInt8 = 1
        static let release: UInt8 = 2
        static let after: UInt8 = 3
    }
}
