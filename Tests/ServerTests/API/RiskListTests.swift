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
    @Test(arguments: 0..<60)
    func listsAgreeWithTheWalk(seed: UInt64) throws {
        var random = Dice(seed: seed)
        let now = RandomFleet.now(seed: seed)
        let risk = try RandomFleet.fleet(&random, now: now)
        let decisions = seed % 3 == 0 ? RiskView.Decisions() : RandomFleet.decisions(&random, risk, now: now)
        let policy = RandomFleet.policy(seed: seed)
        let reach: Reach = seed % 4 == 1 ? .selected([try LabelSelector("site=a")]) : .all
        let knowledge = try RandomFleet.knowledge()
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

    @Test(arguments: 0..<100)
    func theQueueAgreesWithTheWalk(seed: UInt64) throws {
        var random = Dice(seed: seed)
        let now = RandomFleet.now(seed: seed)
        let risk = try RandomFleet.fleet(&random, now: now)
        let decisions = seed % 3 == 0 ? RiskView.Decisions() : RandomFleet.decisions(&random, risk, now: now)
        let policy = RandomFleet.policy(seed: seed)
        let reach: Reach = seed % 4 == 1 ? .selected([try LabelSelector("site=a")]) : .all
        let view = RiskView(
            risk: risk, knowledge: try RandomFleet.knowledge(), policy: policy, decisions: decisions, reach: reach,
            lists: RiskLists(), now: now)
        let queue = view.queue()
        let walked = view.walkedQueue()
        #expect(!walked.isEmpty)
        if [0, 10].contains(seed) {
            // These have all that the others may have.
            #expect(walked.contains { $0.patch.id.hasPrefix("reboot/") })
            #expect(walked.contains { $0.isEvidenceFirst })
            #expect(queue.contains { $0.open.contains { $0.count > 1 && $0.earliest != $0.asset } })
            #expect(queue.map(\.open.count).reduce(0, +) < walked.map(\.open.count).reduce(0, +))
        }
        #expect(queue.map(\.patch.id) == walked.map(\.patch.id))
        for (left, right) in zip(queue, walked) {
            #expect(left.sentence == right.sentence)
            #expect(left.deadline?.due == right.deadline?.due && left.band == right.band)
            #expect(left.benefit == right.benefit && left.cost == right.cost && left.assets == right.assets)
            #expect(left.isEvidenceFirst == right.isEvidenceFirst)
            #expect(left.patch.name == right.patch.name && left.patch.needsReboot == right.patch.needsReboot)
            #expect(Set(left.open.map(\.vulnerability)) == Set(right.open.map(\.vulnerability)))
            #expect(left.open.reduce(0) { $0 + $1.count } == right.open.count)
            // Who is named as the earliest is.
            for finding in left.open {
                let named = finding.earliest ?? finding.asset
                let its = right.open.first { $0.asset == named && $0.vulnerability == finding.vulnerability }
                #expect(its?.deadline.due == finding.deadline.due, "\(finding.vulnerability) on \(named)")
                #expect(its?.deadline.isEvidenceFirst == finding.deadline.isEvidenceFirst)
            }
            #expect(left.open.map(\.detected).min() == right.open.map(\.detected).min())
            #expect(
                Set(view.hosts(ofPatch: left.patch.id)).isSuperset(
                    of: view.hosts.filter { index in
                        let asset = view.assetName(risk.hosts[index].host, view.namesakes)
                        return right.open.contains { $0.asset == asset }
                    }))
            if !left.patch.id.hasPrefix("reboot/") {
                #expect(
                    view.hosts(ofPatch: left.patch.id).sorted()
                        == view.hosts.filter { view.patches(host: $0).contains { $0.id == left.patch.id } })
            }
            for index in view.hosts {
                let asset = view.assetName(risk.hosts[index].host, view.namesakes)
                let due = DeadlinePolicy.deadline(
                    ofPatchWith: right.open.filter { $0.asset == asset }.map(\.deadline))?.due
                #expect(view.deadline(ofPatch: left.patch.id, host: index)?.due == due)
            }
        }
        // Fewer findings are looked at than there are.
        #expect(queue.map(\.open.count).reduce(0, +) <= walked.map(\.open.count).reduce(0, +))
        for count in [1, 3, 100] {
            let chosen = view.selection(count: count)
            let plain = PatchSelection(walked, maximumCount: count)
            #expect(abs(chosen.total - plain.total) < 1e-9 && abs(chosen.cut - plain.cut) < 1e-9)
            #expect(abs(chosen.quality - plain.quality) < 1e-9)
        }
    }

    /// Of hosts that are alike the one that was enrolled first is not the one that is due first where terms are months and
    /// clocks stood still: January is longer than February.
    @Test(arguments: [DeadlinePolicy.ClockStart.informed, .release])
    func monthsAreNotEquallyLong(start: DeadlinePolicy.ClockStart) throws {
        let now = Timestamp(seconds: 1_772_700_000)
        var risk = FleetRisk(catalogue: SHA256.hash([]), asOf: now)
        let name = "CVE-2026-1001"
        let facts = VulnerabilityFacts(id: name)
        risk.vulnerabilities[name] = FleetRisk.KnownVulnerability(
            facts: facts, score: RiskScore(facts, typical: TypicalLikelihood(), now: now), summary: "")
        var finding = FleetRisk.OpenFinding(formerly: name, reason: "")
        (finding.ids, finding.verdict, finding.fixed) = ([name], .affected, "2")
        let package = SoftwarePackage(
            scheme: "deb", distribution: "debian-12", name: "p", architecture: "amd64", version: "1", source: "p",
            sourceVersion: "1")
        risk.packages[1] = FleetRisk.JudgedPackage(package: package, unknown: "", open: [finding])
        let since = try #require(Timestamp(rfc3339: "2025-06-01T00:00:00Z"))
        risk.open[Verdicts.Key(package: 1, vulnerability: name)] = Verdicts.Open(
            verdict: "affected", since: since, fixKnown: since)
        for (number, day) in ["2026-01-01", "2026-02-01", "2026-01-20"].enumerated() {
            let host = Verdicts.Host(
                id: "h\(number)", hostname: "host\(number)", labels: [:],
                enrolled: try #require(Timestamp(rfc3339: day + "T00:00:00Z")), isActive: true)
            var entry = FleetRisk.HostRisk(
                host: host, asset: AssetFacts(id: host.id, name: host.hostname), packages: [1],
                plan: FleetRisk.HostPlan(patches: [
                    PatchSteps(
                        source: "p", steps: [VersionStep(name: "p", architecture: "amd64", from: "1", to: "2")],
                        closes: [name], leaves: [], cost: .none)
                ]))
            entry.exposed = [1]
            risk.hosts.append(entry)
        }
        var policy = RandomFleet.policy(seed: 3)
        policy.clockStart = start
        var decisions = RiskView.Decisions()
        var freeze = StoredPause(
            id: "p", organisation: "o", reason: "freeze", from: since, startedBy: "a")
        freeze.until = try #require(Timestamp(rfc3339: "2026-02-10T00:00:00Z"))
        decisions.pauses = [freeze]
        let view = RiskView(
            risk: risk, knowledge: try RandomFleet.knowledge(), policy: policy, decisions: decisions, reach: .all,
            lists: RiskLists(), now: now)
        // February and the nine days that were still frozen.
        let due = try #require(Timestamp(rfc3339: "2026-03-10T00:00:00Z"))
        #expect(view.walkedQueue().first?.deadline?.due == due)
        let first = try #require(view.queue().first)
        #expect(first.deadline?.due == due && first.open.count == 1 && first.open[0].count == 3)
        #expect(first.open[0].asset == "host0" && first.open[0].earliest == "host1")
        #expect(first.full[0].contains("; the earliest on host1: due 2026-03-10"), "\(first.full[0])")
        #expect(view.vulnerabilities().first?.deadline?.due == due)
        #expect(view.walkedVulnerabilities().first?.deadline?.due == due)
    }

    /// A pause that ended before any clock began makes no host differ from others; one that runs does.
    @Test func onlyPausesThatCountTellHostsApart() throws {
        let now = RandomFleet.now(seed: 0)
        var random = Dice(seed: 0)
        let risk = try RandomFleet.fleet(&random, now: now)
        var policy = DeadlinePolicy.bod2604
        policy.pauses = [.offline]
        func groups(_ until: Timestamp?) throws -> Int {
            var decisions = RiskView.Decisions()
            for host in risk.hosts {
                var pause = StoredPause(
                    id: "p\(host.host.id)", organisation: "o", reason: "offline",
                    from: now.adding(seconds: -300 * 86_400),
                    startedBy: "server")
                (pause.host, pause.until) = (host.host.id, until)
                decisions.pauses.append(pause)
            }
            return RiskView(
                risk: risk, knowledge: try RandomFleet.knowledge(), policy: policy, decisions: decisions, reach: .all,
                lists: RiskLists(), now: now
            ).queue().map(\.open.count).reduce(0, +)
        }
        let over = try groups(now.adding(seconds: -299 * 86_400))
        #expect(try over < groups(now.adding(seconds: -86_400)))
    }

    @Test func answersAreKeptOnlyForTheSameQuestion() throws {
        var random = Dice(seed: 7)
        let now = Timestamp(seconds: 1_790_000_000)
        let risk = try RandomFleet.fleet(&random, now: now)
        let knowledge = try RandomFleet.knowledge()
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
        question.decisions.exceptions = RandomFleet.decisions(&random, risk, now: now).exceptions
        #expect(ask(2, now.adding(seconds: 50)).decisions == question.decisions)
        question.reach = .none
        #expect(ask(2, now.adding(seconds: 50)).hosts.isEmpty)
        // Nobody asks any more: what is published next lets go of them.
        shelf.drop(olderThan: now.adding(seconds: 100))
        #expect(shelf.count > 0)
        shelf.drop(olderThan: now.adding(seconds: 111))
        #expect(shelf.count == 0)
        _ = ask(3, now)
        let desk = VulnerabilityDesk(data: "/nonexistent")
        _ = desk.shelf.view(question, revision: 1, now: now) { now in
            RiskView(
                risk: risk, knowledge: knowledge, policy: .bod2604, decisions: RiskView.Decisions(), reach: .none,
                lists: RiskLists(), now: now)
        }
        desk.publish("o", FleetRisk(catalogue: SHA256.hash([]), asOf: now.adding(seconds: 61)))
        #expect(desk.shelf.count == 0)
    }
}
