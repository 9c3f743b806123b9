import Rollout
import Testing
import Timestamps

@Suite struct DeferralTests {
    let policy = Deferral.Policy(count: 2, seconds: 3600, notice: 900)
    let deadline = zero.adding(seconds: 10_000)

    private func at(_ second: Int64) -> Timestamp { zero.adding(seconds: second) }

    @Test func theEarliestLimitHolds() {
        func until(_ seconds: Int64, windowEnd: Int64? = nil, now: Int64 = 0) -> Timestamp? {
            var one = Deferral()
            return one.ask(
                seconds: seconds, policy: policy, deadline: deadline, windowEnd: windowEnd.map(at), now: at(now))
        }
        #expect(until(600) == at(600))
        #expect(until(7200) == at(3600), "the policy's")
        #expect(until(3600, now: 8000) == at(9100), "the deadline's, with its notice")
        #expect(until(3600, windowEnd: 1800) == at(1800), "the next window's end")
        #expect(until(3600, windowEnd: 99_999) == at(3600))
        #expect(until(600, windowEnd: 100, now: 100) == nil)
        #expect(until(600, now: 9100) == nil)
        #expect(until(0) == nil && until(-5) == nil)
    }

    @Test func asOftenAsThePolicySays() {
        var one = Deferral()
        for _ in 0..<2 { #expect(one.ask(seconds: 60, policy: policy, deadline: deadline, now: zero) != nil) }
        let before = one
        #expect(one.ask(seconds: 60, policy: policy, deadline: deadline, now: zero) == nil)
        #expect(one == before && one.count == 2)
    }

    @Test func itHoldsUntilThenAndNeverPastTheDeadline() {
        var one = Deferral()
        #expect(!one.holds(now: zero, deadline: deadline))
        _ = one.ask(seconds: 600, policy: policy, deadline: deadline, now: zero)
        #expect(one.holds(now: at(599), deadline: deadline))
        #expect(!one.holds(now: at(600), deadline: deadline))
        #expect(!one.holds(now: at(300), deadline: at(300)), "a deadline that came nearer beats it")
    }

    /// What is stored stays where it fits; a stricter policy, a nearer deadline or an earlier window ends it.
    @Test func stricterRulesEndIt() {
        var stored = Deferral()
        _ = stored.ask(seconds: 3600, policy: policy, deadline: deadline, now: zero)
        func until(_ policy: Deferral.Policy, deadline: Int64 = 10_000, windowEnd: Int64? = nil) -> Timestamp? {
            var one = stored
            one.adjust(policy: policy, deadline: at(deadline), windowEnd: windowEnd.map(at), now: zero)
            #expect(one.count == 1, "what was asked for stays counted")
            return one.until
        }
        #expect(until(policy) == at(3600))
        #expect(until(.init(count: 9, seconds: 7200)) == at(3600))
        #expect(until(.init(count: 2, seconds: 1800)) == nil)
        #expect(until(.init(count: 0, seconds: 3600)) == nil)
        #expect(until(policy, deadline: 4000) == nil)
        #expect(until(policy, deadline: 4500) == at(3600))
        #expect(until(policy, windowEnd: 1800) == nil)
        #expect(until(policy, windowEnd: 3600) == at(3600))
        var none = Deferral()
        none.adjust(policy: policy, deadline: deadline, now: zero)
        #expect(none.until == nil)
    }
}
