import Timestamps

extension Zone {
    /// The earliest and the latest instant that a local time can mean: both times where it comes twice; by the offsets before
    /// and after where the clocks jump over it. Who wants to be sure takes the wider.
    func instants(of local: LocalTime) -> (earliest: Timestamp, latest: Timestamp) {
        let wanted = Int64(local.secondsSinceEpoch)
        let nominal = instant(of: local).time.seconds
        var found = [nominal]
        for change in transitions(from: wanted - 93_600, to: wanted + 93_600) {
            let before = wanted - Int64(change.before)
            let after = wanted - Int64(change.after)
            let isGap = before >= change.at && after < change.at
            let isOverlap = before < change.at && after >= change.at
            if isGap || isOverlap { found += [before, after] }
        }
        return (Timestamp(seconds: found.min() ?? nominal), Timestamp(seconds: found.max() ?? nominal))
    }
}
