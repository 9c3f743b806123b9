/// How long, how slow and how much a download may be.
public struct NetworkLimits: Sendable, Hashable {
    /// Seconds until a connection must stand.
    public var connect: Int64 = 15
    /// Seconds for a whole file.
    public var total: Int64 = 3600
    /// The fewest bytes a second, on average over ``window``; 0 for no such limit. It holds for the answer's start too.
    public var minimumRate: Int64 = 512
    /// Seconds over which ``minimumRate`` is looked at.
    public var window: Int64 = 30
    /// The most redirects in a row.
    public var redirects = 5
    /// How often a broken download is gone on with before it is left for the next time.
    public var attempts = 4
    /// Milliseconds before the second attempt; twice as many before each further one.
    public var pause: Int64 = 1_000
    /// The largest file, in bytes.
    public var maximumBytes: Int64 = 16 << 30

    /// The limits of the product.
    public init() {}
}
