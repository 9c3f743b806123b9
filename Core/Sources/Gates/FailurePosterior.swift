/// What a count says about the failure rate: Beta(0.5 + failures, 0.5 + successes), the posterior of Jeffreys' prior, on a grid
/// on which it has no poles.
public struct FailurePosterior: Sendable {
    /// The rate at each cell's middle, rising,
    private let rates: [Double]
    /// and the chance of a rate up to the cell's end.
    private let cumulative: [Double]

    private static let cells = 4096

    /// The posterior of a count.
    public init(_ count: FailureCount) {
        let k = Double(count.failures)
        let m = Double(count.tried - count.failures)
        // x = t^2 / (t^2 + (1 - t)^2) takes both poles away.
        var rates: [Double] = []
        var logs: [Double] = []
        for cell in 0..<Self.cells {
            let t = (Double(cell) + 0.5) / Double(Self.cells)
            let d = t * t + (1 - t) * (1 - t)
            rates.append(t * t / d)
            logs.append(2 * k * Logarithms.ln(t) + 2 * m * Logarithms.ln(1 - t) - (k + m + 1) * Logarithms.ln(d))
        }
        let highest = logs.max() ?? 0
        var sum = 0.0
        var cumulative: [Double] = []
        for log in logs {
            sum += Logarithms.exp(log - highest)
            cumulative.append(sum)
        }
        self.rates = rates
        self.cumulative = cumulative.map { $0 / sum }
    }

    /// The chance that the rate is at most that; 0 where that is no number.
    public func chance(atMost rate: Double) -> Double {
        guard rate > 0 else { return 0 }
        if rate >= 1 { return 1 }
        // The middles of cells, with half of each one's mass below.
        var low = 0
        var high = rates.count
        while low < high {
            let middle = (low + high) / 2
            if rates[middle] <= rate { low = middle + 1 } else { high = middle }
        }
        func below(_ cell: Int) -> Double {
            cell < 0 ? 0 : cell >= rates.count ? 1 : (cumulative[cell] + (cell > 0 ? cumulative[cell - 1] : 0)) / 2
        }
        let left = low > 0 ? rates[low - 1] : 0
        let right = low < rates.count ? rates[low] : 1
        let part = right > left ? (rate - left) / (right - left) : 0
        return below(low - 1) + (below(low) - below(low - 1)) * part
    }

    /// The rate below which the true one lies with that chance.
    public func upperBound(_ chance: Double) -> Double {
        let cell = cumulative.firstIndex { $0 >= chance } ?? rates.count - 1
        return rates[cell]
    }

    /// The chance that this rate is higher than another by more than `margin`.
    public func chanceAbove(_ other: FailurePosterior, by margin: Double) -> Double {
        var sum = 0.0
        var before = 0.0
        for (cell, rate) in other.rates.enumerated() {
            let mass = other.cumulative[cell] - before
            before = other.cumulative[cell]
            if mass > 0 { sum += mass * (1 - chance(atMost: rate + margin)) }
        }
        return max(0, min(sum, 1))
    }
}
