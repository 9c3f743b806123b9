import Glibc

/// Cuts a source into stanzas (deb822(5)): fields, separated from the next by an empty line.
///
/// It looks only for the empty line; what a stanza holds is read where it is wanted. Memory is one stanza and a piece.
package struct StanzaReader: ~Copyable {
    /// How much is taken.
    package struct Limits: Sendable {
        /// Bytes of one stanza.
        package var stanzaBytes = 8 << 20
        /// Bytes of the whole source, decompressed.
        package var bytes = 4 << 30

        /// The limits for lists of packages.
        package init() {}
    }

    private let source: any ByteSource
    private let limits: Limits
    private var storage: UnsafeMutableRawBufferPointer

    package init(_ source: any ByteSource, limits: Limits = Limits(), piece: Int = 512 << 10) {
        self.source = source
        self.limits = limits
        storage = .allocate(byteCount: piece, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// Calls `body` with each stanza, without the empty lines around it; the bytes are valid during the call only.
    package mutating func forEach(
        _ body: (UnsafeRawBufferPointer) throws(PackageScanError) -> Void
    ) throws(PackageScanError) {
        var filled = 0
        var total = 0
        var ended = false
        // Files written on other systems end their lines in CR LF: then the empty line is "\n\r".
        var second: UInt8 = 0x0A
        var first = true
        while !ended {
            let got = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: storage[filled...]))
            if got == 0 { ended = true }
            total += got
            filled += got
            guard total <= limits.bytes else {
                throw .malformed(path: source.path, line: 0, reason: "it is larger than \(limits.bytes) bytes")
            }
            let bytes = UnsafeRawBufferPointer(rebasing: storage[..<filled])
            if first, filled > 0 {
                first = false
                let head = bytes.prefix(4096)
                if let lineFeed = head.firstIndex(of: 0x0A), lineFeed > 0, bytes[lineFeed - 1] == 0x0D { second = 0x0D }
            }
            var start = 0
            while let end = Self.emptyLine(in: bytes, from: start, second) {
                try Self.deliver(bytes, start, end, body)
                start = end + 1
            }
            if ended {
                try Self.deliver(bytes, start, filled, body)
            } else {
                keep(from: start, of: filled)
                filled -= start
                guard filled < storage.count else {
                    throw .malformed(
                        path: source.path, line: 0,
                        reason: "a stanza is longer than \(limits.stanzaBytes) bytes: is this a list of packages?")
                }
            }
        }
    }

    /// Moves the unfinished stanza to the front, and makes room where it fills the storage.
    private mutating func keep(from start: Int, of filled: Int) {
        let rest = filled - start
        if rest > storage.count / 2, storage.count < limits.stanzaBytes {
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: min(storage.count * 2, limits.stanzaBytes), alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[start..<filled]))
            storage.deallocate()
            storage = larger
        } else if start > 0, let base = storage.baseAddress {
            memmove(base, base + start, rest)
        }
    }

    /// Where the line feed before an empty line stands.
    private static func emptyLine(in bytes: UnsafeRawBufferPointer, from start: Int, _ second: UInt8) -> Int? {
        // Eight bytes at a time: a byte of `difference` is 0 where the text has the wanted one, and the well-known trick
        // sets the top bit of such bytes. It may also set the bit of the byte after one, so hits are looked at again.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let lineFeeds = ones * 0x0A
        let seconds = ones * UInt64(second)
        var index = start
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let first = word ^ lineFeeds
            let firstHits = (first &- ones) & ~first & (ones &* 0x80)
            if firstHits != 0 {
                let next = word ^ seconds
                let hits = firstHits & ((next &- ones) & ~next & (ones &* 0x80)) >> 8
                if hits != 0 {
                    for at in index..<index + 7 where bytes[at] == 0x0A && bytes[at + 1] == second { return at }
                }
            }
            // The last byte is looked at again as the first of the next word, so that no pair is split.
            index += 7
        }
        while index + 1 < bytes.count {
            if bytes[index] == 0x0A, bytes[index + 1] == second { return index }
            index += 1
        }
        return nil
    }

    private static func deliver(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int,
        _ body: (UnsafeRawBufferPointer) throws(PackageScanError) -> Void
    ) throws(PackageScanError) {
        var start = start
        var end = end
        while start < end, bytes[start] == 0x0A || bytes[start] == 0x0D { start += 1 }
        while end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
        if start < end { try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) }
    }
}
