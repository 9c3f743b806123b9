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

    /// A patch that fails and is rolled back brings back what was open before: its clock goes on, for a month.
    @Test func whatComesBackKeepsItsClock() {
        let gone = VerdictLedger(open: open, judged: [:], gone: [1], now: now)
        #expect(gone.closed == [key: .init(since: before, fixKnown: before, at: now)])
        for (days, isKept) in [(Int64(0), true), (30, true), (31, false)] {
            let later = now.adding(seconds: days * 86_400)
            let back = VerdictLedger(
                open: [:], closed: gone.closed, judged: judged(affected: ["CVE-2026-1": true]), gone: [], now: later)
            #expect(back.open[key]?.since == (isKept ? before : later), "after \(days) days")
            #expect(back.changes.map(\.since) == [isKept ? before : later])
            #expect(back.closed.isEmpty)
        }
    }

    /// A host that goes to another build of the same source, which has the flaw too, keeps its clock.
    @Test func anotherBuildKeepsTheClock() {
        var newer = VerdictLedger.Judged()
        newer.affected = ["CVE-2026-1": (true, ["CVE-2026-1"])]
        let ledger = VerdictLedger(
            open: open, judged: [2: newer, 3: newer], gone: [1], families: [1: 0, 2: 0, 3: 1], now: now)
        #expect(ledger.open[Verdicts.Key(package: 2, vulnerability: "CVE-2026-1")]?.since == before)
        #expect(ledger.open[Verdicts.Key(package: 3, vulnerability: "CVE-2026-1")]?.since == now, "of another source")
    }

    /// A package whose origin turns out not to be known keeps what was open in it as unknown; of a third party it is closed.
    @Test func anUnknownOriginKeepsWhatWasOpen() {
        var unknown = VerdictLedger.Judged()
        unknown.isUnknown = true
        unknown.isOfUnknownOrigin = true
        unknown.undecided = ["CVE-2026-1", "CVE-2026-2"]
        let kept = VerdictLedger(open: open, judged: [-7: unknown], gone: [1], bases: [-7: 1], now: now)
        let own = Verdicts.Key(package: -7, vulnerability: "CVE-2026-1")
        #expect(kept.open == [own: .init(verdict: "unknown", since: before, fixKnown: before)])
        #expect(kept.changes.map(\.after) == ["unknown", Verdicts.Change.gone])
        let known = VerdictLedger(
            open: kept.open, judged: judged(affected: ["CVE-2026-1": true]), gone: [-7], families: [1: 0, -7: 0],
            bases: [-7: 1], now: now)
        #expect(known.open == [key: .init(verdict: "affected", since: before, fixKnown: before)])

        var third = VerdictLedger.Judged()
        third.isUnknown = true
        let closed = VerdictLedger(open: open, judged: [-8: third], gone: [1], bases: [-8: 1], now: now)
        #expect(closed.open.isEmpty)
    }
}
