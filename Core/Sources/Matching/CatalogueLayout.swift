/// The layout of a catalogue's file: a header, a table of sections, sections of rows of 32-bit words or of plain bytes.
///
/// All numbers are little-endian. A string is the index of its place in the sorted table of strings; a version bound is the
/// index of its row, plus one where none is possible; dates are milliseconds since 1970 in two words.
enum CatalogueLayout {
    /// The first eight bytes.
    static let magic: [UInt8] = Array("FETTLECT".utf8)
    /// Changes whenever a section or a row does.
    static let version: UInt32 = 3
    /// magic 8, version 4, sections 4, size 8, digest of all sections 32, digest of the table of sections 32.
    static let headerBytes = 88
    /// A section's entry: offset and length in bytes.
    static let entryBytes = 16
    /// Where the sections start.
    static var bodyOffset: Int { headerBytes + Section.allCases.count * entryBytes }
    /// The most bytes of a section, and the most rows.
    static let maximumSection = Int(UInt32.max) - 1

    enum Section: Int, CaseIterable {
        /// Offsets into ``stringBytes``, one more than there are strings.
        case stringOffsets
        /// The strings, sorted by their bytes.
        case stringBytes
        /// version, offset into ``keyBytes``, length (``noKey``: the scheme makes no key of it).
        case bounds
        case keyBytes
        /// stream, kind, name, first statement, statements; sorted by the first three.
        case packages
        case statements
        /// scheme, flags (1 lower included, 2 upper included), lower bound + 1, upper bound + 1.
        case ranges
        /// Lists of strings.
        case words
        case advisories
        /// type, score, scorer.
        case severities
        /// type, offset and length of the address in ``texts``.
        case references
        case texts
        case groups
        /// id, group; sorted.
        case ids
        /// id, advisory; sorted.
        case advisoryIDs
        /// Lists of rows.
        case numbers
        case exploited
        case likelihoods
        case decisions
        case weaknesses
        case feeds
        /// stream, first package, packages, coverage (``FeedCoverage``), the date of the feeds that have it (two words; the
        /// smallest number where it is not known); sorted.
        case streams

        /// Words of a row; 0 where the section is plain bytes.
        var width: Int {
            switch self {
            case .stringBytes, .keyBytes, .texts: 0
            case .stringOffsets, .words, .numbers: 1
            case .ids, .advisoryIDs: 2
            case .bounds, .severities, .references: 3
            case .ranges: 4
            case .packages: 5
            case .streams: 6
            case .statements: 15
            case .advisories: 29
            case .groups: 11
            case .exploited: 13
            case .likelihoods: 10
            case .decisions: 8
            case .weaknesses: 5
            case .feeds: 5
            }
        }
    }

    /// The length of a bound's key that does not exist.
    static let noKey = UInt32.max
}

/// A list inside a section: the first row and how many.
struct CatalogueList: Sendable, Hashable {
    var first: UInt32
    var count: UInt32

    var rows: Range<Int> { Int(first)..<Int(first) + Int(count) }
    static let none = CatalogueList(first: 0, count: 0)
}
