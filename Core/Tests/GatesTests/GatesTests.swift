import Foundation
import Gates
import Testing

/// The figures of rollouts.md, section 3, and simulations with fixed seeds.
@Suite struct GatesTests {
    private struct Random {
        var state: UInt64
        mutating func next() -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((z ^ (z >> 31)) >> 11) / 9_007_199_254_740_992
        }
    }

    private func count(_ failures: Int, _ tried: Int) -> FailureCount { FailureCount(failures: failures, tried: tried) }

    /// Table 3.2: hosts for a go, failures that halt, and the exact chances.
    @Test(arguments: [
        (SequentialTest.pilot, [54, 74, 94], [(2, 4), (3, 24), (4, 44), (5, 64)], 200, 0.955, 0.010),
        (.smallFleet, [31, 57, 82], [(2, 19), (3, 44), (4, 69), (5, 94)], 120, 0.972, 0.050),
        (.early, [72, 112, 152], [(2, 8), (3, 48), (4, 88), (5, 128)], 300, 0.952, 0.049),
        (.broad, [116, 188, 259], [(2, 27), (3, 98), (4, 169), (5, 241)], 500, 0.964, 0.050),
    ])
    func pilots(
        _ test: SequentialTest, _ go: [Int], _ halts: [(Int, Int)], _ most: Int, _ good: Double, _ bad: Double
    ) {
        #expect((0...2).map { test.triedForGo(failures: $0) } == go)
        for (failures, tried) in halts {
            #expect(test.answer(count(failures, tried)) == .halt)
            #expect(test.answer(count(failures, tried + 1)) != .halt)
        }
        let fine = test.chances(rate: test.acceptable, most: most)
        let poor = test.chances(rate: test.unacceptable, most: most)
        #expect(abs(fine.go - good) < 0.0006)
        #expect(abs(poor.go - bad) < 0.0006)
        #expect(abs(fine.go + fine.halt + fine.undecided - 1) < 1e-9)
        // Wald's bounds.
        #expect(fine.halt <= test.falseHalt / (1 - test.falseGo))
        #expect(poor.go <= test.falseGo / (1 - test.falseHalt))
    }

    /// Section 3.3: the first failures that halt.
    @Test(arguments: [
        (0.02, [(10, 3), (20, 4), (50, 5), (100, 7), (200, 11), (500, 21), (1000, 35)]),
        (0.01, [(10, 2), (20, 3), (50, 4), (100, 5), (500, 13), (1000, 22)]),
    ])
    func haltMonitor(_ rate: Double, _ first: [(Int, Int)]) throws {
        let monitor = try #require(HaltMonitor(acceptable: rate, falseHalt: 0.05))
        for (tried, failures) in first { #expect(monitor.failuresThatHalt(tried: tried) == failures, "\(tried)") }
        // Against the integral itself, by Simpson's rule.
        for (failures, tried) in [(0, 1), (1, 1), (2, 30), (10, 100), (0, 400)] {
            let steps = 20_000
            func term(_ p: Double) -> Double {
                19 * pow(1 - p, 18) / pow(1 - rate, 19) * pow(p / rate, Double(failures))
                    * pow((1 - p) / (1 - rate), Double(tried - failures))
            }
            let width = (1 - rate) / Double(steps)
            let sum =
                (0...steps).map { index -> Double in
                    (index == 0 || index == steps ? 1 : index % 2 == 1 ? 4 : 2) * term(rate + Double(index) * width)
                }.reduce(0, +) * width / 3
            let evidence = monitor.evidence(count(failures, tried))
            #expect(abs(evidence / sum - 1) < 1e-6, "\(failures)/\(tried): \(evidence), \(sum)")
        }
        #expect(abs(monitor.evidence(count(0, 0)) - 1) < 1e-9)
    }

    /// However often one looks: after every host of five hundred, in three strata, fewer than one in twenty good releases is
    /// halted; bad ones are, and a bad minority too.
    @Test func errorRatesHold() {
        let monitor = HaltMonitor.standard
        // What halts is decided by counts alone: looked up, not computed, in a simulation.
        var cache: [FailureCount: Double] = [:]
        func evidence(_ count: FailureCount) -> Double {
            if let known = cache[count] { return known }
            let value = monitor.evidence(count)
            cache[count] = value
            return value
        }
        var random = Random(state: 20)
        func haltedAfter(_ rates: [Double], hosts: Int) -> Int? {
            var strata = [FailureCount](repeating: count(0, 0), count: rates.count)
            for host in 0..<hosts {
                let at = host % rates.count
                strata[at] = count(strata[at].failures + (random.next() < rates[at] ? 1 : 0), strata[at].tried + 1)
                if strata.map(evidence).reduce(0, +) / Double(rates.count) >= monitor.threshold { return host + 1 }
            }
            return nil
        }
        let runs = 400
        let good = (0..<runs).filter { _ in haltedAfter([0.02], hosts: 500) != nil }.count
        #expect(good < runs / 20)
        let goodStrata = (0..<runs).filter { _ in haltedAfter([0.02, 0.02, 0.02], hosts: 500) != nil }.count
        #expect(goodStrata < runs / 20)
        let bad = (0..<runs).compactMap { _ in haltedAfter([0.10], hosts: 500) }
        #expect(bad.count >= runs - 2)
        #expect(bad.reduce(0, +) / bad.count < 70)
        let minority = (0..<runs).filter { _ in haltedAfter([0.01, 0.01, 0.30], hosts: 300) != nil }.count
        #expect(minority > runs * 95 / 100)
        // The pilots' test, simulated, as its exact chances.
        let test = SequentialTest.pilot
        var went = 0
        for _ in 0..<2000 {
            var now = count(0, 0)
            while now.tried < 200, test.answer(now) == .undecided {
                now = count(now.failures + (random.next() < 0.02 ? 1 : 0), now.tried + 1)
            }
            went += test.answer(now) == .go ? 1 : 0
        }
        #expect(abs(Double(went) / 2000 - 0.955) < 0.02)
    }

    /// Section 3.4, and known quantiles of the Beta distribution.
    @Test func againstTheBaseline() {
        let usual = FailurePosterior(count(40, 2000))
        for (failures, tried, chance) in [(0, 50, 0.045), (2, 50, 0.55), (5, 50, 0.97), (4, 100, 0.53), (8, 100, 0.97)]
        {
            let found = FailurePosterior(count(failures, tried)).chanceAbove(usual, by: 0.02)
            #expect(abs(found - chance) < 0.012, "\(failures)/\(tried): \(found)")
        }
        // Jeffreys: 38 hosts for 5 %, 95 for 2 % without a failure.
        #expect(FailurePosterior(count(0, 38)).upperBound(0.95) < 0.0502)
        #expect(FailurePosterior(count(0, 36)).upperBound(0.95) > 0.05)
        #expect(abs(FailurePosterior(count(0, 95)).upperBound(0.95) - 0.02) < 0.0004)
        // Beta(0.5, 0.5) is the arcsine distribution.
        for rate in [0.01, 0.2, 0.5, 0.9] {
            #expect(
                abs(FailurePosterior(count(0, 0)).chance(atMost: rate) - 2 / Double.pi * asin(rate.squareRoot()))
                    < 0.001)
        }
        #expect(abs(FailurePosterior(count(50, 100)).chance(atMost: 0.5) - 0.5) < 1e-6)
        let many = FailurePosterior(count(1000, 100_000))
        #expect(many.chance(atMost: 0.01) > 0.45 && many.chance(atMost: 0.01) < 0.55)
        #expect(many.chance(atMost: 0.011) > 0.998)
    }

    /// Section 3.5.
    @Test func whatARingCanProve() {
        #expect(
            [0.10, 0.05, 0.02, 0.01, 0.005].map { RingStrength.hostsNeeded(share: $0) } == [29, 59, 149, 299, 598])
        #expect([100, 200, 1000].map { RingStrength.hostsNeeded(share: 0.05, fleet: $0) } == [45, 51, 57])
        #expect([100, 200, 1000].map { RingStrength.hostsNeeded(share: 0.02, fleet: $0) } == [78, 105, 138])
        #expect(
            [5, 20, 59].map { Int((RingStrength.detection(share: 0.05, hosts: $0) * 100).rounded()) } == [23, 64, 95])
        #expect(RingStrength.sentence(hosts: 5)?.contains("in 23 of 100 cases") == true)
        #expect(RingStrength.sentence(hosts: 30) == nil)
        #expect(RingStrength.hostsNeeded(share: 0.05, fleet: 1) == 1)
        #expect(count(4, 100).discounted(clusterSize: 10, correlation: 1) == count(1, 10))
        #expect(count(4, 100).discounted(clusterSize: 1, correlation: 1) == count(4, 100))
    }

    private func stratum(
        _ name: String, _ failures: Int, _ tried: Int, members: Int? = nil, closed: FailureCount? = nil
    ) -> Gate.Stratum {
        Gate.Stratum(
            name: name, members: members ?? tried, all: count(failures, tried), closed: closed ?? count(failures, tried)
        )
    }

    @Test func verdictsSayWhy() {
        let gate = Gate()
        let usual = count(40, 2000)
        let go = gate.judge([stratum("trixie", 0, 60), stratum("bookworm", 0, 60)], baseline: usual)
        #expect(go.decision == .go, "\(go)")
        #expect(go.reasons.count == 1 && go.reasons[0].hasPrefix("0 of 120 hosts failed"))
        #expect(go.smallness == nil)

        let halt = gate.judge([stratum("trixie", 9, 60), stratum("bookworm", 0, 60)], baseline: usual)
        #expect(halt.decision == .halt)
        #expect(halt.reasons[0].hasPrefix("9 of 120 hosts failed: so many are seldom"))

        let small = gate.judge([stratum("trixie", 0, 5)], baseline: usual)
        #expect(small.decision == .inconclusive)
        #expect(small.smallness?.contains("smoke test") == true)

        // Results of open batches halt and never go: the last failures come late.
        let late = gate.judge([stratum("trixie", 0, 120, closed: count(0, 40))], baseline: usual)
        #expect(late.decision == .inconclusive)
        #expect(late.reasons.contains { $0.contains("40 of 120 online hosts were tried in closed batches") })
        let early = gate.judge([stratum("trixie", 12, 60, closed: count(0, 40))], baseline: usual)
        #expect(early.decision == .halt)

        let missing = gate.judge([stratum("trixie", 0, 300), stratum("arm64", 0, 1, members: 10)], baseline: usual)
        #expect(missing.decision == .inconclusive)
        #expect(missing.untested == ["arm64"])
        #expect(missing.reasons.contains { $0.contains("missing: arm64") })

        var unreached = stratum("trixie", 0, 120)
        unreached.deliveryFailures = 20
        #expect(gate.judge([unreached], baseline: usual).reasons.contains { $0.contains("did not reach 20 hosts") })

        #expect(gate.judge([], baseline: usual).decision == .inconclusive)
        #expect(gate.judge([stratum("x", 0, 0)], baseline: count(0, 0)).decision == .inconclusive)
    }

    @Test func tripwiresHalt() {
        let fine = [stratum("trixie", 0, 120)]
        func decision(_ change: (inout Gate.Tripwires) -> Void) -> Gate.Decision {
            var tripwires = Gate.Tripwires()
            change(&tripwires)
            return Gate().judge(fine, baseline: count(40, 2000), tripwires: tripwires).decision
        }
        #expect(decision { _ in } == .go)
        #expect(decision { $0.unreachableAfterReboot = 1 } == .go)
        #expect(decision { $0.unreachableAfterReboot = 2 } == .halt)
        #expect(decision { $0.bootFailures = ["initramfs": 1, "grub": 1] } == .go)
        #expect(decision { $0.bootFailures = ["initramfs": 2] } == .halt)
        #expect(decision { $0.criticalHealth = ["nginx: exit 1": 2] } == .halt)
        #expect(decision { $0.reportedBroken = 2 } == .halt)
    }

    /// No count brings it down, and more failures never make it better.
    @Test func everyCountHasAnAnswer() {
        var random = Random(state: 3)
        for _ in 0..<60 {
            let tried = Int(random.next() * 400)
            let failures = Int(random.next() * Double(tried + 1))
            let one = Gate().judge([stratum("a", failures, tried)], baseline: count(Int(random.next() * 50), 1000))
            #expect(one.evidence >= 0)
            #expect((0...1).contains(one.chanceWorse) && (0...1).contains(one.upperBound))
            #expect(
                HaltMonitor.standard.evidence(count(failures + 1, tried + 1))
                    >= HaltMonitor.standard.evidence(count(failures, tried + 1)))
        }
        _ = Gate().judge([stratum("a", 1_000_000, 1_000_000)], baseline: count(0, 0))
        _ = count(-5, -7).discounted(clusterSize: -1, correlation: 9)
    }

    /// A failure in an open batch is known, and counts against a go; a success there does not count for it.
    @Test func failuresInOpenBatchesCountAgainstGo() {
        let usual = count(40, 2000)
        let closed = count(0, 120)
        let fine = Gate().judge([stratum("trixie", 0, 130, closed: closed)], baseline: usual)
        #expect(fine.decision == .go)
        let known = Gate().judge([stratum("trixie", 5, 130, closed: closed)], baseline: usual)
        #expect(known.decision == .inconclusive, "\(known)")
        #expect(known.reasons[0].hasPrefix("5 of 125 hosts failed"))
        #expect(known.chanceWorse > fine.chanceWorse && known.upperBound > fine.upperBound)
    }

    /// Without enough earlier changes to compare with a person decides.
    @Test func withoutABaselineNothingGoesByItself() {
        for tried in [22, 60, 120, 1000] {
            for usual in [count(0, 0), count(0, 1), count(1, 49)] {
                let verdict = Gate().judge([stratum("trixie", 0, tried)], baseline: usual)
                #expect(verdict.decision == .inconclusive)
                #expect(verdict.reasons.contains { $0.contains("what is usual is not known") })
                #expect(verdict.smallness?.contains("50 are needed") == true)
            }
        }
        #expect(Gate().judge([stratum("trixie", 0, 400)], baseline: count(0, 50)).smallness == nil)
        #expect(Gate().judge([stratum("trixie", 0, 400)], baseline: count(1, 50)).decision == .go)
    }

    /// Hosts that the release took down are online no more: their stratum still halts, and is not covered by others.
    @Test func aDeadStratumHalts() {
        let usual = count(40, 2000)
        let dead = Gate.Stratum(name: "arm64", members: 0, all: count(8, 8), closed: count(8, 8))
        let verdict = Gate().judge([stratum("trixie", 0, 120), dead], baseline: usual)
        #expect(verdict.decision == .halt, "\(verdict)")
        // Tried hosts that left do not make up for members that were not tried.
        let gone = Gate.Stratum(name: "gone", members: 0, all: count(0, 40), closed: count(0, 40))
        let open = Gate().judge([stratum("trixie", 0, 70, members: 100), gone], baseline: usual)
        #expect(open.reasons.contains { $0.hasPrefix("110 of 140 online hosts") }, "\(open)")
    }

    /// Whatever a policy or a program brings in: an answer, and never a go from figures that are none.
    @Test func figuresThatAreNoneNeverGo() {
        let fine = [stratum("trixie", 0, 120)]
        let usual = count(40, 2000)
        let bad: [Double] = [.nan, .signalingNaN, .infinity, -.infinity, -1, 2, .greatestFiniteMagnitude]
        for value in bad {
            let changes: [(inout Gate) -> Void] = [
                { $0.margin = value }, { $0.highestRate = value }, { $0.coverage = value },
                { $0.strataCoverage = value }, { $0.deliveryCap = value },
                { $0.worseForGo = value },
                { $0.worseForStop = value },
            ]
            for (index, change) in changes.enumerated() {
                var gate = Gate()
                change(&gate)
                let verdict = gate.judge(fine, baseline: usual)
                #expect(verdict.decision == .inconclusive, "\(index): \(value)")
                #expect(verdict.reasons.contains { $0.contains("correct the policy") })
            }
            _ = RingStrength.detection(share: value, hosts: .max)
            _ = RingStrength.hostsNeeded(share: value, confidence: value, fleet: .max)
            _ = FailurePosterior(count(1, 2)).upperBound(value)
            #expect((0...1).contains(FailurePosterior(count(1, 2)).chance(atMost: value)))
            #expect((0...1).contains(FailurePosterior(count(1, 2)).chanceAbove(FailurePosterior(usual), by: value)))
            for other in bad {
                let less = count(7, 900).discounted(clusterSize: value, correlation: other)
                #expect(less.failures >= 1 && less.failures <= less.tried && less.tried <= 900)
            }
            let (go, halt, undecided) = SequentialTest.pilot.chances(rate: value, most: 50)
            #expect(go == 0 && halt == 0 && undecided == 1)
            #expect(HaltMonitor(acceptable: value, falseHalt: 0.05) == nil)
            #expect(HaltMonitor(acceptable: 0.02, falseHalt: value) == nil)
            #expect(
                SequentialTest(acceptable: value, unacceptable: 0.1, falseHalt: 0.05, falseGo: 0.05) == nil
                    || value < 0.1)
        }
        #expect(count(4, 100).discounted(clusterSize: 1000, correlation: 1) == count(1, 1))
        #expect(HaltMonitor(acceptable: 1e-300, falseHalt: 0.05) == nil)
        #expect(HaltMonitor(acceptable: 0.02, falseHalt: 1e-300) == nil)
        #expect(RingStrength.hostsNeeded(share: 1e-300) == nil)
        #expect(RingStrength.detection(share: 1, hosts: 0) == 0)
        #expect(SequentialTest.pilot.triedForGo(failures: .max) == FailureCount.maximum)
        #expect(SequentialTest.pilot.triedForGo(failures: .min) == 54)

        var huge = stratum("a", 0, 120)
        huge.members = .max
        huge.deliveryFailures = .max
        var negative = stratum("b", 0, 120)
        negative.members = .min
        negative.deliveryFailures = .min
        var tripwires = Gate.Tripwires()
        tripwires.unreachableAfterReboot = .min
        for strata in [[huge, huge], [negative, huge], [huge, negative, huge]] {
            #expect(Gate().judge(strata, baseline: usual, tripwires: tripwires).decision == .inconclusive)
        }
        #expect(count(.max, .max) == count(1_000_000, 1_000_000))
        let many = [FailureCount](repeating: count(600_000, 1_000_000), count: 5)
        #expect(FailureCount.sum(many) == count(1_000_000, 1_000_000))
        // Batches that are closed but not counted in all are a program's mistake: the worse of both holds.
        let odd = stratum("c", 0, 0, members: 0, closed: count(60, 120))
        #expect(Gate().judge([odd], baseline: usual).decision != .go)
    }
}
