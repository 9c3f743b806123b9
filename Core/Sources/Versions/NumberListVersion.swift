/// Reads versions that are nothing but numbers.
enum NumberList {
    private static let end: UInt8 = 0
    private static let more: UInt8 = 1

    /// Reads numbers with one of the separators between them; throws for anything else.
    static func read(
        _ scanner: inout VersionScanner, separators: StaticString, shown: String
    ) throws(VersionError) -> [ArraySlice<UInt8>] {
        var numbers = [try scanner.number("the first component")]
        while let byte = scanner.next {
            guard separators.withUTF8Buffer({ $0.contains(byte) }) else {
                throw scanner.unexpected(scanner.position, expecting: shown)
            }
            scanner.position += 1
            numbers.append(try scanner.number("what follows a separator"))
        }
        return numbers
    }

    /// The key of a list that comes before its extensions.
    static func key(_ numbers: ArraySlice<ArraySlice<UInt8>>, capacity: Int) -> VersionKey {
        var writer = KeyWriter(capacity: capacity)
        for number in numbers {
            writer.tag(more)
            writer.number(number)
        }
        writer.tag(end)
        return writer.key
    }
}

/// A version of an R package: numbers with dots or hyphens between them, a list before its extensions (R's
/// `package_version`).
public enum CRANVersion: VersionScheme {
    /// `cran`.
    public static let name = "cran"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        let numbers = try NumberList.read(&scanner, separators: ".-", shown: "a digit, a dot or a hyphen")
        return NumberList.key(numbers[...], capacity: scanner.end)
    }
}

/// A version of a Haskell package: numbers with dots between them, a list before its extensions (Haskell's PVP).
public enum HackageVersion: VersionScheme {
    /// `hackage`.
    public static let name = "hackage"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        let numbers = try NumberList.read(&scanner, separators: ".", shown: "a digit or a dot")
        return NumberList.key(numbers[...], capacity: scanner.end)
    }
}

/// A build of Windows or a file version on it: `10.0.22631.3880`, up to eight numbers; missing ones count as 0.
public enum WindowsVersion: VersionScheme {
    /// `windows`.
    public static let name = "windows"

    /// The key of a version.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        var scanner = try VersionScanner(version, scheme: name)
        var numbers = try NumberList.read(&scanner, separators: ".", shown: "a digit or a dot")[...]
        guard numbers.count <= 8 else { throw scanner.error(numbers[8].startIndex, "more than eight numbers") }
        while let last = numbers.last, last.allSatisfy(isZero) { numbers.removeLast() }
        return NumberList.key(numbers, capacity: scanner.end)
    }
}
