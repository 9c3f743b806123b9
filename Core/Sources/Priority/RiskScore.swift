import Feeds
public import Timestamps

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a score is made of; each is shown to whoever asks why.
public enum RiskTerm: Int, Sendable, Hashable, CaseIterable {
    /// EPSS: how likely exploitation is in the next 30 days.
    case likelihood
    /// The CVSS base score.
    case severity
    /// EPSS in the top hundredth of all, as long as nobody knows of exploitation (SSVC treats a high EPSS so too).
    case likelyExploited
    /// Exploitation seen by others than CISA's catalogue.
    case exploited
    /// An exploit ready for use.
    case weaponised
    /// A proof of concept.
    case proofOfConcept
    /// Total technical impact.
    case totalImpact
    /// Published less than half a year ago.
    case fresh
}

/// The numbers that go into a score.
public struct RiskInputs: Sendable, Hashable {
    /// EPSS, 0 to 1; where it is unknown the median of the year of its id.
    public var likelihood: Double
    /// The share of vulnerabilities with no higher EPSS, 0 to 1; 0 where it is unknown.
    public var percentile: Double
    /// The CVSS base score; where it is unknown 7, at which it weighs nothing.
    public var severity: Double
    /// 1 where there is evidence of exploitation, a half where that is stale, 0 where there is none.
    public var exploited: Double
    /// The same of a weaponised exploit.
    public var weaponised: Double
    /// The same of a proof of concept.
    public var proofOfConcept: Double
    /// Whether the technical impact is total.
    public var isTotal: Bool
    /// Whether it was published less than half a year ago.
    public var isFresh: Bool
    /// Whether it stands in CISA's catalogue.
    public var isKnownExploited: Bool

    /// A vulnerability of which only these are known.
    public init(
        likelihood: Double, percentile: Double = 0, severity: Double = RiskWeights.neutralSeverity,
        exploited: Double = 0, weaponised: Double = 0, proofOfConcept: Double = 0, isTotal: Bool = false,
        isFresh: Bool = false, isKnownExploited: Bool = false
    ) {
        self.likelihood = likelihood
        self.percentile = percentile
        self.severity = severity
        self.exploited = exploited
        self.weaponised = weaponised
        self.proofOfConcept = proofOfConcept
        self.isTotal = isTotal
        self.isFresh = isFresh
        self.isKnownExploited = isKnownExploited
    }
}

/// What each term weighs. The default was measured by `fettle backtest priority` (docs/priority.md).
public struct RiskWeights: Sendable, Hashable {
    /// Of the logit of EPSS.
    public var likelihood = 0.25
    /// Of each point of CVSS above ``neutralSeverity``.
    public var severity = 0.25
    /// See ``RiskTerm/likelyExploited``.
    public var likelyExploited = 2.0
    /// See ``RiskTerm/exploited``.
    public var exploited = 3.0
    /// See ``RiskTerm/weaponised``.
    public var weaponised = 1.5
    /// See ``RiskTerm/proofOfConcept``.
    public var proofOfConcept = 1.0
    /// See ``RiskTerm/totalImpact``.
    public var totalImpact = 0.5
    /// See ``RiskTerm/fresh``.
    public var fresh = 1.0
    /// The score at which exploitation is as likely as not: it makes the mean probability the base rate that was measured.
    public var middle = 8.1
    /// The least probability of what stands in CISA's catalogue.
    public var knownExploited = 0.9

    /// The CVSS score that neither raises nor lowers.
    public static let neutralSeverity = 7.0
    /// The percentile from which EPSS counts as a sign of exploitation.
    public static let likelyPercentile = 0.99
    /// How long a vulnerability is fresh, in days.
    public static let freshDays: Int64 = 182

    /// The measured weights.
    public init() {}

