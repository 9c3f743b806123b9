/// Wald's sequential probability ratio test for pilots (rollouts.md, 3.2): does the release fail on `acceptable` of the hosts, or
/// on `unacceptable`?
public struct SequentialTest: Hashable, Sendable {
    /// What the test says.
    public enum Answer: String, Hashable, Sendable {
        /// It fails too often.
        case halt
        /// It does not.
        case go
        /// More hosts are needed.
        case undecided
    }

    /// The failure rate that is fine, 0 to 1,
    public let acceptable: Double
    /// and the one that is not; above it.
    public let unacceptable: Double
    /// The chance of halting a release that is fine,
    public let falseHalt: Double
    /// and of letting a bad one go.
    public let falseGo: Double

    /// The default of pilots: 2 % against 10 %.
    public static let pilot = SequentialTest(0.02, 0.10, 0.05, 0.01)
    /// Of small fleets: 1 % against 10 %.
    public static let smallFleet = SequentialTest(0.01, 0.10, 0.05, 0.05)
    /// Of the early ring: 1 % against 5 %.
    public static let early = SequentialTest(0.01, 0.05, 0.05, 0.05)
    /// Of the broad ring: 0.5 % against 3 %.
    public static let broad = SequentialTest(0.005, 0.03, 0.05, 0.05)

    /// A test; nil where the rates or chances are none, below ``HaltMonitor/smallest``, or in the wrong order.
    public init?(acceptable: Double, unacceptable: Double, falseHalt: Double, falseGo: Double) {
        guard acceptable >= HaltMonitor.smallest, acceptable < unacceptable, unacceptable < 1,
            falseHalt >= HaltMonitor.smallest, falseGo >= HaltMonitor.smallest, falseHalt + falseGo < 1
        else { return nil }
        self.init(acceptable, unacceptable, falseHalt, falseGo)
    }

    private init(_ acceptable: Double, _ unacceptable: Double, _ falseHalt: Double, _ falseGo: Double) {
        self.acceptable = acceptable
        self.unacceptable = unacceptable
        self.falseHalt = falseHalt
        self.falseGo = falseGo
    }

    /// The logarithm of how much likelier the count is at the unacceptable rate.
    public func logLikelihoodRatio(_ count: FailureCount) -> Double {
        Double(count.failures) * Logarithms.ln(unacceptable / acceptable) + Double(count.tried - count.failures)
            * Logarithms.ln((1 - unacceptable) / (1 - acceptable))
    }

    /// What the count says.
    public func answer(_ count: FailureCount) -> Answer {
        let ratio = logLikelihoodRatio(count)
        if ratio >= Logarithms.ln((1 - falseGo) / falseHalt) { return .halt }
        return ratio <= Logarithms.ln(falseGo / (1 - falseHalt)) ? .go : .undecided
    }

    /// How many hosts must be tried in all before that many failures are a go; at most ``FailureCount/maximum``, which may not
    /// be enough.
    public func triedForGo(failures: Int) -> Int {
        let failures = max(0, min(failures, FailureCount.maximum))
        let step = -Logarithms.ln((1 - unacceptable) / (1 - acceptable))
        let needed =
            (Double(failures) * Logarithms.ln(unacceptable / acceptable) - Logarithms.ln(falseGo / (1 - falseHalt)))
            / step
        let first = max(0, min(needed.rounded(.down) - 1, Double(FailureCount.maximum)))
        var tried = min(failures + Int(first), FailureCount.maximum)
        while answer(FailureCount(failures: failures, tried: tried)) != .go, tried < FailureCount.maximum { tried += 1 }
        return tried
    }

    /// The chances of the answers when each host fails with that rate and the test ends undecided after `most` hosts: exact.
    /// Of a rate that is none nothing is decided.
    public func chances(rate: Double, most: Int) -> (go: Double, halt: Double, undecided: Double) {
        guard rate >= 0, rate <= 1 else { return (0, 0, 1) }
        var open: [Int: Double] = [0: 1]
        var go = 0.0
        var halt = 0.0
        for tried in 1...max(1, min(most, 100_000)) {
            var next: [Int: Double] = [:]
            for failures in open.keys.sorted() {
                let chance = open[failures] ?? 0
                for (more, part) in [(0, chance * (1 - rate)), (1, chance * rate)] {
                    switch answer(FailureCount(failures: failures + more, tried: tried)) {
                    case .go: go += part
                    case .halt: halt += part
                    case .undecided: next[failures + more, default: 0] += part
                    }
                }
            }
            open = next
        }
        return (go, halt, max(0, 1 - go - halt))
    }
}
