/// Reads separated values row by row, without copying: RFC 4180, and tab-separated text.
///
/// A field in quotation marks may hold separators, line ends and doubled quotation marks; lines end in LF or CR LF; empty
/// lines are passed over; a byte order mark is no text.
/// - Warning: It points into the caller's bytes and must not outlive them.
public struct CSVReader {
    /// A field of the current row, not yet copied out.
    public struct Field {
        let raw: UnsafeRawBufferPointer
        let hasDoubledQuotes: Bool

        /// The bytes as they stand, without the quotation marks around them.
        public var bytes: UnsafeRawBufferPointer { raw }

        /// The text; what is no UTF-8 becomes U+FFFD.
        public var string: String {
            guard hasDoubledQuotes else { return String(decoding: raw, as: UTF8.self) }
            var bytes: [UInt8] = []
            var index = 0
            while index < raw.count {
                bytes.append(raw[index])
                index += raw[index] == 0x22 ? 2 : 1
            }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Whether it is that text, to the letter.
        public static func == (field: Field, literal: StaticString) -> Bool {
            literal.withUTF8Buffer { $0.count == field.raw.count && $0.elementsEqual(field.raw) }
        }
    }

    /// The most fields of a row, and the most bytes of a field.
    public static let maximumFields = 1024
    /// See ``maximumFields``.
    public static let maximumFieldBytes = 1 << 20

    /// The number of the row that was read last, from 1 on.
    public private(set) var row = 0
    private let bytes: UnsafeRawBufferPointer
    private let separator: UInt8
    private let quotes: Bool
    private var at = 0

    /// Begins at the first row.
    ///
    /// - Parameters:
    ///   - separator: the byte between two fields; of a tab-separated file quotation marks are plain text.
    public init(_ bytes: UnsafeRawBufferPointer, separator: UInt8 = 0x2C) {
        self.bytes = bytes
        self.separator = separator
        self.quotes = separator != 0x09
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
    }

    /// Puts the next row into `fields`; false where there is none.
    ///
    /// - Throws: ``CSVFault`` for a quoted field without an end, text after one, or a row beyond the bounds.
    public mutating func next(_ fields: inout [Field]) throws(CSVFault) -> Bool {
        fields.removeAll(keepingCapacity: true)
        while at < bytes.count, bytes[at] == 0x0A || bytes[at] == 0x0D { at += 1 }
        guard at < bytes.count else { return false }
        row += 1
        while true {
            guard fields.count < Self.maximumFields else { throw fault("more than \(Self.maximumFields) fields") }
            fields.append(try field())
            guard at < bytes.count, bytes[at] == separator else { break }
            at += 1
        }
        if at < bytes.count, bytes[at] == 0x0D { at += 1 }
        if at < bytes.count {
            guard bytes[at] == 0x0A else { throw fault("text where a field has ended") }
            at += 1
        }
        return true
    }

    private mutating func field() throws(CSVFault) -> Field {
        let isQuoted = quotes && at < bytes.count && bytes[at] == 0x22
        if isQuoted { at += 1 }
        let start = at
        var hasDoubled = false
        while at < bytes.count {
            let byte = bytes[at]
            if isQuoted {
                if byte == 0x22 {
                    guard at + 1 < bytes.count, bytes[at + 1] == 0x22 else { break }
                    hasDoubled = true
                    at += 1
                }
            } else if byte == separator || byte == 0x0A || (byte == 0x0D && endsLine(at)) {
                break
            }
            at += 1
        }
        guard at - start <= Self.maximumFieldBytes else {
            throw fault("a field of more than \(Self.maximumFieldBytes) bytes")
        }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
        if isQuoted {
            guard at < bytes.count else { throw fault("a quotation mark that nothing closes") }
            at += 1
        }
        return Field(raw: raw, hasDoubledQuotes: hasDoubled)
    }

    private func endsLine(_ index: Int) -> Bool { index + 1 == bytes.count || bytes[index + 1] == 0x0A }

    private func fault(_ reason: String) -> CSVFault { CSVFault(row: row, offset: at, reason: reason) }
}

/// Why separated values cannot be read, and where.
public struct CSVFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The row, from 1 on.
    public let row: Int
    /// The byte.
    public let offset: Int
    /// What is wrong.
    public let reason: String

    /// A fault; one without a byte is of the whole row.
    public init(row: Int, offset: Int = 0, reason: String) {
        self.row = row
        self.offset = offset
        self.reason = reason
    }

    public var description: String { "row \(row), byte \(offset): \(reason); mend the file and read it again" }
}
