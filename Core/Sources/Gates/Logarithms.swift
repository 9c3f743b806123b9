/// Logarithm and exponential of basic IEEE operations alone: a gate's figures are the same on every machine, whatever its C
/// library rounds.
enum Logarithms {
    private static let ln2 = 0.693147180559945309417232121458

    /// The natural logarithm of a positive, normal number; minus infinity of 0.
    static func ln(_ value: Double) -> Double {
        guard value > 0 else { return -.infinity }
        var mantissa = value.significand
        var exponent = Double(value.exponent)
        if mantissa > 1.4142135623730951 {
            mantissa /= 2
            exponent += 1
        }
        // ln m = 2 artanh((m - 1) / (m + 1)); the argument is below 0.172.
        let z = (mantissa - 1) / (mantissa + 1)
        let square = z * z
        var term = z
        var sum = z
        var odd = 3.0
        while odd < 27 {
            term *= square
            sum += term / odd
            odd += 2
        }
        return exponent * ln2 + 2 * sum
    }

    /// e to that power; 0 below -745.
    static func exp(_ value: Double) -> Double {
        guard value > -745 else { return 0 }
        guard value < 709 else { return .infinity }
        let steps = (value / ln2).rounded()
        let rest = value - steps * ln2
        var term = 1.0
        var sum = 1.0
        for number in 1...18 {
            term *= rest / Double(number)
            sum += term
        }
        return Double(sign: .plus, exponent: Int(steps), significand: 1) * sum
    }

    /// ln(exp(a) + exp(b)).
    static func add(_ a: Double, _ b: Double) -> Double {
        let high = max(a, b)
        guard high > -.infinity else { return high }
        return high + ln(1 + exp(min(a, b) - high))
    }

    /// The logarithm of "n over k".
    static func choose(_ n: Int, _ k: Int) -> Double {
        guard k >= 0, k <= n else { return -.infinity }
        var sum = 0.0
        for index in 0..<min(k, n - k) { sum += ln(Double(n - index)) - ln(Double(index + 1)) }
        return sum
    }

    /// The logarithm of the chance of at most `k` hits in `n` draws that hit with chance `p`.
    static func binomialAtMost(_ k: Int, of n: Int, _ p: Double) -> Double {
        guard k < n else { return 0 }
        var term = Double(n) * ln(1 - p)
        var sum = term
        for hits in stride(from: 1, through: k, by: 1) {
            term += ln(Double(n - hits + 1)) - ln(Double(hits)) + ln(p) - ln(1 - p)
            sum = add(sum, term)
        }
        return min(sum, 0)
    }
}
