public import Feeds
public import Timestamps
import Versions

/// Collects what feeds say and writes it as one catalogue.
///
/// What is added is kept in compact form; the same records in any order make the same bytes. Records of one source with
/// the same id add up: their statements are united, and the newest speaks for the rest.
public struct CatalogueBuilder: Sendable {
    /// The most statements that a catalogue holds; a builder that has more refuses to write.
    public static let maximumStatements = 32 << 20
    /// The most bytes of texts (summaries, details, addresses).
    public static let maximumTextBytes = 3 << 30

    /// Advisories added, before those of one id are united.
    public private(set) var advisoryCount = 0
    /// Statements added.
    public var statementCount: Int { statements.count }

    struct Text: Sendable { var bytes: [UInt8] }

    struct CompactRange: Sendable, Hashable {
        var scheme: UInt32
        var flags: UInt32
        var lower: UInt32?
        var upper: UInt32?
    }

    struct CompactSeverity: Sendable, Hashable {
        var type: UInt32
        var score: UInt32
        var scorer: UInt32
    }

    struct CompactStatement: Sendable, Hashable {
        var stream: UInt32
        var kind: UInt32
        var name: UInt32
        var advisory: UInt32
        var module: UInt32
        var status: UInt32
        var fixed: UInt32?
        var fixedScheme: UInt32
        var reason: UInt32
        var channel: UInt32
        var ranges: [CompactRange]
        var versions: [UInt32]
        var architectures: [UInt32]
        var severities: [CompactSeverity]
    }

    struct CompactAdvisory: Sendable {
        var source: UInt32
        var id: UInt32
        var published: Timestamp?
        var modified: Timestamp?
        var withdrawn: Timestamp?
        var flags: UInt32
        var aliases: [UInt32]
        var closes: [UInt32]
        var related: [UInt32]
        var weaknesses: [UInt32]
        var severities: [CompactSeverity]
        var references: [(type: UInt32, url: String)]
        var summary: String
        var details: String
    }

    var strings: [String] = [""]
    private var numbers: [String: UInt32] = ["": 0]
    var advisories: [CompactAdvisory] = []
    var statements: [CompactStatement] = []
    var exploited: [KnownExploited] = []
    var likelihoods: [ExploitLikelihood] = []
    var decisions: [DecisionPoints] = []
    var weaknesses: [Weakness] = []
    var feeds: [String: (date: Timestamp?, revision: String)] = [:]
    /// What was said of sources in streams, by stream.
    var claims: [String: [String: FeedCoverage]] = [:]
    /// As of when sources speak of streams, by stream, where that is known apart from the rest of the source.
    var claimDates: [String: [String: Timestamp]] = [:]
    private var textBytes = 0

    /// A builder with nothing in it.
    public init() {}

    /// Says when a feed was fetched and which revision it is; without it a feed is as old as its newest record.
    public mutating func setFeed(_ source: String, date: Timestamp?, revision: String = "") {
        feeds[source] = (date, revision)
        _ = intern(source)
        _ = intern(revision)
    }

    /// Says how much a source names in a stream that it has statements in. That it names everything must be said by who knows
    /// that the feed is whole; else documents and records of products are single statements, and all others advisories.
    ///
    /// - Parameter date: as of when what makes the claim speaks of the stream: a source may be in many files, of which each has
    ///   an age of its own. nil for the date of the source.
    public mutating func claim(
        _ coverage: FeedCoverage, of source: String, stream: String, asOf date: Timestamp? = nil
    ) {
        claims[stream, default: [:]][source] = coverage
        claimDates[stream, default: [:]][source] = date
    }

