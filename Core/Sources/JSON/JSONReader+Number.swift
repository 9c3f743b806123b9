// Numbers: the grammar of RFC 8259, section 6, and their value.
extension JSONReader {
    /// The parts of a number as written.
    struct NumberExtent {
        var start: Int
        var end: Int
        /// The integer without its sign, when it and its fraction's digits fit.
        var mantissa: UInt64?
        /// The power of ten that scales ``mantissa``.
        var exponent: Int
        var isNegative: Bool
        var isInteger: Bool
    }

    mutating func scanNumberExtent() throws(JSONError) -> NumberExtent {
        var extent = NumberExtent(
            start: offset, end: offset, mantissa: 0, exponent: 0, isNegative: false, isInteger: true)
        if bytes[offset] == 0x2D {
            extent.isNegative = true
            offset += 1
        }
        let first = offset
        let whole = digits(into: &extent.mantissa)
        guard whole > 0 else { throw badNumber("digits must follow '-'") }
        guard whole == 1 || bytes[first] != 0x30 else {
            throw badNumber("a number must not start with 0; drop the zeros")
        }
        if offset < bytes.count, bytes[offset] == 0x2E {
            offset += 1
            extent.isInteger = false
            let fraction = digits(into: &extent.mantissa)
            guard fraction > 0 else { throw badNumber("digits must follow the decimal point") }
            extent.exponent = -fraction
        }
        if offset < bytes.count, bytes[offset] | 0x20 == 0x65 {
            offset += 1
            extent.isInteger = false
            var isNegative = false
            if offset < bytes.count, bytes[offset] == 0x2B || bytes[offset] == 0x2D {
                isNegative = bytes[offset] == 0x2D
                offset += 1
            }
            var power: UInt64? = 0
            guard digits(into: &power) > 0 else { throw badNumber("digits must follow the exponent's 'e'") }
            // Only a hint for the fast path: any large value sends the number to the exact conversion.
            let magnitude = Int(min(power ?? 1_000_000, 1_000_000))
            extent.exponent += isNegative ? -magnitude : magnitude
        }
        extent.end = offset
        return extent
    }

    /// Reads a number: an integer when it has a 64-bit value that ``JSONValue/init(_:)-(Double)`` would write plainly.
    mutating func scanNumber() throws(JSONError) -> JSONValue {
        let extent = try scanNumberExtent()
        if extent.isInteger, let mantissa = extent.mantissa {
            if !extent.isNegative, mantissa <= UInt64(Int64.max) { return .integer(Int64(mantissa)) }
            if extent.isNegative, mantissa <= UInt64(Int64.max) + 1 {
                return .integer(Int64(truncatingIfNeeded: 0 &- mantissa))
            }
        }
        guard let value = JSONValue(double(extent)) else {
            throw JSONError(
                .numberOutOfRange, offset: extent.start,
                reason: "a number beyond the range of a double; send it as a string")
        }
        return value
    }

    private func double(_ extent: NumberExtent) -> Double {
        // Clinger's fast path: both operands are exact doubles, so the single operation rounds correctly.
        if let mantissa = extent.mantissa, mantissa <= 1 << 53, abs(extent.exponent) <= 22 {
            let scaled =
                extent.exponent < 0
                ? Double(mantissa) / powersOfTen[-extent.exponent] : Double(mantissa) * powersOfTen[extent.exponent]
            return extent.isNegative ? -scaled : scaled
        }
        let text = String(decoding: bytes[extent.start..<extent.end], as: UTF8.self)
        return Double(text) ?? .infinity
    }

    /// Reads decimal digits and appends them to `value`, which becomes nil when it no longer fits.
    private mutating func digits(into value: inout UInt64?) -> Int {
        let start = offset
        while offset < bytes.count, case let digit = bytes[offset] &- 0x30, digit <= 9 {
            if let old = value {
                let (tens, overflow) = old.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
                value = overflow || carry ? nil : sum
            }
            offset += 1
        }
        return offset - start
    }

    private func badNumber(_ reason: String) -> JSONError {
        JSONError(.invalidNumber, offset: offset, reason: "\(reason), found \(found())")
    }
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
