public import Timestamps

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// How far an attacker reaches a vulnerability on an asset, 0 to 1.
public struct AttackReach: Sendable, Hashable {
    /// The factor.
    public var factor: Double
    /// What made it, such as `open (label exposure=open)`.
    public var text: String

    /// The reach of a vulnerability on an asset: exposed 1, controlled 0.5, internal 0.2; what needs a local or physical
    /// attacker 0.1, an adjacent one at most 0.5; half with a mitigation in force.
    public init(_ vulnerability: VulnerabilityFacts, _ asset: AssetFacts) {
        let because = asset.exposure.because ?? "assumed: unknown"
        switch asset.exposure.value {
        case .open: (factor, text) = (1, "open (\(because))")
        case .controlled: (factor, text) = (0.5, "controlled (\(because))")
        case .small: (factor, text) = (0.2, "internal (\(because))")
        }
        switch vulnerability.attackVector {
        case "L": (factor, text) = (0.1, "needs a local attacker (AV:L)")
        case "P": (factor, text) = (0.1, "needs physical access (AV:P)")
        case "A": (factor, text) = (min(factor, 0.5), "\(text), needs an adjacent attacker (AV:A)")
        default: break
        }
        if let mitigation = asset.mitigation {
            factor *= 0.5
            text += ", mitigated by \(mitigation)"
        }
    }
}

/// One finding that a patch closes, as ranking needs it: on one asset, or on several that are alike.
public struct FindingRisk: Sendable, Hashable {
    /// The vulnerability.
    public var vulnerability: String
    /// The asset, or one of those that are alike.
    public var asset: String
    /// How many assets are alike: those on which the patch closes the same, with the same reach and impact. All findings of
    /// a patch with the same ``asset`` stand for the same assets.
    public var count: Int
    /// Which of several assets that are alike is due first; nil for ``asset`` itself.
    public var earliest: String?
    /// The probability of exploitation of the vulnerability.
    public var probability: Double
    /// How far it is reached there.
    public var reach: Double
    /// What the asset's loss costs: 1, 2, 4 or 8.
    public var impact: Double
    /// When it is due; of several assets the earliest.
    public var deadline: Deadline
    /// When it was first seen; of several assets on the first of them.
    public var detected: Timestamp

    /// A finding.
    public init(
        vulnerability: String, asset: String, count: Int = 1, earliest: String? = nil, probability: Double,
        reach: Double, impact: Double, deadline: Deadline, detected: Timestamp
    ) {
        self.vulnerability = vulnerability
        self.asset = asset
        self.count = count
        self.earliest = earliest
        self.probability = probability
        self.reach = reach
        self.impact = impact
        self.deadline = deadline
        self.detected = detected
    }

    /// Expected exploitations times impact on one asset: the hazard -ln(1 - p r), which adds up over findings, times the impact.
    public var hazard: Double { -log1p(-min(probability * reach, 0.999_999)) * impact }
}

/// How often a patch fails, shrunk towards the rate of all patches while there are few attempts.
public struct FailureRate: Sendable, Hashable {
    /// Attempts seen.
    public var attempts: Int
    /// Failures among them.
    public var failures: Int

    /// Attempts and failures.
    public init(attempts: Int = 0, failures: Int = 0) {
        self.attempts = max(0, attempts)
        self.failures = min(max(0, failures), self.attempts)
    }

    /// The rate that is taken before anything was seen, and how many attempts that weighs.
    public static let prior = (rate: 0.03, weight: 20.0)

    /// The posterior mean.
    public var mean: Double {
        (Double(failures) + Self.prior.rate * Self.prior.weight) / (Double(attempts) + Self.prior.weight)
    }
}

/// A patch and where it would be installed.
public struct PatchCandidate: Sendable, Hashable {
    /// Its id, such as `deb/debian-12/openssl@3.0.18-1`.
    public var id: String
    /// Its name for people.
    public var name: String
    /// What it closes.
    public var closes: [FindingRisk]
    /// Whether it needs a reboot.
    public var needsReboot: Bool
    /// How often it fails.
    public var failures: FailureRate

    /// A patch.
    public init(
        id: String, name: String, closes: [FindingRisk], needsReboot: Bool = false,
        failures: FailureRate = FailureRate()
    ) {
        self.id = id
        self.name = name
        self.closes = closes
        self.needsReboot = needsReboot
        self.failures = failures
    }

    /// What taking a failed patch back costs, in units of installing one.
    public static let rollbackCost = 5.0
    /// What a reboot costs, in the same units.
    public static let rebootCost = 2.0
}

/// How soon something is due.
public enum DeadlineBand: Int, Sendable, Hashable, CaseIterable, Comparable {
    case overdue, threeDays, twoWeeks, twoMonths, later, noDate

    /// The band of a date; nil has none.
    public init(due: Timestamp?, now: Timestamp) {
        guard let due else {
            self = .noDate
            return
        }
        let seconds = due.seconds(since: now)
        self =
            now > due
            ? .overdue
            : seconds <= 3 * 86_400
                ? .threeDays : seconds <= 14 * 86_400 ? .twoWeeks : seconds <= 60 * 86_400 ? .twoMonths : .later
    }

    /// The order of time.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// As it is shown.
    public var title: String {
        switch self {
        case .overdue: "overdue"
        case .threeDays: "due within 3 days"
        case .twoWeeks: "due within 14 days"
        case .twoMonths: "due within 60 days"
        case .later: "due later"
        case .noDate: "no date"
        }
    }
}

