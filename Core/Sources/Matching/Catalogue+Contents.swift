public import Feeds
public import Timestamps

/// A vulnerability with everything that names it and speaks of it.
public struct CatalogueVulnerability: Sendable, Hashable {
    /// The name it goes by: its CVE, else its GHSA, else the first of its ids.
    public var name: String
    /// All ids, sorted; the name is among them.
    public var ids: [String]
    /// The advisories that are about it, as numbers for ``Catalogue/advisory(_:)``.
    public var advisories: [Int]
    /// What catalogues of exploited vulnerabilities say.
    public var exploited: [KnownExploited]
    /// How likely exploitation is.
    public var likelihoods: [ExploitLikelihood]
    /// What coordinators decided.
    public var decisions: [DecisionPoints]
}

/// One feed inside a catalogue.
public struct CatalogueFeed: Sendable, Hashable {
    /// Its name.
    public var source: String
    /// When it was fetched, else the date of its newest record; nil where neither is known.
    public var date: Timestamp?
    /// How many records it has.
    public var records: Int
}

extension Catalogue {
    /// How much the feeds of a stream name: what their silence means.
    public func coverage(of stream: String) throws(CatalogueError) -> FeedCoverage {
        guard let row = streamRows[stream],
            let coverage = FeedCoverage(rawValue: Int(try reader.word(.streams, row, 3)))
        else { return .statements }
        return coverage
    }

    /// As of when the feeds speak that name the most of a stream (``coverage(of:)``); nil where that is not known.
    public func feedDate(ofStream stream: String) throws(CatalogueError) -> Timestamp? {
        guard let row = streamRows[stream] else { return nil }
        let date = try reader.date(.streams, row, 4)
        return date.milliseconds == .min ? nil : date
    }

    /// The streams that it has statements for, sorted.
    public var streams: [String] { streamRows.keys.sorted() }
    /// How many advisories it has.
    public var advisoryCount: Int { reader.rows(.advisories) }
    /// How many vulnerabilities it knows.
    public var vulnerabilityCount: Int { reader.rows(.groups) }
    /// How many packages it has statements for, counted in each stream.
    public var packageCount: Int { reader.rows(.packages) }
    /// How many statements it has.
    public var statementCount: Int { reader.rows(.statements) }
    /// How many entries there are of who says that something is exploited.
    public var exploitedCount: Int { reader.rows(.exploited) }
    /// Its size in bytes is that of its file.
    public var feeds: [CatalogueFeed] {
        get throws(CatalogueError) {
            let reader = reader
            var feeds: [CatalogueFeed] = []
            for row in 0..<reader.rows(.feeds) {
                let hasDate = try reader.word(.feeds, row, 3) != 0
                feeds.append(
                    CatalogueFeed(
                        source: try reader.string(try reader.word(.feeds, row, 0)),
                        date: hasDate ? try reader.date(.feeds, row, 1) : nil,
                        records: Int(try reader.word(.feeds, row, 4))))
            }
            return feeds
        }
    }

    /// Whether a feed was read into it. Without it what the feed does not say is not known: a catalogue without CISA's `kev`
    /// cannot say that a vulnerability is not known to be exploited.
    public func has(feed source: String) throws(CatalogueError) -> Bool {
        let reader = reader
        guard let string = try reader.index(of: source) else { return false }
        let row = try reader.lowerBound(.feeds, [string])
        guard row < reader.rows(.feeds) else { return false }
        return try reader.word(.feeds, row, 0) == string
    }

    /// The vulnerabilities that an id names: one of a CVE, several of an advisory that closes several.
    public func vulnerabilities(named id: String) throws(CatalogueError) -> [CatalogueVulnerability] {
        var result: [CatalogueVulnerability] = []
        for group in try groups(named: id) { result.append(try vulnerability(group)) }
        return result
    }

    func groups(named id: String) throws(CatalogueError) -> [Int] {
        let reader = reader
        guard let string = try reader.index(of: id) else { return [] }
        var groups: Set<Int> = []
        var row = try reader.lowerBound(.ids, [string])
        while row < reader.rows(.ids), try reader.word(.ids, row, 0) == string {
            groups.insert(Int(try reader.word(.ids, row, 1)))
            row += 1
        }
        for advisory in try advisoryRows(id: string) {
            for number in try reader.list(.advisories, advisory, 27).rows {
                groups.insert(Int(try reader.word(.numbers, number, 0)))
            }
        }
        return groups.sorted()
    }

    /// The numbers of the advisories with that id, one for each source.
    public func advisories(id: String) throws(CatalogueError) -> [Int] {
        guard let string = try reader.index(of: id) else { return [] }
        return try advisoryRows(id: string)
    }

