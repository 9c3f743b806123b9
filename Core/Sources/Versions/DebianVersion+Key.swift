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
        let (upstream, revision) = (Array(upstream.utf8), Array(revision.utf8))
        var writer = KeyWriter(capacity: upstream.count + revision.count)
        writer.number(Array(String(epoch).utf8)[...])
        Self.encode(upstream, into: &writer)
        Self.encode(revision, into: &writer)
        return writer.key
    }

    /// Ends a run of others: above '~', below everything else.
    private static let end: UInt8 = 0x02

    private static func encode(_ part: [UInt8], into writer: inout KeyWriter) {
        var index = 0
        repeat {
            while index < part.count, !isDigit(part[index]) {
                writer.tag(weight(part[index]))
                index += 1
            }
            writer.tag(end)
            let start = index
            while index < part.count, isDigit(part[index]) { index += 1 }
            writer.number(part[start..<index])
        } while index < part.count
        writer.tag(end)
    }

    /// '~' is 1, letters are themselves, other ASCII characters come after them in their own order.
    private static func weight(_ byte: UInt8) -> UInt8 {
        byte == 0x7E ? 0x01 : isLetter(byte) ? byte : byte | 0x80
    }
}
