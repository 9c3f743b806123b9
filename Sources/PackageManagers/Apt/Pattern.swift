import Glibc

/// Names as apt matches them: `/regular expression/`, else a glob as in shells; both without case.
final class Pattern {
    private let glob: String
    private let expression: UnsafeMutablePointer<regex_t>?
    private let isBroken: Bool

    init(_ text: String) {
        glob = text
        guard text.utf8.count >= 2, text.hasPrefix("/"), text.hasSuffix("/") else {
            expression = nil
            isBroken = false
            return
        }
        let compiled = UnsafeMutablePointer<regex_t>.allocate(capacity: 1)
        compiled.initialize(to: regex_t())
        if regcomp(compiled, String(text.dropFirst().dropLast()), REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0 {
            expression = compiled
            isBroken = false
        } else {
            // apt warns of it, and it matches nothing.
            compiled.deallocate()
            expression = nil
            isBroken = true
        }
    }

    deinit {
        if let expression {
            regfree(expression)
            expression.deallocate()
        }
    }

    /// Whether the text matches.
    func matches(_ text: String) -> Bool {
        if isBroken { return false }
        if let expression { return regexec(expression, text, 0, nil, 0) == 0 }
        // FNM_CASEFOLD, a GNU extension.
        return fnmatch(glob, text, 1 << 4) == 0
    }

    /// Whether a name in preferences is a pattern at all.
    static func isPattern(_ text: String) -> Bool {
        text.hasPrefix("/") && text.hasSuffix("/") || text.contains { "*[?".contains($0) }
    }
}
