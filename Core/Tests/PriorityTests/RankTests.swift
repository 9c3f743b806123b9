import Feeds
import Priority
import Testing
import Timestamps

struct RankTests {
    private let now = at("2026-03-20")

    private func finding(
        _ id: String, _ asset: String = "a1", p: Double = 0.1, days: Int? = 10, impact: Double = 2
    ) -> FindingRisk {
        var dates = FindingDates(detected: at("2026-03-01"))
        dates.closed = nil
        let policy = DeadlinePolicy(
            id: "t", version: "1", table: .bod2604,
            terms: Dictionary(
                uniqueKeysWithValues: DecisionTable.bod2604.outcomes.map {
                    ($0, days.map { RemediationTerm.days($0 + 19) } ?? .onUpgrade)
                }))
        let deadline = policy.deadline(
            of: vulnerability(id), on: AssetFacts(id: asset, name: asset), dates: dates, now: now)
        return FindingRisk(
            vulnerability: id, asset: asset, probability: p, reach: 1, impact: impact, deadline: deadline,
            detected: dates.detected)
    }

    @Test func everyNumberIsMadeOfTheTermsThatExplainIt() {
        var facts = vulnerability(vector: wormable, listed: at("2026-03-02"))
        facts.published = at("2026-02-01")
        facts.add(
            .likelihood(
                ExploitLikelihood(
                    source: "epss", id: facts.id, probability: 0.94, percentile: 0.999, model: "v2025.03.14")))
        facts.add(.exploited(KnownExploited(source: "vulncheck", id: facts.id, added: at("2026-02-20"))))
        let score = RiskScore(facts, typical: TypicalLikelihood(), now: now)
        #expect(abs(score.parts.map(\.value).reduce(0, +) - score.score) < 1e-12)
        #expect(score.parts.count == RiskTerm.allCases.count && score.full.count == 9)
        #expect(score.probability == 0.9, "at least 0.9 in KEV, as the sum alone gives less")
        #expect(score.sentence.contains("in KEV since 2026-03-02") && score.sentence.contains("exploited (vulncheck"))
        #expect(score.parts[RiskTerm.likelyExploited.rawValue].value == 0, "known exploitation stands for a likely one")
        let blank = RiskScore(
            vulnerability("CVE-2024-9"), typical: TypicalLikelihood(medians: [2024: 0.02]), now: now)
        #expect(blank.inputs.likelihood == 0.02)
        #expect(blank.sentence.contains("EPSS unknown, taken as usual for its year: 0.020"))
        #expect(blank.full.contains { $0.contains("CVSS unknown") })
    }

    @Test func staleEvidenceCountsHalf() {
        let old = Evidence(source: "metasploit", confirmed: at("2025-03-19"))
        let recent = Evidence(source: "metasploit", confirmed: at("2025-03-21"))
        #expect(old.weight(at: now) == 0.5 && recent.weight(at: now) == 1 && Evidence(source: "x").weight(at: now) == 1)
    }

    @Test func aLaterWordWinsAndDerivedOnesGiveWay() {
        var facts = vulnerability(vector: wormable)
        #expect(facts.isAutomatable?.value == true && facts.isAutomatable?.evidence.source == "derived from CVSS 3.1")
        var points = DecisionPoints(source: "vulnrichment", id: facts.id)
        points.isAutomatable = false
        points.exploitation = .poc
        facts.add(.decisionPoints(points))
        #expect(facts.isAutomatable?.value == false && facts.proofsOfConcept.map(\.source) == ["vulnrichment"])
        var advisory = Advisory(source: "ghsa", id: "GHSA-1")
        advisory.severities = [
            Severity(type: "CVSS_V4", score: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N")
        ]
        facts.add(.advisory(advisory))
        #expect(
            facts.score?.value.name == "CVSS 3.1" && facts.isAutomatable?.value == false,
            "one number, and it says which")
    }

    @Test func ordersByBandThenBenefitOverCost() {
        let patches = [
            PatchCandidate(id: "later", name: "later", closes: [finding("CVE-2026-1", p: 0.9, days: 50)]),
            PatchCandidate(id: "b", name: "b", closes: [finding("CVE-2026-2", p: 0.5)]),
            PatchCandidate(id: "reboot", name: "reboot", closes: [finding("CVE-2026-3", p: 0.5)], needsReboot: true),
            PatchCandidate(id: "a", name: "a", closes: [finding("CVE-2026-4", p: 0.5)]),
            PatchCandidate(id: "nodate", name: "nodate", closes: [finding("CVE-2026-5", p: 0.99, days: nil)]),
            PatchCandidate(id: "overdue", name: "overdue", closes: [finding("CVE-2026-6", p: 0.01, days: -2)]),
            PatchCandidate(id: "empty", name: "empty", closes: []),
        ]
        let queue = RankedPatch.queue(patches, now: now)
        #expect(queue.map(\.patch.id) == ["overdue", "a", "b", "reboot", "later", "nodate"])
        #expect(queue.map(\.place) == [1, 2, 3, 4, 5, 6] && queue[0].band == .overdue)
        #expect(queue[3].sentence.contains("with a reboot") && queue[0].sentence.hasPrefix("1. overdue: overdue"))
        #expect(abs(queue[1].benefit - 1) < 1e-12 && abs(queue[3].cost - queue[1].cost - 2) < 1e-12)
        #expect(queue[1].full.count == 3)
    }

