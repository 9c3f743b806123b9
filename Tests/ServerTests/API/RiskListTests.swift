import Access
import Digest
import Feeds
import Inventory
import Matching
import Priority
import Store
import Testing
import Timestamps

@testable import Server

/// Lists look once at hosts that are alike: they must say what a walk through every finding of every host says.
@Suite struct RiskListTests {
    @Test(arguments: 0..<40)
    func listsAgreeWithTheWalk(seed: UInt64) throws {
        var random = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        let now = Timestamp(seconds: 1_790_000_000)
        let risk = try Self.fleet(&random, now: now)
        let decisions = seed % 3 == 0 ? RiskView.Decisions() : Self.decisions(&random, now: now)
        var policy = DeadlinePolicy.standard[Int(seed % 3)]
        policy.pauses = seed % 2 == 0 ? [.noFix, .evidenceHold, .freeze] : []
        let reach: Reach = seed % 4 == 1 ? .selected([try LabelSelector("site=a")]) : .all
        let knowledge = try Self.knowledge()
        let view = RiskView(
            risk: risk, knowledge: knowledge, policy: policy, decisions: decisions, reach: reach, lists: RiskLists(),
            now: now)
        let listed = view.vulnerabilities()
        let walked = view.walkedVulnerabilities()
        #expect(listed.map(\.id) == walked.map(\.id))
        #expect(!walked.isEmpty)
        for (left, right) in zip(listed, walked) {
            #expect(left.hosts == right.hosts, "\(left.id)")
            #expect(left.packages == right.packages, "\(left.id)")
            #expect(left.ids == right.ids, "\(left.id)")
            #expect(left.accepted == right.accepted, "\(left.id)")
            #expect(left.deadline?.due == right.deadline?.due, "\(left.id)")
            #expect(left.deadline?.counts == right.deadline?.counts, "\(left.id)")
        }
        // Pages of findings put together are the whole list, which a filter that lets all pass walks through.
        let whole = try view.findings(FindingFilter(), from: 0, limit: 100_000)
        #expect(whole.items.count == whole.total)
        var paged: [ShownFinding] = []
        while paged.count < whole.total {
            let page = try view.findings(FindingFilter(), from: paged.count, limit: 7)
            #expect(page.total == whole.total && page.unknown == whole.unknown)
            guard !page.items.isEmpty else { break }
            paged += page.items
        }
        #expect(paged.map(\.sentence) == whole.items.map(\.sentence))
        #expect(paged.map(\.host.id) == whole.items.map(\.host.id))
        let walkedTotal = try ShownFinding.State.allCases.reduce(0) { sum, state in
            sum + (try view.findings(FindingFilter(state: state), from: 0, limit: 1).total)
        }
        #expect(walkedTotal == whole.total)
        let names = Set(view.hosts.flatMap { risk.hosts[$0].plan.patches.flatMap(\.closes) })
        #expect(view.installable == names)
    }

    @Test func answersAreKeptOnlyForTheSameQuestion() throws {
        var random = Dice(state: 7)
        let now = Timestamp(seconds: 1_790_000_000)
        let risk = try Self.fleet(&random, now: now)
        let knowledge = try Self.knowledge()
        let shelf = RiskShelf()
        var question = RiskShelf.Question(
            organisation: "o", reach: .all, policy: .bod2604, decisions: RiskView.Decisions(),
            catalogue: knowledge.digest)
        func ask(_ revision: Int, _ now: Timestamp) -> RiskView {
            let question = question
            return shelf.view(question, revision: revision, now: now) { now in
                RiskView(
                    risk: risk, knowledge: knowledge, policy: question.policy, decisions: question.decisions,
                    reach: question.reach, lists: RiskLists(), now: now)
            }
        }
        let first = ask(1, now)
        #expect(ask(1, now).lists === first.lists)
        // What took no time is worked out anew, and so is what was published since.
        #expect(ask(1, now.adding(seconds: 50)).lists !== first.lists)
        let second = ask(1, now.adding(seconds: 50))
        #expect(ask(2, now.adding(seconds: 50)).lists !== second.lists)
        question.decisions.exceptions = Self.decisions(&random, now: now).exceptions
        #expect(ask(2, now.adding(seconds: 50)).decisions == question.decisions)
        question.reach = .none
        #expect(ask(2, now.adding(seconds: 50)).hosts.isEmpty)
    }

