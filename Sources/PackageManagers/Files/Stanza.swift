import CCompression
import Glibc

/// The fields of one stanza, borrowed from the bytes they were read into.
struct Stanza {
    let bytes: UnsafeRawBufferPointer

    /// Calls `body` with each field's name and value: the value may span lines, without blanks at its ends.
    func forEachField(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start < bytes.count {
            var end = lineEnd(from: start)
            // Lines that begin with a blank continue the field.
            while end + 1 < bytes.count, bytes[end + 1] == 0x20 || bytes[end + 1] == 0x09 {
                end = lineEnd(from: end + 1)
            }
            if let base = bytes.baseAddress, bytes[start] != 0x20,
                let colon = memchr(base + start, 0x3A, end - start)
            {
                let at = UnsafeRawPointer(colon) - base
                body(
                    trimmed(UnsafeRawBufferPointer(rebasing: bytes[start..<at])),
                    trimmed(UnsafeRawBufferPointer(rebasing: bytes[at + 1..<end])))
            }
            start = end + 1
        }
    }

    /// The value of the first field of that name, which is given in lower case.
    func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        forEachField { field, value in
            if found == nil, matches(field, name) { found = value }
        }
        return found
    }

    private func lineEnd(from start: Int) -> Int {
        guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, bytes.count - start) else {
            return bytes.count
        }
        return UnsafeRawPointer(found) - base
    }
}

/// Whether a name is `lowercase`, whatever its case.
func matches(_ name: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
    guard name.count == lowercase.utf8CodeUnitCount else { return false }
    let other = lowercase.utf8Start
    for index in 0..<name.count {
        let byte = name[index]
        let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
        if lower != other[index] { return false }
    }
    return true
}

/// The bytes without blanks and line ends around them.
func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var start = 0
    var end = bytes.count
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
}

func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

/// Bytes as text; what is not UTF-8 becomes U+FFFD.
func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

/// Where the value of a field begins, whose name is given with the line feed before it.
func fieldOffset(_ field: StaticString, _ bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    let found = field.withUTF8Buffer { name in
        name.withMemoryRebound(to: CChar.self) { fettle_memmem(base, bytes.count, $0.baseAddress, $0.count) }
    }
    return found.map { UnsafeRawPointer($0) - base + field.utf8CodeUnitCount }
}
