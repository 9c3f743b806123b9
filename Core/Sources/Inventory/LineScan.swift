/// Looks through the bytes of a document sixteen or eight at a time: a server reads tens of kilobytes for each report.
struct LineScan {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let raw: UnsafeRawBufferPointer

    /// - Warning: the bytes must outlive the scan.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        self.raw = UnsafeRawBufferPointer(bytes)
    }

    /// Whether there are control characters other than tab and line feed, and whether all bytes are ASCII.
    func content() -> (controls: Bool, ascii: Bool) {
        let space = SIMD16<UInt8>(repeating: 0x20)
        let tabs = SIMD16<UInt8>(repeating: tab)
        let lineFeeds = SIMD16<UInt8>(repeating: lineFeedByte)
        let deletes = SIMD16<UInt8>(repeating: 0x7F)
        var highest = SIMD16<UInt8>()
        var controls = SIMDMask<SIMD16<Int8>>(repeating: false)
        var at = 0
        while at + 16 <= raw.count {
            let piece = raw.loadUnaligned(fromByteOffset: at, as: SIMD16<UInt8>.self)
            highest |= piece
            let separators = (piece .== tabs) .| (piece .== lineFeeds)
            controls = controls .| ((piece .< space) .& .!separators) .| (piece .== deletes)
            at += 16
        }
        var high = highest.max()
        var control = any(controls)
        while at < raw.count {
            let byte = bytes[at]
            high |= byte
            if byte == 0x7F || byte < 0x20 && byte != tab && byte != lineFeedByte { control = true }
            at += 1
        }
        return (control, high < 0x80)
    }

    /// Where the next line feed is; the end where there is none.
    func lineFeed(from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = start
        while at + 8 <= raw.count {
            // A byte of `difference` is zero where there is a line feed; the lowest such one is found exactly
            // (Warren, Hacker's Delight, section 6-1).
            let difference =
                UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                ^ (ones &* UInt64(lineFeedByte))
            let zeros = (difference &- ones) & ~difference & (ones &<< 7)
            if zeros != 0 { return at + zeros.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < raw.count, bytes[at] != lineFeedByte { at += 1 }
        return at
    }

    /// Whether one line comes before another in the order of their bytes.
    func precedes(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        let count = min(left.count, right.count)
        var at = 0
        while at + 8 <= count {
            let one = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: left.lowerBound + at, as: UInt64.self))
            let other = UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: right.lowerBound + at, as: UInt64.self))
            if one != other { return one < other }
            at += 8
        }
        while at < count {
            let (one, other) = (bytes[left.lowerBound + at], bytes[right.lowerBound + at])
            if one != other { return one < other }
            at += 1
        }
        return left.count < right.count
    }
}

/// The module's `lineFeed`, under a name that ``LineScan/lineFeed(from:)`` does not hide.
private let lineFeedByte = lineFeed
