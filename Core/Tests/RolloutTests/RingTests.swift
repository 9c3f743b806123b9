import Digest
import Gates
import JSON
import Rollout
import Testing
import Timestamps

@Suite struct RingTests {
    let plan = SHA256.hash([7])
    let ends = zero.adding(seconds: 60 * 86_400)
    let rules = [
        RingRules(name: "test", size: 2, soak: 3600), RingRules(name: "empty", size: 0),
        RingRules(name: "pilot", size: 20, soak: 7200, approvals: 1, acceptances: 1),
        RingRules(name: "broad", size: 100),
    ]

    private func campaign(required: Int64 = 1, emergency: Emergency? = nil) throws -> Campaign {
        var one = Campaign(author: "ann", approvalsRequired: required, emergency: emergency, supersedes: "older")
        try send(.submit(by: "ann"), &one, 0)
        try send(
            .resolved(
                plan: plan, startsAt: zero.adding(seconds: 60), endsAt: ends, rings: rules,
                untested: ["rocky-9 / metal"]), &one, 0)
        return one
    }

    private func running() throws -> Campaign {
        var one = try campaign()
        try send(.approve(by: "bob", plan: plan), &one, 1)
        try send(.releaseSigned, &one, 2)
        try send(.timer(.start), &one, 60)
        return one
    }

    @discardableResult
    private func send(_ event: Campaign.Event, _ one: inout Campaign, _ second: Int64) throws -> [Campaign.Effect] {
        let effects = try one.handle(event, now: zero.adding(seconds: second))
        #expect(effects.count { if case .audit = $0 { true } else { false } } == 1)
        let read = try Campaign(json: one.json)
        #expect(read == one)
        return effects
    }

    private func judgement(_ decision: RingJudgement.Decision, failures: Int64 = 0, closed: Int64 = 2) -> RingJudgement
    {
        var counts = RingJudgement.Counts()
        (counts.failures, counts.tried, counts.closedTried) = (failures, closed + failures, closed)
        return RingJudgement(
            decision: decision, plan: plan, time: zero, reasons: ["because"], counts: counts, evidence: 21_000,
            untested: decision == .go ? ["rocky-9 / metal"] : [])
    }

    private func open(_ ring: Int, _ one: inout Campaign, _ second: Int64) throws {
        try send(.ring(ring, .promoted(plan: plan, baselineFailures: 1, baselineTried: 200)), &one, second)
    }

    private func soaked(_ ring: Int, _ one: inout Campaign, _ second: Int64) throws {
        try send(.ring(ring, .exhausted), &one, second)
        try send(.ring(ring, .drained), &one, second)
        let due = try #require(one.rings[ring].timer?.due)
        let effects = try send(.ring(ring, .timer(.soak)), &one, due.seconds(since: zero))
        #expect(effects.contains(.ring(ring, .judge)))
    }

