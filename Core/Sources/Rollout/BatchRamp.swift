/// How fast a ring goes: one host, then two, four and so on up to its budget, each batch only after the one before is closed
/// (rollouts.md, 3.6). A batch is made of the hosts that come for a grant, so that one that is away holds up nobody.
public enum BatchRamp {
    /// The number of hosts of a batch, from 1 on.
    public static func size(of batch: Int64, budget: Int64) -> Int64 {
        guard batch > 0 else { return 0 }
        return batch > 17 ? max(1, budget) : max(1, min(1 << (batch - 1), budget))
    }

    /// The batch that the next grant joins; nil while the last one is full and still open.
    ///
    /// - Parameters:
    ///   - last: The highest batch so far; 0: none.
    ///   - granted: How many of its members were granted,
    ///   - open: and how many of these are in flight. Silent ones past their deadline are not: they count as failures.
    ///   - budget: How many hosts of the ring may be disturbed at the same time.
    public static func batch(last: Int64, granted: Int64, open: Int64, budget: Int64) -> Int64? {
        guard last > 0 else { return 1 }
        if granted < size(of: last, budget: budget) { return last }
        return open == 0 ? last + 1 : nil
    }
}
