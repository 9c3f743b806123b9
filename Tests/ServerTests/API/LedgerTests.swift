import Store
import Testing
import Timestamps

@testable import Server

/// What opens and closes a finding, and which clock it keeps.
@Suite struct LedgerTests {
    private let now = Timestamp(milliseconds: 1_800_000_000_000)
    private let before = Timestamp(milliseconds: 1_700_000_000_000)
    private let key = Verdicts.Key(package: 1, vulnerability: "CVE-2026-1")

    private func judged(
        affected: [String: Bool] = [:], ids: [String] = [], undecided: Set<String> = [], isUnknown: Bool = false
    ) -> [Int64: VerdictLedger.Judged] {
        var judged = VerdictLedger.Judged()
        judged.isUnknown = isUnknown
        judged.affected = affected.mapValues { ($0, ids) }
        judged.undecided = undecided
        return [1: judged]
    }

    private var open: [Verdicts.Key: Verdicts.Open] {
        [key: .init(verdict: "affected", since: before, fixKnown: before)]
    }

    /// Unknown keeps what is open with its clock, whether one record or nobody at all speaks of the package.
    @Test func unknownNeverCloses() {
        for judged in [judged(undecided: ["CVE-2026-1"]), judged(isUnknown: true)] {
            let ledger = VerdictLedger(open: open, judged: judged, gone: [], now: now)
            #expect(ledger.changes.map(\.after) == ["unknown"])
            #expect(ledger.open[key]?.since == before)
            let again = VerdictLedger(open: ledger.open, judged: judged, gone: [], now: now)
            #expect(again.changes.isEmpty, "one event")
            let back = VerdictLedger(
                open: ledger.open, judged: self.judged(affected: ["CVE-2026-1": true]), gone: [], now: now)
            #expect(back.changes.map(\.before) == ["unknown"] && back.open[key]?.since == before)
        }
    }

    /// Only fixed, not affected, and a package that nobody has any more close.
    @Test func whatCloses() {
        let fixed = VerdictLedger(open: open, judged: judged(), gone: [], now: now)
        #expect(fixed.changes.map(\.after) == [""] && fixed.open.isEmpty)
        let gone = VerdictLedger(open: open, judged: [:], gone: [1], now: now)
        #expect(gone.changes.map(\.after) == [Verdicts.Change.gone] && gone.open.isEmpty)
        let untouched = VerdictLedger(open: open, judged: [:], gone: [2], now: now)
        #expect(untouched.changes.isEmpty && untouched.open == open, "what was not judged stays")
    }

    /// A vulnerability that gets another name (a GHSA that becomes a CVE) keeps its clock.
    @Test func anotherNameKeepsTheClock() {
        let ledger = VerdictLedger(
            open: open, judged: judged(affected: ["CVE-2026-2": true], ids: ["CVE-2026-1", "CVE-2026-2"]), gone: [],
            now: now)
        #expect(ledger.open.map(\.key.vulnerability) == ["CVE-2026-2"])
        #expect(ledger.open.values.map(\.since) == [before])
    }

    @Test func aFixThatBecomesKnownIsNoChangeOfVerdict() {
        let without = [key: Verdicts.Open(verdict: "affected", since: before)]
        let ledger = VerdictLedger(open: without, judged: judged(affected: ["CVE-2026-1": true]), gone: [], now: now)
        #expect(ledger.changes.isEmpty && ledger.fixes == [key: now])
        let withdrawn = VerdictLedger(
            open: ledger.open, judged: judged(affected: ["CVE-2026-1": false]), gone: [], now: now)
        #expect(withdrawn.fixes.count == 1 && withdrawn.open[key]?.fixKnown == nil)
    }
}
