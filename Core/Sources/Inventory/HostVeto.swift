public import JSON

/// What a host's own administrator forbids, whoever orders it: `/etc/fettle-agent/veto`.
public struct HostVeto: Hashable, Sendable {
    /// A word of the file.
    public enum Word: String, CaseIterable, Sendable {
        /// The host is never started anew.
        case neverReboot = "never-reboot"
        /// Only security updates are installed.
        case securityOnly = "security-only"
        /// No scripts of a campaign are run.
        case noScripts = "no-scripts"
        /// No offered package is fetched to read its changelog.
        case noChangelogs = "no-changelogs"
        /// Nothing is changed at all.
        case nothing
    }
    /// The words that hold, sorted; empty where everything is allowed.
    public var words: [Word]
    /// Why ``Word/nothing`` holds although nobody wrote it: the file cannot be read or understood. Empty where it can.
    public var problem: String

    /// A veto; the words are sorted here.
    public init(_ words: Set<Word> = [], problem: String = "") {
        self.words = words.sorted { $0.rawValue < $1.rawValue }
        self.problem = problem
    }

    /// Whether that word holds; where nothing is allowed, every one does.
    public func holds(_ word: Word) -> Bool { words.contains(word) || words.contains(.nothing) }

    /// The most bytes of the file.
    public static let maximumBytes = 65_536

    /// Reads the file's text: one word a line, `#` begins a comment. A word that is not known forbids everything: what was
    /// meant can only be guessed.
    public init(text: [UInt8]) {
        guard let text = String(validating: text, as: UTF8.self) else {
            self.init([.nothing], problem: "it is not UTF-8")
            return
        }
        var words: Set<Word> = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for word in line.prefix(while: { $0 != "#" }).split(whereSeparator: \.isWhitespace) {
                guard let known = Word(rawValue: String(word)) else {
                    let all = Word.allCases.map(\.rawValue).joined(separator: ", ")
                    self.init(
                        [.nothing], problem: "line \(index + 1): \"\(word.prefix(64))\" is none of \(all)")
                    return
                }
                words.insert(known)
            }
        }
        self.init(words)
    }
}

extension HostVeto: FactValue {
    /// The veto as it stands in the facts.
    public var json: JSONValue {
        ["words": .array(words.map { .string($0.rawValue) }), "problem": .string(problem)]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        var words: Set<Word> = []
        for text in try object.strings("words", maximumCount: 16, maximumBytes: 64) {
            // A word of a later edition: whatever it forbids, this reader cannot show it as less than everything.
            words.insert(Word(rawValue: text) ?? .nothing)
        }
        self.init(words, problem: try object.string("problem", maximumBytes: 1024))
        try object.finish()
    }
}
