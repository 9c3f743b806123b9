/// Coarse steps for amounts that never stand still, so that a host's digest does not change with every byte.
///
/// An amount is rounded down to a step: above the coarse step they are equally wide (a twentieth of a disk, an eighth
/// of memory); below it each is half as wide as the one above, so that a nearly full disk is still told from a full
/// one; below the floor, or at most twice that, nothing is shown. A step that was reported before stays until the
/// amount has left it by half a step: an amount on the border of two does not swing between them.
public struct Steps: Hashable, Sendable {
    /// The width of the steps above the first.
    public let coarse: Int64
    /// Below this an amount counts as nothing.
    public let floor: Int64

    /// Steps of `total / parts`; amounts below `floor` count as 0.
    public init(total: Int64, parts: Int64, floor: Int64) {
        self.coarse = max(1, total / max(1, parts))
        self.floor = max(1, floor)
    }

    /// The step that `amount` is in, as its lower bound; `previous` is the one reported before, if any.
    public func step(_ amount: Int64, previous: Int64? = nil) -> Int64 {
        let lower = bounds(amount).lower
        guard let previous, previous != lower, previous >= 0 else { return lower }
        let held = bounds(previous)
        guard held.lower == previous else { return lower }
        let slack = held.width / 2
        return amount >= held.lower - slack && amount - held.lower < held.width + slack ? held.lower : lower
    }

    private func bounds(_ amount: Int64) -> (lower: Int64, width: Int64) {
        if amount < floor { return (0, floor) }
        if amount >= coarse { return (amount / coarse * coarse, coarse) }
        var upper = coarse
        while upper / 2 >= floor {
            let lower = upper / 2
            if amount >= lower { return (lower, upper - lower) }
            upper = lower
        }
        return (0, upper)
    }
}
