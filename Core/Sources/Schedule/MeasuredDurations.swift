/// How long a class of jobs took before: what an estimate is taken from.
public struct MeasuredDurations: Hashable, Sendable {
    /// Seconds, sorted.
    public let seconds: [Int64]

    /// The fewest from which a 95th percentile says something: one in twenty may be longer.
    public static let enough = 20

    /// Durations in seconds; negative ones are none.
    public init(_ seconds: [Int64]) {
        self.seconds = seconds.filter { $0 >= 0 }.sorted()
    }

    /// The 95th percentile (nearest rank: an observed value); of fewer than ``enough`` the longest and a quarter more; nil
    /// where nothing was measured.
    public var estimate: Int64? {
        guard let longest = seconds.last else { return nil }
        if seconds.count < Self.enough { return longest + longest / 4 }
        return seconds[(seconds.count * 95 + 99) / 100 - 1]
    }

    /// How the estimate came about: `the 95th percentile of 212 jobs`.
    public var basis: String {
        switch seconds.count {
        case 0: "nothing was measured yet"
        case ..<Self.enough: "the longest of \(seconds.count) and a quarter more"
        default: "the 95th percentile of \(seconds.count) jobs"
        }
    }
}
