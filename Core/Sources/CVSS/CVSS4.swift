/// The score of version 4.0: a table of MacroVectors and an interpolation inside each (CVSS v4.0 Specification Document,
/// section 8, and FIRST's reference calculator). All in integers, so that nothing is left to the rounding of floats.
enum CVSS4 {
    /// Base metrics first, in the order of the vector; the modified ones in the same order from ``modified``.
    private enum Metric {
        static let exploit = 11
        static let requirement = 12
        static let modified = 15
        static let safety: UInt8 = 4
    }

    static func tenths(_ values: [UInt8]) -> (base: Int, temporal: Int, environmental: Int) {
        (
            tenths(levels(values, threat: false, environmental: false)),
            tenths(levels(values, threat: true, environmental: false)),
            tenths(levels(values, threat: true, environmental: true))
        )
    }

    /// The levels that count: modified before base, the worst where nothing is defined. A level is the distance from the
    /// worst value in steps; S, H, L, N of the subsequent system are 0 to 3.
    struct Levels {
        /// AV, AC, AT, PR, UI, VC, VI, VA, SC, SI, SA.
        var base: [Int]
        var exploit: Int
        /// CR, IR, AR.
        var requirements: [Int]
    }

    private static func levels(_ values: [UInt8], threat: Bool, environmental: Bool) -> Levels {
        var base: [Int] = []
        for metric in 0..<Metric.exploit {
            var value = values[metric]
            if environmental {
                let modified = values[Metric.modified + metric]
                let undefined = CVSSMetric.v4[Metric.modified + metric].undefined
                if modified != CVSSVector.unwritten, modified != undefined { value = modified }
            }
            let isSubsequent = metric >= 8
            base.append(isSubsequent ? (value == Metric.safety ? 0 : Int(value) + 1) : Int(value))
        }
        func worst(_ metric: Int, _ counts: Bool) -> Int {
            // The fourth value is "not defined".
            counts && values[metric] < 3 ? Int(values[metric]) : 0
        }
        return Levels(
            base: base, exploit: worst(Metric.exploit, threat),
            requirements: (0..<3).map { worst(Metric.requirement + $0, environmental) })
    }

    /// The equivalence classes of a vector.
    struct MacroVector {
        var eq1: Int, eq2: Int, eq3: Int, eq4: Int, eq5: Int, eq6: Int

        /// Table 24 to 29 of the specification.
        init(_ levels: Levels) {
            let l = levels.base
            let (av, pr, ui) = (l[0], l[3], l[4])
            eq1 = av == 0 && pr == 0 && ui == 0 ? 0 : (av == 0 || pr == 0 || ui == 0) && av != 3 ? 1 : 2
            eq2 = l[1] == 0 && l[2] == 0 ? 0 : 1
            let (vc, vi, va) = (l[5], l[6], l[7])
            eq3 = vc == 0 && vi == 0 ? 0 : vc == 0 || vi == 0 || va == 0 ? 1 : 2
            eq4 = l[9] == 0 || l[10] == 0 ? 0 : l[8] == 1 || l[9] == 1 || l[10] == 1 ? 1 : 2
            eq5 = levels.exploit
            let r = levels.requirements
            eq6 = (r[0] == 0 && vc == 0) || (r[1] == 0 && vi == 0) || (r[2] == 0 && va == 0) ? 0 : 1
        }

        /// In tenths; nil where there is no such MacroVector.
        var score: Int? {
            guard eq1 < 3, eq2 < 2, eq4 < 3, eq5 < 3 else { return nil }
            let both: Int
            switch (eq3, eq6) {
            case (0, 0): both = 0
            case (0, 1): both = 1
            case (1, 0): both = 2
            case (1, 1): both = 3
            case (2, 1): both = 4
            default: return nil
            }
            return Int(lookup[(((eq1 * 2 + eq2) * 5 + both) * 3 + eq4) * 3 + eq5])
        }

        func with(_ change: (inout MacroVector) -> Void) -> Int? {
            var other = self
            change(&other)
            return other.score
        }

        /// The score of the next lower MacroVector in the third and sixth class, which go together.
        var lowerInBoth: Int? {
            switch (eq3, eq6) {
            case (0, 0):
                let (left, right) = (with { $0.eq6 += 1 }, with { $0.eq3 += 1 })
                return max(left ?? 0, right ?? 0)
            case (1, 0): return with { $0.eq6 += 1 }
            case (_, 1): return with { $0.eq3 += 1 }
            default: return nil
            }
        }
    }

    private static func tenths(_ levels: Levels) -> Int {
        let impacts = levels.base[5...7].allSatisfy { $0 == 2 } && levels.base[8...10].allSatisfy { $0 == 3 }
        if impacts { return 0 }
        let macro = MacroVector(levels)
        guard let value = macro.score else { return 0 }
        // Each class: the score below, the distance from the nearest highest vector, the depth of the class in steps.
        let l = levels.base
        let classes: [(lower: Int?, distance: Int, depth: Int)] = [
            (
                macro.with { $0.eq1 += 1 }, distance([l[0], l[3], l[4]], from: highestEQ1[macro.eq1]),
                [1, 4, 5][macro.eq1]
            ),
            (macro.with { $0.eq2 += 1 }, distance([l[1], l[2]], from: highestEQ2[macro.eq2]), [1, 2][macro.eq2]),
            (
                macro.lowerInBoth,
                distance([l[5], l[6], l[7]] + levels.requirements, from: highestEQ3EQ6[macro.eq3][macro.eq6]),
                [[7, 6], [8, 8], [10, 10]][macro.eq3][macro.eq6]
            ),
            (
                macro.with { $0.eq4 += 1 }, distance([l[8], l[9], l[10]], from: highestEQ4[macro.eq4]),
                [6, 5, 4][macro.eq4]
            ),
            (macro.with { $0.eq5 += 1 }, 0, 1),
        ]
        // value - mean(available * distance / depth), over the least common multiple of all depths.
        let common = 840
        var count = 0
        var sum = 0
        for entry in classes {
            guard let lower = entry.lower else { continue }
            count += 1
            sum += (value - lower) * entry.distance * (common / entry.depth)
        }
        guard count > 0 else { return value }
        let denominator = common * count
        let numerator = max(0, value * denominator - sum)
        return (2 * numerator + denominator) / (2 * denominator)
    }

    /// The steps down from the first highest vector that is nowhere below.
    private static func distance(_ levels: [Int], from highest: [[Int]]) -> Int {
        for candidate in highest where zip(levels, candidate).allSatisfy({ $0 >= $1 }) {
            return zip(levels, candidate).reduce(0) { $0 + $1.0 - $1.1 }
        }
        return 0
    }
}
