/// Writes a key: tags that decide between kinds of parts, and parts that end themselves, so that no byte of one part is
/// ever compared with a byte of another.
struct KeyWriter {
    private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: the version's length in bytes, so that one allocation is enough.
    init(capacity: Int) {
        bytes.reserveCapacity(capacity + 16)
    }

    var key: VersionKey { VersionKey(bytes: bytes) }

    /// A byte that decides between kinds of parts.
    mutating func tag(_ byte: UInt8) {
        bytes.append(byte)
    }

    /// A number of any length: how many digits it has without leading zeros, then the digits, two to a byte.
    mutating func number(_ digits: ArraySlice<UInt8>) {
        var digits = digits.drop(while: isZero)
        let count = digits.count
        if count < 0xFB {
            bytes.append(UInt8(count))
        } else {
            // Wider counts follow a byte that is above every narrow one, so that they keep their order.
            bytes.append(0xFB)
            for shift in stride(from: 24, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        if count % 2 == 1, let first = digits.popFirst() { bytes.append(first & 0x0F) }
        var index = digits.startIndex
        while index < digits.endIndex {
            bytes.append((digits[index] & 0x0F) << 4 | digits[index + 1] & 0x0F)
            index += 2
        }
    }

    /// 0 as a number.
    mutating func zero() {
        bytes.append(0)
    }

    /// A text in plain byte order, a prefix before its extensions. It must not contain a zero byte; scanners see to that.
    mutating func text(_ text: ArraySlice<UInt8>) {
        bytes.append(contentsOf: text)
        bytes.append(0)
    }

    /// A text whose ASCII letters count as lower case.
    mutating func folded(_ text: ArraySlice<UInt8>) {
        for byte in text { bytes.append(lowercase(byte)) }
        bytes.append(0)
    }

    /// A count below 65,536, more before less where `descending`.
    mutating func count(_ count: Int, descending: Bool = false) {
        let value = descending ? 0xFFFF - count : count
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }
}
