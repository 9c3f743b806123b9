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
    /// By how much the failure rate may be above the usual: a share, at least 1 %.
    public var margin = 0.01
    /// The highest failure rate that may lie within the upper bound.
    public var highestRate = 0.10
    /// From which chance of being worse on the ring is stopped, and up to which chance it goes.
    public var worse: ClosedRange<Double> = 0.05...0.95
    /// The least share of online members that were tried,
    public var coverage = 0.8
    /// and of strata with three tried hosts or more.
    public var strataCoverage = 0.9
    /// The highest share of hosts that the release did not reach.
    public var deliveryCap = 0.1

    /// The most of the usual failures' hosts that count: older ones are not quite like this release.
    public static let maximumBaseline = 500

    /// The gate of the defaults.
    public init() {}

    /// Judges a ring.
    ///
    /// - Parameters:
    ///   - strata: Its hosts.
    ///   - baseline: How the same strata's changes went in the last 90 days.
    ///   - tripwires: What halts by itself.
    public func judge(_ strata: [Stratum], baseline: FailureCount, tripwires: Tripwires = Tripwires()) -> Verdict {
        let all = Self.sum(strata.map(\.all))
        let closed = Self.sum(strata.map(\.closed))
        let usual = Self.discounted(baseline)
        let new = FailurePosterior(closed)
        let usualRate = usual.tried == 0 ? 0 : Double(usual.failures) / Double(usual.tried)
        let distance = max(0.01, usualRate / 2, margin)
        let evidence = monitor.evidence(strata: strata.filter { $0.members > 0 }.map(\.all))
        var verdict = Verdict(
            decision: .inconclusive, reasons: [], evidence: evidence,
            chanceWorse: new.chanceAbove(FailurePosterior(usual), by: distance), upperBound: new.upperBound(0.95),
            untested: strata.filter { $0.members > 0 && $0.closed.tried < min(3, $0.members) }.map(\.name),
            smallness: RingStrength.sentence(hosts: all.tried))

        var halts = tripwires.hits
        if evidence >= monitor.threshold {
            halts.append(
                "\(all.failures) of \(all.tried) hosts failed: so many are seldom (less than once in "
                    + "\(Int(monitor.threshold))) where \(Self.percent(monitor.acceptable)) fail")
        }
        if !halts.isEmpty {
            verdict.decision = .halt
            verdict.reasons = halts
            return verdict
        }
        let members = strata.map(\.members).reduce(0, +)
        let undelivered = strata.map(\.deliveryFailures).reduce(0, +)
        var open: [String] = []
        if verdict.chanceWorse >= worse.upperBound {
            open.append(
                "\(closed.failures) of \(closed.tried) hosts failed: with \(Self.percent(verdict.chanceWorse)) it is worse than usual by more than \(Self.percent(distance))"
            )
        } else if verdict.chanceWorse > worse.lowerBound {
            open.append(
                "\(closed.failures) of \(closed.tried) hosts failed: it may be worse than usual by more than \(Self.percent(distance)) (\(Self.percent(verdict.chanceWorse)) likely, and a go needs at most \(Self.percent(worse.lowerBound)))"
            )
        }
        if verdict.upperBound > highestRate {
            open.append(
                "up to \(Self.percent(verdict.upperBound)) may fail, and \(Self.percent(highestRate)) is the most; try more hosts"
            )
        }
        if Double(closed.tried) < coverage * Double(members) {
            open.append(
                "\(closed.tried) of \(members) online hosts were tried in closed batches, and \(Self.percent(coverage)) are needed"
            )
        }
        let present = strata.filter { $0.members > 0 }.count
        if Double(present - verdict.untested.count) < strataCoverage * Double(present) {
            open.append(
                "too few kinds of hosts were tried three times; missing: \(verdict.untested.prefix(10).joined(separator: ", "))"
            )
        }
        if Double(undelivered) > deliveryCap * Double(undelivered + all.tried) {
            open.append("the release did not reach \(undelivered) hosts; see to mirrors and disks first")
        }
        if members == 0 || closed.tried == 0 { open.append("no host was tried") }
        verdict.decision = open.isEmpty ? .go : .inconclusive
        verdict.reasons =
            open.isEmpty
            ? [
                "\(closed.failures) of \(closed.tried) hosts failed; that it is worse than usual by more than \(Self.percent(distance)) is \(Self.percent(verdict.chanceWorse)) likely, and at most \(Self.percent(verdict.upperBound)) fail (95 % sure)"
            ] : open
        return verdict
    }

    private static func sum(_ counts: [FailureCount]) -> FailureCount {
        FailureCount(failures: counts.map(\.failures).reduce(0, +), tried: counts.map(\.tried).reduce(0, +))
    }

    /// The usual failures as at most ``maximumBaseline`` hosts.
    private static func discounted(_ count: FailureCount) -> FailureCount {
        guard count.tried > maximumBaseline else { return count }
        let share = Double(count.failures) / Double(count.tried)
        return FailureCount(failures: Int((share * Double(maximumBaseline)).rounded()), tried: maximumBaseline)
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
