/// The grammar of apt.conf(5), as apt's `ReadConfigFile` has it.
enum AptConfigurationItems {
    enum Item: Hashable, Sendable {
        /// `tag "word";`, where the tag is empty for an element of a list.
        case assignment(tag: String, word: String, line: Int)
        /// `tag {` or `tag "word" {`.
        case open(tag: String, word: String?, line: Int)
        /// `}`.
        case close
    }

    /// The items of a file, in order.
    static func items(_ bytes: [UInt8], path: String) throws(PackageScanError) -> [Item] {
        var items: [Item] = []
        var pending: [UInt8] = []
        var inComment = false
        var number = 0
        for raw in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = withoutComments(strip(raw.map { $0 == 0x09 ? 0x20 : $0 }[...]), &inComment)
            var inQuote = false
            var start = line.startIndex
            for index in line.indices {
                let byte = line[index]
                if byte == 0x22 { inQuote.toggle() }
                guard !inQuote, byte == 0x7B || byte == 0x7D || byte == 0x3B else { continue }
                let part = strip(line[start..<index])
                if !pending.isEmpty, !part.isEmpty { pending.append(0x20) }
                pending += part
                start = index + 1
                if pending.isEmpty {
                    if byte == 0x7B { throw error(path, number, "a block starts with no name") }
                    if byte == 0x7D { items.append(.close) }
                    continue
                }
                items.append(try item(pending[...], opens: byte == 0x7B, path, number))
                pending = []
                if byte == 0x7D { items.append(.close) }
                guard items.count < 1_000_000 else { throw error(path, number, "there are too many settings") }
            }
            let rest = strip(line[start...])
            if !pending.isEmpty, !rest.isEmpty { pending.append(0x20) }
            pending += rest
        }
        guard pending.isEmpty else {
            throw error(path, number, "the last setting does not end in ';'")
        }
        return items
    }

    private static func item(
        _ text: ArraySlice<UInt8>, opens: Bool, _ path: String, _ line: Int
    ) throws(PackageScanError) -> Item {
        var rest = text
        guard let tag = QuotedWords.word(&rest) else { throw error(path, line, "a name is malformed") }
        let word = QuotedWords.string(&rest) ?? QuotedWords.word(&rest)
        guard rest.isEmpty else { throw error(path, line, "there is more than a value after \(tag)") }
        if opens { return .open(tag: tag, word: word, line: line) }
        guard let word else { return .assignment(tag: "", word: tag, line: line) }
        return .assignment(tag: tag, word: word, line: line)
    }

    /// The line without comments; a comment with `/*` may run on over lines.
    private static func withoutComments(_ line: ArraySlice<UInt8>, _ inComment: inout Bool) -> ArraySlice<UInt8> {
        var line = line
        if inComment {
            guard let end = find("*/", in: line, from: line.startIndex) else { return [] }
            line = line[(end + 2)...]
            inComment = false
        }
        func quoted(_ index: Int) -> Bool { line[..<index].count { $0 == 0x22 } % 2 != 0 }
        var at = line.startIndex
        while let found = find("//", in: line, from: at) {
            if quoted(found) {
                at = found + 1
            } else {
                line = line[..<found]
                break
            }
        }
        at = line.startIndex
        while let found = line[at...].firstIndex(of: 0x23) {
            let after = line[(found + 1)...]
            if quoted(found)
                || ["clear", "include", "x-apt-configure-index"].contains(where: { after.starts(with: $0.utf8) })
            {
                at = found + 1
            } else {
                line = line[..<found]
                break
            }
        }
        var fragment: [UInt8] = []
        at = line.startIndex
        while let found = find("/*", in: line, from: at) {
            if quoted(found) {
                at = found + 2
                continue
            }
            fragment += line[..<found]
            guard let end = find("*/", in: line, from: found + 2) else {
                inComment = true
                return fragment[...]
            }
            line = line[(end + 2)...]
            at = line.startIndex
        }
        return (fragment + line)[...]
    }

    private static func find(_ text: StaticString, in line: ArraySlice<UInt8>, from start: Int) -> Int? {
        let (first, second) = (text.utf8Start[0], text.utf8Start[1])
        var index = start
        while index + 1 < line.endIndex {
            if line[index] == first, line[index + 1] == second { return index }
            index += 1
        }
        return nil
    }

    private static func strip(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }

    private static func error(_ path: String, _ line: Int, _ reason: String) -> PackageScanError {
        .malformed(path: path, line: line, reason: reason)
    }
}

/// Words as apt cuts them in apt.conf(5) and sources.list(5).
enum QuotedWords {
    /// The next word: quotes and brackets keep blanks together, `%41` is a byte; nil at the end or where one is open.
    static func word(_ rest: inout ArraySlice<UInt8>) -> String? {
        var text = rest.drop { $0 == 0x20 || $0 == 0x09 }
        guard !text.isEmpty else { return nil }
        var bytes: [UInt8] = []
        var inQuote = false
        var depth = 0
        while let byte = text.first {
            if !inQuote, depth == 0, isBlank(byte) { break }
            text.removeFirst()
            if byte == 0x22, depth == 0 {
                inQuote.toggle()
            } else if byte == 0x5B, !inQuote {
                depth += 1
                bytes.append(byte)
            } else if byte == 0x5D, !inQuote {
                if depth > 0 { depth -= 1 }
                bytes.append(byte)
            } else if byte == 0x25, text.count >= 2, let high = hex(text[text.startIndex]),
                let low = hex(text[text.startIndex + 1])
            {
                bytes.append(high << 4 | low)
                text.removeFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        guard !inQuote, depth == 0 else { return nil }
        rest = text.drop(while: isBlank)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A string in quotes, or several after each other; nil where the text does not begin with one.
    static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
        var text = rest.drop(while: isBlank)
        guard text.first == 0x22 else { return nil }
        var bytes: [UInt8] = []
        while let byte = text.popFirst() {
            if byte == 0x22 {
                guard let end = text.firstIndex(of: 0x22) else { return nil }
                bytes += text[..<end]
                text = text[(end + 1)...]
            } else if isBlank(byte) {
                bytes.append(0x20)
            } else {
                return nil
            }
        }
        while bytes.last == 0x20 { bytes.removeLast() }
        rest = text
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
