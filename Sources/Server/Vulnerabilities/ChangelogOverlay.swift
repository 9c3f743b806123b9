import Inventory
import Matching
import Store

/// What changelogs add to the judgements of one organisation's packages: worked out once for each distinct pair of software
/// and offers, and again only for pairs that came or went, or where hosts have read more.
struct ChangelogOverlay: Sendable {
    /// What some hosts have, and what they are offered.
    private struct Pair: Hashable {
        var set: Verdicts.Software
        var pending: Int64
    }

    /// How many hosts are of a pair.
    private struct Use: Hashable {
        var hosts = 0
        var active = 0
    }

    /// A package and the version that it is offered.
    private struct Step {
        var package: Int64
        var candidate: String
        /// The offer, whatever version is installed.
        var offer: String
    }

    /// What a pair has added so far.
    private struct Applied {
        var steps: [Step]
        var use: Use
    }

    /// The hosts of all pairs with one step, and the software of one of them.
    private struct Sum {
        var use: Use
        var set: Verdicts.Software
    }

    private var evidence = ChangelogEvidence.none
    /// What ``evidence`` is as of; nil before it was read.
    private(set) var stamp: Int64?
    private var isRead = false

    private var uses: [Pair: Use] = [:]
    private var activeOfSet: [Verdicts.Software: Int] = [:]
    private var changed: Set<Pair> = []
    private var applied: [Pair: Applied] = [:]
    /// By package and offered version.
    private var sums: [Int64: [String: Sum]] = [:]
    /// The active hosts that are offered a version, whatever they have.
    private var offered: [String: Int] = [:]
    /// What ``judged`` was worked out by: each package's offered versions, and whether only one host can read them.
    private var basis: [Int64: [String: Bool]] = [:]
    /// The judgements that changelogs add something to.
    private(set) var judged: [Int64: FleetJudge.JudgedOnce] = [:]

    /// Takes what hosts have read.
    mutating func take(_ evidence: ChangelogEvidence, stamp: Int64) {
        self.evidence = evidence
        self.stamp = stamp
        isRead = true
    }

    /// Takes note of a host that came, changed or went.
    mutating func move(from before: Verdicts.Host?, to after: Verdicts.Host?) {
        count(before, -1)
        count(after, 1)
    }

    private mutating func count(_ host: Verdicts.Host?, _ number: Int) {
        guard let host, let set = host.software else { return }
        let active = host.isActive ? number : 0
        activeOfSet[set, default: 0] += active
        if activeOfSet[set] == 0 { activeOfSet[set] = nil }
        guard let pending = host.pendingSet, pending > 0 else { return }
        let pair = Pair(set: set, pending: pending)
        uses[pair, default: Use()].hosts += number
        uses[pair, default: Use()].active += active
        if uses[pair]?.hosts == 0 { uses[pair] = nil }
        changed.insert(pair)
    }

    /// Works out anew what has to be.
    ///
    /// - Parameters:
    ///   - owners: in how many sets in use a package is.
    ///   - isNew: whether feeds say something else than before.
    /// - Returns: the packages whose judgement is another than before, by changelogs.
    mutating func update(
        _ judgements: [Int64: FleetJudge.JudgedOnce], sets: [Verdicts.Software: [Int64]?],
        offers: [Int64: [Verdicts.Offer]], owners: [Int64: Int], isNew: Bool
    ) -> Set<Int64> {
        let isAll = isRead || isNew
        for pair in isRead ? Set(uses.keys).union(applied.keys) : changed {
            let old = applied[pair]
            let use = uses[pair]
            guard isRead || old?.use != use else { continue }
            if let old { add(old, of: pair, -1) }
            guard let use else {
                applied[pair] = nil
                continue
            }
            let known = isRead ? nil : old?.steps
            let new = Applied(
                steps: known
                    ?? steps(judgements, sets[pair.set].flatMap(\.self) ?? [], offers[pair.pending] ?? []), use: use)
            add(new, of: pair, 1)
            applied[pair] = new
        }
        (changed, isRead) = ([], false)

        var next: [Int64: [String: Bool]] = [:]
        for (id, candidates) in sums {
            guard let package = judgements[id]?.judgement.package else { continue }
            for (candidate, sum) in candidates {
                let offer = Self.offer(package.name, package.architecture, candidate)
                // Another host that has the package would be told what only this one has read.
                next[id, default: [:]][candidate] =
                    offered[offer] == 1 && owners[id] == 1 && activeOfSet[sum.set] == 1
            }
        }
        var different: Set<Int64> = []
        for id in Set(next.keys).union(basis.keys) where isAll || next[id] != basis[id] {
            let before = judged[id]?.judgement
            judged[id] = nil
            if let once = judgements[id], let candidates = next[id] {
                let judgement = evidence.added(to: once.judgement, offered: candidates)
                if judgement != once.judgement { judged[id] = once.with(judgement) }
            }
            if judged[id]?.judgement != before { different.insert(id) }
        }
        basis = next
        return different
    }

    private mutating func add(_ applied: Applied, of pair: Pair, _ sign: Int) {
        for step in applied.steps {
            var sum = sums[step.package]?[step.candidate] ?? Sum(use: Use(), set: pair.set)
            sum.use.hosts += sign * applied.use.hosts
            sum.use.active += sign * applied.use.active
            if sign > 0 { sum.set = pair.set }
            sums[step.package, default: [:]][step.candidate] = sum.use.hosts > 0 ? sum : nil
            if sums[step.package]?.isEmpty ?? false { sums[step.package] = nil }
            offered[step.offer, default: 0] += sign * applied.use.active
            if offered[step.offer] == 0 { offered[step.offer] = nil }
        }
    }

    private func steps(
        _ judgements: [Int64: FleetJudge.JudgedOnce], _ packages: [Int64], _ offers: [Verdicts.Offer]
    ) -> [Step] {
        // Most offers were read by nobody: few are left to look for among the host's packages.
        let candidates = Dictionary(
            offers.filter { evidence.knows(version: $0.candidate) }.map {
                ("\($0.name)\t\($0.architecture)", $0.candidate)
            },
            uniquingKeysWith: { first, _ in first })
        guard !candidates.isEmpty else { return [] }
        return packages.compactMap { id in
            guard let package = judgements[id]?.judgement.package,
                let candidate = candidates["\(package.name)\t\(package.architecture)"],
                evidence.step(package, to: candidate) != nil
            else { return nil }
            return Step(
                package: id, candidate: candidate, offer: Self.offer(package.name, package.architecture, candidate))
        }
    }

    private static func offer(_ name: String, _ architecture: String, _ candidate: String) -> String {
        "\(name)\t\(architecture)\t\(candidate)"
    }
}

/// The judgements of all packages, with what changelogs add in one organisation; neither is copied for that.
struct OverlaidJudgements: Sendable {
    var base: [Int64: FleetJudge.JudgedOnce]
    var overlay: [Int64: FleetJudge.JudgedOnce]

    subscript(id: Int64) -> FleetJudge.JudgedOnce? { overlay[id] ?? base[id] }
}
