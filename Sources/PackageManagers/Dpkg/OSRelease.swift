/// The distribution release of a tree (os-release(5)).
package struct OSRelease: Sendable {
    /// All assignments.
    var fields: [String: String] = [:]

    /// Reads `/etc/os-release`, else `/usr/lib/os-release`; empty where there is neither.
    package init(_ tree: FileTree) {
        self.fields = [:]
        for path in ["etc/os-release", "usr/lib/os-release"] {
            guard let bytes = try? tree.read(path, limit: 1 << 20) else { continue }
            self = OSRelease(String(decoding: bytes, as: UTF8.self))
            return
        }
    }

    /// Reads shell assignments, without what shells would expand.
    package init(_ content: String) {
        for line in content.split(whereSeparator: \.isNewline) {
            let line = line.drop { $0 == " " || $0 == "\t" }
            guard line.first != "#", let equals = line.firstIndex(of: "=") else { continue }
            var value = ""
            var quote: Character?
            var escaped = false
            for character in line[line.index(after: equals)...] {
                if escaped {
                    value.append(character)
                    escaped = false
                } else if character == "\\", quote != "'" {
                    escaped = true
                } else if let open = quote {
                    if character == open { quote = nil } else { value.append(character) }
                } else if character == "\"" || character == "'" {
                    quote = character
                } else {
                    value.append(character)
                }
            }
            while value.last == " " || value.last == "\t" { value.removeLast() }
            fields[String(line[..<equals])] = value
        }
    }

    /// `ID-VERSION_ID`, else `ID-VERSION_CODENAME`, else `ID`; `linux` is the standard's default of ID.
    package var distribution: String {
        let id = word("ID") ?? "linux"
        for field in ["VERSION_ID", "VERSION_CODENAME"] {
            if let version = word(field) { return "\(id)-\(version)" }
        }
        return id
    }

    /// A value that can stand in a line of fields; nil where it is empty.
    private func word(_ field: String) -> String? {
        let value = (fields[field] ?? "").unicodeScalars.filter { $0.value > 0x20 && $0.value != 0x7F }
        return value.isEmpty ? nil : String(String.UnicodeScalarView(value.prefix(64)))
    }
}
