/// A build number of an Apple system (`23F79`, `21A5248p`) or its product version (`14.5`, `17.4.1`, `13.3.1 (a)`).
///
/// Builds order by their train (`23F`), then by number, then by the letter at the end; product versions by their
/// numbers, missing ones 0, then by the letter of a rapid security response. Two things have no order: a build and a
/// product version, and a test build (a number from 5000 or a letter at the end) and a release of the same train, since
/// 21A5248p came before 21A326.
public enum AppleVersion: VersionScheme {
    /// `apple`.
    public static let name = "apple"

    private enum Tag {
        static let product: UInt8 = 1
        static let build: UInt8 = 2
        static let end: UInt8 = 0
        static let more: UInt8 = 1
    }

    private struct Parts {
        let isBuild: Bool
        let isTest: Bool
        /// How many bytes of the key name the train.
        let train: Int
        let bytes: [UInt8]
    }

    /// The key; test builds come before the releases of their train.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        VersionKey(bytes: try parts(of: version).bytes)
    }

    /// As the keys, with ``Ordering/unordered`` for what has no order.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let (left, right) = (try parts(of: a), try parts(of: b))
        if left.isBuild != right.isBuild { return .unordered }
        if left.isTest != right.isTest, left.bytes[..<left.train] == right.bytes[..<right.train] { return .unordered }
        return VersionKey(bytes: left.bytes).ordering(to: VersionKey(bytes: right.bytes))
    }

    private static func parts(of version: String) throws(VersionError) -> Parts {
        var text = version
        var response: UInt8 = 0
        // A rapid security response is written after a blank.
        if version.utf8.count > 4, version.utf8.last == 0x29 {
            let tail = Array(version.utf8.suffix(4))
            if tail[0] == 0x20, tail[1] == 0x28, tail[2] &- 0x61 <= 25 {
                response = tail[2]
                text = String(version.utf8.dropLast(4)) ?? version
            }
        }
        var scanner = try VersionScanner(text, scheme: name)
        let first = try scanner.number("the first part")
        var writer = KeyWriter(capacity: scanner.end)
        if let letter = scanner.next, letter &- 0x41 <= 25, response == 0 {
            scanner.position += 1
            let number = try scanner.number("what follows the letter")
            var suffix: UInt8 = 0
            if let byte = scanner.next, byte &- 0x61 <= 25 {
                suffix = byte
                scanner.position += 1
            }
            try scanner.finish(expecting: "a digit or one small letter at the end")
            let isTest = suffix != 0 || compareNumbers(number, Array("5000".utf8)[...]) != .less
            writer.tag(Tag.build)
            writer.number(first)
            writer.tag(letter)
            let train = writer.bytes.count
            writer.tag(isTest ? 0 : 1)
            writer.number(number)
            writer.tag(suffix)
            return Parts(isBuild: true, isTest: isTest, train: train, bytes: writer.bytes)
        }
        scanner.position = 0
        var numbers = try NumberList.read(&scanner, separators: ".", shown: "a digit, a dot or a capital letter")[...]
        while numbers.count > 1, let last = numbers.last, last.allSatisfy(isZero) { numbers.removeLast() }
        writer.tag(Tag.product)
        for number in numbers {
            writer.tag(Tag.more)
            writer.number(number)
        }
        writer.tag(Tag.end)
        writer.tag(response)
        return Parts(isBuild: false, isTest: false, train: 0, bytes: writer.bytes)
    }
}
