import Matching
import Store
import Timestamps

/// Works out what has changed between what is open and what was judged: pure, so that what closes a finding is read here.
struct VerdictLedger {
    /// What a judged package says.
    struct Judged: Sendable {
        /// The vulnerabilities that affect it: whether a fix is known, and all ids.
        var affected: [String: (isFixable: Bool, ids: [String])] = [:]
        /// Those of which somebody says that they cannot tell.
        var undecided: Set<String> = []
        /// Whether nobody says anything of it at all.
        var isUnknown = false
        /// Whether it is not known where it came from, so that nobody's word counts.
        var isOfUnknownOrigin = false

        /// One of which nothing is said.
        init() {}

        init(_ judgement: Matching.Judgement, isOfUnknownOrigin: Bool = false) {
            isUnknown = !judgement.unknown.isEmpty
            self.isOfUnknownOrigin = isOfUnknownOrigin
            for finding in judgement.findings where !finding.isInformational {
                if finding.verdict == .affected {
                    affected[finding.vulnerability] = (finding.fixed != nil, finding.ids)
                }
                if finding.verdict == .unknown { undecided.insert(finding.vulnerability) }
            }
        }
    }

    /// How long the clock of what was closed is remembered, in seconds: what a failed patch brings back, or a feed that
    /// changes its mind, is no new finding.
    static let memory: Int64 = 30 * 86_400

    /// The changes of verdicts, by package and vulnerability.
    private(set) var changes: [Verdicts.Change] = []
    /// Fixes that became known, or were withdrawn.
    private(set) var fixes: [Verdicts.Key: Timestamp?] = [:]
    /// What is open afterwards.
    private(set) var open: [Verdicts.Key: Verdicts.Open]
    /// What was closed within ``memory``.
    private(set) var closed: [Verdicts.Key: Verdicts.Closed]

    private let families: [Int64: Int]
    private let bases: [Int64: Int64]
    private var clocks: [Place: Clock]?

    /// A vulnerability in the builds of one source.
    private struct Place: Hashable {
        var family: Int
        var vulnerability: String
    }
    private struct Clock {
        var since: Timestamp
        var fixKnown: Timestamp?
    }

    /// - Parameters:
    ///   - open: what is open so far.
    ///   - closed: what was closed lately.
    ///   - judged: the packages that were judged.
    ///   - gone: the packages that nobody has any more.
    ///   - families: packages that are builds of one source in one distribution have one number. A host that goes from one to
    ///     another which is affected too keeps its clock.
    ///   - bases: of the numbers that packages have as not their distribution's own, those that they have as such.
    init(
        open: [Verdicts.Key: Verdicts.Open], closed: [Verdicts.Key: Verdicts.Closed] = [:], judged: [Int64: Judged],
        gone: Set<Int64>, families: [Int64: Int] = [:], bases: [Int64: Int64] = [:], now: Timestamp
    ) {
        self.open = open
        self.closed = closed.filter { now.seconds(since: $0.value.at) <= Self.memory }
        self.families = families
        self.bases = bases
        for (package, verdicts) in judged {
            for (vulnerability, finding) in verdicts.affected {
                affect(
                    Verdicts.Key(package: package, vulnerability: vulnerability), finding.isFixable, finding.ids, now)
            }
            if verdicts.isOfUnknownOrigin { keep(package, verdicts.undecided, now) }
        }
        for (key, before) in open {
            if gone.contains(key.package) {
                close(key, before, as: Verdicts.Change.gone, now)
                continue
            }
            guard let verdicts = judged[key.package], verdicts.affected[key.vulnerability] == nil else { continue }
            if verdicts.isUnknown || verdicts.undecided.contains(key.vulnerability) {
                // Nobody says that it is fixed: the finding stays, with its clock.
                guard before.verdict != Verdict.unknown.rawValue else { continue }
                changes.append(
                    .init(key: key, before: before.verdict, after: Verdict.unknown.rawValue, at: now))
                self.open[key]?.verdict = Verdict.unknown.rawValue
            } else {
                close(key, before, as: "", now)
            }
        }
        changes.sort { ($0.key.package, $0.key.vulnerability) < ($1.key.package, $1.key.vulnerability) }
    }