    @Test func throughAllRings() throws {
        var one = try running()
        #expect(one.state == .running && one.rings[0].state == .armed)
        #expect(!one.mayGrant(ring: 0, now: zero))
        try open(0, &one, 61)
        #expect(one.mayGrant(ring: 0, now: zero) && !one.mayGrant(ring: 2, now: zero))
        #expect(throws: TransitionError.self) { try one.handle(.settled(jobs: 2, neverStarted: 0), now: zero) }
        try soaked(0, &one, 70)
        let effects = try send(.ring(0, .judged(judgement(.go))), &one, 4000)
        #expect(one.rings.map(\.state) == [.passed, .skipped, .armed, .pending])
        #expect(effects.contains(.ring(2, .promote)))
        #expect(one.rings[0].judgement?.sentence == "because Not tested: rocky-9 / metal.")
        // Not without the person whom the ring asks for, and not by the plan's author.
        try open(2, &one, 4001)
        #expect(one.rings[2].state == .armed)
        #expect(throws: TransitionError.self) { try one.handle(.ring(2, .approve(by: "ann")), now: zero) }
        #expect(try send(.ring(2, .approve(by: "bob")), &one, 4002).contains(.ring(2, .offerJobs)))
        #expect(one.rings[2].state == .open)
        try soaked(2, &one, 5000)
        try send(.ring(2, .judged(judgement(.inconclusive))), &one, 13_000)
        #expect(one.rings[2].state == .needsDecision && one.rings[2].timer?.kind == .decision)
        #expect(throws: TransitionError.self) {
            try one.handle(.ring(2, .promote(by: "ann", reason: "I like it")), now: zero)
        }
        #expect(throws: TransitionError.self) { try one.handle(.ring(2, .promote(by: "bob", reason: "")), now: zero) }
        try send(.ring(2, .promote(by: "bob", reason: "seen it work")), &one, 13_001)
        #expect(one.rings[2].judgement?.person == "bob" && one.rings[2].isGo)
        try open(3, &one, 13_002)
        try soaked(3, &one, 14_000)
        #expect(try send(.ring(3, .judged(judgement(.go))), &one, 200_000).contains(.offerTail))
        #expect(one.isTailOpen && one.timer?.kind == .tail && one.mayGrant(ring: 0, now: zero))
        try send(.settled(jobs: 122, neverStarted: 3), &one, 200_100)
        try send(.verified(exceptions: 0), &one, 200_200)
        #expect(one.state == .completed)
    }

    /// A halt stops everything; those who let it go on accept what had failed, and nothing that fails afterwards.
    @Test func haltAndGoOn() throws {
        var one = try running()
        try open(0, &one, 61)
        let effects = try send(.ring(0, .judged(judgement(.halt, failures: 2))), &one, 100)
        #expect(effects.contains(.revokeUnstarted) && effects.contains(.ring(0, .cancelTimer)))
        #expect(one.state == .halting && one.rings[0].state == .failed && one.reason == "ring test: because")
        try send(.drained, &one, 101)
        try send(.resume(by: "bob", haltReason: "ring test: because"), &one, 102)
        #expect(one.rings[0].state == .open && one.rings[0].acceptedFailures == 2)
        #expect(throws: TransitionError.self) {
            try one.handle(.ring(0, .judged(judgement(.halt, failures: 2))), now: zero)
        }
        try send(.ring(0, .judged(judgement(.halt, failures: 3))), &one, 103)
        #expect(one.state == .halting)
        try send(.drained, &one, 104)
        try send(.rollBack(by: "bob", reason: "enough"), &one, 105)
        try send(.rollbackSigned, &one, 106)
        #expect(one.mayGrant(ring: nil, now: zero))
        try send(.rollbackSettled(failed: 0), &one, 107)
        #expect(one.state == .rolledBack && one.rollbacks.first?.failed == 0)
    }

    /// Failures that show late take the go of a ring back, and the ring after it stops.
    @Test func aGoIsTakenBack() throws {
        var one = try running()
        try open(0, &one, 61)
        try soaked(0, &one, 70)
        try send(.ring(0, .judged(judgement(.go))), &one, 4000)
        try send(.ring(2, .approve(by: "bob")), &one, 4000)
        try open(2, &one, 4001)
        try send(.ring(0, .withdraw(by: "eve", reason: "memory leak")), &one, 5000)
        #expect(one.state == .halting && one.rings[2].state == .held && !one.rings[0].isGo)
        try send(.drained, &one, 5001)
        try send(.resume(by: "bob", haltReason: "ring test: memory leak"), &one, 5002)
        #expect(one.rings[2].state == .open && one.mayGrant(ring: 2, now: zero))
    }

    @Test func nobodyDecides() throws {
        var one = try running()
        try open(0, &one, 61)
        try soaked(0, &one, 70)
        try send(.ring(0, .judged(judgement(.inconclusive))), &one, 4000)
        try send(.ring(0, .timer(.decision)), &one, 4000 + 72 * 3600)
        #expect(one.state == .halting && one.rings[0].judgement?.decision == .halt)
    }

    @Test func pausesAndHolds() throws {
        var one = try running()
        try open(0, &one, 61)
        try send(.ring(0, .hold(.freeze)), &one, 62)
        try send(.pause(by: "bob", reason: "lunch"), &one, 63)
        #expect(one.rings[0].holds == [.freeze, .pause])
        try send(.ring(0, .unhold(.freeze)), &one, 64)
        #expect(one.rings[0].state == .held)
        try send(.resume(by: "bob", haltReason: nil), &one, 65)
        #expect(one.rings[0].state == .open)
        let due = try #require(one.rings[0].timer?.due)
        #expect(try send(.ring(0, .timer(.cutoff)), &one, due.seconds(since: zero)).contains(.ring(0, .withdrawOffers)))
        #expect(one.rings[0].state == .draining)
        // What judges another plan, or no closed host, is no go.
        try send(.ring(0, .drained), &one, due.seconds(since: zero))
        #expect(throws: TransitionError.self) { try one.handle(.ring(0, .judged(judgement(.go))), now: zero) }
        try send(.ring(0, .timer(.soak)), &one, due.seconds(since: zero) + 3600)
        #expect(throws: TransitionError.self) {
            try one.handle(.ring(0, .judged(judgement(.go, closed: 0))), now: zero)
        }
        try send(.supersede(by: "bob", campaign: "newer"), &one, due.seconds(since: zero) + 3601)
        #expect(one.state == .cancelling && one.supersededBy == "newer" && one.rings.allSatisfy { $0.timer == nil })
    }

    @Test func emergencies() throws {
        #expect(Emergency(reason: "", bypass: []) == nil)
        let emergency = try #require(
            Emergency(reason: "CVE", lifetime: 999_999, bypass: [.soak, .window], approvers: 1))
        var one = try campaign(required: 1, emergency: emergency)
        #expect(one.approvalsRequired == 2)
        try send(.approve(by: "bob", plan: plan), &one, 1)
        #expect(one.emergencyClause == nil && one.state == .awaitingApproval)
        try send(.approve(by: "cy", plan: plan), &one, 2)
        let clause = try #require(one.emergencyClause)
        #expect(clause.approvers == ["bob", "cy"] && clause.bypass == [.soak, .window])
        #expect(clause.expires == zero.adding(seconds: 2 + 86_400))
        try send(.releaseSigned, &one, 3)
        try send(.timer(.start), &one, 60)
        try open(0, &one, 61)
        try soaked(0, &one, 70)
        #expect(one.rings[0].state == .deciding)
        #expect(one.mayGrant(ring: 0, now: clause.expires) == false)
        #expect(emergency.soak(RingRules(name: "x", size: 1, soak: 7200), isFirst: false) == 0)
    }

    @Test func batches() {
        #expect((1...6).map { BatchRamp.size(of: $0, budget: 10) } == [1, 2, 4, 8, 10, 10])
        #expect(BatchRamp.batch(last: 0, granted: 0, open: 0, budget: 4) == 1)
        #expect(BatchRamp.batch(last: 1, granted: 1, open: 1, budget: 4) == nil)
        #expect(BatchRamp.batch(last: 1, granted: 1, open: 0, budget: 4) == 2)
        #expect(BatchRamp.batch(last: 2, granted: 1, open: 1, budget: 4) == 2)
    }

    @Test func tallies() throws {
        var members = (0..<200).map {
            RingMember(host: "h\($0)", stratum: "debian-12", state: .terminal(.succeeded), batch: 3)
        }
        let rules = RingRules(name: "pilot", size: 200, acceptances: 1)
        func judge(_ members: [RingMember], _ test: SequentialTest? = .pilot) -> RingJudgement {
            RingTally(members).judge(
                Gate(), baseline: FailureCount(failures: 2, tried: 400), test: test, rules: rules, plan: plan,
                untested: ["rocky-9"], now: zero)
        }
        #expect(judge(members).decision == .inconclusive, "no user has said that it works")
        members[0].works = true
        let go = judge(members)
        #expect(go.decision == .go && go.sentence.contains("Not tested: rocky-9"), "\(go)")
        let again = try RingJudgement(JSONObject(go.json))
        #expect(again == go)
        #expect(judge(Array(members.prefix(40))).test == "undecided")
        // A batch with a member that is under way is no evidence for a go; a failure always counts.
        members.append(RingMember(host: "late", stratum: "debian-12", state: .running(.apply), batch: 3))
        #expect(RingTally(members).counts.closedTried == 0)
        #expect(judge(members).decision == .inconclusive)
        members.append(RingMember(host: "silent", stratum: "debian-12", state: .suspect(.reboot), batch: 4))
        #expect(RingTally(members).counts.failures == 1)
        members.append(RingMember(host: "lost", stratum: "debian-12", state: .suspect(.reboot), batch: 5))
        #expect(judge(members).decision == .halt)
        // Users' words count: two that say broken halt it.
        var others = (0..<60).map { RingMember(host: "h\($0)", stratum: "d", state: .terminal(.succeeded), batch: 1) }
        (others[1].works, others[2].works) = (false, false)
        #expect(judge(others).decision == .halt)
        #expect(RingTally(others).counts.failures == 2)
    }

    /// What a server wrote that knew no rings is still read.
    @Test func olderStatesAreRead() throws {
        let text = """
            {"state":"running","epoch":1,"author":"ann","approvalsRequired":1,"approvals":[{"person":"bob",\
            "time":"2026-11-21T00:00:00.000Z"}],"signed":true,"halts":0,"resumeApprovals":[],"timer":{"kind":"end",\
            "due":"2026-11-22T00:00:00.000Z"},"endsAt":"2026-11-22T00:00:00.000Z"}
            """
        let one = try Campaign(json: JSONValue(parsing: Array(text.utf8), limits: .message))
        #expect(one.state == .running && !one.hasRings && one.mayGrant(ring: nil, now: zero))
        #expect(one.json["rings"] == nil && one.json["emergency"] == nil)
    }
}
