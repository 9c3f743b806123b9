import Digest
import JSON
import Rollout
import Testing
import Timestamps

/// Another job takes the place of one that has not begun, and of no other.
@Suite struct SupersedeTests {
    private var opens: Timestamp { windowOfTests.notBefore }

    private func job(granted: Bool = true, _ phases: [(JobPhase, JobEntry.Kind)] = []) throws -> HostJob {
        var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(JobActions()))
        _ = try job.handle(.offer(windowOfTests), now: zero)
        if granted { _ = try job.handle(.grant(fence: 7), now: opens) }
        for (phase, kind) in phases { try write(phase, kind, &job) }
        return job
    }

    private func write(_ phase: JobPhase, _ kind: JobEntry.Kind, _ job: inout HostJob) throws {
        let entry = JobEntry(
            job: job.id, ordinal: job.expectedEntry, time: opens, bootID: "b", phase: phase, kind: kind, detail: [:],
            previous: job.head)
        _ = try job.handle(.entry(entry), now: opens)
    }

    @Test func beforeItsGrant() throws {
        var one = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(JobActions()))
        _ = try one.handle(.supersede(by: "c2"), now: zero)
        #expect(one.state == .superseded && one.permit == nil)
        one = try job(granted: false)
        let effects = try one.handle(.supersede(by: "c2"), now: zero)
        #expect(one.state == .superseded && one.permit == nil && one.timer == nil)
        #expect(effects.contains(.offerChanged) && effects.contains(.cancelTimer))
        #expect(throws: TransitionError.self) { try one.handle(.supersede(by: "c3"), now: zero) }
        #expect(throws: TransitionError.self) { try one.handle(.grant(fence: 7), now: opens) }
    }

    /// Without a ticket nothing has begun: its permit is free at once, and it gets no ticket any more.
    @Test func beforeItsTicket() throws {
        for phases: [(JobPhase, JobEntry.Kind)] in [
            [], [(.received, .result)], [(.received, .result), (.prefetch, .intent)],
        ] {
            var one = try job(phases)
            #expect(one.permit?.state == .held)
            let effects = try one.handle(.supersede(by: "c2"), now: opens)
            #expect(one.state == .superseded && one.permit?.state == .returned && one.isCancelRequested)
            #expect(one.timer == nil)
            #expect(effects.contains(.offerChanged) && effects.contains(.permit(.returned)))
            #expect(try HostJob(json: one.json) == one)
            #expect(throws: TransitionError.self) { try one.handle(.confirm(fence: 7), now: opens) }
            #expect(throws: TransitionError.self) { try one.handle(.claimAgain, now: opens) }
        }
    }

    /// With a ticket it may have begun, and is left to its end.
    @Test func afterItsTicket() throws {
        var one = try job()
        _ = try one.handle(.confirm(fence: 7), now: opens)
        func refused() {
            let before = one
            #expect(throws: TransitionError.self) { try one.handle(.supersede(by: "c2"), now: opens) }
            #expect(one == before)
        }
        refused()
        try write(.apply, .intent, &one)
        refused()
        #expect(one.permit?.state == .held)
        _ = try one.handle(.timer(.phase), now: one.timer?.due ?? opens)
        refused()
    }
}
