/// The anytime-valid test that may halt a ring after any result (rollouts.md, 3.3): however often one looks, a release whose
/// failure rate is acceptable is halted with at most the chance that was agreed (Ville's inequality).
public struct HaltMonitor: Hashable, Sendable {
    /// The failure rate that is fine; up to a half.
    public let acceptable: Double
    /// The chance of halting a release that is fine.
    public let falseHalt: Double

    /// 2 %, wrongly halted once in twenty.
    public static let standard = HaltMonitor(0.02, 0.05)

    /// The smallest rate or chance that can be told from none: one in a million.
    public static let smallest = 1e-6

    /// A monitor; nil where rate or chance is none, or below ``smallest``.
    public init?(acceptable: Double, falseHalt: Double) {
        guard acceptable >= Self.smallest, acceptable <= 0.5, falseHalt >= Self.smallest, falseHalt <= 0.5 else {
            return nil
        }
        self.init(acceptable, falseHalt)
    }

    private init(_ acceptable: Double, _ falseHalt: Double) {
        self.acceptable = acceptable
        self.falseHalt = falseHalt
    }

    /// From which evidence on the ring is halted: 20 for 5 %.
    public var threshold: Double { 1 / falseHalt }

    /// The evidence against the release: the mean likelihood of higher rates, weighed by Beta(1, 19), over that of the
    /// acceptable one. 1 says nothing.
    public func evidence(_ count: FailureCount) -> Double {
        // With whole numbers the integral is a binomial sum: exact but for rounding.
        let n = count.tried
        let k = count.failures
        let p = acceptable
        let log =
            Logarithms.ln(19) - 19 * Logarithms.ln(1 - p) - Logarithms.ln(Double(n + 19)) - Logarithms.choose(n + 18, k)
            + Logarithms.binomialAtMost(k, of: n + 19, p) - Double(k) * Logarithms.ln(p)
            - Double(n - k) * Logarithms.ln(1 - p)
        return Logarithms.exp(log)
    }

    /// The evidence of a ring: the mean of its strata's (OS release, hardware, kernel), so that a bad minority shows, and one
    /// look at many strata costs no more than one at all.
    public func evidence(strata: [FailureCount]) -> Double {
        guard !strata.isEmpty else { return 1 }
        return strata.map(evidence).reduce(0, +) / Double(strata.count)
    }

    /// Whether the ring is halted.
    public func halts(strata: [FailureCount]) -> Bool { evidence(strata: strata) >= threshold }

    /// The fewest failures of so many hosts at which one stratum alone is halted; nil where not even all would.
    public func failuresThatHalt(tried: Int) -> Int? {
        guard tried > 0 else { return nil }
        return (1...min(tried, FailureCount.maximum)).first {
            evidence(FailureCount(failures: $0, tried: tried)) >= threshold
        }
    }
}
