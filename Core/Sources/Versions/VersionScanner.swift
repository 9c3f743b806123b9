/// Reads a version from the front, byte by byte, and makes the errors of its scheme.
struct VersionScanner {
    /// The longest version that any scheme reads, in bytes.
    static let maximumBytes = 1024

    let scheme: String
    let version: String
    let bytes: [UInt8]
    /// Where reading stands.
    var position = 0
    /// Where the version ends.
    var end: Int

    /// Refuses what no scheme allows: nothing at all, blanks, control characters, more than ``maximumBytes`` bytes.
    ///
    /// - Parameter trimming: spaces and tabs around the version do not count.
    init(_ version: String, scheme: String, trimming: Bool = false) throws(VersionError) {
        self.scheme = scheme
        self.version = version
        bytes = Array(version.utf8.prefix(Self.maximumBytes + 1))
        end = bytes.count
        guard end <= Self.maximumBytes else {
            throw error(Self.maximumBytes, "it is longer than \(Self.maximumBytes) bytes")
        }
        if trimming {
            while position < end, Self.isBlank(bytes[position]) { position += 1 }
            while end > position, Self.isBlank(bytes[end - 1]) { end -= 1 }
        }
        guard position < end else { throw error(end, "it is empty") }
        var index = position
        while index < end {
            if bytes[index] <= 0x20 || bytes[index] == 0x7F {
                throw error(index, "a blank or control character is not allowed in a version")
            }
            index += 1
        }
    }

    var isAtEnd: Bool { position >= end }

    /// The byte that comes next; nil at the end.
    var next: UInt8? { position < end ? bytes[position] : nil }

    /// What is not read yet.
    var rest: ArraySlice<UInt8> { bytes[position..<end] }

    /// The byte at a distance from the next one; nil beyond the end.
    func peek(_ distance: Int) -> UInt8? { position + distance < end ? bytes[position + distance] : nil }

    /// Reads that byte if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    /// Reads the longest run of bytes of a kind; it may be empty.
    mutating func take(while kind: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while position < end, kind(bytes[position]) { position += 1 }
        return bytes[start..<position]
    }

    /// Reads a word, in upper or lower case, if it comes next.
    mutating func take(word: StaticString) -> Bool {
        let matches = word.withUTF8Buffer { word in
            guard position + word.count <= end else { return false }
            for index in 0..<word.count where lowercase(bytes[position + index]) != word[index] { return false }
            return true
        }
        if matches { position += word.utf8CodeUnitCount }
        return matches
    }

    /// Reads a run of digits; throws where none comes next.
    mutating func number(_ what: String) throws(VersionError) -> ArraySlice<UInt8> {
        let digits = take(while: isDigit)
        guard !digits.isEmpty else { throw error(position, "\(what) must be a number") }
        return digits
    }

    /// Throws unless everything is read.
    func finish(expecting allowed: String) throws(VersionError) {
        guard isAtEnd else { throw unexpected(position, expecting: allowed) }
    }

    /// The error for the character at a place.
    func unexpected(_ offset: Int, expecting allowed: String) -> VersionError {
        guard offset < end else { return error(end, "it ends where \(allowed) is expected") }
        let scalar = String(decoding: bytes[offset...], as: UTF8.self).unicodeScalars.first ?? "?"
        let code = String(scalar.value, radix: 16, uppercase: true)
        let named =
            scalar.value > 0x20 && scalar.value < 0x7F
            ? "'\(scalar)'" : "U+" + String(repeating: "0", count: max(0, 4 - code.count)) + code
        return error(offset, "\(named) stands where \(allowed) is expected")
    }

    func error(_ offset: Int, _ reason: String) -> VersionError {
        VersionError(scheme: scheme, version: version, offset: offset, reason: reason)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

@inline(__always) func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 }
@inline(__always) func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 <= 25 }
@inline(__always) func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
@inline(__always) func isZero(_ byte: UInt8) -> Bool { byte == 0x30 }
/// ASCII letters in lower case, everything else as it is.
@inline(__always) func lowercase(_ byte: UInt8) -> UInt8 { byte &- 0x41 <= 25 ? byte | 0x20 : byte }

/// Whether bytes, in lower case, are a word.
func isWord(_ bytes: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
    guard bytes.count == word.utf8CodeUnitCount else { return false }
    return word.withUTF8Buffer { word in
        var index = bytes.startIndex
        for letter in word {
            if lowercase(bytes[index]) != letter { return false }
            index += 1
        }
        return true
    }
}

/// Compares runs of digits as numbers of any length.
func compareNumbers(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Ordering {
    let (a, b) = (a.drop(while: isZero), b.drop(while: isZero))
    if a.count != b.count { return a.count < b.count ? .less : .greater }
    return compareBytes(a, b)
}

/// Compares bytes in plain order, a prefix before its extensions.
func compareBytes(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Ordering {
    if a.elementsEqual(b) { return .equal }
    return a.lexicographicallyPrecedes(b) ? .less : .greater
}