    @Test func benefitIsOfTheAssetNotOfEachVulnerability() {
        let one = RankedPatch(
            PatchCandidate(
                id: "x", name: "x",
                closes: [finding("CVE-1", p: 0.5), finding("CVE-2", p: 0.5), finding("CVE-1", "a2", p: 0.5)]),
            now: now)
        #expect(abs(one.benefit - (0.75 * 2 + 0.5 * 2)) < 1e-12 && one.assets == 2)
    }

    @Test func assetsThatAreAlikeCountAsManyTimes() {
        func queue(_ closes: [FindingRisk]) -> RankedPatch {
            RankedPatch(PatchCandidate(id: "x", name: "x", closes: closes), now: now)
        }
        var single: [FindingRisk] = []
        var together: [FindingRisk] = []
        for (name, count, impact) in [("a", 7, 2.0), ("b", 3, 8), ("c", 1, 1)] {
            for id in ["CVE-1", "CVE-2"] {
                let p = id == "CVE-1" ? 0.313 : 0.171
                single += (0..<count).map { finding(id, "\(name)\($0)", p: p, impact: impact) }
                var alike = finding(id, "\(name)0", p: p, impact: impact)
                alike.count = count
                together.append(alike)
            }
        }
        let (one, other) = (queue(single), queue(together))
        #expect(one.assets == 11 && other.assets == 11)
        #expect(one.benefit == other.benefit && one.cost == other.cost && one.deadline == other.deadline)
        #expect(one.sentence == other.sentence)
        #expect(other.full[0].hasPrefix("CVE-1 on b0 and 2 more that are alike: ") && other.full.count == 8)
        let (left, right) = (
            PatchSelection([one], maximumCount: 1), PatchSelection([other], maximumCount: 1)
        )
        #expect(abs(left.cut - right.cut) < 1e-9 && left.cut > 0)
    }

    @Test func whatIsExplainedInFullHasAnEnd() {
        let patch = RankedPatch(
            PatchCandidate(
                id: "x", name: "x",
                closes: (0..<RankedPatch.maximumExplained + 5).map { finding("CVE-1", "a\($0)") }), now: now)
        #expect(patch.full.count == RankedPatch.maximumExplained + 3)
        #expect(patch.full[RankedPatch.maximumExplained].hasPrefix("and 5 findings more"))
    }

    /// Against every choice there is: greedy within its bound, and the bound above the best.
    @Test(arguments: [UInt64](1...40))
    func thePlanIsAsGoodAsItSays(_ seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let findings = (0..<8).map { finding("CVE-\($0)", p: Double(next(90) + 1) / 100) }
        let patches = (0..<9).map { index in
            RankedPatch(
                PatchCandidate(
                    id: "p\(index)", name: "", closes: findings.filter { _ in next(3) == 0 }, needsReboot: next(2) == 0),
                now: now)
        }
        for capacity in [nil, 5.0] as [Double?] {
            let plan = PatchSelection(patches, maximumCount: 3, capacity: capacity)
            var best = 0.0
            for mask in 0..<512 where mask.nonzeroBitCount <= 3 {
                let chosen = patches.indices.filter { mask & (1 << $0) != 0 }
                if let capacity, chosen.map({ patches[$0].cost }).reduce(0, +) > capacity { continue }
                let closed = Set(chosen.flatMap { patches[$0].open.map(\.vulnerability) })
                best = max(best, findings.filter { closed.contains($0.vulnerability) }.map(\.hazard).reduce(0, +))
            }
            #expect(plan.cut <= best + 1e-9 && best <= plan.bound + 1e-9)
            if capacity == nil { #expect(plan.cut >= best * (1 - 1 / 2.718_281_83) - 1e-9) }
            #expect(abs(plan.choices.map(\.gain).reduce(0, +) - plan.cut) < 1e-9 && plan.choices.count <= 3)
        }
    }

    @Test func forecastsFromWhatWasDone() {
        let queue = RankedPatch.queue(
            (0..<6).map { PatchCandidate(id: "p\($0)", name: "p", closes: [finding("CVE-\($0)", p: 0.5, days: 10)]) },
            now: now)
        let cost = queue[0].cost
        #expect(CapacityForecast.fitting(queue, capacity: cost * 2.5) == 2)
        let forecast = CapacityForecast(
            queue, weeklyHistory: [1, 2, 3, 4, 5].map { $0 * cost }, now: now)
        #expect(forecast.items.map(\.outlook) == [.safe, .safe, .likely, .likely, .doubtful, .doubtful])
        #expect(forecast.items[0].done.map { $0 > now && $0 < at("2026-03-23") } == true)
        let blind = CapacityForecast(queue, weeklyHistory: [5, 5, 5], now: now)
        #expect(blind.items.allSatisfy { $0.outlook == .late && $0.done == nil }, "three weeks prove nothing")
    }
}
