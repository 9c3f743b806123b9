public import Digest
public import Gates
public import Timestamps

/// One attempt of a ring's host as its gate sees it.
public struct RingMember: Hashable, Sendable {
    /// The host.
    public var host: String
    /// Its kind: OS release, hardware, site.
    public var stratum: String
    /// Whether it was online while its ring was open.
    public var isOnline: Bool
    /// Where its job is; nil where it has none.
    public var state: HostJob.State?
    /// The batch of its grant; nil where none was given.
    public var batch: Int64?
    /// What its failure looks like: a failed check or unit, and how; nil where that is not known.
    public var signature: String?
    /// What a user of the host has said: whether it works; nil where nobody said anything.
    public var works: Bool?

    /// A member.
    public init(
        host: String, stratum: String, isOnline: Bool = true, state: HostJob.State?, batch: Int64? = nil,
        signature: String? = nil, works: Bool? = nil
    ) {
        self.host = host
        self.stratum = stratum
        self.isOnline = isOnline
        self.state = state
        self.batch = batch
        self.signature = signature
        self.works = works
    }
}

/// What has become of a ring's hosts: a pure fold over their attempts, each counted once.
public struct RingTally: Hashable, Sendable {
    /// What an attempt counts as.
    public enum Class: String, CaseIterable, Hashable, Sendable {
        case succeeded
        /// The patch broke it, or it is silent past its deadline.
        case failed
        /// The release did not reach it.
        case undelivered
        /// It has not ended.
        case open
        /// It was never tried, or nothing can be said of it.
        case untried

        /// What a job in that state counts as.
        public init(_ state: HostJob.State?) {
            switch state {
            case nil, .planned, .offered, .superseded: self = .untried
            case .granted, .accepted, .running, .awaitingReboot: self = .open
            case .suspect, .lost, .writtenOff: self = .failed
            case .terminal(let outcome):
                switch outcome {
                case .succeeded: self = .succeeded
                case .failedChanged, .rolledBack, .rollbackFailed, .needsRepair: self = .failed
                case .failedNoChange, .refused: self = .undelivered
                case .installedRebootPending, .expired, .cancelled: self = .untried
                }
            }
        }
    }

    /// The whole numbers.
    public private(set) var counts = RingJudgement.Counts()
    /// The same by kind of host, for the gate.
    public private(set) var strata: [Gate.Stratum] = []
    /// What halts by itself.
    public private(set) var tripwires = Gate.Tripwires()

    /// Folds the attempts, in any order.
    public init(_ members: [RingMember]) {
        var openBatches: Set<Int64> = []
        for member in members where Class(member.state) == .open { openBatches.insert(member.batch ?? 0) }
        struct Sum {
            var online: Set<String> = []
            var tried = 0
            var failures = 0
            var closedTried = 0
            var closedFailures = 0
            var undelivered = 0
        }
        var sums: [String: Sum] = [:]
        for member in members {
            var sum = sums[member.stratum] ?? Sum()
            if member.isOnline { sum.online.insert(member.host) }
            var kind = Class(member.state)
            if kind == .succeeded, member.works == false { kind = .failed }
            if member.works == true { counts.works += 1 }
            if member.works == false { counts.broken += 1 }
            switch kind {
            case .succeeded, .failed:
                let isFailed = kind == .failed
                sum.tried += 1
                sum.failures += isFailed ? 1 : 0
                if !openBatches.contains(member.batch ?? 0) {
                    sum.closedTried += 1
                    sum.closedFailures += isFailed ? 1 : 0
                }
                if isFailed { trip(member) }
            case .undelivered: sum.undelivered += 1
            case .open: counts.open += 1
            case .untried: break
            }
            sums[member.stratum] = sum
        }
        tripwires.reportedBroken = Int(counts.broken)
        for name in sums.keys.sorted() {
            guard let sum = sums[name] else { continue }
            counts.tried += Int64(sum.tried)
            counts.failures += Int64(sum.failures)
            counts.closedTried += Int64(sum.closedTried)
            counts.closedFailures += Int64(sum.closedFailures)
            counts.undelivered += Int64(sum.undelivered)
            strata.append(
                Gate.Stratum(
                    name: name, members: sum.online.count,
                    all: FailureCount(failures: sum.failures, tried: sum.tried),
                    closed: FailureCount(failures: sum.closedFailures, tried: sum.closedTried),
                    deliveryFailures: sum.undelivered))
        }
    }

    private mutating func trip(_ member: RingMember) {
        switch member.state {
        case .suspect(.reboot), .suspect(.rollbackReboot), .suspect(.postBoot): tripwires.unreachableAfterReboot += 1
        default: if let signature = member.signature { tripwires.criticalHealth[signature, default: 0] += 1 }
        }
    }

    /// What the gate says.
    ///
    /// - Parameters:
    ///   - baseline: How the same kinds of hosts' changes went in the last 90 days.
    ///   - test: The sequential test of pilots: where it says halt the ring halts, and only where it says go the gate may.
    ///   - untested: Kinds of hosts of the whole campaign that the rings up to this one do not have: a go names them.
    public func judge(
        _ gate: Gate, baseline: FailureCount, test: SequentialTest? = nil, rules: RingRules, plan: SHA256Digest,
        untested: [String] = [], now: Timestamp
    ) -> RingJudgement {
        let verdict = gate.judge(strata, baseline: baseline, tripwires: tripwires)
        var decision: RingJudgement.Decision =
            switch verdict.decision {
            case .go: .go
            case .halt: .halt
            case .inconclusive: .inconclusive
            }
        var reasons = verdict.reasons
        let answer = test?.answer(
            FailureCount(
                failures: Int(counts.failures),
                tried: Int(counts.closedTried + max(0, counts.failures - counts.closedFailures))))
        if let test, let answer {
            switch answer {
            case .halt where decision != .halt:
                decision = .halt
                reasons.insert(
                    "\(counts.failures) of \(counts.tried) pilots failed: the sequential test says that too many do",
                    at: 0)
            case .undecided where decision == .go:
                decision = .inconclusive
                reasons = [
                    "\(counts.closedTried) pilots say too little: with \(counts.failures) failures "
                        + "\(test.triedForGo(failures: Int(counts.failures))) are needed"
                ]
            default: break
            }
        }
        if decision == .go, counts.works < rules.acceptances {
            decision = .inconclusive
            reasons = [
                "\(counts.works) users have said that it works, and \(rules.acceptances) are needed: fettle-agent feedback"
            ]
        }
        // A ring of which nothing is known to be closed proves nothing, whatever the gate's figures are.
        if decision == .go, counts.open > 0, counts.closedTried == 0 { decision = .inconclusive }
        func part(_ value: Double, _ scale: Double) -> Int64 { value.isFinite ? Int64(min(value * scale, 9e15)) : .max }
        return RingJudgement(
            decision: decision, plan: plan, time: now, reasons: reasons, counts: counts,
            evidence: part(verdict.evidence, 1000), chanceWorse: part(verdict.chanceWorse, 1e6),
            upperBound: part(verdict.upperBound, 1e6), test: answer?.rawValue,
            untested: verdict.untested + untested.filter { !verdict.untested.contains($0) },
            smallness: verdict.smallness)
    }
}
