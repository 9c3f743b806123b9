/// The go / no-go decision of a ring: from its counts alone, the same figures at every look.
public struct Gate: Hashable, Sendable {
    /// What has become of one stratum's hosts (OS release, hardware, kernel).
    public struct Stratum: Hashable, Sendable {
        /// Its name, as people know it.
        public var name: String
        /// How many hosts of the ring are of it and were online.
        public var members: Int
        /// All that came to an end, failed ones and silent ones past their deadline as failures.
        public var all: FailureCount
        /// Those of closed batches alone: ones without a member that is still under way. Failures report later than successes.
        public var closed: FailureCount
        /// Hosts that the release did not reach: mirror, disk full before the change, refused.
        public var deliveryFailures: Int

        /// A stratum.
        public init(name: String, members: Int, all: FailureCount, closed: FailureCount, deliveryFailures: Int = 0) {
            self.name = name
            self.members = max(0, members)
            self.all = all
            self.closed = closed
            self.deliveryFailures = max(0, deliveryFailures)
        }

        /// The hosts that it has at least: one that was tried and died is online no more, and still counts.
        var size: Int { max(0, members, all.tried, closed.tried) }

        /// What a go rests on: the hosts of closed batches, and every failure that is known besides.
        var proven: FailureCount {
            let more = max(0, all.failures - closed.failures)
            return FailureCount(failures: closed.failures + more, tried: closed.tried + more)
        }
    }

    /// What halts by itself, whatever the figures say (rollouts.md, 3.6).
    public struct Tripwires: Hashable, Sendable {
        /// Hosts that did not come back from a reboot.
        public var unreachableAfterReboot = 0
        /// Boot failures, by what they look like.
        public var bootFailures: [String: Int] = [:]
        /// Hosts on which a critical service is unhealthy, by service and what it looks like.
        public var criticalHealth: [String: Int] = [:]
        /// Pilots' users who have said "broken".
        public var reportedBroken = 0

        /// None.
        public init() {}

        /// The sentences of those that are hit.
        public var hits: [String] {
            var hits: [String] = []
            if unreachableAfterReboot >= 2 {
                hits.append("\(unreachableAfterReboot) hosts did not come back from their reboot")
            }
            for (signature, hosts) in bootFailures.sorted(by: { $0.key < $1.key }) where hosts >= 2 {
                hits.append("\(hosts) hosts fail to boot in the same way (\(signature))")
            }
            for (signature, hosts) in criticalHealth.sorted(by: { $0.key < $1.key }) where hosts >= 2 {
                hits.append("a critical service is unhealthy on \(hosts) hosts in the same way (\(signature))")
            }
            if reportedBroken >= 2 { hits.append("users of \(reportedBroken) hosts say that it broke them") }
            return hits
        }
    }

    /// What is decided.
    public enum Decision: String, Hashable, Sendable {
        /// The next ring may open.
        case go = "GO"
        /// The campaign is halted.
        case halt = "HALT"
        /// The figures do not say: a person decides, and no answer is a no.
        case inconclusive = "INCONCLUSIVE"
    }

    /// A decision with what it rests on.
    public struct Verdict: Hashable, Sendable {
        /// What is decided.
        public var decision: Decision
        /// Why, one sentence each; the first is the weightiest.
        public var reasons: [String]
        /// The evidence of the halt monitor,
        public var evidence: Double
        /// the chance that the release fails more often than usual by more than the margin,
        public var chanceWorse: Double
        /// and the rate below which its failures lie with 95 %.
        public var upperBound: Double
        /// Strata of which fewer than three hosts were tried.
        public var untested: [String]
        /// What a small ring cannot prove; nil where it is large enough.
        public var smallness: String?
    }

    /// The halt monitor.
    public var monitor = HaltMonitor.standard
    /// By how much the failure rate may be above the usual: a share, at least 1 %, at most half.
    public var margin = 0.01
    /// The highest failure rate that may lie within the upper bound.
    public var highestRate = 0.10
    /// Up to which chance of being worse a ring goes,
    public var worseForGo = 0.05
    /// and from which on its failures are said to be worse.
    public var worseForStop = 0.95
    /// The least share of online members that were tried,
    public var coverage = 0.8
    /// and of strata with three tried hosts or more.
    public var strataCoverage = 0.9
    /// The highest share of hosts that the release did not reach.
    public var deliveryCap = 0.1

    /// The most of the usual failures' hosts that count: older ones are not quite like this release.
    public static let maximumBaseline = 500
    /// The fewest hosts whose changes say what is usual: with fewer nothing goes by itself.
    public static let minimumBaseline = 50

    /// The gate of the defaults.
    public init() {}
}