    // MARK: A fleet by chance

    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
        mutating func days(_ count: Int, before now: Timestamp) -> Timestamp {
            now.adding(seconds: -Int64(below(count * 86_400)))
        }
    }

    private static func knowledge() throws -> VulnerabilityDesk.Knowledge {
        let catalogue = try Catalogue(try CatalogueBuilder().bytes())
        return VulnerabilityDesk.Knowledge(
            catalogue: catalogue, matcher: try Matcher([catalogue]), digest: catalogue.digest,
            typical: TypicalLikelihood(), hasExploited: true)
    }

    private static func fleet(_ random: inout Dice, now: Timestamp) throws -> FleetRisk {
        var risk = FleetRisk(catalogue: SHA256.hash([]), asOf: now)
        let names = (1...15).map { "CVE-2026-\(1000 + $0)" }
        for name in names {
            var facts = VulnerabilityFacts(id: name)
            facts.isExploitationKnown = true
            if random.below(2) == 0 { facts.isAutomatable = Sourced(random.below(2) == 0, Evidence(source: "x")) }
            if random.below(2) == 0 { facts.impact = Sourced(.total, Evidence(source: "x")) }
            if random.below(3) == 0 { facts.exploitedElsewhere = [Evidence(source: "x")] }
            risk.vulnerabilities[name] = FleetRisk.KnownVulnerability(
                facts: facts, score: RiskScore(facts, typical: TypicalLikelihood(), now: now), summary: "")
        }
        for number in 0..<24 {
            let package = SoftwarePackage(
                scheme: "deb", distribution: "debian-12", name: "p\(number)", architecture: "amd64",
                version: "1-\(number)",
                source: "s\(number / 3)", sourceVersion: "1-\(number)")
            var open: [FleetRisk.OpenFinding] = []
            for name in names where random.below(6) == 0 {
                var finding = FleetRisk.OpenFinding(formerly: name, reason: "")
                finding.ids = [name, "GHSA-\(number)-\(name.suffix(4))"]
                finding.verdict = random.below(4) == 0 ? .unknown : .affected
                finding.fixed = random.below(2) == 0 ? "2" : nil
                open.append(finding)
                let since = random.days(90, before: now)
                risk.open[Verdicts.Key(package: Int64(number), vulnerability: name)] = Verdicts.Open(
                    verdict: finding.verdict.rawValue, since: since,
                    fixKnown: finding.fixed == nil ? nil : since.adding(seconds: Int64(random.below(20 * 86_400))))
            }
            risk.packages[Int64(number)] = FleetRisk.JudgedPackage(
                package: package, unknown: random.below(8) == 0 ? "no feed" : "", open: open)
        }
        for number in 0..<50 {
            let host = Verdicts.Host(
                id: number < 10 ? "h0\(number)" : "h\(number)", hostname: "host\(random.below(45))",
                labels: ["site": ["a", "b"][random.below(2)]], enrolled: random.days(120, before: now),
                isActive: random.below(12) > 0)
            var asset = AssetFacts(id: host.id, name: host.hostname)
            asset.exposure = .init([.open, .controlled, .small][random.below(3)], because: "a label")
            asset.criticality = .init([.low, .high][random.below(2)], because: "a label")
            let packages = (0..<24).filter { _ in random.below(3) == 0 }.map(Int64.init)
            var entry = FleetRisk.HostRisk(
                host: host, asset: asset, packages: random.below(15) == 0 ? nil : packages, plan: FleetRisk.HostPlan())
            if entry.packages != nil {
                entry.exposed = packages.filter { !(risk.packages[$0]?.open.isEmpty ?? true) }
                for source in 0..<8 where random.below(4) == 0 {
                    entry.arrivals["deb\ts\(source)"] = random.days(100, before: now)
                }
            }
            risk.hosts.append(entry)
        }
        return risk
    }

    private static func decisions(_ random: inout Dice, now: Timestamp) -> RiskView.Decisions {
        var decisions = RiskView.Decisions()
        for number in 0..<4 {
            var exception = StoredException(
                id: "e\(number)", organisation: "o", vulnerability: "CVE-2026-\(1001 + random.below(15))", owner: "a",
                reason: "r", compensatingControl: "c", requestedBy: "a", requestedAt: now.adding(seconds: -900_000),
                expires: now.adding(seconds: Int64(random.below(900_000)) - 100_000))
            (exception.approvedBy, exception.approvedAt) = ("b", now.adding(seconds: -800_000))
            if random.below(2) == 0 { exception.selector = "site=a" }
            if random.below(3) == 0 { exception.package = "s\(random.below(8))" }
            decisions.exceptions.append(exception)
            var pause = StoredPause(
                id: "p\(number)", organisation: "o", reason: "freeze", from: random.days(40, before: now),
                startedBy: "a")
            if random.below(2) == 0 { pause.until = now.adding(seconds: -Int64(random.below(86_400))) }
            if random.below(2) == 0 { pause.vulnerability = "cve-2026-\(1001 + random.below(15))" }
            if random.below(2) == 0 { pause.host = "h\(10 + random.below(40))" }
            if !pause.vulnerability.isEmpty || !pause.host.isEmpty { decisions.pauses.append(pause) }
            decisions.evidence.append(
                StoredEvidence(
                    host: "h\(10 + random.below(40))", vulnerability: "CVE-2026-\(1001 + random.below(15))",
                    step: EvidenceHold.Step.volatileEvidence.rawValue, at: random.days(5, before: now), by: "a",
                    digest: ""))
        }
        return decisions
    }
}
