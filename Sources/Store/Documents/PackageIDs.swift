/// A software set as it is stored: the numbers of its packages in ascending order, each as the difference to the one
/// before, in variable-length integers of seven bits a byte (LEB128). About one byte a package.
package enum PackageIDs {
    /// The bytes of ascending numbers.
    package static func encode(_ ids: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ids.count * 2)
        var previous: Int64 = 0
        for id in ids {
            var difference = UInt64(bitPattern: id &- previous)
            previous = id
            while difference >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: difference) | 0x80)
                difference >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: difference))
        }
        return bytes
    }

    /// The numbers of such bytes; nil where they are cut short or not ascending.
    package static func decode(_ bytes: [UInt8]) -> [Int64]? {
        var ids: [Int64] = []
        ids.reserveCapacity(bytes.count)
        var previous: Int64 = 0
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            guard shift < 63 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 != 0 {
                shift += 7
                continue
            }
            let (next, overflow) = previous.addingReportingOverflow(Int64(truncatingIfNeeded: value))
            guard !overflow, value > 0 else { return nil }
            ids.append(next)
            previous = next
            value = 0
            shift = 0
        }
        return shift == 0 ? ids : nil
    }
}
