import Digest
import JSON
import Rollout
import Testing
import Timestamps

/// What halts a campaign of several rings, and how it goes on.
@Suite struct RingHaltTests {
    let plan = SHA256.hash([7])
    let ends = zero.adding(seconds: 60 * 86_400)
    let rules = [
        RingRules(name: "test", size: 2, soak: 3600), RingRules(name: "pilot", size: 20, soak: 7200, approvals: 1),
        RingRules(name: "broad", size: 100, soak: 3600),
    ]

    @discardableResult
    private func send(_ event: Campaign.Event, _ one: inout Campaign, _ second: Int64) throws -> [Campaign.Effect] {
        let effects = try one.handle(event, now: zero.adding(seconds: second))
        #expect(try Campaign(json: one.json) == one)
        return effects
    }

    private func running() throws -> Campaign {
        var one = Campaign(author: "ann", approvalsRequired: 1)
        try send(.submit(by: "ann"), &one, 0)
        try send(.resolved(plan: plan, startsAt: zero, endsAt: ends, rings: rules), &one, 0)
        try send(.approve(by: "bob", plan: plan), &one, 1)
        try send(.releaseSigned, &one, 2)
        return one
    }

    private func judgement(
        _ decision: RingJudgement.Decision, failures: Int64 = 0, broken: Int64 = 0, closed: Int64 = 2
    ) -> RingJudgement {
        var counts = RingJudgement.Counts()
        (counts.failures, counts.tried, counts.closedTried) = (failures, closed + failures, closed)
        counts.broken = broken
        return RingJudgement(decision: decision, plan: plan, time: zero, reasons: ["because"], counts: counts)
    }

    private func open(_ ring: Int, _ one: inout Campaign, _ second: Int64) throws {
        try send(.ring(ring, .promoted(plan: plan, baselineFailures: 1, baselineTried: 200)), &one, second)
        if one.rings[ring].state == .armed { try send(.ring(ring, .approve(by: "bob")), &one, second) }
        #expect(one.rings[ring].state == .open)
    }

    /// From open to its gate; returns what the last event asks for.
    @discardableResult
    private func soak(_ ring: Int, _ one: inout Campaign, _ second: Int64) throws -> [Campaign.Effect] {
        try send(.ring(ring, .exhausted), &one, second)
        try send(.ring(ring, .drained), &one, second)
        return try send(.ring(ring, .timer(.soak)), &one, second + 86_400)
    }

    private func pass(_ ring: Int, _ one: inout Campaign, _ second: Int64) throws {
        try open(ring, &one, second)
        try soak(ring, &one, second)
        try send(.ring(ring, .judged(judgement(.go))), &one, second + 86_400)
        #expect(one.rings[ring].state == .passed)
    }

    private func goOn(_ one: inout Campaign, _ second: Int64) throws -> [Campaign.Effect] {
        try send(.drained, &one, second)
        return try send(.resume(by: "bob", haltReason: one.reason), &one, second)
    }

    private func day(_ days: Int64) -> Int64 { days * 86_400 }

