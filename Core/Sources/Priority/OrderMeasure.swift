/// How well an order finds what is exploited later: coverage at an effort, and the area under the curve.
///
/// Ties count as they would on average: of a group of equals the share that the effort reaches, and half of a pair.
public struct OrderMeasure: Sendable, Hashable {
    /// The share of the targets among the first `effort` of all, 0 to 1, for each effort that was asked for.
    public var coverage: [Double]
    /// The probability that a target stands before another vulnerability.
    public var area: Double
    /// How many were ordered.
    public var count: Int
    /// How many of them are targets.
    public var targets: Int

    /// Measures an order.
    ///
    /// - Parameters:
    ///   - scores: a score for each; the highest comes first. NaN counts as lowest.
    ///   - isTarget: which became known as exploited.
    ///   - efforts: shares of all, 0 to 1.
    public init(scores: [Double], isTarget: [Bool], efforts: [Double]) {
        precondition(scores.count == isTarget.count, "one flag for each score")
        let values = scores.map { $0.isNaN ? -Double.infinity : $0 }.sorted(by: >)
        let reach = efforts.map { Int(Double(scores.count) * $0) }
        count = scores.count
        coverage = [Double](repeating: 0, count: efforts.count)
        var below = 0.0
        var targets = 0
        for (score, flag) in zip(scores, isTarget) where flag {
            targets += 1
            let value = score.isNaN ? -Double.infinity : score
            let first = Self.first(in: values) { $0 <= value }
            let after = Self.first(in: values) { $0 < value }
            for (index, reach) in reach.enumerated() {
                coverage[index] += min(1, max(0, Double(reach - first) / Double(after - first)))
            }
            below += Double(values.count - after) + Double(after - first - 1) / 2
        }
        self.targets = targets
        coverage = coverage.map { targets > 0 ? $0 / Double(targets) : 0 }
        area = targets > 0 && count > 1 ? below / Double(targets) / Double(count - 1) : 0
    }

    /// The first index whose value passes; `values` fall.
    private static func first(in values: [Double], where passes: (Double) -> Bool) -> Int {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if passes(values[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
