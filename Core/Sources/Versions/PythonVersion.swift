/// A version of a Python package (PEP 440): `[N!]N(.N)*[{a|b|rc}N][.postN][.devN][+local]`, in every spelling that PEP
/// 440 normalises, ordered as `packaging.version` orders it.
///
/// Strings that are no such version, which old releases on PyPI have, come before all that are, in the order that
/// setuptools gave them (``PythonVersion+Legacy``); ``isStandard(_:)`` tells them apart.
public enum PythonVersion: VersionScheme {
    /// `pypi`.
    public static let name = "pypi"

    private enum Tag {
        static let standard: UInt8 = 1
        static let end: UInt8 = 0
        static let more: UInt8 = 1
        /// The kinds of prerelease: a development release alone, a, b, rc, none.
        static let onlyDevelopment: UInt8 = 0
        static let noPrerelease: UInt8 = 4
        static let noPost: UInt8 = 0
        static let post: UInt8 = 1
        static let development: UInt8 = 0
        static let noDevelopment: UInt8 = 1
        static let localWord: UInt8 = 1
        static let localNumber: UInt8 = 2
    }

    /// The key of a version, or of any other string without blanks.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let scanner = try VersionScanner(version, scheme: name, trimming: true)
        return try standardKey(scanner) ?? legacyKey(scanner)
    }

    /// Whether PEP 440 calls the string a version.
    public static func isStandard(_ version: String) -> Bool {
        guard let scanner = try? VersionScanner(version, scheme: name, trimming: true) else { return false }
        return (try? standardKey(scanner)) ?? nil != nil
    }

    /// nil when the string is no PEP 440 version.
    private static func standardKey(_ start: VersionScanner) throws(VersionError) -> VersionKey? {
        var scanner = start
        var writer = KeyWriter(capacity: scanner.end)
        writer.tag(Tag.standard)
        _ = scanner.take(word: "v")
        var first = scanner.take(while: isDigit)
        guard !first.isEmpty else { return nil }
        if scanner.take(0x21) {
            writer.number(first)
            first = scanner.take(while: isDigit)
            guard !first.isEmpty else { return nil }
        } else {
            writer.zero()
        }
        writeRelease(first, &scanner, into: &writer)

        let prerelease = takePrerelease(&scanner)
        let post = takePost(&scanner)
        let development = takeNumbered(["dev"], &scanner)
        if let prerelease {
            writer.tag(prerelease.rank)
            writer.number(prerelease.number)
        } else {
            writer.tag(development != nil && post == nil ? Tag.onlyDevelopment : Tag.noPrerelease)
        }
        if let post {
            writer.tag(Tag.post)
            writer.number(post)
        } else {
            writer.tag(Tag.noPost)
        }
        if let development {
            writer.tag(Tag.development)
            writer.number(development)
        } else {
            writer.tag(Tag.noDevelopment)
        }
        if scanner.take(0x2B) {
            repeat {
                let part = scanner.take(while: isAlphanumeric)
                guard !part.isEmpty else { return nil }
                if part.allSatisfy(isDigit) {
                    writer.tag(Tag.localNumber)
                    writer.number(part)
                } else {
                    writer.tag(Tag.localWord)
                    writer.folded(part)
                }
            } while takeSeparator(&scanner)
        }
        writer.tag(Tag.end)
        return scanner.isAtEnd ? writer.key : nil
    }

    /// The release's numbers; zeros at its end do not count.
    private static func writeRelease(
        _ first: ArraySlice<UInt8>, _ scanner: inout VersionScanner, into writer: inout KeyWriter
    ) {
        var number = first
        var zeros = 0
        while true {
            if number.allSatisfy(isZero) {
                zeros += 1
            } else {
                for _ in 0..<zeros {
                    writer.tag(Tag.more)
                    writer.zero()
                }
                zeros = 0
                writer.tag(Tag.more)
                writer.number(number)
            }
            guard scanner.next == 0x2E, let digit = scanner.peek(1), isDigit(digit) else { break }
            scanner.position += 1
            number = scanner.take(while: isDigit)
        }
        writer.tag(Tag.end)
    }

    private static func takePrerelease(
        _ scanner: inout VersionScanner
    ) -> (rank: UInt8, number: ArraySlice<UInt8>)? {
        let words: [(StaticString, UInt8)] = [
            ("alpha", 1), ("beta", 2), ("preview", 3), ("pre", 3), ("rc", 3), ("a", 1), ("b", 2), ("c", 3),
        ]
        for (word, rank) in words {
            if let number = takeNumbered([word], &scanner) { return (rank, number) }
        }
        return nil
    }

    private static func takePost(_ scanner: inout VersionScanner) -> ArraySlice<UInt8>? {
        if scanner.next == 0x2D, let digit = scanner.peek(1), isDigit(digit) {
            scanner.position += 1
            return scanner.take(while: isDigit)
        }
        return takeNumbered(["post", "rev", "r"], &scanner)
    }

    /// `[-_.]word[-_.][N]`; nil, and nothing read, when it is something else.
    private static func takeNumbered(
        _ words: [StaticString], _ scanner: inout VersionScanner
    ) -> ArraySlice<UInt8>? {
        let start = scanner.position
        _ = takeSeparator(&scanner)
        for word in words where scanner.take(word: word) {
            _ = takeSeparator(&scanner)
            return scanner.take(while: isDigit)
        }
        scanner.position = start
        return nil
    }

    private static func takeSeparator(_ scanner: inout VersionScanner) -> Bool {
        scanner.take(0x2E) || scanner.take(0x2D) || scanner.take(0x5F)
    }
}
