extension Gate {
    /// Judges a ring.
    ///
    /// A gate whose own figures are out of their bounds never says go: it says which one to correct.
    ///
    /// - Parameters:
    ///   - strata: Its hosts.
    ///   - baseline: How the same strata's changes went in the last 90 days.
    ///   - tripwires: What halts by itself.
    public func judge(_ strata: [Stratum], baseline: FailureCount, tripwires: Tripwires = Tripwires()) -> Verdict {
        let present = strata.filter { $0.size > 0 }
        let all = FailureCount.sum(present.map(\.all))
        let counted = FailureCount.sum(present.map(\.proven))
        let usual = Self.discounted(baseline)
        let new = FailurePosterior(counted)
        let usualRate = usual.tried == 0 ? 0 : Double(usual.failures) / Double(usual.tried)
        let distance = max(0.01, usualRate / 2, margin.isFinite ? margin : 0)
        let evidence = monitor.evidence(strata: present.map(\.all))
        var verdict = Verdict(
            decision: .inconclusive, reasons: [], evidence: evidence,
            chanceWorse: new.chanceAbove(FailurePosterior(usual), by: distance), upperBound: new.upperBound(0.95),
            untested: present.filter { $0.closed.tried < min(3, $0.size) }.map(\.name),
            smallness: Self.smallness(tried: all.tried, baseline: usual))

        var halts = tripwires.hits
        if evidence >= monitor.threshold {
            halts.append(
                "\(all.failures) of \(all.tried) hosts failed: so many are seldom (less than once in "
                    + "\(Int(monitor.threshold.rounded()))) where \(Self.percent(monitor.acceptable)) fail")
        }
        if !halts.isEmpty {
            verdict.decision = .halt
            verdict.reasons = halts
            return verdict
        }
        let open =
            unusable + doubts(verdict, counted, distance) + gaps(present, all: all, untested: verdict.untested)
            + (usual.tried < Self.minimumBaseline ? [Self.unusual(usual)] : [])
        verdict.decision = open.isEmpty ? .go : .inconclusive
        verdict.reasons =
            open.isEmpty
            ? [
                "\(counted.failures) of \(counted.tried) hosts failed; that it is worse than usual by more than \(Self.percent(distance)) is \(Self.percent(verdict.chanceWorse)) likely, and at most \(Self.percent(verdict.upperBound)) fail (95 % sure)"
            ] : open
        return verdict
    }

    /// Which of the gate's own figures cannot be used; each condition is so that what is no number fails it.
    public var unusable: [String] {
        var found: [String] = []
        func check(_ holds: Bool, _ name: String, _ value: Double, _ bounds: String) {
            if !holds { found.append("the gate's \(name) is \(value), and must be \(bounds); correct the policy") }
        }
        check(margin >= 0 && margin <= 0.5, "margin", margin, "0 to 0.5")
        check(highestRate > 0 && highestRate <= 0.5, "highest rate", highestRate, "above 0, up to 0.5")
        check(
            worseForGo > 0 && worseForGo < 0.5, "highest chance of being worse for a go", worseForGo,
            "above 0, below 0.5")
        check(
            worseForStop > worseForGo && worseForStop < 1, "chance of being worse that stops", worseForStop,
            "above that for a go, below 1")
        check(coverage > 0 && coverage <= 1, "coverage", coverage, "above 0, up to 1")
        check(strataCoverage >= 0 && strataCoverage <= 1, "coverage of strata", strataCoverage, "0 to 1")
        check(deliveryCap >= 0 && deliveryCap <= 1, "cap of delivery failures", deliveryCap, "0 to 1")
        if !monitor.evidence(FailureCount(failures: 0, tried: 0)).isFinite {
            found.append("the gate's halt monitor gives no figure; correct its acceptable rate")
        }
        return found
    }

    /// What the failures leave open.
    private func doubts(_ verdict: Verdict, _ counted: FailureCount, _ distance: Double) -> [String] {
        var open: [String] = []
        if verdict.chanceWorse >= worseForStop {
            open.append(
                "\(counted.failures) of \(counted.tried) hosts failed: with \(Self.percent(verdict.chanceWorse)) it is worse than usual by more than \(Self.percent(distance))"
            )
        } else if !(verdict.chanceWorse <= worseForGo) {
            open.append(
                "\(counted.failures) of \(counted.tried) hosts failed: it may be worse than usual by more than \(Self.percent(distance)) (\(Self.percent(verdict.chanceWorse)) likely, and a go needs at most \(Self.percent(worseForGo)))"
            )
        }
        if !(verdict.upperBound <= highestRate) {
            open.append(
                "up to \(Self.percent(verdict.upperBound)) may fail, and \(Self.percent(highestRate)) is the most; try more hosts"
            )
        }
        return open
    }

    /// What has not been tried or reached.
    private func gaps(_ present: [Stratum], all: FailureCount, untested: [String]) -> [String] {
        var open: [String] = []
        let closed = FailureCount.sum(present.map(\.closed)).tried
        let members = present.reduce(0.0) { $0 + Double($1.size) }
        if !(Double(closed) >= coverage * members) {
            open.append(
                "\(closed) of \(Self.whole(members)) online hosts were tried in closed batches, and \(Self.percent(coverage)) are needed"
            )
        }
        if !(Double(present.count - untested.count) >= strataCoverage * Double(present.count)) {
            open.append(
                "too few kinds of hosts were tried three times; missing: \(untested.prefix(10).joined(separator: ", "))"
            )
        }
        let undelivered = present.reduce(0.0) { $0 + Double(max(0, $1.deliveryFailures)) }
        if !(undelivered <= deliveryCap * (undelivered + Double(all.tried))) {
            open.append("the release did not reach \(Self.whole(undelivered)) hosts; see to mirrors and disks first")
        }
        if closed == 0 { open.append("no host was tried") }
        return open
    }

    /// What a ring that is small, or that nothing is known to compare with, cannot prove; nil where it can.
    private static func smallness(tried: Int, baseline: FailureCount) -> String? {
        let sentences =
            [RingStrength.sentence(hosts: tried), baseline.tried < minimumBaseline ? unusual(baseline) + "." : nil]
            .compactMap { $0 }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }

    private static func unusual(_ baseline: FailureCount) -> String {
        "what is usual is not known: \(baseline.tried) earlier \(baseline.tried == 1 ? "change" : "changes") of such hosts are on record, and \(minimumBaseline) are needed; a person decides"
    }

    /// The usual failures as at most ``maximumBaseline`` hosts.
    private static func discounted(_ count: FailureCount) -> FailureCount {
        guard count.tried > maximumBaseline else { return count }
        let share = Double(count.failures) / Double(count.tried)
        return FailureCount(failures: Int((share * Double(maximumBaseline)).rounded()), tried: maximumBaseline)
    }

    private static func whole(_ value: Double) -> Int { value < 1e15 ? Int(value) : 1_000_000_000_000_000 }

    private static func percent(_ share: Double) -> String {
        guard share.isFinite, abs(share) < 1e9 else { return "\(share)" }
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(abs(tenths % 10)) %"
    }
}
