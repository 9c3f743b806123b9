/// The equations of versions 3.0 and 3.1 (CVSS v3.1 Specification Document, section 7 and appendix A).
struct CVSS3 {
    private let values: [UInt8]
    /// Version 3.0, which rounds up exactly and has another modified impact.
    private let isFirst: Bool

    init(_ values: [UInt8], isFirst: Bool) {
        self.values = values
        self.isFirst = isFirst
    }

    /// Weights in hundredths, in the order of the metrics' values; privileges with a changed scope apart.
    private static let weights: [[Int]] = [
        [85, 62, 55, 20], [77, 44], [85, 62, 27], [85, 62], [], [0, 22, 56], [0, 22, 56], [0, 22, 56],
        [100, 91, 94, 97, 100], [100, 95, 96, 97, 100], [100, 92, 96, 100],
        [100, 50, 100, 150], [100, 50, 100, 150], [100, 50, 100, 150],
    ]
    private static let privilegesWhenChanged = [85, 68, 50]

    private enum Metric {
        static let privileges = 2
        static let scope = 4
        static let confidentiality = 5
        /// Where the modified metrics start, in the order of the base metrics.
        static let modified = 14
        static let requirement = 11
    }

    private func value(_ metric: Int, isModified: Bool = false) -> Int {
        if isModified {
            let modified = values[Metric.modified + metric]
            // The last value of every modified metric is "not defined".
            let undefined = CVSSMetric.v3[Metric.modified + metric].undefined
            if modified != CVSSVector.unwritten, modified != undefined { return Int(modified) }
        }
        return values[metric] == CVSSVector.unwritten ? 0 : Int(values[metric])
    }

    private func weight(_ metric: Int, isModified: Bool = false) -> FixedPoint {
        let value = value(metric, isModified: isModified)
        let hundredths =
            metric == Metric.privileges && isChanged(isModified)
            ? Self.privilegesWhenChanged[value] : Self.weights[metric][value]
        return FixedPoint(thousandths: 10 * hundredths)
    }

    private func isChanged(_ isModified: Bool) -> Bool { value(Metric.scope, isModified: isModified) == 1 }

    var tenths: (base: Int, temporal: Int, environmental: Int) {
        let base = score(isModified: false)
        return (base, temporal(of: base), temporal(of: score(isModified: true)))
    }

    private func temporal(of tenths: Int) -> Int {
        roundUp(FixedPoint(tenths: tenths) * weight(8) * weight(9) * weight(10))
    }

    private func score(isModified: Bool) -> Int {
        let impact = impact(isModified)
        guard impact.raw > 0 else { return 0 }
        var exploitability = FixedPoint(thousandths: 8_220)
        for metric in 0...3 { exploitability = exploitability * weight(metric, isModified: isModified) }
        var sum = impact + exploitability
        if isChanged(isModified) { sum = FixedPoint(thousandths: 1_080) * sum }
        return roundUp(min(sum, FixedPoint.ten))
    }

    private func impact(_ isModified: Bool) -> FixedPoint {
        let one = FixedPoint.one
        var kept = one
        for metric in Metric.confidentiality..<Metric.confidentiality + 3 {
            let loss = weight(metric, isModified: isModified)
            let required = isModified ? loss * weight(metric - Metric.confidentiality + Metric.requirement) : loss
            kept = kept * (one - required)
        }
        var subscore = one - kept
        if isModified { subscore = min(subscore, FixedPoint(thousandths: 915)) }
        guard isChanged(isModified) else { return FixedPoint(thousandths: 6_420) * subscore }
        let rise = FixedPoint(thousandths: 7_520) * (subscore - FixedPoint(thousandths: 29))
        let fall =
            isModified && !isFirst
            ? (subscore * FixedPoint(tenThousandths: 9_731) - FixedPoint(thousandths: 20)).power(13)
            : (subscore - FixedPoint(thousandths: 20)).power(15)
        return rise - FixedPoint(thousandths: 3_250) * fall
    }

    private func roundUp(_ value: FixedPoint) -> Int { isFirst ? value.ceilingTenths : value.roundupTenths }
}