    /// What each term adds, by the raw value of ``RiskTerm``: the score is their sum, and so is its explanation.
    public func contributions(_ inputs: RiskInputs) -> SIMD8<Double> {
        let probability = min(max(inputs.likelihood, 0.0001), 0.9999)
        var terms = SIMD8<Double>()
        terms[0] = likelihood * log(probability / (1 - probability))
        terms[1] = severity * (inputs.severity - Self.neutralSeverity)
        terms[3] = exploited * inputs.exploited
        let isLikely = inputs.percentile >= Self.likelyPercentile
        terms[2] = isLikely ? max(0, likelyExploited - terms[3]) : 0
        terms[4] = weaponised * inputs.weaponised
        terms[5] = proofOfConcept * inputs.proofOfConcept
        terms[6] = inputs.isTotal ? totalImpact : 0
        terms[7] = inputs.isFresh ? fresh : 0
        return terms
    }

    /// The score S.
    public func score(_ inputs: RiskInputs) -> Double { contributions(inputs).sum() }

    /// The probability of exploitation in about two years that the score stands for.
    public func probability(_ inputs: RiskInputs) -> Double {
        let probability = 1 / (1 + exp(middle - score(inputs)))
        return inputs.isKnownExploited ? max(probability, knownExploited) : probability
    }
}

/// The usual likelihood of the vulnerabilities of a year, for those that have none.
public struct TypicalLikelihood: Sendable, Hashable {
    /// The median of EPSS, by the year in the id.
    public var medians: [Int: Double]
    /// The median of all.
    public var overall: Double

    /// Medians by year.
    public init(medians: [Int: Double] = [:], overall: Double = 0.001) {
        self.medians = medians
        self.overall = overall
    }

    /// The median of the year in `id`, of all where that has none.
    public func likelihood(of id: String) -> Double { Self.year(of: id).flatMap { medians[$0] } ?? overall }

    /// The year in a CVE's id.
    public static func year(of id: String) -> Int? {
        guard id.hasPrefix("CVE-") else { return nil }
        let digits = id.utf8.dropFirst(4).prefix { $0 >= 0x30 && $0 <= 0x39 }
        return digits.count == 4 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }
}

/// The risk of one vulnerability wherever it occurs, with every term that made it.
public struct RiskScore: Sendable, Hashable {
    /// A term as it is shown.
    public struct Part: Sendable, Hashable {
        /// Which.
        public var term: RiskTerm
        /// What it adds to the score.
        public var value: Double
        /// What it rests on, such as `EPSS 0.94 (epss of 2026-11-20)`.
        public var text: String
    }

    /// The vulnerability.
    public var id: String
    /// The inputs.
    public var inputs: RiskInputs
    /// The score S: the sum of ``parts``.
    public var score: Double
    /// The probability that it stands for.
    public var probability: Double
    /// Every term, in the order of ``RiskTerm``; those that add nothing too.
    public var parts: [Part]
    /// What stands beside the sum: `in KEV since 2026-01-29`; nil where it is not there.
    public var knownExploited: String?

    /// Scores what is known.
    public init(
        _ facts: VulnerabilityFacts, weights: RiskWeights = RiskWeights(), typical: TypicalLikelihood, now: Timestamp
    ) {
        func strongest(_ list: [Evidence]) -> Double { list.map { $0.weight(at: now) }.max() ?? 0 }
        let isFresh = facts.published.map { now.seconds(since: $0) < RiskWeights.freshDays * 86_400 } ?? false
        let inputs = RiskInputs(
            likelihood: facts.likelihood?.probability ?? typical.likelihood(of: facts.id),
            percentile: facts.likelihood?.percentile ?? 0,
            severity: facts.score?.value.value ?? RiskWeights.neutralSeverity,
            exploited: strongest(facts.exploitedElsewhere), weaponised: strongest(facts.weaponised),
            proofOfConcept: strongest(facts.proofsOfConcept), isTotal: facts.impact?.value == .total, isFresh: isFresh,
            isKnownExploited: facts.knownExploited != nil)
        let values = weights.contributions(inputs)
        self.id = facts.id
        self.inputs = inputs
        self.score = values.sum()
        self.probability = weights.probability(inputs)
        self.knownExploited = facts.knownExploited.map { "in KEV since \($0.added.description.prefix(10))" }
        self.parts = RiskTerm.allCases.map { term in
            Part(term: term, value: values[term.rawValue], text: Self.text(term, facts, inputs, now))
        }
    }

