/// What reading one changelog may cost. Reading is linear in the text.
public struct ChangelogLimits: Hashable, Sendable {
    /// The most bytes of plain text: what comes after is not read.
    public var bytes: Int
    /// The newest entries that are kept.
    public var entries: Int
    /// The most ids of all kept entries together.
    public var ids: Int

    /// Limits.
    public init(bytes: Int = 8 << 20, entries: Int = 400, ids: Int = 8000) {
        self.bytes = bytes
        self.entries = entries
        self.ids = ids
    }
}
