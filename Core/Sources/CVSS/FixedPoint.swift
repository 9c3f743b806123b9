/// A decimal number with 18 places after the point: exact for sums and products of CVSS's weights, and far finer than a
/// tenth for its powers.
struct FixedPoint: Comparable {
    static let unit: Int128 = 1_000_000_000_000_000_000
    var raw: Int128

    private init(raw: Int128) { self.raw = raw }

    /// A whole number of thousandths.
    init(thousandths: Int) { raw = Int128(thousandths) * (Self.unit / 1_000) }

    /// A number of ten-thousandths.
    init(tenThousandths: Int) { raw = Int128(tenThousandths) * (Self.unit / 10_000) }

    init(tenths: Int) { self.init(thousandths: 100 * tenths) }

    static let one = FixedPoint(thousandths: 1_000)
    static let ten = FixedPoint(thousandths: 10_000)

    static func < (left: Self, right: Self) -> Bool { left.raw < right.raw }
    static func + (left: Self, right: Self) -> Self { Self(raw: left.raw + right.raw) }
    static func - (left: Self, right: Self) -> Self { Self(raw: left.raw - right.raw) }
    static func * (left: Self, right: Self) -> Self { Self(raw: left.raw * right.raw / unit) }

    func power(_ exponent: Int) -> Self {
        var result = Self.one
        for _ in 0..<exponent { result = result * self }
        return result
    }

    private static let tenth = unit / 10

    /// The nearest tenth, halves away from zero.
    var roundedTenths: Int {
        let half = Self.tenth / 2
        return Int((raw + (raw < 0 ? -half : half)) / Self.tenth)
    }

    /// The smallest tenth that is not below (version 3.0).
    var ceilingTenths: Int {
        let whole = raw / Self.tenth
        return Int(whole) + (raw > whole * Self.tenth ? 1 : 0)
    }

    /// `Roundup` of version 3.1: first to the nearest hundred-thousandth, then up to a tenth, all in integers.
    var roundupTenths: Int {
        let step = Self.unit / 100_000
        let rounded = Int((raw + step / 2) / step)
        return rounded % 10_000 == 0 ? rounded / 10_000 : rounded / 10_000 + 1
    }
}