    private func advisoryRows(id: UInt32) throws(CatalogueError) -> [Int] {
        let reader = reader
        var rows: [Int] = []
        var row = try reader.lowerBound(.advisoryIDs, [id])
        while row < reader.rows(.advisoryIDs), try reader.word(.advisoryIDs, row, 0) == id {
            rows.append(Int(try reader.word(.advisoryIDs, row, 1)))
            row += 1
        }
        return rows
    }

    /// A vulnerability by its number, 0 up to ``vulnerabilityCount``; they are sorted by name.
    public func vulnerability(_ row: Int) throws(CatalogueError) -> CatalogueVulnerability {
        let reader = reader
        var advisories: [Int] = []
        for number in try reader.list(.groups, row, 3).rows {
            advisories.append(Int(try reader.word(.numbers, number, 0)))
        }
        var vulnerability = CatalogueVulnerability(
            name: try vulnerabilityName(row), ids: try reader.strings(try reader.list(.groups, row, 1)),
            advisories: advisories, exploited: [], likelihoods: [], decisions: [])
        for entry in try reader.list(.groups, row, 5).rows { vulnerability.exploited.append(try exploited(entry)) }
        for entry in try reader.list(.groups, row, 7).rows { vulnerability.likelihoods.append(try likelihood(entry)) }
        for entry in try reader.list(.groups, row, 9).rows { vulnerability.decisions.append(try decision(entry)) }
        return vulnerability
    }

    /// Its name alone.
    public func vulnerabilityName(_ row: Int) throws(CatalogueError) -> String {
        try reader.string(try reader.word(.groups, row, 0))
    }

    private func exploited(_ row: Int) throws(CatalogueError) -> KnownExploited {
        let reader = reader
        let flags = try reader.word(.exploited, row, 6)
        var entry = KnownExploited(
            source: try reader.string(try reader.word(.exploited, row, 0)),
            id: try reader.string(try reader.word(.exploited, row, 1)), added: try reader.date(.exploited, row, 2))
        if flags & 1 != 0 { entry.due = try reader.date(.exploited, row, 4) }
        if flags >> 1 != 0 { entry.isUsedForRansom = flags >> 1 == 2 }
        entry.title = try reader.text(try reader.list(.exploited, row, 7))
        entry.action = try reader.text(try reader.list(.exploited, row, 9))
        entry.weaknesses = try reader.strings(try reader.list(.exploited, row, 11))
        return entry
    }

    private func likelihood(_ row: Int) throws(CatalogueError) -> ExploitLikelihood {
        let reader = reader
        let hasDate = try reader.word(.likelihoods, row, 9) != 0
        return ExploitLikelihood(
            source: try reader.string(try reader.word(.likelihoods, row, 0)),
            id: try reader.string(try reader.word(.likelihoods, row, 1)),
            probability: Double(bitPattern: try reader.long(.likelihoods, row, 2)),
            percentile: Double(bitPattern: try reader.long(.likelihoods, row, 4)),
            model: try reader.string(try reader.word(.likelihoods, row, 6)),
            date: hasDate ? try reader.date(.likelihoods, row, 7) : nil)
    }

    private func decision(_ row: Int) throws(CatalogueError) -> DecisionPoints {
        let reader = reader
        var points = DecisionPoints(
            source: try reader.string(try reader.word(.decisions, row, 0)),
            id: try reader.string(try reader.word(.decisions, row, 1)))
        points.exploitation = value(try reader.word(.decisions, row, 2))
        let automatable = try reader.word(.decisions, row, 3)
        points.isAutomatable = automatable == 0 ? nil : automatable == 2
        points.impact = value(try reader.word(.decisions, row, 4))
        if try reader.word(.decisions, row, 7) != 0 { points.date = try reader.date(.decisions, row, 5) }
        return points
    }

    private func value<Value: CaseIterable>(_ word: UInt32) -> Value? {
        word == 0 ? nil : Value.allCases.dropFirst(Int(word) - 1).first
    }

    /// The known weakness of that id.
    public func weakness(_ id: String) throws(CatalogueError) -> Weakness? {
        let reader = reader
        guard let string = try reader.index(of: id) else { return nil }
        let row = try reader.lowerBound(.weaknesses, [string])
        guard row < reader.rows(.weaknesses), try reader.word(.weaknesses, row, 0) == string else { return nil }
        var weakness = Weakness(id: id, name: try reader.text(try reader.list(.weaknesses, row, 1)))
        weakness.parents = try reader.strings(try reader.list(.weaknesses, row, 3))
        return weakness
    }

