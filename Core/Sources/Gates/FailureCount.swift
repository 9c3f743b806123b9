/// How many hosts were tried, and how many of them failed: of delivery failures and of hosts that were not tried nothing.
public struct FailureCount: Hashable, Sendable {
    /// How many failed,
    public let failures: Int
    /// of how many that were tried.
    public let tried: Int

    /// The most hosts that a gate counts.
    public static let maximum = 1_000_000

    /// A count, brought into its bounds.
    public init(failures: Int, tried: Int) {
        self.tried = max(0, min(tried, Self.maximum))
        self.failures = max(0, min(failures, self.tried))
    }

    /// The counts together; beyond ``maximum`` the failures stay and successes are left out.
    public static func sum(_ counts: some Sequence<FailureCount>) -> FailureCount {
        var failures = 0
        var tried = 0
        for count in counts {
            failures = min(failures + count.failures, maximum)
            tried = min(tried + count.tried, maximum)
        }
        return FailureCount(failures: failures, tried: tried)
    }

    /// What clusters of `size` hosts that fail alike are worth (rollouts.md, 3.6): as if fewer had been tried.
    ///
    /// - Parameters:
    ///   - size: Hosts of a cluster; where it is no number all hosts count as one cluster.
    ///   - correlation: 0 where hosts fail independently, 1 where a cluster fails as one, or where it is no number.
    public func discounted(clusterSize size: Double, correlation: Double) -> FailureCount {
        guard size.isFinite, size <= Double(Self.maximum) else {
            return FailureCount(failures: min(failures, 1), tried: min(tried, 1))
        }
        let shared = correlation.isNaN ? 1 : max(0, min(correlation, 1))
        let factor = 1 + max(0, size - 1) * shared
        // Never in favour of the release: failures are rounded up, hosts down, and a failure is never lost.
        let failed = Int((Double(failures) / factor).rounded(.up))
        return FailureCount(failures: failed, tried: max(failed, Int((Double(tried) / factor).rounded(.down))))
    }
}
