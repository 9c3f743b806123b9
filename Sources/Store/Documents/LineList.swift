/// Lines that stand in one block of bytes: a document's, without a string for each.
struct LineList: Sendable {
    /// The block.
    let bytes: [UInt8]
    /// Where each line stands in it, in the order of the list.
    private(set) var ranges: [Range<Int>]

    /// Lines of that block.
    init(bytes: [UInt8], ranges: [Range<Int>]) {
        self.bytes = bytes
        self.ranges = ranges
    }

    /// How many.
    var count: Int { ranges.count }

    /// The text of one line.
    subscript(at: Int) -> String { String(decoding: bytes[ranges[at]], as: UTF8.self) }

    /// The bytes of one line.
    func line(_ at: Int) -> ArraySlice<UInt8> { bytes[ranges[at]] }
}
