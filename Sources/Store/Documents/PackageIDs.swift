/// A software set as it is stored: the numbers of its packages in ascending order, each as the difference to the one
/// before, in variable-length integers of seven bits a byte (LEB128); a zero and a count stand for that many differences
/// of one. Hosts built alike share runs of numbers, so that a package takes less than a byte.
package enum PackageIDs {
    /// Shorter runs take no more bytes as they are.
    private static let shortestRun = 3

    /// The bytes of ascending numbers.
    package static func encode(_ ids: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ids.count * 2)
        func append(_ value: UInt64) {
            var value = value
            while value >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
                value >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: value))
        }
        var previous: Int64 = 0
        var at = 0
        while at < ids.count {
            var end = at
            while end < ids.count, ids[end] &- previous == 1 {
                previous = ids[end]
                end += 1
            }
            if end - at >= shortestRun {
                bytes.append(0)
                append(UInt64(end - at))
            } else {
                for _ in at..<end { bytes.append(1) }
            }
            at = end
            guard at < ids.count else { break }
            append(UInt64(bitPattern: ids[at] &- previous))
            previous = ids[at]
            at += 1
        }
        return bytes
    }

    /// The numbers of such bytes; nil where they are cut short, not ascending, or more than `maximum`.
    package static func decode(_ bytes: [UInt8], maximum: Int = 100_000) -> [Int64]? {
        var ids: [Int64] = []
        ids.reserveCapacity(bytes.count)
        var previous: Int64 = 0
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var isRun = false
        for byte in bytes {
            guard shift < 63 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 != 0 {
                shift += 7
                continue
            }
            if value == 0 {
                guard !isRun, shift == 0 else { return nil }
                isRun = true
                continue
            }
            let steps = isRun ? value : 1
            guard steps <= UInt64(maximum - ids.count) else { return nil }
            for _ in 0..<steps {
                let (next, overflow) = previous.addingReportingOverflow(isRun ? 1 : Int64(truncatingIfNeeded: value))
                guard !overflow else { return nil }
                ids.append(next)
                previous = next
            }
            (value, shift, isRun) = (0, 0, false)
        }
        return shift == 0 && !isRun ? ids : nil
    }
}
