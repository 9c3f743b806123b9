import Digest
import JSON
import Rollout
import Testing
import Timestamps

@Suite struct HostJobTests {
    let actions = JobActions()
    var opens: Timestamp { windowOfTests.notBefore }

    private func granted() throws -> HostJob {
        var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(actions))
        _ = try job.handle(.offer(windowOfTests), now: zero)
        _ = try job.handle(.grant(fence: 7), now: opens)
        return job
    }

    private func entry(
        _ job: HostJob, _ phase: JobPhase, _ kind: JobEntry.Kind = .intent, _ detail: JSONValue = [:],
        at time: Timestamp
    ) -> JobEntry {
        JobEntry(
            job: job.id, ordinal: job.expectedEntry, time: time, bootID: "b", phase: phase, kind: kind, detail: detail,
            previous: job.head)
    }

    @Test func withoutATicketNothingHasBegun() throws {
        var job = try granted()
        let late = windowOfTests.notAfter.adding(seconds: 300)
        _ = try job.handle(.timer(.window), now: late)
        #expect(job.state == .terminal(.expired))
        #expect(job.permit?.state == .returned)

        job = try granted()
        _ = try job.handle(.cancel(by: "eve", reason: "halt"), now: opens)
        #expect(job.state == .terminal(.cancelled))
        #expect(job.permit?.state == .returned)
        #expect(throws: TransitionError.self) { try job.handle(.confirm(fence: 7), now: opens) }
    }

    @Test func withATicketThePermitStaysCounted() throws {
        var job = try granted()
        let effects = try job.handle(.confirm(fence: 7), now: opens)
        #expect(effects.contains(.signTicket(expires: opens.adding(seconds: 900))))
        _ = try job.handle(.cancel(by: "eve", reason: "halt"), now: opens)
        #expect(job.state == .granted)
        #expect(job.isCancelRequested)
        #expect(throws: TransitionError.self) { try job.handle(.confirm(fence: 7), now: opens) }

        let due = try #require(job.timer).due
        _ = try job.handle(.timer(.phase), now: due)
        #expect(job.state == .suspect(.received))
        #expect(job.permit?.state == .suspect)
        // Its word comes after all.
        _ = try job.handle(.entry(entry(job, .apply, at: due)), now: due)
        #expect(job.state == .running(.apply))
        #expect(job.permit?.state == .held)
        _ = try job.handle(.timer(.phase), now: job.timer?.due ?? due)
        let lost = try job.handle(.timer(.lost), now: job.timer?.due ?? due)
        #expect(job.state == .lost)
        #expect(lost.contains { if case .alert = $0 { true } else { false } })
        #expect(job.permit?.state == .suspect)
        // Too late for its state, not for its permit.
        _ = try job.handle(.entry(entry(job, .commit, .result, ["outcome": "succeeded"], at: due)), now: due)
        #expect(job.state == .lost)
        #expect(job.permit?.state == .returned)
        #expect(job.isJournalClosed)
    }

    @Test func aPersonAnswersForAPermit() throws {
        var job = try granted()
        _ = try job.handle(.confirm(fence: 7), now: opens)
        _ = try job.handle(.entry(entry(job, .commit, .result, ["outcome": "needs-repair"], at: opens)), now: opens)
        #expect(job.state == .terminal(.needsRepair))
        #expect(job.permit?.state == .suspect)
        _ = try job.handle(.writeOff(by: "eve", reason: "rebuilt"), now: opens)
        #expect(job.state == .terminal(.needsRepair))
        #expect(job.permit?.state == .writtenOff)
        #expect(throws: TransitionError.self) { try job.handle(.writeOff(by: "eve", reason: "again"), now: opens) }
    }

    /// A host at work keeps its place, whoever wants it.
    @Test func nobodyWritesOffAHostAtWork() throws {
        var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(actions))
        func refused() {
            #expect(throws: TransitionError.self) { try job.handle(.writeOff(by: "eve", reason: "slow"), now: opens) }
        }
        _ = try job.handle(.offer(windowOfTests), now: zero)
        refused()
        _ = try job.handle(.grant(fence: 7), now: opens)
        refused()
        _ = try job.handle(.confirm(fence: 7), now: opens)
        _ = try job.handle(.entry(entry(job, .apply, at: opens)), now: opens)
        refused()
        #expect(job.permit?.state == .held)
        _ = try job.handle(.timer(.phase), now: job.timer?.due ?? opens)
        _ = try job.handle(.writeOff(by: "eve", reason: "its disk died"), now: opens)
        #expect(job.state == .writtenOff)
        #expect(job.permit?.state == .writtenOff)
    }

    @Test func installedIsNotSucceeded() throws {
        var job = try granted()
        _ = try job.handle(.confirm(fence: 7), now: opens)
        _ = try job.handle(
            .entry(entry(job, .commit, .result, ["outcome": "installed-reboot-pending"], at: opens)), now: opens)
        #expect(job.state == .awaitingReboot)
        #expect(!job.state.isTerminal)
        #expect(job.timer?.kind == .reboot)
        #expect(try HostJob(json: job.json) == job)
        var other = job
        _ = try other.handle(.rebootProven, now: opens)
        #expect(other.state == .terminal(.succeeded))
        #expect(other.timer == nil)
        #expect(try HostJob(json: other.json) == other)
        #expect(throws: TransitionError.self) { try other.handle(.rebootProven, now: opens) }
        _ = try job.handle(.timer(.reboot), now: opens.adding(seconds: JobTimeouts.rebootPending))
        #expect(job.state == .terminal(.installedRebootPending))
    }

    /// As many records as an agent writes, and not one more: the refusal changes nothing.
    @Test func aJournalHasABound() throws {
        var fields = try #require(try granted().json.object)
        fields["expectedEntry"] = .integer(JobEntry.maximumCount)
        var job = try HostJob(json: .object(fields))
        _ = try job.handle(.entry(entry(job, .health, .note, at: opens)), now: opens)
        let before = job
        let error = #expect(throws: TransitionError.self) {
            try job.handle(.entry(entry(job, .health, .note, at: opens)), now: opens)
        }
        #expect(error?.code == .guardFailed)
        #expect(job == before)
    }

    @Test func theChainIsHeld() throws {
        var job = try granted()
        let first = entry(job, .received, .result, at: zero)
        _ = try job.handle(.entry(first), now: zero)
        #expect(try job.handle(.entry(first), now: zero).isEmpty)
        var forked = first
        forked.text = "other"
        let before = job
        func code(_ entry: JobEntry) -> TransitionError.Code? {
            #expect(throws: TransitionError.self) { try job.handle(.entry(entry), now: zero) }?.code
        }
        #expect(code(forked) == .brokenChain)
        var gap = entry(job, .prefetch, at: zero)
        gap.ordinal += 1
        #expect(code(gap) == .gap)
        var wrong = entry(job, .prefetch, at: zero)
        wrong.previous = SHA256.hash([9])
        #expect(code(wrong) == .brokenChain)
        #expect(job == before)
    }

    /// A server restored from before the grant hears of a host in the middle of its change.
    @Test func whatIsUnderWayIsCounted() throws {
        var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(actions))
        _ = try job.handle(.offer(windowOfTests), now: zero)
        _ = try job.handle(.entry(entry(job, .received, .result, at: opens)), now: opens)
        #expect(job.permit == nil)
        let effects = try job.handle(.entry(entry(job, .preflight, .result, at: opens)), now: opens)
        #expect(effects.contains(.permit(.held)))
        #expect(job.state == .running(.preflight))
        // Its end is not claimed to be clean while it may change.
        _ = try job.handle(.cancel(by: "eve", reason: "halt"), now: opens)
        #expect(job.state == .running(.preflight))
        #expect(job.permit?.state == .held)
        _ = try job.handle(.entry(entry(job, .apply, at: opens)), now: opens)
        _ = try job.handle(.entry(entry(job, .commit, .result, ["outcome": "succeeded"], at: opens)), now: opens)
        #expect(job.state == .terminal(.succeeded))
        #expect(job.permit?.state == .returned)

        // It had expired here already.
        job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(actions))
        _ = try job.handle(.offer(windowOfTests), now: zero)
        let late = windowOfTests.notAfter
        _ = try job.handle(.timer(.start), now: late)
        _ = try job.handle(.entry(entry(job, .apply, at: late)), now: late)
        #expect(job.state == .terminal(.expired))
        #expect(job.permit?.state == .held)
        _ = try job.handle(.entry(entry(job, .commit, .result, ["outcome": "needs-repair"], at: late)), now: late)
        #expect(job.permit?.state == .suspect)
    }

    @Test func grantsKeepToWindowAndFence() throws {
        var job = HostJob(id: jobName, attempt: 1, timeouts: JobTimeouts(actions))
        _ = try job.handle(.offer(windowOfTests), now: zero)
        #expect(throws: TransitionError.self) { try job.handle(.grant(fence: 7), now: zero) }
        #expect(throws: TransitionError.self) {
            try job.handle(.grant(fence: 7), now: windowOfTests.lastSafeStart.adding(seconds: 1))
        }
        _ = try job.handle(.grant(fence: 7), now: opens)
        #expect(try job.handle(.claimAgain, now: opens).contains(.signGrant(fence: 7)))
        #expect(throws: TransitionError.self) { try job.handle(.confirm(fence: 6), now: opens) }
    }

    @Test func budgets() {
        #expect(Budget.mayGrant(held: 0, suspect: 0, limit: 1))
        #expect(!Budget.mayGrant(held: 0, suspect: 1, limit: 1))
        #expect(!Budget.mayGrant(held: 1, suspect: 1, limit: 2))
        #expect(!Budget.mayGrant(held: 0, suspect: 0, limit: 0))
        #expect(!Budget.mayGrant(held: 3, suspect: 0, limit: 2))
        #expect(!Budget.isHeldBySuspects(suspect: 1, limit: 1))
        #expect(Budget.isHeldBySuspects(suspect: 2, limit: 3))
        #expect(!Budget.isHeldBySuspects(suspect: 4, limit: 10))
        #expect(Budget.isHeldBySuspects(suspect: 5, limit: 10))
    }

    @Test func permits() throws {
        let events: [Permit.Event] = [
            .proven, .silent, .heardAgain, .writeOff(by: "x", reason: "r"), .decommission,
        ]
        for state in Permit.State.allCases {
            for event in events {
                var permit = Permit(state: state)
                if (try? permit.handle(event)) != nil {
                    #expect(state.isCounted)
                } else {
                    #expect(permit.state == state)
                }
            }
        }
    }
}