    /// Adds a record of a feed.
    ///
    /// - Throws: ``CatalogueError/tooLarge(_:)``.
    public mutating func add(_ record: FeedRecord) throws(CatalogueError) {
        switch record {
        case .advisory(let advisory): try add(advisory)
        case .exploited(let entry):
            exploited.append(entry)
            intern([entry.source, entry.id] + entry.weaknesses)
        case .likelihood(let likelihood):
            likelihoods.append(likelihood)
            intern([likelihood.source, likelihood.id, likelihood.model])
        case .decisionPoints(let points):
            decisions.append(points)
            intern([points.source, points.id])
        case .weakness(let weakness):
            weaknesses.append(weakness)
            intern([weakness.id] + weakness.parents)
        }
    }

    private mutating func add(_ advisory: Advisory) throws(CatalogueError) {
        guard statements.count + advisory.statements.count <= Self.maximumStatements else {
            throw .tooLarge("more than \(Self.maximumStatements) statements")
        }
        textBytes += advisory.summary.utf8.count + advisory.details.utf8.count
        for reference in advisory.references { textBytes += reference.url.utf8.count }
        guard textBytes <= Self.maximumTextBytes else {
            throw .tooLarge("more than \(Self.maximumTextBytes) bytes of text")
        }
        advisoryCount += 1
        let number = UInt32(advisories.count)
        advisories.append(
            CompactAdvisory(
                source: intern(advisory.source), id: intern(advisory.id), published: advisory.published,
                modified: advisory.modified, withdrawn: advisory.withdrawn,
                flags: (advisory.isDisputed ? 1 : 0) | (advisory.isInformational ? 2 : 0),
                aliases: advisory.aliases.map { intern($0) }, closes: advisory.closes.map { intern($0) },
                related: advisory.related.map { intern($0) }, weaknesses: advisory.weaknesses.map { intern($0) },
                severities: advisory.severities.map { compact($0) },
                references: advisory.references.map { (intern($0.type), $0.url) }, summary: advisory.summary,
                details: advisory.details))
        for statement in advisory.statements { add(statement, number) }
    }

    private mutating func add(_ statement: Statement, _ advisory: UInt32) {
        let scheme = statement.ranges.first?.scheme ?? PackageStreams.scheme(ofStream: statement.stream) ?? ""
        var ranges = statement.ranges.map { range in
            CompactRange(
                scheme: intern(range.scheme), flags: (range.includesLower ? 1 : 0) | (range.includesUpper ? 2 : 0),
                lower: range.lower.map { intern($0) }, upper: range.upper.map { intern($0) })
        }
        ranges = unique(ranges)
        statements.append(
            CompactStatement(
                stream: intern(statement.stream), kind: UInt32(Self.number(statement.kind)),
                name: intern(PackageStreams.canonicalName(statement.name, stream: statement.stream)),
                advisory: advisory,
                module: intern(statement.module),
                status: UInt32(Self.number(statement.status)) | UInt32(Self.number(statement.plan)) << 8,
                fixed: statement.fixed.map { intern($0) }, fixedScheme: intern(scheme),
                reason: intern(statement.reason),
                channel: intern(statement.channel), ranges: ranges,
                versions: statement.versions.map { intern($0) },
                architectures: statement.architectures.map { intern($0) },
                severities: statement.severities.map { compact($0) }))
    }

    private mutating func compact(_ severity: Severity) -> CompactSeverity {
        CompactSeverity(type: intern(severity.type), score: intern(severity.score), scorer: intern(severity.scorer))
    }

    private mutating func intern(_ list: [String]) {
        for string in list { _ = intern(string) }
    }

    private mutating func intern(_ string: String) -> UInt32 {
        if let number = numbers[string] { return number }
        let number = UInt32(strings.count)
        strings.append(string)
        numbers[string] = number
        return number
    }

    func number(of string: String) -> UInt32 { numbers[string] ?? 0 }

    static func number<Value: CaseIterable & Equatable>(_ value: Value) -> Int {
        Value.allCases.enumerated().first { $0.element == value }?.offset ?? 0
    }
}

/// Without repetitions, in the order of first occurrence.
func unique<Element: Hashable>(_ list: [Element]) -> [Element] {
    guard list.count > 1 else { return list }
    var seen: Set<Element> = []
    return list.filter { seen.insert($0).inserted }
}
