/// One property of a calendar: `DTSTART;TZID=Europe/Berlin:20261121T220000`.
struct ICalendarProperty {
    var line: Int
    /// In capitals.
    var name: String
    /// Names in capitals.
    var parameters: [String: String]
    var value: Substring
}

/// Unfolds a calendar's lines and splits them (RFC 5545, 3.1).
enum ICalendarLines {
    static let maximumLineBytes = 64 << 10
    static let maximumLines = 100_000

    static func properties(_ bytes: [UInt8]) throws(ICalendarError) -> [ICalendarProperty] {
        var found: [ICalendarProperty] = []
        var current: [UInt8] = []
        var currentLine = 0
        var number = 0
        var at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        func flush() throws(ICalendarError) {
            if !current.isEmpty { found.append(try property(current, currentLine)) }
            current.removeAll(keepingCapacity: true)
        }
        while at < bytes.count {
            number += 1
            guard number <= maximumLines else {
                throw ICalendarError(number, "a calendar may have \(maximumLines) lines; export fewer events")
            }
            let end = bytes[at...].firstIndex(of: 0x0A) ?? bytes.count
            var line = bytes[at..<end]
            at = end + 1
            if line.last == 0x0D { line.removeLast() }
            if let first = line.first, first == 0x20 || first == 0x09 {
                guard !current.isEmpty else {
                    throw ICalendarError(number, "a folded line continues nothing; take out the space at its beginning")
                }
                current += line.dropFirst()
            } else {
                try flush()
                current += line
                currentLine = number
            }
            guard current.count <= maximumLineBytes else {
                throw ICalendarError(
                    currentLine, "a property may have \(maximumLineBytes) bytes; split its list into several")
            }
        }
        try flush()
        return found
    }

    private static func property(_ bytes: [UInt8], _ line: Int) throws(ICalendarError) -> ICalendarProperty {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ICalendarError(line, "this is no UTF-8; export the calendar anew")
        }
        let bad = ICalendarError(
            line, "\"\(text.prefix(40))\" is no NAME:VALUE; is this an iCalendar file (RFC 5545)?")
        // The value begins at the first colon outside of quotation marks.
        var parts: [Substring] = []
        var start = text.utf8.startIndex
        var isQuoted = false
        var value: Substring?
        var index = start
        while index < text.utf8.endIndex {
            let byte = text.utf8[index]
            if byte == 0x22 {
                isQuoted.toggle()
            } else if !isQuoted, byte == 0x3B || byte == 0x3A {
                parts.append(text[start..<index])
                start = text.utf8.index(after: index)
                if byte == 0x3A {
                    value = text[start...]
                    break
                }
            }
            index = text.utf8.index(after: index)
        }
        guard let value, let name = parts.first, !name.isEmpty, parts.count <= 32,
            name.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
            })
        else { throw bad }
        var parameters: [String: String] = [:]
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "="), equals > part.startIndex else { throw bad }
            var content = part[part.index(after: equals)...]
            if content.utf8.count >= 2, content.first == "\"", content.last == "\"" {
                content = content.dropFirst().dropLast()
            }
            parameters[part[..<equals].uppercased()] = String(content)
        }
        return ICalendarProperty(line: line, name: name.uppercased(), parameters: parameters, value: value)
    }
}
