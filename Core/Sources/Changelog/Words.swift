/// The words of a clause, in small letters, as far as they say whether an id in it was closed.
struct Words {
    private var found: Set<Sign> = []
    /// From where in the clause on ids are only spoken of, in bytes: "regression of CVE-…"; nil where nowhere.
    private(set) var mentionsFrom: Int?

    init(_ bytes: [UInt8]) {
        // Only letters, digits and single blanks: "doesn't" becomes "doesn t".
        let blank = UInt8(ascii: " ")
        var text: [UInt8] = [blank]
        text.reserveCapacity(bytes.count + 2)
        // Where each word begins, here and in the clause.
        var words: [(start: Int, place: Int)] = []
        for (place, byte) in bytes.enumerated() {
            let isLetter = CVEIdentifier.isLetter(byte)
            if isLetter || CVEIdentifier.isDigit(byte) || byte >= 0x80 {
                if text.last == blank { words.append((text.count, place)) }
                text.append(isLetter ? byte | 0x20 : byte)
            } else if text.last != blank {
                text.append(blank)
            }
        }
        if text.last != blank { text.append(blank) }
        for word in words {
            guard let phrases = Self.phrases[text[word.start...].prefix(while: { $0 != blank })] else { continue }
            for phrase in phrases where text[(word.start - 1)...].starts(with: phrase.bytes) {
                found.insert(phrase.sign)
                if phrase.sign == .of, mentionsFrom == nil { mentionsFrom = word.place }
            }
        }
    }

    /// What the clause as a whole says of its ids; nil where nothing speaks against *closes*.
    var sense: Remark.Sense? {
        if found.contains(.reverts) { return found.contains(.upstream) ? .mentions : .reopens }
        if found.contains(.removes) {
            if found.contains(.upstream) { return .mentions }
            return found.contains(.breaks) ? .reopens : .mentions
        }
        return found.contains(.against) ? .mentions : nil
    }

    /// What a phrase is a sign of.
    private enum Sign: CaseIterable, Hashable {
        case reverts
        case removes
        case upstream
        case breaks
        case against
        case of
    }

    /// Phrases by their first word, so that one pass over the words finds them all.
    private static let phrases: [ArraySlice<UInt8>: [(bytes: [UInt8], sign: Sign)]] = {
        var table: [ArraySlice<UInt8>: [(bytes: [UInt8], sign: Sign)]] = [:]
        let all: [(Sign, [String])] = [
            (.reverts, reverts), (.removes, removes), (.upstream, upstream), (.breaks, breaks), (.against, against),
            (.of, of),
        ]
        for (sign, phrases) in all {
            for phrase in phrases {
                let bytes = Array(phrase.utf8)
                table[bytes[1...].prefix { $0 != UInt8(ascii: " ") }, default: []].append((bytes, sign))
            }
        }
        return table
    }()

    private static let reverts: [String] = [
        " revert ", " reverts ", " reverted ", " reverting ", " back out ", " backed out ",
    ]
    /// Taking a patch away says nothing of the hole, unless it is said that it did harm.
    private static let removes: [String] = [
        " drop ", " drops ", " dropped ", " dropping ", " remove patch ", " remove patches ", " removed patch ",
        " removed patches ", " remove cve ", " removed cve ", " remove debian patches ", " disable patch ",
        " disabled patch ",
    ]
    private static let upstream: [String] = [
        " upstream ", " merged ", " applied in ", " included ", " obsolete ", " superseded ", " no longer needed ",
        " not needed ", " refresh ", " part of ", " fixed in ",
    ]
    private static let breaks: [String] = [
        " regression ", " regressions ", " breaks ", " break ", " broke ", " causes ", " caused ",
    ]
    /// The whole clause is of something else: a version that never had it, or work that is still to be done.
    private static let against: [String] = [
        " not affected ", " not vulnerable ", " unaffected ", " isn t affected ", " aren t affected ",
        " not affect ", " doesn t affect ", " don t affect ", " not applicable ", " not apply ",
        " not exploitable ", " no longer affected ", " never affected ", " not a security ", " false positive ",
        " not fixed ", " not yet fixed ", " unfixed ", " not fix ", " doesn t fix ", " not addressed ",
        " not address ", " still vulnerable ", " still affected ", " remains vulnerable ", " still open ",
        " to be fixed ", " todo ", " already fixed ", " was fixed in ", " were fixed in ", " has been fixed in ",
        " previously fixed ", " ignored ", " ignoring ", " disputed ", " no dsa ", " won t fix ", " will not be fixed ",
        " cannot be fixed ", " rename ", " renamed ",
    ]
    /// What comes after it is spoken of, and was closed elsewhere if at all.
    private static let of: [String] = [
        " regression of ", " regression in ", " regression from ", " regression introduced ",
        " regressions introduced ",
        " regression caused ", " regressions caused ", " regression due ", " regression after ", " regression with ",
        " regressions in ", " regressions of ", " regressions from ", " follow up ", " followup ", " incomplete fix ",
        " incomplete fixes ", " introduced by ", " introduced with ", " introduced in ", " caused by the fix ",
        " broken by ", " fallout ", " test case for ", " testcase for ", " tests for ", " test for ", " similar to ",
        " related to ", " see also ",
    ]
}
