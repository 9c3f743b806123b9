import CVSS
import Feeds
public import Inventory
import Timestamps
import Versions

extension Matcher {
    /// What is known of one package: every vulnerability that a record names it for, with its evidence.
    ///
    /// - Parameter verdicts: which findings to tell; the others are decided and left out.
    public func judge(
        _ subject: MatchSubject, verdicts: Set<Verdict> = Set(Verdict.allCases)
    ) throws(CatalogueError) -> Judgement {
        let (streams, unknown, decisions) = try decide(subject, verdicts: verdicts)
        var findings: [Finding] = []
        for decision in decisions where verdicts.contains(decision.verdict) {
            findings.append(try finding(decision, streams))
        }
        findings.sort { $0.vulnerability < $1.vulnerability }
        return Judgement(package: subject.package, streams: streams, unknown: unknown, findings: findings)
    }

    /// The ids of the records whose own statements say that the package is affected, sorted: the letter of the records,
    /// before anyone is overruled.
    public func records(affecting package: SoftwarePackage) throws(CatalogueError) -> [String] {
        try letter(of: package).records
    }

    /// The same, and why nothing can be said of the package; empty where something can.
    public func letter(
        of package: SoftwarePackage
    ) throws(CatalogueError) -> (records: [String], unknown: String) {
        let (_, unknown, decisions) = try decide(MatchSubject(package))
        var ids: Set<String> = []
        for decision in decisions {
            for voice in decision.voices where voice.answer.verdict == .affected || voice.answer.rule == .backport {
                let reader = layers[voice.layer].reader
                ids.insert(try reader.string(try reader.word(.advisories, voice.advisory, 1)))
            }
        }
        return (ids.sorted(), unknown)
    }

    private func finding(_ decision: Decision, _ streams: [String]) throws(CatalogueError) -> Finding {
        let layer = layers.count - 1 - decision.vulnerability >> 40
        let row = decision.vulnerability & (1 << 40 - 1)
        let catalogue = layers[layer]
        let ids = try catalogue.reader.strings(try catalogue.reader.list(.groups, row, 1))
        var voices: [Voice] = []
        var isDisputed = false
        var severity = SeverityChoice()
        var summary = ""
        for compact in decision.voices {
            let own = layers[compact.layer]
            let head = try own.head(compact.advisory)
            isDisputed = isDisputed || head.isDisputed
            if summary.isEmpty { summary = try own.reader.text(try own.reader.list(.advisories, compact.advisory, 21)) }
            let isOfPackage = compact.precedence >= 1
            severity.offer(
                try own.severities(try own.reader.list(.statements, compact.statement, 13)), of: head.source,
                rank: isOfPackage ? 0 : 2)
            severity.offer(head.severities, of: head.source, rank: isOfPackage ? 1 : 3)
            voices.append(try voice(compact, head, streams))
        }
        if !severity.isCertain {
            // Records about the vulnerability that do not name the package: a CNA, the NVD.
            for number in try catalogue.reader.list(.groups, row, 3).rows {
                let advisory = Int(try catalogue.reader.word(.numbers, number, 0))
                let head = try catalogue.head(advisory)
                guard head.withdrawn == nil else { continue }
                isDisputed = isDisputed || head.isDisputed
                severity.offer(head.severities, of: head.source, rank: 4)
                if summary.isEmpty {
                    summary = try catalogue.reader.text(try catalogue.reader.list(.advisories, advisory, 21))
                }
            }
        }
        let deciding = voices.first { $0.overruled.isEmpty && $0.verdict == decision.verdict }
        let fixes = voices.filter { $0.overruled.isEmpty && $0.verdict == decision.verdict }.compactMap(\.fixed)
        return Finding(
            vulnerability: try catalogue.vulnerabilityName(row), ids: ids, verdict: decision.verdict,
            fixed: try highest(fixes, decision), plan: deciding?.plan ?? .none, severity: severity.best,
            summary: summary,
            isWeak: decision.isWeak, isDisputed: isDisputed, isInformational: decision.isInformational,
            reason: decision.reason, voices: voices)
    }

