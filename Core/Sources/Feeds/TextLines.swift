/// The lines of a text, with bounds; a line's end is LF or CR LF.
struct TextLines {
    /// The longest line, in bytes.
    static let maximumLine = 1 << 20

    private let bytes: UnsafeRawBufferPointer
    private var offset = 0
    /// The number of the line that ``next()`` gave last, from 1.
    private(set) var number = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    /// The next line without its end; nil at the end of the text.
    mutating func next() -> UnsafeRawBufferPointer? {
        guard offset < bytes.count else { return nil }
        let start = offset
        var end = start
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        offset = end + 1
        number += 1
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// The next line as text; nil at the end, and a fault where it is too long or no UTF-8.
    mutating func nextText() -> Result<String, Fault>? {
        guard let line = next() else { return nil }
        if line.count > Self.maximumLine {
            return .failure(Fault(reason: "the line has \(line.count) bytes, at most \(Self.maximumLine) are read"))
        }
        guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
            return .failure(Fault(reason: "the line is no UTF-8 text"))
        }
        return .success(text)
    }

    struct Fault: Error {
        let reason: String
    }
}
