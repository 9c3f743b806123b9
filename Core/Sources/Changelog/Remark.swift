/// What a changelog's entry says of vulnerabilities, worked out from its words.
///
/// A mention is taken as *closes* unless its own clause says otherwise: what is listed beside a fix is nearly always the
/// name of what was fixed, and what is not follows few patterns. A clause ends at a semicolon, or at a full stop, colon
/// excepted, before a blank; an item below a heading that ends with a colon means what the heading says.
struct Remark: Hashable {
    /// Closed by this entry, sorted.
    var closes: Set<String> = []
    /// Opened again: the entry takes back what closed them.
    var reopens: Set<String> = []
    /// Whether it names more than it spells out: a range, a placeholder, a shortened list.
    var isVague = false

    /// Reads the body of an entry, its lines without ends.
    init(lines: some Sequence<ArraySlice<UInt8>>) {
        var heading: [(indent: Int, sense: Sense)] = []
        for item in Item.all(of: lines) {
            heading.removeAll { $0.indent >= item.indent }
            let inherited = heading.last?.sense ?? .closes
            var last = Sense.closes
            for clause in Self.clauses(item.text) {
                last = take(clause, inherited)
            }
            if item.text.last == UInt8(ascii: ":") { heading.append((item.indent, last)) }
        }
        // Within one entry the fix is what counts: "revert X (regression of CVE-1), new fix for CVE-1".
        reopens.subtract(closes)
    }

    enum Sense: Hashable {
        case closes
        case reopens
        case mentions
    }

    private mutating func take(_ clause: ArraySlice<UInt8>, _ inherited: Sense) -> Sense {
        let text = Array(clause)
        let mentions = CVEIdentifier.mentions(in: text)
        let words = Words(text)
        let whole = words.sense ?? inherited
        let limit = words.mentionsFrom ?? text.count
        guard !mentions.isEmpty else { return limit < text.count ? .mentions : whole }
        for (index, mention) in mentions.enumerated() {
            let sense = mention.start > limit ? .mentions : whole
            let next = index + 1 < mentions.count ? mentions[index + 1].start : text.count
            switch (mention.found, sense) {
            case (_, .mentions): break
            case (.malformed, _): isVague = true
            case (.whole(let id), .reopens): reopens.insert(id)
            case (.whole(let id), .closes):
                closes.insert(id)
                if Self.isShortened(text[mention.end..<next], isLast: index + 1 == mentions.count) { isVague = true }
            }
        }
        return whole
    }

    /// Whether what follows an id stands for others that are not written out: `CVE-2021-3444/3445`,
    /// `CVE-2021-3444, 3445`, `CVE-2021-1 to CVE-2021-9`, `CVE-2021-3444..3449`.
    private static func isShortened(_ rest: ArraySlice<UInt8>, isLast: Bool) -> Bool {
        let text = Array(rest.prefix(24))
        let words = text.split { $0 == UInt8(ascii: " ") }
        if text.starts(with: "..".utf8) { return true }
        if let first = words.first.map(Array.init) {
            if !isLast, words.count == 1, ranges.contains(where: { first.elementsEqual($0.utf8) }) { return true }
        }
        // A slash, comma, brace or ampersand, and at once four digits or more that are no year of an id.
        var index = 0
        while index < text.count, ",/&{ -".utf8.contains(text[index]) { index += 1 }
        guard index > 0, text[..<index].contains(where: { ",/&{".utf8.contains($0) }) else { return false }
        var digits = 0
        while index < text.count, CVEIdentifier.isDigit(text[index]) {
            index += 1
            digits += 1
        }
        let isWord = index < text.count && (CVEIdentifier.isLetter(text[index]) || text[index] == UInt8(ascii: "-"))
        return digits >= 4 && !isWord
    }

    private static let ranges = ["to", "through", "until", "-", "--", "\u{2013}", "...", "\u{2026}"]

    /// Cuts an item into clauses.
    static func clauses(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var list: [ArraySlice<UInt8>] = []
        var start = 0
        for index in text.indices {
            let isEnd = index + 1 == text.count || text[index + 1] == UInt8(ascii: " ")
            guard text[index] == UInt8(ascii: ";") || text[index] == UInt8(ascii: ".") && isEnd else { continue }
            list.append(text[start...index])
            start = index + 1
        }
        if start < text.count { list.append(text[start...]) }
        return list
    }
}

/// One item of an entry: a bullet with the lines that go on with it.
struct Item: Hashable {
    /// How far its bullet stands in.
    var indent: Int
    /// Its text on one line, without the bullet.
    var text: [UInt8]

    /// Puts wrapped lines together again. An id that was cut at one of its hyphens is joined without a blank.
    static func all(of lines: some Sequence<ArraySlice<UInt8>>) -> [Item] {
        var items: [Item] = []
        var isOpen = false
        for line in lines {
            let indent = line.prefix { $0 == space || $0 == tab }.count
            var text = line.dropFirst(indent)
            while let last = text.last, last == space || last == tab || last == 0x0D { text.removeLast() }
            if text.isEmpty {
                isOpen = false
                continue
            }
            let isBullet =
                "*-+".utf8.contains(text[text.startIndex])
                && (text.count == 1 || text[text.startIndex + 1] == space || text[text.startIndex] == UInt8(ascii: "*"))
            if isBullet {
                items.append(Item(indent: indent, text: Array(text.dropFirst().drop { $0 == space || $0 == tab })))
                isOpen = true
            } else if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") {
                // "[ Name of who did it ]".
                isOpen = false
            } else if isOpen, var last = items.popLast() {
                if !last.text.isEmpty, !last.endsInsideID(before: text) { last.text.append(space) }
                last.text += text
                items.append(last)
            } else {
                items.append(Item(indent: indent, text: Array(text)))
                isOpen = true
            }
        }
        return items
    }

    private func endsInsideID(before next: ArraySlice<UInt8>) -> Bool {
        guard text.last == UInt8(ascii: "-"), let first = next.first, CVEIdentifier.isDigit(first) else { return false }
        let tail = text.suffix(9).map { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") ? $0 - 32 : $0 }
        return tail.suffix(4).elementsEqual("CVE-".utf8) || tail.starts(with: "CVE-".utf8)
    }

    private static let space = UInt8(ascii: " ")
    private static let tab = UInt8(ascii: "\t")
}
