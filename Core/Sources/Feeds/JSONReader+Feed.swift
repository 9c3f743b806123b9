import JSON
import Timestamps

// What feeds have in common: null where nothing is said, dates in several forms.
extension JSONReader {
    /// Whether the next value is null, which is then read.
    mutating func isNull() throws(JSONError) -> Bool { try takeNull() }

    /// A string; null is an empty one.
    mutating func feedText() throws(JSONError) -> String {
        try isNull() ? "" : try string()
    }

    /// A string, cut after ``Advisory/maximumDetails`` bytes at a scalar's end; null is an empty one.
    mutating func feedDetails() throws(JSONError) -> String {
        bounded(try feedText())
    }

    /// An array of strings; null is none.
    mutating func feedStrings() throws(JSONError) -> [String] {
        try feedList { reader throws(JSONError) in try reader.string() }
    }

    /// An array; null is none.
    mutating func feedList<Element>(
        _ element: (inout JSONReader) throws(JSONError) -> Element
    ) throws(JSONError) -> [Element] {
        if try isNull() { return [] }
        var elements: [Element] = []
        try array { reader throws(JSONError) in elements.append(try element(&reader)) }
        return elements
    }

    /// An object; null has no members.
    mutating func feedObject(
        _ member: (inout JSONReader, JSONText) throws(JSONError) -> Void
    ) throws(JSONError) {
        if try isNull() { return }
        try object(member)
    }

    /// An array of objects, or one alone; null is none.
    mutating func feedObjects(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
        switch try peek() {
        case .null: try null()
        case .object: try element(&self)
        default: try array(element)
        }
    }

    /// A date as feeds write it (``FeedDate``); null and an empty text are none.
    mutating func feedDate() throws(JSONError) -> Timestamp? {
        if try isNull() { return nil }
        let offset = offset
        let text = try text()
        if text == "" { return nil }
        guard let date = text.withBytes({ FeedDate.timestamp($0) }) else {
            throw JSONError(.outOfBounds, offset: offset, reason: "\(text.string.prefix(40)) is no RFC 3339 date")
        }
        return date
    }
}

/// A text cut after so many bytes, at the end of a scalar.
func bounded(_ text: String, to count: Int = Advisory.maximumDetails) -> String {
    guard text.utf8.count > count else { return text }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: count)
    while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
    return String(text[..<end])
}

/// Dates of feeds: RFC 3339, the same without an offset (read as UTC, as NVD writes it), or a day alone.
enum FeedDate {
    typealias Value = Timestamp

    static func timestamp(_ text: String) -> Timestamp? {
        var text = text
        return text.withUTF8 { timestamp(UnsafeRawBufferPointer($0)) }
    }

    static func timestamp(_ bytes: UnsafeRawBufferPointer) -> Timestamp? {
        if let date = Timestamp(rfc3339: bytes) { return date }
        // 2024-01-02, 2024-01-02T03:04:05.678, 2024-01-02T03:04Z, 2024-01-02T03:04:05+0000
        let count = bytes.count
        guard count >= 10, count <= 40 else { return nil }
        if count == 10 { return written(bytes[...], "T00:00:00Z") }
        if count == 17, bytes[16] == UInt8(ascii: "Z") { return written(bytes[..<16], ":00Z") }
        if let date = written(bytes[...], "Z") { return date }
        let sign = bytes[count - 5]
        guard count > 19, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        return written(bytes[..<(count - 2)], ":", bytes[(count - 2)...])
    }

    /// What stands there with something between or behind it.
    private static func written(
        _ head: Slice<UnsafeRawBufferPointer>, _ middle: StaticString,
        _ tail: Slice<UnsafeRawBufferPointer> = Slice(base: UnsafeRawBufferPointer(start: nil, count: 0), bounds: 0..<0)
    ) -> Timestamp? {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            var count = 0
            for byte in head {
                buffer[count] = byte
                count += 1
            }
            middle.withUTF8Buffer {
                for byte in $0 {
                    buffer[count] = byte
                    count += 1
                }
            }
            for byte in tail {
                buffer[count] = byte
                count += 1
            }
            return Timestamp(rfc3339: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
