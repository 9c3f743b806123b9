/// A version of a Debian package: `[epoch:]upstream[-revision]` (deb-version(7)), read as dpkg's `parseversion` reads it.
public struct DebianVersion: VersionScheme, Hashable {
    /// `deb`.
    public static let name = "deb"

    /// The longest version that is read, in bytes. dpkg has no limit; the longest in Debian has under 100.
    public static let maximumBytes = 1024

    /// The epoch, 0 when not written.
    public let epoch: UInt32
    /// The upstream version.
    public let upstream: String
    /// The Debian revision; empty when not written, which orders as `0`.
    public let revision: String

    /// What to do about texts that dpkg only warns about.
    public enum Strictness: Sendable {
        /// Refuse them, as `dpkg --validate-version` and package builds do.
        case strict
        /// Take them, as dpkg does when it reads its own database: an upstream version may start with a letter, and any
        /// printable ASCII character may stand in it. Foreign packages have such versions.
        case lax
    }

    /// Names the parts without checking them.
    public init(epoch: UInt32, upstream: String, revision: String) {
        self.epoch = epoch
        self.upstream = upstream
        self.revision = revision
    }

    /// Splits a version at its first colon and last hyphen; spaces and tabs around it do not count.
    ///
    /// Throws where dpkg gives an error, and in ``Strictness/strict`` also where it warns.
    public static func parse(
        _ version: String, strictness: Strictness = .strict
    ) throws(VersionError) -> DebianVersion {
        let parser = Parser(
            version: version, bytes: Array(version.utf8.prefix(maximumBytes + 1)), strictness: strictness)
        return try parser.parse()
    }

    /// The key of a version that `dpkg --validate-version` accepts.
    public static func key(for version: String) throws(VersionError) -> VersionKey {
        try parse(version).key
    }

    private struct Parser {
        let version: String
        let bytes: [UInt8]
        let strictness: Strictness

        func parse() throws(VersionError) -> DebianVersion {
            guard bytes.count <= maximumBytes else {
                throw error(maximumBytes, "it is longer than \(maximumBytes) bytes")
            }
            var rest = bytes[...]
            rest = rest.drop(while: Self.isBlank)
            while let last = rest.last, Self.isBlank(last) { rest.removeLast() }
            guard !rest.isEmpty else { throw error(bytes.count, "it is empty; write at least an upstream version") }
            if let blank = rest.firstIndex(where: Self.isBlank) {
                throw error(blank, "a blank is not allowed inside a version")
            }

            var epoch: UInt32 = 0
            if let colon = rest.firstIndex(of: 0x3A) {
                epoch = try self.epoch(rest[..<colon])
                rest = rest[(colon + 1)...]
                guard !rest.isEmpty else { throw error(colon + 1, "nothing follows the epoch's colon") }
            }
            var revision = rest[rest.endIndex...]
            if let hyphen = rest.lastIndex(of: 0x2D) {
                revision = rest[(hyphen + 1)...]
                guard !revision.isEmpty else {
                    throw error(hyphen + 1, "nothing follows the last hyphen, where the revision stands")
                }
                rest = rest[..<hyphen]
            }
            guard let first = rest.first else { throw error(rest.startIndex, "the upstream version is empty") }
            if strictness == .strict, !Self.isDigit(first) {
                throw error(rest.startIndex, "the upstream version must start with a digit")
            }
            try check(rest, part: "an upstream version", others: ".+-~:", shown: ". + - ~ :")
            try check(revision, part: "a revision", others: ".+~", shown: ". + ~")
            return DebianVersion(
                epoch: epoch, upstream: String(decoding: rest, as: UTF8.self),
                revision: String(decoding: revision, as: UTF8.self))
        }

        /// An epoch as C's `strtol` reads it (a sign is allowed), within 0...INT_MAX.
        private func epoch(_ text: ArraySlice<UInt8>) throws(VersionError) -> UInt32 {
            guard !text.isEmpty else {
                throw error(text.startIndex, "the epoch before the colon is empty; write a number or drop the colon")
            }
            let isNegative = text.first == 0x2D
            let digits = text.first == 0x2D || text.first == 0x2B ? text.dropFirst() : text
            if let other = digits.firstIndex(where: { !Self.isDigit($0) }) {
                throw error(other, "the epoch before the colon is not a number")
            }
            guard !digits.isEmpty else { throw error(digits.startIndex, "the epoch before the colon is not a number") }
            var value: UInt32 = 0
            for digit in digits {
                let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(UInt32(digit - 0x30))
                guard !overflow, !carry, sum <= UInt32(Int32.max) else {
                    throw error(text.startIndex, "the epoch is \(isNegative ? "negative" : "above \(Int32.max)")")
                }
                value = sum
            }
            guard !isNegative || value == 0 else { throw error(text.startIndex, "the epoch is negative") }
            return value
        }

        private func check(
            _ text: ArraySlice<UInt8>, part: String, others: StaticString, shown: String
        ) throws(VersionError) {
            let fault = text.firstIndex { byte in
                if Self.isDigit(byte) || Self.isLetter(byte) { return false }
                if strictness == .lax { return byte < 0x21 || byte > 0x7E }
                return !others.withUTF8Buffer { $0.contains(byte) }
            }
            guard let fault else { return }
            let scalar = String(decoding: bytes[fault...], as: UTF8.self).unicodeScalars.first ?? "?"
            let code = String(scalar.value, radix: 16, uppercase: true)
            let named =
                scalar.value > 0x20 && scalar.value < 0x7F
                ? "'\(scalar)'" : "U+" + String(repeating: "0", count: max(0, 4 - code.count)) + code
            throw error(fault, "\(named) is not allowed in \(part) (letters, digits and \(shown) are)")
        }

        private func error(_ offset: Int, _ reason: String) -> VersionError {
            VersionError(scheme: name, version: version, offset: offset, reason: reason)
        }

        private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }
    }
}
