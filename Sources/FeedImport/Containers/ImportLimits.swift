/// How large, how deep and how many: what no honest feed comes near, so that no hostile one fills a disk or memory.
public struct ImportLimits: Sendable, Hashable {
    /// The most entries of all archives in one file.
    public var maximumEntries = 4_000_000
    /// The largest single document, in bytes after decompression.
    public var maximumDocument: Int64 = 8 << 30
    /// The most bytes that one file may grow to.
    public var maximumTotal: Int64 = 64 << 30
    /// How many bytes may come out for each that goes in. What feeds are made of reaches 100.
    public var maximumRatio: Int64 = 300
    /// Bytes that may come out whatever went in, so that small files with much repetition are no bombs.
    public var ratioAllowance: Int64 = 32 << 20
    /// How deep archives may lie in archives.
    public var maximumNesting = 3
    /// Documents up to this many bytes are held in memory; larger ones lie in a nameless file and are mapped.
    public var maximumInMemory = 4 << 20
    /// The most files of a folder.
    public var maximumFiles = 1_000_000

    /// The limits of the product.
    public init() {}
}
