import JSON
import Timestamps

// What feeds have in common: null where nothing is said, dates in several forms.
extension JSONReader {
    /// Whether the next value is null, which is then read.
    mutating func isNull() throws(JSONError) -> Bool {
        guard try peek() == .null else { return false }
        try null()
        return true
    }

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
        let text = try string()
        if text.isEmpty { return nil }
        guard let date = FeedDate.timestamp(text) else {
            throw JSONError(.outOfBounds, offset: offset, reason: "\(text.prefix(40)) is no RFC 3339 date")
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
        if let date = Timestamp(rfc3339: text) { return date }
        // 2024-01-02, 2024-01-02T03:04:05.678, 2024-01-02T03:04Z, 2024-01-02T03:04:05+0000
        let bytes = text.utf8.count
        if bytes == 10 { return Timestamp(rfc3339: text + "T00:00:00Z") }
        guard bytes <= 40 else { return nil }
        if bytes == 17, text.hasSuffix("Z") { return Timestamp(rfc3339: text.dropLast() + ":00Z") }
        if let date = Timestamp(rfc3339: text + "Z") { return date }
        let tail = text.suffix(5)
        if bytes > 19, tail.hasPrefix("+") || tail.hasPrefix("-") {
            return Timestamp(rfc3339: text.dropLast(2) + ":" + text.suffix(2))
        }
        return nil
    }
}
