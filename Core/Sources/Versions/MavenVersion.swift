/// A version of a Maven artifact, ordered as `ComparableVersion` of Maven 3.8.7 and later orders it.
///
/// Tokens are split at dots, hyphens and between digits and letters, where a hyphen is understood. At each place comes
/// first a qualifier `alpha` < `beta` < `milestone` < `rc` < `snapshot`, then the end, `sp`, any other qualifier in
/// alphabetical order, a number after a hyphen, a number after a dot. Case does not count; `ga`, `final`, `release` and 0
/// count as nothing at the end, before a hyphen and before a qualifier; `cr` is `rc`; `a`, `b`, `m` before a digit are
/// `alpha`, `beta`, `milestone`.
public enum MavenVersion: VersionScheme {
    /// `maven`.
    public static let name = "maven"

    struct Token {
        enum Value: Equatable {
            case number(ArraySlice<UInt8>)
            /// A place in ``MavenVersion/qualifiers``.
            case known(UInt8)
            case unknown([UInt8])
        }
        let value: Value
        var afterHyphen: Bool

        var isNull: Bool {
            switch value {
            case .number(let digits): digits.isEmpty
            case .known(let rank): rank == MavenVersion.released
            case .unknown: false
            }
        }
    }

    static let qualifiers: [StaticString] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]
    /// The rank of having no qualifier.
    static let released: UInt8 = 5

    private enum Tag {
        /// Known qualifiers: this and their rank, the end among them.
        static let known: UInt8 = 1
        static let unknown: UInt8 = 8
        static let hyphenNumber: UInt8 = 9
        static let zeros: UInt8 = 10
        static let number: UInt8 = 11
    }

    /// The key of a version. Every text without blanks is one.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let scanner = try VersionScanner(version, scheme: name)
        var tokens: [Token] = []
        func dropNulls() {
            while tokens.count > 1, tokens[tokens.count - 1].isNull { tokens.removeLast() }
        }
        for token in Self.tokens(of: scanner) {
            let isQualifier = if case .number = token.value { false } else { !token.isNull }
            if isQualifier || token.afterHyphen { dropNulls() }
            tokens.append(token)
        }
        dropNulls()

        var writer = KeyWriter(capacity: scanner.end)
        var zeros = 0
        for (index, token) in tokens.enumerated() {
            switch token.value {
            case .known(let rank) where rank != released:
                writer.tag(Tag.known + rank)
            case .unknown(let word):
                writer.tag(Tag.unknown)
                writer.text(word[...])
            case .number(let digits) where token.afterHyphen && index > 0:
                writer.tag(Tag.hyphenNumber)
                writer.number(digits)
            case .number(let digits) where !digits.isEmpty || index == 0:
                if zeros > 0 {
                    writer.tag(Tag.zeros)
                    writer.count(zeros, descending: true)
                }
                writer.tag(Tag.number)
                writer.number(digits)
            default:
                // What counts as nothing, with a number after a dot to come.
                if token.afterHyphen {
                    writer.tag(Tag.hyphenNumber)
                    writer.zero()
                } else {
                    zeros += 1
                    continue
                }
            }
            zeros = 0
        }
        writer.tag(Tag.known + released)
        return writer.key
    }

    /// The tokens, nothing left out; numbers without leading zeros.
    static func tokens(of scanner: VersionScanner) -> [Token] {
        var scanner = scanner
        var tokens: [Token] = []
        var afterHyphen = false
        while true {
            if scanner.isAtEnd || scanner.next == 0x2E || scanner.next == 0x2D {
                // Nothing between two separators is 0.
                tokens.append(Token(value: .number([]), afterHyphen: afterHyphen))
            } else {
                while let byte = scanner.next, byte != 0x2E, byte != 0x2D {
                    if isDigit(byte) {
                        let digits = scanner.take(while: isDigit)
                        tokens.append(Token(value: .number(digits.drop(while: isZero)), afterHyphen: afterHyphen))
                    } else {
                        let word = scanner.take { !isDigit($0) && $0 != 0x2E && $0 != 0x2D }
                        let isBeforeDigit = scanner.next.map(isDigit) ?? false
                        tokens.append(
                            Token(value: qualifier(word, isBeforeDigit: isBeforeDigit), afterHyphen: afterHyphen))
                    }
                    afterHyphen = true
                }
            }
            guard let separator = scanner.next else { return tokens }
            scanner.position += 1
            afterHyphen = separator == 0x2D
        }
    }

    private static func qualifier(_ word: ArraySlice<UInt8>, isBeforeDigit: Bool) -> Token.Value {
        if isBeforeDigit, word.count == 1, let letter = word.first {
            switch lowercase(letter) {
            case 0x61: return .known(0)
            case 0x62: return .known(1)
            case 0x6D: return .known(2)
            default: break
            }
        }
        if isWord(word, "cr") { return .known(3) }
        if isWord(word, "ga") || isWord(word, "final") || isWord(word, "release") { return .known(released) }
        if let rank = qualifiers.firstIndex(where: { isWord(word, $0) }) { return .known(UInt8(rank)) }
        return .unknown(word.map { lowercase($0) })
    }
}
