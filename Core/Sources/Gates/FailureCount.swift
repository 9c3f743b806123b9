/// How many hosts were tried, and how many of them failed: of delivery failures and of hosts that were not tried nothing.
public struct FailureCount: Hashable, Sendable {
    /// How many failed,
    public var failures: Int
    /// of how many that were tried.
    public var tried: Int

    /// The most hosts that a gate counts.
    public static let maximum = 1_000_000

    /// A count, brought into its bounds.
    public init(failures: Int, tried: Int) {
        self.tried = max(0, min(tried, Self.maximum))
        self.failures = max(0, min(failures, self.tried))
    }

    /// What clusters of `size` hosts that fail alike are worth (rollouts.md, 3.6): as if fewer had been tried.
    ///
    /// - Parameter correlation: 0 where hosts fail independently, 1 where a cluster fails as one.
    public func discounted(clusterSize size: Double, correlation: Double) -> FailureCount {
        let factor = 1 + max(0, size - 1) * max(0, min(correlation, 1))
        // Never in favour of the release: failures are rounded up, hosts down.
        return FailureCount(
            failures: Int((Double(failures) / factor).rounded(.up)), tried: Int((Double(tried) / factor).rounded(.down))
        )
    }
}
