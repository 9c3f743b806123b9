/// The equations of version 2 (A Complete Guide to the Common Vulnerability Scoring System Version 2.0, section 3.2).
struct CVSS2 {
    private let values: [UInt8]

    init(_ values: [UInt8]) { self.values = values }

    /// Weights in thousandths, in the order of the metrics' values.
    private static let weights: [[Int]] = [
        [395, 646, 1000], [350, 610, 710], [450, 560, 704],
        [0, 275, 660], [0, 275, 660], [0, 275, 660],
        [1000, 850, 900, 950, 1000], [1000, 870, 900, 950, 1000], [1000, 900, 950, 1000],
        [0, 0, 100, 300, 400, 500], [1000, 0, 250, 750, 1000],
        [1000, 500, 1000, 1510], [1000, 500, 1000, 1510], [1000, 500, 1000, 1510],
    ]

    /// What is not written is not defined, which is the first value wherever it may be.
    private func weight(_ metric: Int) -> FixedPoint {
        let value = values[metric] == CVSSVector.unwritten ? 0 : Int(values[metric])
        return FixedPoint(thousandths: Self.weights[metric][value])
    }

    var tenths: (base: Int, temporal: Int, environmental: Int) {
        let base = max(0, baseTenths(isAdjusted: false))
        let adjusted = FixedPoint(tenths: temporalTenths(of: baseTenths(isAdjusted: true)))
        let environmental = (adjusted + (FixedPoint.ten - adjusted) * weight(9)) * weight(10)
        return (base, temporalTenths(of: base), environmental.roundedTenths)
    }

    private func baseTenths(isAdjusted: Bool) -> Int {
        let one = FixedPoint.one
        var kept = one
        for metric in 3...5 {
            kept = kept * (one - (isAdjusted ? weight(metric) * weight(metric + 8) : weight(metric)))
        }
        var impact = FixedPoint(thousandths: 10_410) * (one - kept)
        if isAdjusted { impact = min(FixedPoint.ten, impact) }
        if impact.raw == 0 { return 0 }
        let exploitability = FixedPoint(thousandths: 20_000) * weight(0) * weight(1) * weight(2)
        let sum =
            FixedPoint(thousandths: 600) * impact + FixedPoint(thousandths: 400) * exploitability
            - FixedPoint(thousandths: 1_500)
        return (sum * FixedPoint(thousandths: 1_176)).roundedTenths
    }

    private func temporalTenths(of base: Int) -> Int {
        (FixedPoint(tenths: base) * weight(6) * weight(7) * weight(8)).roundedTenths
    }
}
