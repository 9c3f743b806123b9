import JSON

/// The part of YAML 1.2 that advisories are written in, as a tree of texts: block mappings and sequences, plain and quoted
/// scalars over several lines, literal and folded blocks, empty and one-line flow sequences and mappings, comments.
///
/// Every scalar is a text, whatever it looks like. Anchors, aliases, tags and several documents are refused: they can make a
/// small file large.
struct PlainYAML {
    /// What is wrong, and where.
    struct Fault: Error {
        let line: Int
        let reason: String
    }

    private struct Line {
        let number: Int
        let indent: Int
        let text: Substring
        /// Without the indentation, as it stands, for blocks.
        let raw: Substring
    }

    /// The largest document in bytes, and the deepest nesting.
    static let maximumBytes = 16 << 20
    static let maximumDepth = 32

    private var lines: [Line] = []
    private var next = 0

    /// Reads one document.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> JSONValue {
        guard bytes.count <= maximumBytes else {
            throw Fault(line: 0, reason: "the document has \(bytes.count) bytes, at most \(maximumBytes) are read")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(line: 0, reason: "the document is no UTF-8 text")
        }
        var parser = PlainYAML()
        try parser.split(text)
        parser.skipBlank()
        guard parser.next < parser.lines.count else { throw Fault(line: 0, reason: "the document is empty") }
        let value = try parser.block(parser.lines[parser.next].indent, depth: 0)
        parser.skipBlank()
        if parser.next < parser.lines.count {
            throw Fault(line: parser.lines[parser.next].number, reason: "this line stands at an indentation of its own")
        }
        return value
    }

    private mutating func split(_ text: String) throws(Fault) {
        var number = 0
        // A carriage return and line feed are one character.
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" }) {
            number += 1
            if line.hasPrefix("---"), line.dropFirst(3).allSatisfy({ $0 == " " }) {
                if lines.contains(where: { !$0.text.isEmpty }) {
                    throw Fault(line: number, reason: "a second document begins; one is read")
                }
                continue
            }
            if line == "..." { break }
            let indent = line.prefix { $0 == " " }.count
            let raw = line.dropFirst(indent)
            lines.append(Line(number: number, indent: indent, text: raw.first == "#" ? "" : raw, raw: raw))
        }
    }

    private mutating func skipBlank() {
        while next < lines.count, lines[next].text.allSatisfy({ $0 == " " || $0 == "\t" }) { next += 1 }
    }

    /// A mapping, a sequence or a scalar at an indentation.
    private mutating func block(_ indent: Int, depth: Int) throws(Fault) -> JSONValue {
        guard depth < Self.maximumDepth else {
            throw Fault(line: lines[next].number, reason: "it nests deeper than \(Self.maximumDepth)")
        }
        let line = lines[next]
        if isItem(line.text) { return try sequence(indent, depth: depth) }
        if keyEnd(line.text) != nil { return try mapping(indent, depth: depth) }
        next += 1
        return .string(try scalar(line.text, line.number, parent: indent - 1))
    }

    private func isItem(_ text: Substring) -> Bool { text == "-" || text.hasPrefix("- ") }

    private mutating func sequence(_ indent: Int, depth: Int) throws(Fault) -> JSONValue {
        var elements: [JSONValue] = []
        while true {
            skipBlank()
            guard next < lines.count, lines[next].indent == indent, isItem(lines[next].text) else { break }
            let line = lines[next]
            let rest = line.text.dropFirst().drop { $0 == " " }
            if rest.isEmpty || rest.first == "#" {
                next += 1
                elements.append(try nested(indent, depth: depth))
                continue
            }
            // What stands behind the hyphen is a block at its own indentation.
            let inner = indent + line.text.count - rest.count
            if isItem(rest) || (keyEnd(rest) != nil) {
                lines[next] = Line(number: line.number, indent: inner, text: rest, raw: rest)
                elements.append(try block(inner, depth: depth + 1))
            } else {
                next += 1
                elements.append(try value(rest, line.number, indent, depth: depth))
            }
        }
        return .array(elements)
    }

    private mutating func mapping(_ indent: Int, depth: Int) throws(Fault) -> JSONValue {
        var members: [String: JSONValue] = [:]
        while true {
            skipBlank()
            guard next < lines.count, lines[next].indent == indent, !isItem(lines[next].text) else { break }
            let line = lines[next]
            guard let end = keyEnd(line.text) else {
                throw Fault(line: line.number, reason: "expected 'name: value', found \(line.text.prefix(40))")
            }
            let key = try unquoted(line.text[..<end], line.number)
            let rest = line.text[line.text.index(after: end)...].drop { $0 == " " }
            next += 1
            let value: JSONValue
            if rest.isEmpty || rest.first == "#" {
                value = try nested(indent, depth: depth, isMember: true)
            } else {
                value = try self.value(rest, line.number, indent, depth: depth)
            }
            if let old = members[key] {
                // The same version twice in a list of fixes: both hold.
                guard case .array(let first) = old, case .array(let second) = value else {
                    throw Fault(line: line.number, reason: "the name \(key.prefix(40)) occurs twice")
                }
                members[key] = .array(first + second)
            } else {
                members[key] = value
            }
        }
        return .object(members)
    }

    /// What follows a name, or a hyphen, on lines of its own; nothing is null. A sequence may stand at its name's indentation.
    private mutating func nested(_ indent: Int, depth: Int, isMember: Bool = false) throws(Fault) -> JSONValue {
        skipBlank()
        guard next < lines.count else { return .null }
        let line = lines[next]
        if line.indent > indent { return try block(line.indent, depth: depth + 1) }
        if isMember, line.indent == indent, isItem(line.text) { return try sequence(indent, depth: depth + 1) }
        return .null
    }

    /// A value that begins on the line of its name.
    private mutating func value(_ text: Substring, _ number: Int, _ indent: Int, depth: Int) throws(Fault) -> JSONValue
    {
        switch text.first {
        case "|", ">": return .string(try literal(text, number, indent))
        case "&", "*", "!": throw Fault(line: number, reason: "anchors, aliases and tags are not read")
        case "[", "{":
            let body = text.prefix { $0 != "#" }.trimmed
            if body == "[]" { return .array([]) }
            if body == "{}" { return .object([:]) }
            guard body.first == "[", body.last == "]", !body.dropFirst().contains("["), !body.contains("{") else {
                throw Fault(line: number, reason: "only a flow sequence of texts on one line is read")
            }
            var elements: [JSONValue] = []
            for part in body.dropFirst().dropLast().split(separator: ",") {
                elements.append(.string(try unquoted(part.trimmed, number)))
            }
            return .array(elements)
        default: return .string(try scalar(text, number, parent: indent))
        }
    }

    /// A plain or quoted scalar, with the lines that go on at a deeper indentation than its parent's.
    private mutating func scalar(_ text: Substring, _ number: Int, parent: Int) throws(Fault) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            var whole = String(uncommented(text).trimmed)
            var gap = 0
            while next < lines.count {
                let line = lines[next]
                if line.raw.trimmed.isEmpty {
                    gap += 1
                } else {
                    guard line.indent > parent, line.raw.first != "#" else { break }
                    whole += gap > 0 ? String(repeating: "\n", count: gap) : " "
                    gap = 0
                    whole += uncommented(line.text).trimmed
                }
                next += 1
            }
            return whole
        }
        var whole = String(text)
        var gap = 0
        while closing(whole, quote) == nil {
            guard next < lines.count else { throw Fault(line: number, reason: "a text in quotes does not end") }
            let part = lines[next].raw.trimmed
            next += 1
            if part.isEmpty {
                gap += 1
                continue
            }
            // A backslash at a line's end joins without a space.
            if quote == "\"", whole.hasSuffix("\\"), !whole.hasSuffix("\\\\") {
                whole.removeLast()
                whole += part
            } else {
                whole += (gap > 0 ? String(repeating: "\n", count: gap) : " ") + part
            }
            gap = 0
            guard whole.utf8.count <= 1 << 20 else {
                throw Fault(line: number, reason: "a text in quotes is longer than 1 MiB")
            }
        }
        guard let end = closing(whole, quote) else { return whole }
        let rest = whole[whole.index(after: end)...].trimmed
        guard rest.isEmpty || rest.first == "#" else {
            throw Fault(line: number, reason: "text follows the closing quote")
        }
        return try unquoted(whole[...end], number)
    }

    /// Where a quoted text ends.
    private func closing(_ text: String, _ quote: Character) -> String.Index? {
        var at = text.index(after: text.startIndex)
        while at < text.endIndex {
            let character = text[at]
            if quote == "\"", character == "\\" {
                at = text.index(after: at)
                if at == text.endIndex { return nil }
            } else if character == quote {
                let after = text.index(after: at)
                if quote == "'", after < text.endIndex, text[after] == "'" { at = after } else { return at }
            }
            at = text.index(after: at)
        }
        return nil
    }

    /// A literal or folded block.
    private mutating func literal(_ head: Substring, _ number: Int, _ indent: Int) throws(Fault) -> String {
        let isFolded = head.first == ">"
        let marks = head.dropFirst().prefix { $0 != " " && $0 != "#" }
        guard marks.allSatisfy({ "+-123456789".contains($0) }) else {
            throw Fault(line: number, reason: "a block begins with | or >, and perhaps + or -")
        }
        var body: [String] = []
        var own: Int?
        if let digit = marks.first(where: { $0.isNumber }), let more = digit.wholeNumberValue { own = indent + more }
        while next < lines.count {
            let line = lines[next]
            if line.raw.allSatisfy({ $0 == " " }) {
                body.append("")
            } else {
                if own == nil, line.indent > indent { own = line.indent }
                guard let own, line.indent >= own else { break }
                body.append(String(repeating: " ", count: line.indent - own) + line.raw)
            }
            next += 1
        }
        while body.last == "" { body.removeLast() }
        guard isFolded else { return body.joined(separator: "\n") + (marks.contains("-") ? "" : "\n") }
        var text = ""
        for (index, line) in body.enumerated() {
            if index > 0 { text += line.isEmpty || body[index - 1].isEmpty ? (line.isEmpty ? "\n" : "") : " " }
            text += line
        }
        return text + (marks.contains("-") ? "" : "\n")
    }

    /// Where the colon stands that ends a name; nil where there is none.
    private func keyEnd(_ text: Substring) -> Substring.Index? {
        var at = text.startIndex
        if let quote = text.first, quote == "\"" || quote == "'" {
            guard let end = closing(String(text), quote) else { return nil }
            let count = String(text).distance(from: String(text).startIndex, to: end)
            at = text.index(text.startIndex, offsetBy: count + 1)
            return at < text.endIndex && text[at] == ":" ? at : nil
        }
        if let first = text.first, "[{|>&*!".contains(first) { return nil }
        while at < text.endIndex {
            if text[at] == ":" {
                let after = text.index(after: at)
                if after == text.endIndex || text[after] == " " { return at }
            }
            if text[at] == "#", at > text.startIndex, text[text.index(before: at)] == " " { return nil }
            at = text.index(after: at)
        }
        return nil
    }

    /// Up to a comment: a `#` behind a space.
    private func uncommented(_ text: Substring) -> Substring {
        var previous: Character = " "
        for index in text.indices {
            if text[index] == "#", previous == " " { return text[..<index] }
            previous = text[index]
        }
        return text
    }

    private func unquoted(_ text: Substring, _ number: Int) throws(Fault) -> String {
        guard let quote = text.first, text.count >= 2, text.last == quote, quote == "\"" || quote == "'" else {
            return String(text.trimmed)
        }
        let inner = text.dropFirst().dropLast()
        if quote == "'" { return String(inner.replacing("''", with: "'")) }
        guard inner.contains("\\") else { return String(inner) }
        var plain = ""
        var rest = inner
        while let character = rest.popFirst() {
            guard character == "\\" else {
                plain.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": plain += "\n"
            case "t": plain += "\t"
            case "r": plain += "\r"
            case "0": plain += "\u{0}"
            case "\"": plain += "\""
            case "\\": plain += "\\"
            case "/": plain += "/"
            case " ": plain += " "
            case "x": plain.unicodeScalars.append(try escape(&rest, 2, number))
            case "u": plain.unicodeScalars.append(try escape(&rest, 4, number))
            case "U": plain.unicodeScalars.append(try escape(&rest, 8, number))
            default: throw Fault(line: number, reason: "an escape that is not known")
            }
        }
        return plain
    }

    private func escape(_ rest: inout Substring, _ count: Int, _ number: Int) throws(Fault) -> Unicode.Scalar {
        let digits = rest.prefix(count)
        guard digits.count == count, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw Fault(line: number, reason: "an escape with \(count) hexadecimal digits that is no character")
        }
        rest = rest.dropFirst(count)
        return scalar
    }
}

extension StringProtocol {
    /// Without spaces and tabs at its ends.
    fileprivate var trimmed: SubSequence {
        var text = self[...].drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
