/// The rows of comma-separated values (RFC 4180), one after the other: fields may stand in quotes, with line ends inside.
struct CSVRows {
    /// The longest row, in bytes, and the most fields of one.
    static let maximumRow = 1 << 20
    static let maximumFields = 1_024

    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int
    /// The line on which the last row began, from 1.
    private(set) var line = 0
    private var nextLine = 1
    /// The fields of the last row as they stand, quotes and all.
    private var fields: [Range<Int>] = []

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        offset = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// How many fields the last row has.
    var count: Int { fields.count }

    /// The first byte of the next row, which stays unread; nil at the end.
    var nextByte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// Steps to the next row that is not empty; false at the end. What breaks the rules throws, and the line is passed over.
    mutating func next() throws(Fault) -> Bool {
        while offset < bytes.count, bytes[offset] == 0x0A || bytes[offset] == 0x0D {
            if bytes[offset] == 0x0A { nextLine += 1 }
            offset += 1
        }
        line = nextLine
        guard offset < bytes.count else { return false }
        fields.removeAll(keepingCapacity: true)
        let rowStart = offset
        var start = offset
        var at = offset
        while true {
            if at < bytes.count, bytes[at] == 0x22, at == start {
                at += 1
                while true {
                    guard at < bytes.count, at - rowStart <= Self.maximumRow else {
                        passLine(from: rowStart)
                        throw Fault(reason: "a field in quotes does not end")
                    }
                    if bytes[at] == 0x22 {
                        if at + 1 < bytes.count, bytes[at + 1] == 0x22 { at += 1 } else { break }
                    } else if bytes[at] == 0x0A {
                        nextLine += 1
                    }
                    at += 1
                }
                at += 1
                if at < bytes.count, bytes[at] != 0x2C, bytes[at] != 0x0A, bytes[at] != 0x0D {
                    passLine(from: at)
                    throw Fault(reason: "text follows the closing quote of a field")
                }
            }
            while at < bytes.count, bytes[at] != 0x2C, bytes[at] != 0x0A { at += 1 }
            guard at - rowStart <= Self.maximumRow, fields.count < Self.maximumFields else {
                passLine(from: at)
                throw Fault(
                    reason: "the row is longer than \(Self.maximumRow) bytes or has over \(Self.maximumFields) fields")
            }
            var end = at
            if at == bytes.count || bytes[at] == 0x0A, end > start, bytes[end - 1] == 0x0D { end -= 1 }
            fields.append(start..<end)
            guard at < bytes.count else { break }
            at += 1
            start = at
            if bytes[at - 1] == 0x0A {
                nextLine += 1
                break
            }
        }
        offset = at
        return true
    }

    /// The whole of the last row's line as it stands, for comments.
    mutating func passLine() -> String {
        let start = offset
        line = nextLine
        passLine(from: start)
        var end = min(offset, bytes.count)
        while end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
        return String(decoding: bytes[start..<min(end, start + 4_096)], as: UTF8.self)
    }

    private mutating func passLine(from start: Int) {
        var at = start
        while at < bytes.count, bytes[at] != 0x0A { at += 1 }
        offset = min(at + 1, bytes.count)
        nextLine = line + 1
    }

    /// A field of the last row without its quotes; nil where there is none, or it is no UTF-8.
    func text(_ index: Int) -> String? {
        guard fields.indices.contains(index) else { return nil }
        let field = UnsafeRawBufferPointer(rebasing: bytes[fields[index]])
        guard field.first == 0x22, field.count >= 2 else { return String(validating: field, as: UTF8.self) }
        let inner = field[1..<field.count - 1]
        guard inner.contains(0x22) else { return String(validating: inner, as: UTF8.self) }
        var plain: [UInt8] = []
        var isQuote = false
        for byte in inner {
            if byte == 0x22, isQuote {
                isQuote = false
                continue
            }
            isQuote = byte == 0x22
            plain.append(byte)
        }
        return String(validating: plain, as: UTF8.self)
    }

    /// A field of the last row as a number from 0 to 1; nil where it is none.
    func fraction(_ index: Int) -> Double? {
        guard let text = text(index), let value = Double(text), value >= 0, value <= 1 else { return nil }
        return value
    }

    struct Fault: Error {
        let reason: String
    }
}