    /// The fix that closes the finding: the highest one, because what is told of affected versions is a union. Nil where
    /// some record that decides knows none.
    private func highest(_ fixes: [String], _ decision: Decision) throws(CatalogueError) -> String? {
        let deciding = decision.voices.filter { $0.overruled.isEmpty && $0.answer.verdict == decision.verdict }
        guard fixes.count == deciding.count, let first = fixes.first, let voice = deciding.first else { return nil }
        let reader = layers[voice.layer].reader
        let scheme = try reader.string(try reader.word(.statements, voice.statement, 8))
        return fixes.dropFirst().reduce(first) { highest, fix in
            VersionOrder.compare(highest, fix, scheme: scheme) == .less ? fix : highest
        }
    }

    private func voice(
        _ voice: CompactVoice, _ head: Advisory, _ streams: [String]
    ) throws(CatalogueError) -> Voice {
        let catalogue = layers[voice.layer]
        let reader = catalogue.reader
        let kinds = Statement.Kind.allCases
        let plans = Statement.Plan.allCases
        let kind = Int(try reader.word(.packages, voice.package, 1))
        let plan = Int(try reader.word(.statements, voice.statement, 2) >> 8)
        guard kind < kinds.count, plan < plans.count else {
            throw .damaged("statement \(voice.statement) has a kind or plan that does not exist")
        }
        return Voice(
            source: head.source, record: head.id,
            stream: try reader.string(try reader.word(.packages, voice.package, 0)), kind: kinds[kind],
            name: try reader.string(try reader.word(.packages, voice.package, 2)), version: voice.version,
            verdict: voice.answer.verdict, rule: voice.answer.rule,
            lower: try version(reader, voice.answer.lower), upper: try version(reader, voice.answer.upper),
            fixed: try version(reader, voice.answer.fixed), plan: plans[plan],
            reason: try reader.string(try reader.word(.statements, voice.statement, 9)),
            channel: try reader.string(try reader.word(.statements, voice.statement, 10)), modified: head.modified,
            feedDate: try catalogue.feedDate(of: head.source), overruled: voice.overruled)
    }

    private func version(_ reader: CatalogueReader, _ bound: Int?) throws(CatalogueError) -> String? {
        guard let bound else { return nil }
        return try reader.version(ofBound: bound)
    }
}

/// The best severity among those that are offered: the vendor's own word for the package first, then CVSS.
struct SeverityChoice {
    private(set) var best = FindingSeverity.unknown
    private var rank = Int.max

    /// Whether nothing that comes later can be better.
    var isCertain: Bool { rank < 30 }

    /// - Parameter rank: whose severities they are; lower is nearer to the package.
    mutating func offer(_ severities: [Severity], of source: String, rank place: Int) {
        for severity in severities {
            let isVector = severity.type.hasPrefix("CVSS_V")
            // A vendor's word is before any vector; the newest version of CVSS is before older ones.
            let version = isVector ? 1 + (["CVSS_V4", "CVSS_V3", "CVSS_V2"].firstIndex(of: severity.type) ?? 3) : 0
            let candidate = (isVector ? 10 : 0) + place * 10 + version
            guard candidate < rank, let found = Self.severity(severity, isVector, source) else { continue }
            best = found
            rank = candidate
        }
    }

    private static func severity(_ severity: Severity, _ isVector: Bool, _ source: String) -> FindingSeverity? {
        let scorer = severity.scorer.isEmpty ? source : severity.scorer
        guard isVector else {
            guard let word = words[severity.score.lowercased()] else { return nil }
            return FindingSeverity(word: word, tenths: nil, score: severity.score, type: severity.type, source: scorer)
        }
        guard let vector = try? CVSSVector.parse(severity.score) else { return nil }
        return FindingSeverity(
            word: vector.severity.rawValue, tenths: vector.scores.overall.tenths, score: severity.score,
            type: severity.type, source: scorer)
    }

    /// What vendors' words mean on one scale.
    private static let words = [
        "critical": "critical", "important": "high", "high": "high", "moderate": "medium", "medium": "medium",
        "low": "low", "minor": "low", "negligible": "low", "unimportant": "low", "none": "none",
        "informational": "none",
    ]
}

extension Catalogue {
    /// How old a feed is.
    func feedDate(of source: String) throws(CatalogueError) -> Timestamp? {
        let reader = reader
        guard let string = try reader.index(of: source) else { return nil }
        let row = try reader.lowerBound(.feeds, [string])
        guard row < reader.rows(.feeds), try reader.word(.feeds, row, 0) == string,
            try reader.word(.feeds, row, 3) != 0
        else { return nil }
        return try reader.date(.feeds, row, 1)
    }
}
