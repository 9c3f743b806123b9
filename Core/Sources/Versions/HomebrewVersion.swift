/// A version of a Homebrew formula: `version[_revision]`, ordered as Homebrew's `Version` and `PkgVersion` order it.
///
/// A version is a list of tokens. At each place the order is: `alpha`, `beta`, `pre`, `rc` (each with its number), the
/// end, `p` and `.post` with their numbers, other words, numbers; 0 counts as nothing before a word and at the end.
/// `HEAD` is above everything.
///
/// Homebrew orders a word against `alpha`, `rc` and the like by their letters, which goes in circles (`1-beta1` is before
/// `1`, `1` before `1-aaa`, `1-aaa` before `1-beta1`); ``compare(_:_:)`` says that such pairs have no order.
public enum HomebrewVersion: VersionScheme {
    /// `brew`.
    public static let name = "brew"

    private enum Token: Equatable {
        case stage(rank: UInt8, number: ArraySlice<UInt8>)
        case word([UInt8])
        case number(ArraySlice<UInt8>)
    }

    private enum Tag {
        /// This and the rank of alpha, beta, pre, rc.
        static let stage: UInt8 = 1
        static let end: UInt8 = 5
        /// p and .post: ranks 5 and 6.
        static let word: UInt8 = 8
        static let zeros: UInt8 = 9
        static let number: UInt8 = 10
        static let version: UInt8 = 0
        static let head: UInt8 = 1
    }

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        let scanner = try VersionScanner(version, scheme: name)
        var writer = KeyWriter(capacity: 2 * scanner.end)
        guard let parts = try parts(scanner) else {
            writer.tag(Tag.head)
            return writer.key
        }
        writer.tag(Tag.version)
        var zeros = 0
        for token in parts.tokens {
            switch token {
            case .number(let digits) where digits.isEmpty:
                zeros += 1
                continue
            case .number(let digits):
                if zeros > 0 {
                    writer.tag(Tag.zeros)
                    writer.count(zeros, descending: true)
                }
                writer.tag(Tag.number)
                writer.number(digits)
            case .stage(let rank, let number):
                writer.tag(Tag.stage + rank)
                writer.number(number)
            case .word(let word):
                writer.tag(Tag.word)
                writer.text(word[...])
            }
            zeros = 0
        }
        writer.tag(Tag.end)
        writer.number(parts.revision)
        return writer.key
    }

    /// As the keys; a word and a stage at the same place have no order.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let left = try parts(VersionScanner(a, scheme: name))
        let right = try parts(VersionScanner(b, scheme: name))
        if let left, let right {
            let (one, two) = (counting(left.tokens), counting(right.tokens))
            if let place = zip(one, two).first(where: { $0 != $1 }) {
                switch place {
                case (.word, .stage), (.stage, .word): return .unordered
                default: break
                }
            }
        }
        return try key(for: a).ordering(to: try key(for: b))
    }

    /// The tokens without zeros that count as nothing.
    private static func counting(_ tokens: [Token]) -> [Token] {
        var result: [Token] = []
        for token in tokens {
            if case .number = token {} else { while result.last == .number([]) { result.removeLast() } }
            result.append(token)
        }
        return result
    }

    /// nil for HEAD.
    private static func parts(
        _ scanner: VersionScanner
    ) throws(VersionError) -> (tokens: [Token], revision: ArraySlice<UInt8>)? {
        var scanner = scanner
        if scanner.rest.elementsEqual("HEAD".utf8) || scanner.rest.starts(with: "HEAD-".utf8) { return nil }
        var revision: ArraySlice<UInt8> = []
        if let underscore = scanner.rest.lastIndex(of: 0x5F), underscore > scanner.position,
            underscore + 1 < scanner.end, scanner.bytes[(underscore + 1)...].allSatisfy(isDigit)
        {
            revision = scanner.bytes[(underscore + 1)...]
            scanner.end = underscore
        }
        var tokens: [Token] = []
        while let byte = scanner.next {
            if isDigit(byte) {
                tokens.append(.number(scanner.take(while: isDigit).drop(while: isZero)))
            } else if let stage = takeStage(&scanner) {
                tokens.append(stage)
            } else if isLetter(byte) {
                tokens.append(.word(Array(scanner.take(while: isLetter))))
            } else {
                scanner.position += 1
            }
        }
        guard !tokens.isEmpty else { throw scanner.error(scanner.end, "it has neither letters nor digits") }
        return (tokens, revision)
    }

    /// `alphaN`, `aN`, `betaN`, `bN`, `preN`, `rcN`, `pN`, `.postN`, where they begin.
    private static func takeStage(_ scanner: inout VersionScanner) -> Token? {
        let start = scanner.position
        func token(_ rank: UInt8, needsNumber: Bool) -> Token? {
            let digits = scanner.take(while: isDigit)
            if needsNumber, digits.isEmpty {
                scanner.position = start
                return nil
            }
            return .stage(rank: rank, number: digits.drop(while: isZero))
        }
        if scanner.take(word: "alpha") { return token(0, needsNumber: false) }
        if scanner.take(word: "a"), let token = token(0, needsNumber: true) { return token }
        if scanner.take(word: "beta") { return token(1, needsNumber: false) }
        if scanner.take(word: "b"), let token = token(1, needsNumber: true) { return token }
        if scanner.take(word: "pre") { return token(2, needsNumber: false) }
        if scanner.take(word: "rc") { return token(3, needsNumber: false) }
        if scanner.take(word: "p") { return token(5, needsNumber: false) }
        // Any character may stand where .post has its dot.
        if scanner.next.map({ !isDigit($0) }) ?? false, scanner.peek(1) != nil {
            scanner.position += 1
            if scanner.take(word: "post"), let token = token(6, needsNumber: true) { return token }
            scanner.position = start
        }
        return nil
    }
}
