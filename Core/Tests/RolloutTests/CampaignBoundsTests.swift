import Digest
import Gates
import JSON
import Rollout
import Testing
import Timestamps

/// Whatever a campaign accepts is stored, and read back as it was: limits are in bytes, whatever people write.
@Suite struct CampaignBoundsTests {
    let plan = SHA256.hash([7])

    /// A text of so many of these: of one byte, of four, and of characters that are long themselves.
    private func texts(_ count: Int) -> [String] {
        ["x", "😀", "👨‍👩‍👧‍👦"].map { String(repeating: $0, count: count) }
    }

    /// Gives an event; where it is taken, the state is read back as it is.
    @discardableResult
    private func send(_ event: Campaign.Event, _ one: inout Campaign, _ second: Int64 = 0) throws -> Bool {
        let before = one
        do {
            _ = try one.handle(event, now: zero.adding(seconds: second))
        } catch {
            #expect(one == before)
            return false
        }
        let read = try Campaign(json: one.json)
        #expect(read == one)
        return true
    }

    private func running(
        names: [String] = ["a", "b"], untested: [String] = [], author: String = "ann"
    ) throws -> Campaign {
        var one = Campaign(author: author, approvalsRequired: 1)
        try send(.submit(by: one.author), &one)
        let rings = names.map { RingRules(name: $0, size: 3, soak: 0) }
        let ends = zero.adding(seconds: 10_000_000)
        guard try send(.resolved(plan: plan, startsAt: zero, endsAt: ends, rings: rings, untested: untested), &one)
        else { return one }
        try send(.approve(by: "bob", plan: plan), &one)
        try send(.releaseSigned, &one)
        #expect(one.state == .running)
        return one
    }

    @Test(arguments: [64, 250, 1100])
    func whatIsAcceptedIsReadBack(_ count: Int) throws {
        for text in texts(count) {
            for campaign in [try running(), try running(untested: [text, "b"], author: text)] {
                let events: [Campaign.Event] = [
                    .pause(by: "bob", reason: text), .pause(by: text, reason: "r"), .halt(by: "bob", reason: text),
                    .cancel(by: "bob", reason: text), .supersede(by: "bob", campaign: text),
                    .ring(0, .refuse(by: "bob", reason: text)), .ring(0, .approve(by: text)),
                ]
                for event in events {
                    var one = campaign
                    try send(event, &one)
                }
                var one = campaign
                try send(.ring(0, .promoted(plan: plan, baselineFailures: -1, baselineTried: -1)), &one)
                var counts = RingJudgement.Counts()
                (counts.failures, counts.undelivered) = (3, -3)
                var judgement = RingJudgement(decision: .halt, plan: plan, time: zero, reasons: [])
                judgement.reasons = Array(repeating: text, count: 40)
                (judgement.untested, judgement.tripwires) = (judgement.reasons, judgement.reasons)
                (judgement.smallness, judgement.test, judgement.counts) = (text, text, counts)
                #expect(try send(.ring(0, .judged(judgement)), &one))
                #expect(one.state == .halting)
                try send(.drained, &one)
                var again = one
                try send(.resume(by: "bob", haltReason: one.reason, unwell: -1), &again)
                #expect(again.state == .running && !again.rings[0].acceptedTripwires.isEmpty)
                #expect(try send(.rollBack(by: "bob", reason: text), &one))
                #expect(try send(.rollbackRefused(reason: text), &one))
                #expect(one.rollbacks.last?.end == .refused)
                // A person decides.
                one = campaign
                try send(.ring(0, .promoted(plan: plan, baselineFailures: 0, baselineTried: 0)), &one)
                try send(.ring(0, .exhausted), &one)
                try send(.ring(0, .drained), &one)
                try send(.ring(0, .timer(.soak)), &one)
                #expect(one.rings[0].state == .deciding)
                #expect(try send(.ring(0, .promote(by: "bob", reason: text)), &one))
                try send(.ring(0, .withdraw(by: "bob", reason: text)), &one)
            }
        }
    }

    @Test func approvalsHaveABound() throws {
        let one = Campaign(author: "ann", approvalsRequired: 99)
        #expect(one.approvalsRequired == Campaign.maximumApprovals)
        #expect(try Campaign(json: one.json) == one)
    }

    /// A ring is known by its name: one that is too long is not cut, but refused.
    @Test func namesOfRings() throws {
        for text in texts(64) {
            var one = Campaign(author: "ann", approvalsRequired: 1)
            try send(.submit(by: "ann"), &one)
            let rings = [RingRules(name: text, size: 1), RingRules(name: "b", size: 1)]
            let isTaken = try send(
                .resolved(plan: plan, startsAt: zero, endsAt: zero.adding(seconds: 60), rings: rings), &one)
            #expect(isTaken == (text.utf8.count <= 64))
        }
        #expect(try running(names: ["", "b"]).state == .freezing)
    }