    private mutating func affect(_ key: Verdicts.Key, _ isFixable: Bool, _ ids: [String], _ now: Timestamp) {
        let affected = Verdict.affected.rawValue
        guard let before = open[key] else {
            let former = former(key, ids)
            let since = former.map(\.since).min() ?? now
            let fixKnown = isFixable ? former.compactMap(\.fixKnown).min() ?? now : nil
            changes.append(
                .init(key: key, before: "", after: affected, at: now, fixKnown: fixKnown, since: since))
            open[key] = Verdicts.Open(verdict: affected, since: since, fixKnown: fixKnown)
            closed[key] = nil
            return
        }
        if before.verdict != affected {
            changes.append(.init(key: key, before: before.verdict, after: affected, at: now))
            open[key]?.verdict = affected
        }
        guard isFixable != (before.fixKnown != nil) else { return }
        fixes[key] = .some(isFixable ? now : nil)
        open[key]?.fixKnown = isFixable ? now : nil
    }

    /// What was open in this very package, or was lately, and cannot be told any more because nobody knows whose build it is,
    /// stays open as unknown.
    private mutating func keep(_ package: Int64, _ undecided: Set<String>, _ now: Timestamp) {
        guard let base = bases[package] else { return }
        let twins = [base] + bases.filter { $0.value == base && $0.key != package }.keys
        for vulnerability in undecided {
            let key = Verdicts.Key(package: package, vulnerability: vulnerability)
            let former = twins.compactMap { clock(Verdicts.Key(package: $0, vulnerability: vulnerability)) }
            guard open[key] == nil, let first = former.min(by: { $0.since < $1.since }) else { continue }
            let unknown = Verdict.unknown.rawValue
            changes.append(
                .init(key: key, before: "", after: unknown, at: now, fixKnown: first.fixKnown, since: first.since))
            open[key] = Verdicts.Open(verdict: unknown, since: first.since, fixKnown: first.fixKnown)
            closed[key] = nil
        }
    }

    private func clock(_ key: Verdicts.Key) -> Clock? {
        if let open = open[key] { return Clock(since: open.since, fixKnown: open.fixKnown) }
        return closed[key].map { Clock(since: $0.since, fixKnown: $0.fixKnown) }
    }

    /// The clocks of what was open before, under any of the ids, in this package or another build of its source.
    private mutating func former(_ key: Verdicts.Key, _ ids: [String]) -> [Clock] {
        let ids = Set(ids + [key.vulnerability])
        var found = ids.compactMap { clock(Verdicts.Key(package: key.package, vulnerability: $0)) }
        if let family = families[key.package] {
            let clocks = clocks ?? allClocks()
            self.clocks = clocks
            found += ids.compactMap { clocks[Place(family: family, vulnerability: $0)] }
        }
        return found
    }

    /// The earliest clocks of all sources: made once, where something opens.
    private func allClocks() -> [Place: Clock] {
        var clocks: [Place: Clock] = [:]
        func add(_ key: Verdicts.Key, _ since: Timestamp, _ fixKnown: Timestamp?) {
            guard let family = families[key.package] else { return }
            let place = Place(family: family, vulnerability: key.vulnerability)
            guard let known = clocks[place] else {
                clocks[place] = Clock(since: since, fixKnown: fixKnown)
                return
            }
            clocks[place] = Clock(
                since: min(known.since, since), fixKnown: [known.fixKnown, fixKnown].compactMap(\.self).min())
        }
        for (key, value) in open { add(key, value.since, value.fixKnown) }
        for (key, value) in closed { add(key, value.since, value.fixKnown) }
        return clocks
    }

    private mutating func close(_ key: Verdicts.Key, _ before: Verdicts.Open, as after: String, _ now: Timestamp) {
        changes.append(.init(key: key, before: before.verdict, after: after, at: now))
        open[key] = nil
        closed[key] = Verdicts.Closed(since: before.since, fixKnown: before.fixKnown, at: now)
    }
}
