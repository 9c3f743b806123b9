/// A small file of stanzas that people write: deb822 sources and preferences.
struct ControlText: Sendable {
    /// One field, with its name in lower case and the line it begins on.
    struct Field: Sendable, Hashable {
        var name: String
        var value: String
        var line: Int
    }

    /// The stanzas, each with its fields in order; stanzas without fields are left out.
    var stanzas: [[Field]] = []

    /// Reads a file; lines that begin with `#` are comments, also inside a field.
    init(_ bytes: [UInt8], path: String) throws(PackageScanError) {
        var fields: [Field] = []
        var number = 0
        for raw in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            var line = raw[...]
            while let last = line.last, isBlank(last) { line.removeLast() }
            if line.first == 0x23 { continue }
            if line.isEmpty {
                // A line of blanks only continues a field for apt; an empty one ends the stanza.
                if raw.isEmpty || raw.first == 0x0D, !fields.isEmpty {
                    stanzas.append(fields)
                    fields = []
                }
                continue
            }
            let content = String(decoding: line, as: UTF8.self)
            if let first = line.first, first == 0x20 || first == 0x09 {
                if !fields.isEmpty {
                    fields[fields.count - 1].value += "\n" + content.trimmed
                }
                continue
            }
            guard let colon = line.firstIndex(of: 0x3A) else {
                throw .malformed(
                    path: path, line: number,
                    reason: "'\(content.prefix(60))' is not a field; write Name: value, or # before a comment")
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).trimmed.lowercased()
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmed
            fields.append(Field(name: name, value: value, line: number))
            guard fields.count < 1000, stanzas.count < 100_000 else {
                throw .malformed(path: path, line: number, reason: "there are too many fields or stanzas")
            }
        }
        if !fields.isEmpty { stanzas.append(fields) }
    }
}

extension [ControlText.Field] {
    /// The value of the last field of that name, as apt takes it; nil where absent.
    func value(_ name: String) -> String? { last { $0.name == name }?.value }

    /// The words of a field, separated by blanks and line ends.
    func words(_ name: String) -> [String] {
        (value(name) ?? "").split(whereSeparator: { $0.isWhitespace }).map(String.init)
    }
}

extension StringProtocol {
    /// The text without blanks around it.
    var trimmed: String {
        var bytes = Array(utf8)[...]
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