    /// Each way back has its end on record, whatever ended it; of very many the oldest go.
    @Test func waysBackHaveAnEnd() throws {
        var one = try running(names: [])
        try send(.halt(by: "bob", reason: "pager"), &one)
        try send(.drained, &one)
        try send(.rollBack(by: "bob", reason: "r"), &one)
        #expect(one.rollbacks.map(\.end) == [nil])
        var late = one
        try send(.timer(.rollback), &late, 86_400)
        #expect(late.state == .rollbackIncomplete && late.rollbacks.last?.end == .refused)
        late = one
        try send(.rollbackSigned, &late)
        try send(.timer(.rollback), &late, 86_400)
        #expect(late.state == .rollbackIncomplete && late.rollbacks.last?.end == .late)
        var cancelled = one
        try send(.cancel(by: "bob", reason: "no"), &cancelled)
        #expect(cancelled.rollbacks.last?.end == .cancelled)
        for number in 1...70 {
            try send(.rollbackSigned, &one)
            try send(.rollbackSettled(failed: Int64(number)), &one)
            #expect(one.rollbacks.last?.number == Int64(number) && one.rollbacks.last?.failed == Int64(number))
            try send(.rollBack(by: "bob", reason: "r"), &one)
        }
        #expect(one.rollbacks.count == Campaign.maximumRollbacks)
        #expect(one.rollbacks.last?.number == 71 && one.rollbacks.last?.end == nil)
        #expect(one.rollbacks.dropLast().allSatisfy { $0.end == .settled && $0.failed == $0.number })
    }

    /// An emergency watches every ring before the last for an hour.
    @Test func emergenciesSoak() throws {
        let emergency = try #require(Emergency(reason: "CVE", bypass: [.soak]))
        var one = Campaign(author: "ann", approvalsRequired: 1, emergency: emergency)
        try send(.submit(by: "ann"), &one)
        let rings = ["a", "b", "c"].map { RingRules(name: $0, size: 3, soak: 7200) } + [RingRules(name: "d", size: 0)]
        let ends = zero.adding(seconds: 10_000_000)
        try send(.resolved(plan: plan, startsAt: zero, endsAt: ends, rings: rings), &one)
        for person in ["bob", "cy"] { try send(.approve(by: person, plan: plan), &one) }
        try send(.releaseSigned, &one)
        for (ring, soak) in [Int64(3600), 3600, 0].enumerated() {
            try send(.ring(ring, .promoted(plan: plan, baselineFailures: 0, baselineTried: 0)), &one)
            try send(.ring(ring, .exhausted), &one)
            try send(.ring(ring, .drained), &one)
            #expect(one.rings[ring].timer?.due == zero.adding(seconds: soak))
            try send(.ring(ring, .timer(.soak)), &one, soak)
            try send(.ring(ring, .promote(by: "bob", reason: "looked")), &one, soak)
        }
        #expect(one.isTailOpen)
    }

    /// A tripwire that was not known when people let it go on halts it again, with the same failures.
    @Test func newTripwires() throws {
        var one = try running()
        try send(.ring(0, .promoted(plan: plan, baselineFailures: 0, baselineTried: 0)), &one)
        var counts = RingJudgement.Counts()
        counts.failures = 2
        func halt(_ tripwires: [String]) -> Campaign.Event {
            .ring(
                0,
                .judged(
                    RingJudgement(
                        decision: .halt, plan: plan, time: zero, reasons: ["r"], counts: counts, tripwires: tripwires)))
        }
        func goOn() throws {
            try send(.drained, &one)
            let reason = one.reason
            try send(.resume(by: "bob", haltReason: reason), &one)
            #expect(one.state == .running)
        }
        #expect(try send(halt([]), &one))
        try goOn()
        #expect(try !send(halt([]), &one))
        #expect(try send(halt(["health: nginx"]), &one))
        try goOn()
        #expect(try !send(halt(["health: nginx"]), &one))
        #expect(try send(halt(["health: nginx", "unreachable-after-reboot"]), &one))
    }

    @Test func tripwiresOfATally() {
        func member(_ host: String, _ signature: String?) -> RingMember {
            RingMember(host: host, stratum: "d", state: .terminal(.needsRepair), batch: 1, signature: signature)
        }
        func judge(_ members: [RingMember]) -> RingJudgement {
            RingTally(members).judge(
                .init(), baseline: .init(failures: 1, tried: 200), rules: RingRules(name: "a", size: 2), plan: plan,
                now: zero)
        }
        #expect(judge([member("a", "nginx"), member("b", "ssh")]).tripwires == [])
        #expect(judge([member("a", "nginx"), member("b", "nginx")]).tripwires == ["health: nginx"])
    }
}
