public import Digest

/// What one changelog says: its newest entries with the vulnerabilities that each closes.
public struct ChangelogReading: Hashable, Sendable {
    /// One entry.
    public struct Entry: Hashable, Sendable {
        /// The version that it is about, as written: of the source package in Debian, `version-release` in RPM.
        public var version: String
        /// The ids that it closes, sorted.
        public var closes: [String]
        /// The ids whose fix it takes back, sorted.
        public var reopens: [String]
        /// Whether it names more ids than it spells out (a range, a shortened list, a placeholder).
        public var isVague: Bool

        /// An entry.
        public init(version: String, closes: [String] = [], reopens: [String] = [], isVague: Bool = false) {
            self.version = version
            self.closes = closes
            self.reopens = reopens
            self.isVague = isVague
        }
    }

    /// Whose changelog it says to be: the source package of the newest entry; empty in RPM, which does not say.
    public var source: String
    /// The entries, the newest first, as they stand in the file.
    public var entries: [Entry]
    /// Whether older entries are missing: removed by the packager, beyond a limit, or unreadable.
    public var isCut: Bool
    /// The SHA-256 of the text.
    public var digest: SHA256Digest

    /// A reading.
    public init(source: String, entries: [Entry], isCut: Bool, digest: SHA256Digest) {
        self.source = source
        self.entries = entries
        self.isCut = isCut
        self.digest = digest
    }

    /// Keeps entries and ids within the limits; what is left out makes the reading a cut one.
    mutating func bound(_ limits: ChangelogLimits) {
        var ids = 0
        var kept = 0
        for entry in entries.prefix(limits.entries) {
            ids += entry.closes.count + entry.reopens.count
            guard ids <= limits.ids else { break }
            kept += 1
        }
        guard kept < entries.count else { return }
        entries.removeLast(entries.count - kept)
        isCut = true
    }
}

/// Why a changelog cannot be read.
public enum ChangelogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has no entry in the form of its kind.
    case noEntry
    /// A line is not what its place asks for.
    case malformed(line: Int, String)

    public var description: String {
        switch self {
        case .noEntry: "the changelog has no entry that can be read"
        case .malformed(let line, let problem): "the changelog cannot be read from line \(line) on: \(problem)"
        }
    }
}