    /// A late halt takes the go of a ring back; people who let it go on give it again.
    @Test func aLateHaltIsUndone() throws {
        var one = try running()
        try pass(0, &one, 10)
        try open(1, &one, day(2))
        try send(.ring(0, .judged(judgement(.halt, failures: 3))), &one, day(2))
        #expect(one.state == .halting && !one.rings[0].isGo)
        _ = try goOn(&one, day(2))
        let now = zero.adding(seconds: day(2))
        #expect(one.state == .running && one.rings[0].isGo && one.mayGrant(ring: 1, now: now))
        let said = try #require(one.rings[0].judgement)
        #expect(said.person == "bob" && said.reasons.contains("because") && said.counts.failures == 3)
        #expect(said.time == now)
        // The same figures halt it no more; further ones do.
        #expect(throws: TransitionError.self) {
            try one.handle(.ring(0, .judged(judgement(.halt, failures: 3))), now: now)
        }
        try send(.ring(0, .judged(judgement(.halt, failures: 4))), &one, day(2))
        #expect(one.state == .halting)
    }

    @Test func aLateHaltOfTheTailIsUndone() throws {
        var one = try running()
        try pass(0, &one, 10)
        try pass(1, &one, day(2))
        try pass(2, &one, day(4))
        #expect(one.isTailOpen)
        try send(.ring(1, .judged(judgement(.halt, failures: 3))), &one, day(6))
        #expect(!one.mayGrant(ring: 0, now: zero.adding(seconds: day(6))))
        #expect(try goOn(&one, day(6)).contains(.offerTail))
        for ring in rules.indices { #expect(one.mayGrant(ring: ring, now: zero.adding(seconds: day(6)))) }
    }

    /// Users of hosts that are still at work say that it broke them: no host has failed yet, and it is a halt.
    @Test func aHaltNeedsNoFailure() throws {
        var one = try running()
        try open(0, &one, 10)
        try send(.ring(0, .judged(judgement(.halt, broken: 2))), &one, 20)
        #expect(one.state == .halting)
        _ = try goOn(&one, 30)
        #expect(one.rings[0].state == .open)
        try send(.ring(0, .judged(judgement(.halt, broken: 3))), &one, 40)
        #expect(one.state == .halting)
    }

    /// What people accepted halts it no more. Asked for a decision, the gate leaves it to a person, who has 72 hours.
    @Test func acceptedFailuresNeedADecision() throws {
        var one = try running()
        try open(0, &one, 10)
        try send(.ring(0, .judged(judgement(.halt, failures: 2))), &one, 20)
        _ = try goOn(&one, 30)
        try soak(0, &one, 40)
        #expect(one.rings[0].state == .deciding)
        let effects = try send(.ring(0, .judged(judgement(.halt, failures: 2))), &one, day(1) + 50)
        #expect(one.state == .running && one.rings[0].state == .needsDecision)
        #expect(one.rings[0].timer?.kind == .decision && one.rings[0].judgement?.decision == .inconclusive)
        #expect(effects.contains { if case .ring(0, .alert) = $0 { true } else { false } })
    }

    /// Time that runs out in the first ring is no success of the campaign: later rings were never opened.
    @Test func timeRunsOutBetweenRings() throws {
        var one = try running()
        try pass(0, &one, 10)
        try open(1, &one, day(2))
        #expect(throws: TransitionError.self) {
            try one.handle(.settled(jobs: 5, neverStarted: 1), now: zero.adding(seconds: day(3)))
        }
        try send(.timer(.end), &one, day(60))
        let effects = try send(.settled(jobs: 5, neverStarted: 1), &one, day(60))
        #expect(one.state == .expired && one.timer == nil && !effects.contains(.verifyHosts))
        #expect(one.reason == "its time ran out before ring pilot had passed")
        // What it changed can be taken back.
        try send(.rollBack(by: "bob", reason: "half a fleet"), &one, day(61))
        #expect(one.state == .rollingBack)
    }

    /// Nobody approves a ring before it is its turn.
    @Test func ringsAreApprovedWhenTheyAreArmed() throws {
        var one = try running()
        let error = #expect(throws: TransitionError.self) {
            try one.handle(.ring(1, .approve(by: "bob")), now: zero.adding(seconds: 5))
        }
        #expect(error?.code == .unknownTransition)
        try pass(0, &one, 10)
        #expect(one.rings[1].state == .armed)
        try send(.ring(1, .approve(by: "bob")), &one, day(2))
        // As many as it needs, and no more.
        #expect(throws: TransitionError.self) {
            try one.handle(.ring(1, .approve(by: "cy")), now: zero.adding(seconds: day(2)))
        }
    }

    /// A ring that fails while it is held for something else is still held when the campaign goes on.
    @Test(arguments: [Ring.Hold.freeze, .dependency, .suspects, .budget])
    func holdsOutliveAHalt(_ hold: Ring.Hold) throws {
        var one = try running()
        try open(0, &one, 10)
        try send(.ring(0, .hold(hold)), &one, 20)
        try send(.ring(0, .judged(judgement(.halt, failures: 2))), &one, 30)
        #expect(one.rings[0].state == .failed)
        let effects = try goOn(&one, 40)
        #expect(one.rings[0].state == .held && one.rings[0].holds == [hold])
        #expect(!one.mayGrant(ring: 0, now: zero.adding(seconds: 40)))
        #expect(effects.contains(.ring(0, .offerJobs)))
        try send(.ring(0, .unhold(hold)), &one, 50)
        #expect(one.rings[0].state == .open)
    }

    /// The tail has 14 days, however often the campaign is paused or halted in between.
    @Test func theTailEndsOnce() throws {
        var one = try running()
        try pass(0, &one, 10)
        try pass(1, &one, day(2))
        try pass(2, &one, day(4))
        let due = try #require(one.timer?.due)
        let second = due.seconds(since: zero)
        var paused = one
        try send(.pause(by: "bob", reason: "lunch"), &paused, second - 100)
        try send(.resume(by: "bob", haltReason: nil), &paused, second - 50)
        #expect(paused.timer?.kind == .tail && paused.timer?.due == due)
        try send(.halt(by: "bob", reason: "pager"), &paused, second - 40)
        _ = try goOn(&paused, second - 30)
        #expect(paused.timer?.kind == .tail && paused.timer?.due == due)
        try send(.timer(.tail), &one, second)
        try send(.pause(by: "bob", reason: "lunch"), &one, second + 10)
        try send(.resume(by: "bob", haltReason: nil), &one, second + 20)
        #expect(one.timer?.kind != .tail && !one.mayGrant(ring: 0, now: zero.adding(seconds: second + 20)))
        try send(.halt(by: "bob", reason: "pager"), &one, second + 30)
        #expect(try goOn(&one, second + 40).contains(.offerTail) == false)
        #expect(one.timer?.kind != .tail)
    }

    /// A shell that answers an effect at once may set a timer: nothing after it takes that away.
    @Test func timersComeFirst() throws {
        var one = try running()
        try open(0, &one, 10)
        let effects = try soak(0, &one, 20)
        let cancelled = try #require(effects.firstIndex(of: .ring(0, .cancelTimer)))
        let judged = try #require(effects.firstIndex(of: .ring(0, .judge)))
        #expect(cancelled < judged)
    }
}
