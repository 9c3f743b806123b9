/// The name of a CVE as it stands in running text (CVE Record Format, section "CVE ID syntax").
public enum CVEIdentifier {
    /// What stands at one place of a text.
    enum Found: Hashable {
        /// A whole id, in capitals.
        case whole(String)
        /// It begins like an id and is none: a placeholder, too few digits, a year that cannot be.
        case malformed
    }

    /// One find: where it begins and ends, in bytes.
    struct Mention: Hashable {
        var found: Found
        var start: Int
        var end: Int
    }

    /// All ids of a text, in its order. `CAN-2004-0001` is the old spelling of a candidate and means the same CVE;
    /// a space or underscore for a hyphen is taken where four digits and more follow.
    static func mentions(in text: [UInt8]) -> [Mention] {
        var list: [Mention] = []
        var index = 0
        while index + 4 < text.count {
            guard isPrefix(text, index), index == 0 || !isWord(text[index - 1]) else {
                index += 1
                continue
            }
            let mention = read(text, from: index)
            if let mention { list.append(mention) }
            index = mention?.end ?? index + 3
        }
        return list
    }

    /// Whether `text` is an id as it is written in capitals: `CVE-`, a year from 1999, four digits or more.
    public static func isValid(_ text: String) -> Bool {
        let mentions = mentions(in: Array(text.utf8))
        return mentions.count == 1 && mentions[0].found == .whole(text)
    }

    private static func isPrefix(_ text: [UInt8], _ at: Int) -> Bool {
        func upper(_ offset: Int) -> UInt8 { text[at + offset] & 0xDF }
        let isName =
            upper(0) == UInt8(ascii: "C")
            && (upper(1) == UInt8(ascii: "V") && upper(2) == UInt8(ascii: "E")
                || upper(1) == UInt8(ascii: "A") && upper(2) == UInt8(ascii: "N"))
        return isName && isSeparator(text[at + 3])
    }

    private static func read(_ text: [UInt8], from start: Int) -> Mention? {
        var index = start + 4
        // "CVE: …" in prose is no id; one that begins like a year, or with an X, was meant to be one.
        guard index < text.count, isDigit(text[index]) || text[index] & 0xDF == UInt8(ascii: "X") else { return nil }
        let year = digits(text, &index)
        // "can 2023 things" and "CVE 7" are prose, "CVE-20XX-1234" is a placeholder.
        let isName = text[start + 1] & 0xDF == UInt8(ascii: "V") && text[start + 3] == hyphen
        guard year.count == 4, index < text.count, isSeparator(text[index]) else {
            guard isName else { return nil }
            return Mention(found: .malformed, start: start, end: skip(text, index))
        }
        index += 1
        let number = digits(text, &index)
        let value = year.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        // Four digits may begin with noughts; longer numbers do not (CVE ID syntax of 2014).
        let isNumber =
            (4...19).contains(number.count) && (number.count == 4 || number.first != UInt8(ascii: "0"))
        guard isNumber, (1999...2199).contains(value) else {
            return isName ? Mention(found: .malformed, start: start, end: skip(text, index)) : nil
        }
        let id = "CVE-" + String(decoding: year, as: UTF8.self) + "-" + String(decoding: number, as: UTF8.self)
        return Mention(found: .whole(id), start: start, end: index)
    }

    private static func digits(_ text: [UInt8], _ index: inout Int) -> ArraySlice<UInt8> {
        let start = index
        while index < text.count, isDigit(text[index]) { index += 1 }
        return text[start..<index]
    }

    /// The end of the word that a malformed id is.
    private static func skip(_ text: [UInt8], _ index: Int) -> Int {
        var index = index
        while index < text.count, isWord(text[index]) || text[index] == hyphen { index += 1 }
        return index
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == hyphen || byte == UInt8(ascii: "_") || byte == UInt8(ascii: " ")
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF) }
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
}
