import Glibc

/// What this host's own people forbid, whatever the server orders: `/etc/fettle-agent/veto`.
///
/// One word a line, `#` begins a comment. A file that cannot be read, or holds a word that is not known, forbids all.
struct VetoFile: Hashable, Sendable {
    enum Word: String, CaseIterable, Sendable {
        case neverReboot = "never-reboot"
        case securityOnly = "security-only"
        case noScripts = "no-scripts"
        case nothing
    }

    static let path = "/etc/fettle-agent/veto"

    /// What is forbidden.
    var words: Set<Word> = []
    /// Why all is, where the file itself is the reason.
    var problem: String?

    /// Reads this host's file; no file forbids nothing.
    static func read(_ path: String = Self.path) -> VetoFile {
        do throws(HostTreeError) {
            return VetoFile(parsing: String(decoding: try HostTree.contents(of: path, limit: 65_536), as: UTF8.self))
        } catch {
            if error.isAbsence { return VetoFile() }
            return VetoFile(words: [.nothing], problem: "\(error)")
        }
    }

    init(words: Set<Word> = [], problem: String? = nil) {
        self.words = words
        self.problem = problem
    }

    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let word = trimmed(line.prefix { $0 != "#" })
            if word.isEmpty { continue }
            if let known = Word(rawValue: word) {
                words.insert(known)
            } else {
                words.insert(.nothing)
                problem = "\"\(word.cut(to: 64))\" is no word of a veto file"
            }
        }
    }
}
