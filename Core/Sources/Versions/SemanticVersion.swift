/// A version in the form `major.minor.patch[-prerelease][+build]` (Semantic Versioning 2.0.0), read as OSV's records and
/// module tools write it: a leading `v`, one to three numbers (missing ones are 0), more than three.
///
/// Numbers have any length. Of the prerelease, numbers come before words, and fewer identifiers before more; the build
/// does not count. A number after the third counts as one more, 0 when missing.
public enum SemanticVersion: VersionScheme {
    /// `semver`.
    public static let name = "semver"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        try SemanticParts(version, scheme: name, grammar: [.prefix, .short, .long, .zeros]).key
    }
}

/// What a scheme of the semantic family takes besides `major.minor.patch[-prerelease][+build]`.
struct SemanticGrammar: OptionSet {
    let rawValue: UInt8
    /// A leading `v`, in either case.
    static let prefix = SemanticGrammar(rawValue: 1)
    /// One or two numbers.
    static let short = SemanticGrammar(rawValue: 2)
    /// More than three numbers.
    static let long = SemanticGrammar(rawValue: 4)
    /// Leading zeros in numbers.
    static let zeros = SemanticGrammar(rawValue: 8)
    /// Blanks around the version.
    static let trimming = SemanticGrammar(rawValue: 16)
    /// Letters in upper case are those in lower case.
    static let folding = SemanticGrammar(rawValue: 32)
}

/// A version of the semantic family, split.
struct SemanticParts {
    private(set) var numbers: [ArraySlice<UInt8>] = []
    /// The identifiers, with their dots; empty when there is none.
    private(set) var prerelease: ArraySlice<UInt8> = []
    private(set) var build: ArraySlice<UInt8> = []
    let scanner: VersionScanner
    private let folds: Bool

    init(_ version: String, scheme: String, grammar: SemanticGrammar) throws(VersionError) {
        var scanner = try VersionScanner(version, scheme: scheme, trimming: grammar.contains(.trimming))
        folds = grammar.contains(.folding)
        if grammar.contains(.prefix), let first = scanner.next, first | 0x20 == 0x76 { scanner.position += 1 }
        numbers.reserveCapacity(4)
        repeat {
            let names = ["the major version", "the minor version", "the patch version"]
            let start = scanner.position
            let digits = try scanner.number(numbers.count < 3 ? names[numbers.count] : "what follows a dot")
            if digits.first == 0x30, digits.count > 1, !grammar.contains(.zeros) {
                throw scanner.error(start, "a number must not start with 0")
            }
            numbers.append(digits)
        } while (numbers.count < 3 || grammar.contains(.long)) && scanner.take(0x2E)
        if numbers.count < 3, !grammar.contains(.short) {
            throw scanner.unexpected(scanner.position, expecting: "a dot and another number: three are needed")
        }
        if scanner.take(0x2D) {
            prerelease = try Self.identifiers(
                "the prerelease", &scanner, zeros: grammar.contains(.zeros) || grammar.contains(.folding))
        }
        if scanner.take(0x2B) { build = try Self.identifiers("the build", &scanner, zeros: true) }
        try scanner.finish(
            expecting: prerelease.isEmpty && build.isEmpty
                ? "a dot, -prerelease or +build" : "a letter, a digit, a hyphen or a dot")
        self.scanner = scanner
    }

    private static func identifiers(
        _ what: String, _ scanner: inout VersionScanner, zeros: Bool
    ) throws(VersionError) -> ArraySlice<UInt8> {
        let start = scanner.position
        repeat {
            let identifier = scanner.take { isAlphanumeric($0) || $0 == 0x2D }
            guard !identifier.isEmpty else {
                throw scanner.unexpected(scanner.position, expecting: "an identifier of \(what)")
            }
            if !zeros, identifier.count > 1, identifier.first == 0x30, identifier.allSatisfy(isDigit) {
                throw scanner.error(identifier.startIndex, "a number in \(what) must not start with 0")
            }
        } while scanner.take(0x2E)
        return scanner.bytes[start..<scanner.position]
    }

    private enum Tag {
        static let end: UInt8 = 0
        static let more: UInt8 = 1
        static let prerelease: UInt8 = 0
        static let release: UInt8 = 1
        static let number: UInt8 = 1
        static let word: UInt8 = 2
    }

    /// Major, minor, patch, further numbers, prerelease.
    var key: VersionKey {
        var writer = KeyWriter(capacity: scanner.end)
        write(into: &writer)
        return writer.key
    }

    func write(into writer: inout KeyWriter) {
        for index in 0..<3 {
            if index < numbers.count { writer.number(numbers[index]) } else { writer.zero() }
        }
        var count = numbers.count
        while count > 3, numbers[count - 1].allSatisfy(isZero) { count -= 1 }
        if count > 3 {
            for index in 3..<count {
                writer.tag(Tag.more)
                writer.number(numbers[index])
            }
        }
        writer.tag(Tag.end)
        if prerelease.isEmpty {
            writer.tag(Tag.release)
        } else {
            writer.tag(Tag.prerelease)
            write(identifiers: prerelease, into: &writer)
        }
    }

    /// Identifiers, each with its kind before it, and an end below all of them.
    func write(identifiers: ArraySlice<UInt8>, into writer: inout KeyWriter) {
        var start = identifiers.startIndex
        while start < identifiers.endIndex {
            let dot = identifiers[start...].firstIndex(of: 0x2E) ?? identifiers.endIndex
            let identifier = identifiers[start..<dot]
            if identifier.allSatisfy(isDigit) {
                writer.tag(Tag.number)
                writer.number(identifier)
            } else {
                writer.tag(Tag.word)
                if folds { writer.folded(identifier) } else { writer.text(identifier) }
            }
            start = dot + 1
        }
        writer.tag(Tag.end)
    }
}
