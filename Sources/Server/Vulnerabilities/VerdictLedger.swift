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

        /// One of which nothing is said.
        init() {}

        init(_ judgement: Matching.Judgement) {
            isUnknown = !judgement.unknown.isEmpty
            for finding in judgement.findings where !finding.isInformational {
                if finding.verdict == .affected {
                    affected[finding.vulnerability] = (finding.fixed != nil, finding.ids)
                }
                if finding.verdict == .unknown { undecided.insert(finding.vulnerability) }
            }
        }
    }

    /// The changes of verdicts, by package and vulnerability.
    private(set) var changes: [Verdicts.Change] = []
    /// Fixes that became known, or were withdrawn.
    private(set) var fixes: [Verdicts.Key: Timestamp?] = [:]
    /// What is open afterwards.
    private(set) var open: [Verdicts.Key: Verdicts.Open]

    /// - Parameters:
    ///   - open: what is open so far.
    ///   - judged: the packages that were judged.
    ///   - gone: the packages that nobody has any more.
    init(
        open: [Verdicts.Key: Verdicts.Open], judged: [Int64: Judged], gone: Set<Int64>, now: Timestamp
    ) {
        self.open = open
        for (package, verdicts) in judged {
            for (vulnerability, finding) in verdicts.affected {
                affect(
                    Verdicts.Key(package: package, vulnerability: vulnerability), finding.isFixable, finding.ids, now)
            }
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
            // One that was open under another of its ids keeps its clocks.
            let former = ids.compactMap { open[Verdicts.Key(package: key.package, vulnerability: $0)] }
            let since = former.map(\.since).min() ?? now
            let fixKnown = isFixable ? former.compactMap(\.fixKnown).min() ?? now : nil
            changes.append(
                .init(key: key, before: "", after: affected, at: now, fixKnown: fixKnown, since: since))
            open[key] = Verdicts.Open(verdict: affected, since: since, fixKnown: fixKnown)
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

    private mutating func close(_ key: Verdicts.Key, _ before: Verdicts.Open, as after: String, _ now: Timestamp) {
        changes.append(.init(key: key, before: before.verdict, after: after, at: now))
        open[key] = nil
    }
}
