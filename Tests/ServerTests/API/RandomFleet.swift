import Access
import Digest
import Feeds
import Inventory
import Matching
import Priority
import Store
import Timestamps

@testable import Server

/// Numbers by chance, the same for the same seed.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

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

/// A fleet by chance, some hosts of which are alike, with what people decided about it.
enum RandomFleet {
    static func knowledge() throws -> VulnerabilityDesk.Knowledge {
        let catalogue = try Catalogue(try CatalogueBuilder().bytes())
        return VulnerabilityDesk.Knowledge(
            catalogue: catalogue, matcher: try Matcher([catalogue]), digest: catalogue.digest,
            typical: TypicalLikelihood(), hasExploited: true)
    }

    static func fleet(_ random: inout Dice, now: Timestamp) throws -> FleetRisk {
        var risk = FleetRisk(catalogue: SHA256.hash([]), asOf: now)
        let names = (1...15).map { "CVE-2026-\(1000 + $0)" }
        for name in names {
            var facts = VulnerabilityFacts(id: name)
            facts.isExploitationKnown = true
            if random.below(2) == 0 { facts.isAutomatable = Sourced(random.below(2) == 0, Evidence(source: "x")) }
            if random.below(2) == 0 { facts.impact = Sourced(.total, Evidence(source: "x")) }
            if random.below(3) == 0 { facts.exploitedElsewhere = [Evidence(source: "x")] }
            if random.below(3) == 0 {
                var entry = KnownExploited(source: "kev", id: name, added: random.days(60, before: now))
                if random.below(4) > 0 { entry.due = entry.added.adding(seconds: 21 * 86_400) }
                facts.knownExploited = entry
            }
            if random.below(3) > 0 {
                facts.score = Sourced(
                    .init(value: [5.0, 7.5, 9.8][random.below(3)], name: "CVSS 3.1"), Evidence(source: "x"))
            }
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
        var plans: [String: PatchSteps] = [:]
        for number in 0..<50 {
            let host = Verdicts.Host(
                id: number < 10 ? "h0\(number)" : "h\(number)", hostname: "host\(random.below(45))",
                labels: ["site": ["a", "b"][random.below(2)]], enrolled: random.days(120, before: now),
                isActive: random.below(12) > 0)
            var asset = AssetFacts(id: host.id, name: host.hostname)
            asset.exposure = .init([.open, .controlled, .small][random.below(3)], because: "a label")
            asset.criticality = .init([.low, .high][random.below(2)], because: "a label")
            if random.below(4) == 0 { asset.mitigation = "a firewall" }
            // Every other host is like one of before, but for when it and its packages came.
            if number > 4, random.below(2) == 0 {
                var entry = risk.hosts[random.below(number)]
                (entry.host, entry.asset.id, entry.asset.name) = (host, host.id, host.hostname)
                if random.below(2) == 0 {
                    for name in entry.arrivals.keys { entry.arrivals[name] = random.days(100, before: now) }
                }
                risk.hosts.append(entry)
                continue
            }
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
                entry.plan = plan(risk, entry.exposed, &random, &plans)
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
    ///
    /// - Parameter known: hosts with the same packages mostly have the same patch.
    private static func plan(
        _ risk: FleetRisk, _ exposed: [Int64], _ random: inout Dice, _ known: inout [String: PatchSteps]
    ) -> FleetRisk.HostPlan {
        let bySource = Dictionary(grouping: exposed) { risk.packages[$0]?.package.source ?? "" }
        var plan = FleetRisk.HostPlan()
        for (source, packages) in bySource.sorted(by: { $0.key < $1.key }) where random.below(3) > 0 {
            if let shared = known["\(source) \(packages)"], random.below(4) > 0 {
                plan.patches.append(shared)
                continue
            }
            let names = Set(packages.flatMap { risk.packages[$0]?.open.map(\.vulnerability) ?? [] }).sorted()
            let closes = names.filter { _ in random.below(4) > 0 }
            let to = ["2", "3"][random.below(2)]
            let patch = PatchSteps(
                source: source,
                steps: packages.map {
                    let package = risk.packages[$0]?.package
                    return VersionStep(
                        name: package?.name ?? "", architecture: "amd64", from: package?.version ?? "", to: to)
                }, closes: closes, leaves: names.filter { !closes.contains($0) },
                cost: random.below(5) == 0 ? .reboot : .none)
            known["\(source) \(packages)"] = patch
            plan.patches.append(patch)
        }
        return plan
    }

    ///
    /// - Parameter risk: what the hosts have: evidence is of what is known to be exploited there.
    static func decisions(_ random: inout Dice, _ risk: FleetRisk, now: Timestamp) -> RiskView.Decisions {
        var decisions = RiskView.Decisions()
        let exploited = risk.vulnerabilities.filter { $0.value.facts.knownExploited != nil }
            .sorted { $0.key < $1.key }
        for number in 0..<4 {
            var exception = StoredException(
                id: "e\(number)", organisation: "o", vulnerability: "CVE-2026-\(1001 + random.below(15))", owner: "a",
                reason: "r", compensatingControl: "c", requestedBy: "a", requestedAt: now.adding(seconds: -900_000),
                expires: now.adding(seconds: Int64(random.below(900_000)) - 100_000))
            (exception.approvedBy, exception.approvedAt) = ("b", now.adding(seconds: -800_000))
            if random.below(2) == 0 { exception.selector = "site=a" }
            if random.below(2) == 0 { exception.coversExploitation = true }
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
            guard !exploited.isEmpty else { continue }
            let (name, known) = exploited[random.below(exploited.count)]
            // Taken before the vulnerability was known to be exploited, or after.
            let added = known.facts.knownExploited?.added ?? now
            for host in [10 + random.below(40), 10 + random.below(40)] {
                decisions.evidence.append(
                    StoredEvidence(
                        host: "h\(host)", vulnerability: name,
                        step: random.below(3) == 0
                            ? StoredEvidence.waived : EvidenceHold.Step.volatileEvidence.rawValue,
                        at: added.adding(seconds: Int64(random.below(20 * 86_400)) - 10 * 86_400), by: "a", digest: ""))
            }
        }
        return decisions
    }

    /// A policy by chance: a standard one, one with terms of months, or a rule of law, standard or contract.
    static func policy(seed: UInt64) -> DeadlinePolicy {
        var policy: DeadlinePolicy
        switch seed % 5 {
        case 3:
            policy = DeadlinePolicy(
                id: "months", version: "1", table: .bod2604,
                terms: ["60 days": .months(2), "14 days": .months(1), "3 days": .months(1)])
        case 4: return DeadlinePolicy.compliance[Int(seed / 5) % DeadlinePolicy.compliance.count]
        default: policy = DeadlinePolicy.standard[Int(seed % 5)]
        }
        if seed % 2 == 0 || seed % 5 == 3 { policy.pauses = [.noFix, .evidenceHold, .freeze] }
        if seed % 7 == 0 { policy.clockStart = .release }
        return policy
    }

    /// When it is: in some fleets shortly after the end of February.
    static func now(seed: UInt64) -> Timestamp {
        // 2026-09-21 and 2026-03-05
        Timestamp(seconds: seed % 2 == 0 ? 1_790_000_000 : 1_772_700_000)
    }
}
