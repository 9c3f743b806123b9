// dpkg's `verrevcmp` as bytes.
//
// dpkg reads a part as runs of other characters and runs of digits in turn, starting with a possibly empty run of
// others. Runs of others compare by weight: '~', then the end of the run, then letters, then everything else. Runs of
// digits compare as numbers, an absent one as 0. So a part is encoded as
//
//     (weights of the others, END, number), as often as there are runs of digits, at least once, then END
//
// and after the first pair every run of others has a character, which differs from END: the byte that follows a part's
// last pair thus orders a version before or after its extensions, and no later part is ever compared with it.
extension DebianVersion {
    /// The key: epoch, upstream version and revision. It costs about the version's length in bytes.
    public var key: VersionKey {
        var output: [UInt8] = []
        output.reserveCapacity(upstream.utf8.count + revision.utf8.count + 8)
        Self.encode(number: String(epoch).utf8[...], into: &output)
        Self.encode(part: upstream.utf8, into: &output)
        Self.encode(part: revision.utf8, into: &output)
        return VersionKey(bytes: output)
    }

    /// Ends a run of others: above '~', below everything else.
    private static let end: UInt8 = 0x02

    private static func encode(part: String.UTF8View, into output: inout [UInt8]) {
        var rest = part[...]
        repeat {
            while let byte = rest.first, !isDigit(byte) {
                output.append(weight(byte))
                rest.removeFirst()
            }
            output.append(end)
            let digits = rest.prefix(while: isDigit)
            encode(number: digits, into: &output)
            rest = rest[digits.endIndex...]
        } while !rest.isEmpty
        output.append(end)
    }

    /// A number of any length: how many digits it has without leading zeros, then the digits, two to a byte.
    private static func encode(number: Substring.UTF8View, into output: inout [UInt8]) {
        var digits = number.drop { $0 == 0x30 }
        let count = digits.count
        if count < 0xFB {
            output.append(UInt8(count))
        } else {
            // Wider counts follow a byte that is above every narrow one, so that they keep their order.
            output.append(0xFB)
            for shift in stride(from: 24, through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        if count % 2 == 1, let first = digits.popFirst() { output.append(first & 0x0F) }
        while let high = digits.popFirst(), let low = digits.popFirst() {
            output.append((high & 0x0F) << 4 | low & 0x0F)
        }
    }

    /// '~' is 1, letters are themselves, other ASCII characters come after them in their own order.
    private static func weight(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x7E: 0x01
        case 0x41...0x5A, 0x61...0x7A: byte
        default: byte | 0x80
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