/// A patch in the work queue: when it is due, what it is worth, what it costs, and why.
public struct RankedPatch: Sendable, Hashable {
    /// The patch.
    public var patch: PatchCandidate
    /// The earliest deadline among what it closes; nil where none has a date.
    public var deadline: Deadline?
    /// Its band.
    public var band: DeadlineBand
    /// The sum over assets of impact times the probability that one of what it closes there is exploited.
    public var benefit: Double
    /// The sum over assets of 1, 2 for a reboot, and the failure rate times ``PatchCandidate/rollbackCost``.
    public var cost: Double
    /// How many assets.
    public var assets: Int
    /// What it closes and has not been taken away, the riskiest first.
    public var open: [FindingRisk]
    /// Its place, from 1 on.
    public var place = 0

    /// What it is ranked by within its band.
    public var ratio: Double { benefit / cost }

    /// Works out benefit, cost and deadline.
    public init(_ patch: PatchCandidate, now: Timestamp) {
        self.patch = patch
        open = patch.closes.filter(\.deadline.counts).map { ($0.hazard, $0) }.sorted {
            ($1.0, $0.1.vulnerability, $0.1.asset) < ($0.0, $1.1.vulnerability, $1.1.asset)
        }.map(\.1)
        deadline = DeadlinePolicy.deadline(ofPatchWith: open.map(\.deadline))
        band = DeadlineBand(due: deadline?.due, now: now)
        var safe: [String: (product: Double, impact: Double, count: Int)] = [:]
        for finding in open {
            let factor = 1 - finding.probability * finding.reach
            safe[finding.asset, default: (1, finding.impact, finding.count)].product *= factor
        }
        assets = safe.reduce(0) { $0 + $1.value.count }
        // Equal shares are multiplied and summed in a fixed order: then the last digit is the same whether assets that are
        // alike came one by one or together.
        var shares: [Double: Int] = [:]
        for asset in safe.values { shares[(1 - asset.product) * asset.impact, default: 0] += asset.count }
        benefit = shares.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.key * Double($1.value) }
        let each =
            1 + (patch.needsReboot ? PatchCandidate.rebootCost : 0) + patch.failures.mean * PatchCandidate.rollbackCost
        cost = each * Double(max(1, assets))
    }

    /// The work queue: by band, then benefit over cost, then due date, age and id. What closes nothing is left out.
    public static func queue(_ patches: [PatchCandidate], now: Timestamp) -> [RankedPatch] {
        var ranked = patches.map { RankedPatch($0, now: now) }.filter { !$0.open.isEmpty }
        ranked.sort { left, right in
            if left.band != right.band { return left.band < right.band }
            if left.ratio != right.ratio { return left.ratio > right.ratio }
            let (due, other) = (left.deadline?.due?.milliseconds ?? .max, right.deadline?.due?.milliseconds ?? .max)
            if due != other { return due < other }
            let (age, older) = (left.firstDetected, right.firstDetected)
            if age != older { return age < older }
            return left.patch.id < right.patch.id
        }
        for index in ranked.indices { ranked[index].place = index + 1 }
        return ranked
    }

    private var firstDetected: Int64 { open.map(\.detected.milliseconds).min() ?? .max }

    /// Whether nothing may be installed before evidence was taken.
    public var isEvidenceFirst: Bool { open.contains { $0.deadline.isEvidenceFirst } }

    /// Why it has this rank, in one sentence.
    public var sentence: String {
        let vulnerabilities = Set(open.map(\.vulnerability)).count
        var text = "\(place). \(patch.name): \(band.title)"
        if let due = deadline?.due { text += " (\(due.description.prefix(10)))" }
        text += ", closes \(vulnerabilities) vulnerabilit\(vulnerabilities == 1 ? "y" : "ies")"
        text += " on \(assets) asset\(assets == 1 ? "" : "s")"
        if let worst = open.first {
            text += ", the worst \(worst.vulnerability) with probability \(worst.probability.asProbability)"
            text += " x reach \(worst.reach.places(2)) x impact \(worst.impact.places(0))"
        }
        text += "; benefit \(benefit.places(2)) / cost \(cost.places(2)) = \(ratio.threePlaces)"
        if patch.needsReboot { text += ", with a reboot" }
        if isEvidenceFirst { text += "; evidence first" }
        return text
    }

    /// The most findings that ``full`` tells one by one.
    public static let maximumExplained = 400

    /// Why it has this rank, in full: each finding's share, the riskiest first, then the cost.
    public var full: [String] {
        var lines = open.prefix(Self.maximumExplained).map { finding in
            let others = finding.count > 1 ? " and \(finding.count - 1) more that are alike" : ""
            let first = finding.count > 1 ? "the earliest on \(finding.earliest ?? finding.asset): " : ""
            return "\(finding.vulnerability) on \(finding.asset)\(others): probability "
                + "\(finding.probability.asProbability) x reach \(finding.reach.places(2)), impact "
                + "\(finding.impact.places(0)); \(first)\(finding.deadline.sentence)"
        }
        if open.count > lines.count {
            let rest = open.dropFirst(lines.count).reduce(0) { $0 + $1.count }
            lines.append("and \(rest) findings more, each of less risk than these")
        }
        lines.append(
            "benefit \(benefit.places(3)): for each asset 1 - the product of (1 - probability x reach), times its impact, summed"
        )
        var parts = "1 for the work"
        if patch.needsReboot { parts += " + \(PatchCandidate.rebootCost.places(0)) for the reboot" }
        parts +=
            " + \(patch.failures.mean.threePlaces) x \(PatchCandidate.rollbackCost.places(0)) for taking it back "
            + "(\(patch.failures.failures) of \(patch.failures.attempts) failed)"
        lines.append("cost \(cost.threePlaces): \(parts), on \(max(1, assets)) assets")
        return lines
    }
}