    /// An advisory by its number, with its statements, as the feeds gave it (statements sorted by package).
    public func advisory(_ row: Int) throws(CatalogueError) -> Advisory {
        var advisory = try advisoryWithoutStatements(row)
        let reader = reader
        for number in try reader.list(.advisories, row, 25).rows {
            let package = Int(try reader.word(.numbers, number, 0))
            let list = try reader.list(.packages, package, 3)
            for statement in list.rows where try reader.word(.statements, statement, 0) == UInt32(row) {
                advisory.statements.append(try self.statement(statement, package: package))
            }
        }
        return advisory
    }

    /// An advisory by its number without its statements, which take longest to read.
    public func advisoryWithoutStatements(_ row: Int) throws(CatalogueError) -> Advisory {
        var advisory = try head(row)
        let reader = reader
        advisory.related = try reader.strings(try reader.list(.advisories, row, 13))
        advisory.summary = try reader.text(try reader.list(.advisories, row, 21))
        advisory.details = try reader.text(try reader.list(.advisories, row, 23))
        advisory.aliases = try reader.strings(try reader.list(.advisories, row, 9))
        advisory.closes = try reader.strings(try reader.list(.advisories, row, 11))
        advisory.weaknesses = try reader.strings(try reader.list(.advisories, row, 15))
        for reference in try reader.list(.advisories, row, 19).rows {
            advisory.references.append(
                Reference(
                    type: try reader.string(try reader.word(.references, reference, 0)),
                    url: try reader.text(try reader.list(.references, reference, 1))))
        }
        return advisory
    }

    /// Source, id, dates, flags and severities of an advisory.
    func head(_ row: Int) throws(CatalogueError) -> Advisory {
        let reader = reader
        var advisory = Advisory(
            source: try reader.string(try reader.word(.advisories, row, 0)),
            id: try reader.string(try reader.word(.advisories, row, 1)))
        let flags = try reader.word(.advisories, row, 2)
        advisory.isDisputed = flags & 1 != 0
        advisory.isInformational = flags & 2 != 0
        if flags & 4 != 0 { advisory.published = try reader.date(.advisories, row, 3) }
        if flags & 8 != 0 { advisory.modified = try reader.date(.advisories, row, 5) }
        if flags & 16 != 0 { advisory.withdrawn = try reader.date(.advisories, row, 7) }
        advisory.severities = try severities(try reader.list(.advisories, row, 17))
        return advisory
    }

    func severities(_ list: CatalogueList) throws(CatalogueError) -> [Severity] {
        let reader = reader
        var severities: [Severity] = []
        for row in list.rows {
            severities.append(
                Severity(
                    type: try reader.string(try reader.word(.severities, row, 0)),
                    score: try reader.string(try reader.word(.severities, row, 1)),
                    scorer: try reader.string(try reader.word(.severities, row, 2))))
        }
        return severities
    }

    private func statement(_ row: Int, package: Int) throws(CatalogueError) -> Statement {
        let reader = reader
        let status = try reader.word(.statements, row, 2)
        guard let kind: Statement.Kind = value(try reader.word(.packages, package, 1) + 1),
            let state: Statement.Status = value((status & 0xFF) + 1),
            let plan: Statement.Plan = value((status >> 8) + 1)
        else { throw .damaged("statement \(row) has a kind, status or plan that does not exist") }
        var statement = Statement(
            stream: try reader.string(try reader.word(.packages, package, 0)), kind: kind,
            name: try reader.string(try reader.word(.packages, package, 2)), status: state)
        statement.plan = plan
        statement.module = try reader.string(try reader.word(.statements, row, 1))
        for range in try reader.list(.statements, row, 3).rows {
            let flags = try reader.word(.ranges, range, 1)
            let (lower, upper) = (try reader.word(.ranges, range, 2), try reader.word(.ranges, range, 3))
            statement.ranges.append(
                VersionRange(
                    scheme: try reader.string(try reader.word(.ranges, range, 0)),
                    lower: lower == 0 ? nil : try reader.version(ofBound: Int(lower) - 1),
                    includesLower: flags & 1 != 0,
                    upper: upper == 0 ? nil : try reader.version(ofBound: Int(upper) - 1), includesUpper: flags & 2 != 0
                ))
        }
        statement.versions = try reader.strings(try reader.list(.statements, row, 5))
        let fixed = try reader.word(.statements, row, 7)
        statement.fixed = fixed == 0 ? nil : try reader.version(ofBound: Int(fixed) - 1)
        statement.reason = try reader.string(try reader.word(.statements, row, 9))
        statement.channel = try reader.string(try reader.word(.statements, row, 10))
        statement.architectures = try reader.strings(try reader.list(.statements, row, 11))
        statement.severities = try severities(try reader.list(.statements, row, 13))
        return statement
    }
}