    /// One sentence of the three terms that weigh most.
    public var sentence: String {
        let strongest = parts.filter { abs($0.value) >= 0.005 }
            .sorted { (abs($0.value), $1.term.rawValue) > (abs($1.value), $0.term.rawValue) }.prefix(3)
        let named = [knownExploited].compactMap { $0 } + strongest.map { "\($0.text) \($0.value.signed)" }
        return "\(id): probability \(probability.asProbability), as \(named.joined(separator: ", "))"
    }

    /// Every term, one a line, and their sum.
    public var full: [String] {
        var lines = parts.map { "\($0.value.signed)  \($0.text)" }
        lines.append("\(score.signed)  sum S; probability 1 / (1 + e^(8.1 - S)) = \(probability.asProbability)")
        if let knownExploited { lines[lines.count - 1] += ", at least 0.9 as it is \(knownExploited)" }
        return lines
    }

    private static func text(
        _ term: RiskTerm, _ facts: VulnerabilityFacts, _ inputs: RiskInputs, _ now: Timestamp
    ) -> String {
        func named(_ evidence: [Evidence], _ what: String, none: String) -> String {
            guard let first = evidence.max(by: { $0.weight(at: now) < $1.weight(at: now) }) else { return none }
            let stale = first.weight(at: now) < 1 ? ", not confirmed for a year" : ""
            return "\(what) (\(evidence.map(\.phrase).joined(separator: ", "))\(stale))"
        }
        switch term {
        case .likelihood:
            guard let likelihood = facts.likelihood else {
                return "EPSS unknown, taken as usual for its year: \(inputs.likelihood.threePlaces)"
            }
            return "EPSS \(likelihood.probability.asProbability) (\(likelihood.model))"
        case .severity:
            guard let score = facts.score else { return "CVSS unknown" }
            return "\(score.value.name) \(score.value.value) (\(score.evidence.source))"
        case .likelyExploited:
            return inputs.percentile >= RiskWeights.likelyPercentile
                ? "EPSS in the top 1 %" : "EPSS not in the top 1 %"
        case .exploited: return named(facts.exploitedElsewhere, "exploited", none: "no exploitation seen by others")
        case .weaponised: return named(facts.weaponised, "exploit ready for use", none: "no weaponised exploit known")
        case .proofOfConcept: return named(facts.proofsOfConcept, "proof of concept", none: "no proof of concept known")
        case .totalImpact:
            guard let impact = facts.impact else { return "technical impact unknown" }
            return "technical impact \(impact.value.rawValue) (\(impact.evidence.source))"
        case .fresh:
            guard let published = facts.published else { return "date of publication unknown" }
            return "published \(published.description.prefix(10))"
        }
    }
}

extension Double {
    /// Three decimals, without Foundation.
    var threePlaces: String { places(3) }

    /// A probability: three decimals, one place more where it is smaller, since 0.000 would tell nothing.
    var asProbability: String {
        if self >= 0.001 || self <= 0 { return places(3) }
        return self >= 0.00005 ? places(4) : "below 0.0001"
    }

    /// Two decimals with the sign in front.
    var signed: String { (self < 0 ? "" : "+") + places(2) }

    /// That many decimals, rounded half away from zero.
    func places(_ count: Int) -> String {
        guard isFinite, abs(self) < 1e15 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<count { scale *= 10 }
        let whole = (abs(self) * scale).rounded()
        let (integer, rest) = (Int(whole / scale), Int(whole.truncatingRemainder(dividingBy: scale)))
        let digits = String(rest)
        let sign = self < 0 && whole > 0 ? "-" : ""
        return count == 0
            ? "\(sign)\(integer)"
            : "\(sign)\(integer)." + String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}
