/// What a JSON document may cost its reader. Every bound is checked before the memory it guards is taken.
public struct JSONLimits: Sendable, Hashable {
    /// The largest document, in bytes.
    public var maximumBytes: Int
    /// The deepest nesting of arrays and objects; at most ``deepest`` whatever was asked for.
    public var maximumDepth: Int
    /// The most array elements and object members in the whole document.
    public var maximumItems: Int
    /// The longest string or object key, in bytes as written between the quotes.
    public var maximumStringBytes: Int

    /// The nesting no limit goes beyond, so that reading never exhausts a thread's stack.
    public static let deepest = 256

    /// Sets the four bounds.
    public init(maximumBytes: Int, maximumDepth: Int, maximumItems: Int, maximumStringBytes: Int) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = min(maximumDepth, Self.deepest)
        self.maximumItems = maximumItems
        self.maximumStringBytes = maximumStringBytes
    }

    /// For one protocol message: 1 MiB, depth 16, 100,000 items, strings of 64 KiB.
    public static let message = JSONLimits(
        maximumBytes: 1 << 20, maximumDepth: 16, maximumItems: 100_000, maximumStringBytes: 64 << 10)

    /// For a full report or a host's facts: 32 MiB, depth 32, 2,000,000 items, strings of 1 MiB.
    public static let facts = JSONLimits(
        maximumBytes: 32 << 20, maximumDepth: 32, maximumItems: 2_000_000, maximumStringBytes: 1 << 20)
}
