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

    @Test(arguments: 0..<60)
    func theQueueAgreesWithTheWalk(seed: UInt64) throws {
        var random = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        let now = Timestamp(seconds: 1_790_000_000)
        let risk = try Self.fleet(&random, now: now)
        let decisions = seed % 3 == 0 ? RiskView.Decisions() : Self.decisions(&random, now: now)
        var policy = DeadlinePolicy.standard[Int(seed % 3)]
        policy.pauses = seed % 2 == 0 ? [.noFix, .evidenceHold, .freeze] : []
        let reach: Reach = seed % 4 == 1 ? .selected([try LabelSelector("site=a")]) : .all
        let view = RiskView(
            risk: risk, knowledge: try Self.knowledge(), policy: policy, decisions: decisions, reach: reach,
            lists: RiskLists(), now: now)
        let queue = view.queue()
        let walked = view.walkedQueue()
        #expect(!walked.isEmpty)
        if [0, 2, 5].contains(seed) { #expect(walked.contains { $0.patch.id.hasPrefix("reboot/") }) }
        #expect(queue.map(\.patch.id) == walked.map(\.patch.id))
        for (left, right) in zip(queue, walked) {
            #expect(left.sentence == right.sentence)
            #expect(left.deadline?.due == right.deadline?.due && left.band == right.band)
            #expect(left.benefit == right.benefit && left.cost == right.cost && left.assets == right.assets)
            #expect(left.isEvidenceFirst == right.isEvidenceFirst)
            #expect(left.patch.name == right.patch.name && left.patch.needsReboot == right.patch.needsReboot)
            #expect(Set(left.open.map(\.vulnerability)) == Set(right.open.map(\.vulnerability)))
            #expect(left.open.reduce(0) { $0 + $1.count } == right.open.count)
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
            // The last is another's package of the same source; the first three are kernels and their headers.
            let package = SoftwarePackage(
                scheme: number == 23 ? "pypi" : "deb", distribution: number == 23 ? "" : "debian-12",
                name: number < 3 ? ["linux-image-1.0", "linux-image-2.0", "linux-headers-1.0"][number] : "p\(number)",
                architecture: "amd64", version: "1-\(number)",
                source: number < 3 ? "linux" : "s\(number / 3)", sourceVersion: "1-\(number)")
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
                if random.below(3) == 0 { entry.arrivals["pypi\ts7"] = random.days(100, before: now) }
                if random.below(3) == 0 { entry.arrivals["deb\tlinux"] = random.days(100, before: now) }
                entry.plan = plan(risk, entry.exposed, &random)
                if random.below(4) > 0 {
                    let newest = InstalledKernel(package: "linux-image-2.0", release: "2.0", version: "1-1")
                    entry.kernels = HostKernels(
                        packages, risk.packages,
                        KernelFacts(
                            running: ["1.0", "2.0"][random.below(2)], runningVersion: "", flavour: "",
                            installed: random.below(4) == 0 ? [] : [newest]))
                }
            }
            risk.hosts.append(entry)
        }
        return risk
    }

    /// Patches of some of the sources, each closing some of what is open there.
    private static func plan(_ risk: FleetRisk, _ exposed: [Int64], _ random: inout Dice) -> FleetRisk.HostPlan {
        let bySource = Dictionary(grouping: exposed) { risk.packages[$0]?.package.source ?? "" }
        var plan = FleetRisk.HostPlan()
        for (source, packages) in bySource.sorted(by: { $0.key < $1.key }) where random.below(3) > 0 {
            let names = Set(packages.flatMap { risk.packages[$0]?.open.map(\.vulnerability) ?? [] }).sorted()
            let closes = names.filter { _ in random.below(4) > 0 }
            let to = ["2", "3"][random.below(2)]
            plan.patches.append(
                PatchSteps(
                    source: source,
                    steps: packages.map {
                        let package = risk.packages[$0]?.package
                        return VersionStep(
                            name: package?.name ?? "", architecture: "amd64", from: package?.version ?? "", to: to)
                    }, closes: closes, leaves: names.filter { !closes.contains($0) },
                    cost: random.below(5) == 0 ? .reboot : .none))
        }
        return plan
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
            // One package's name of it.
            if random.below(4) == 0 { pause.vulnerability = "GHSA-\(random.below(24))-\(1001 + random.below(15))" }
            if random.below(2) == 0 { pause.host = "h\(10 + random.below(40))" }
            if pause.host.isEmpty, random.below(2) == 0 { pause.selector = "site=b" }
            decisions.pauses.append(pause)
            decisions.evidence.append(
                StoredEvidence(
                    host: "h\(10 + random.below(40))", vulnerability: "CVE-2026-\(1001 + random.below(15))",
                    step: EvidenceHold.Step.volatileEvidence.rawValue, at: random.days(5, before: now), by: "a",
                    digest: ""))
        }
        return decisions
    }
}
