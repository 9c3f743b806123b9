import Digest
import Rollout
import Testing
import Timestamps

@Suite struct CampaignTests {
    let plan = SHA256.hash([7])
    let opens = zero.adding(seconds: 3600)
    let ends = zero.adding(seconds: 3 * 3600)

    /// A campaign that has taken these events, each answered with exactly one audit record, and read back from its JSON.
    private func campaign(required: Int64 = 1, _ events: [(Campaign.Event, Int64)]) throws -> Campaign {
        var campaign = Campaign(author: "ann", approvalsRequired: required)
        for (event, second) in events {
            let effects = try campaign.handle(event, now: zero.adding(seconds: second))
            #expect(effects.count { if case .audit = $0 { true } else { false } } == 1)
            campaign = try Campaign(json: campaign.json)
        }
        return campaign
    }

    private var planned: [(Campaign.Event, Int64)] {
        [(.submit(by: "ann"), 0), (.resolved(plan: plan, startsAt: opens, endsAt: ends), 1)]
    }

    private var running: [(Campaign.Event, Int64)] {
        planned + [(.approve(by: "bob", plan: plan), 2), (.releaseSigned, 3), (.timer(.start), 3600)]
    }

    @Test func thePlainWay() throws {
        let campaign = try campaign(
            running + [(.settled(jobs: 2, neverStarted: 0), 5000), (.verified(exceptions: 0), 6000)])
        #expect(campaign.state == .completed)
        #expect(campaign.timer == nil)
    }

    @Test func approvals() throws {
        var two = try campaign(required: 2, planned)
        func refused(_ event: Campaign.Event) {
            let before = two
            let error = #expect(throws: TransitionError.self) { try two.handle(event, now: zero) }
            #expect(error?.code == .guardFailed)
            #expect(two == before)
        }
        refused(.approve(by: "ann", plan: plan))
        refused(.approve(by: "bob", plan: SHA256.hash([8])))
        refused(.releaseUnapproved(by: "bob", plan: plan))
        #expect(try two.handle(.approve(by: "bob", plan: plan), now: zero).contains(.signRelease) == false)
        refused(.approve(by: "bob", plan: plan))
        #expect(try two.handle(.approve(by: "cy", plan: plan), now: zero).contains(.signRelease))
        #expect(two.state == .scheduled)
    }

    @Test func anEditVoidsApprovals() throws {
        let edited = try campaign(required: 2, planned + [(.approve(by: "bob", plan: plan), 2), (.edit(by: "dan"), 3)])
        #expect(edited.approvals.isEmpty)
        #expect(edited.epoch == 2)
        #expect(edited.author == "dan")
        #expect(edited.state == .draft)
    }

    /// Whoever changed the draft has a hand in the plan, whoever submits it in the end.
    @Test func nobodyApprovesWhatTheyChanged() throws {
        var one = try campaign([
            (.change(by: "bob"), 0), (.submit(by: "ann"), 0), (.resolved(plan: plan, startsAt: opens, endsAt: ends), 1),
        ])
        for person in ["ann", "bob"] {
            #expect(throws: TransitionError.self) { try one.handle(.approve(by: person, plan: plan), now: zero) }
        }
        _ = try one.handle(.approve(by: "cy", plan: plan), now: zero)
        #expect(one.state == .scheduled)
        // A new epoch is the work of whoever began it.
        let edited = try campaign(
            planned + [(.edit(by: "dan"), 3), (.submit(by: "dan"), 4)]
                + [(.resolved(plan: plan, startsAt: opens, endsAt: ends), 5), (.approve(by: "ann", plan: plan), 6)])
        #expect(edited.state == .scheduled)
    }

    @Test func noApprovalIsAChoiceOnRecord() throws {
        let one = try campaign(required: 0, planned + [(.releaseUnapproved(by: "ann", plan: plan), 2)])
        #expect(one.state == .scheduled)
        #expect(one.releasedBy == "ann")
        #expect(throws: TransitionError.self) {
            try campaign(required: 0, planned + [(.approve(by: "bob", plan: plan), 2)])
        }
    }

    @Test func nobodyApproves() throws {
        #expect(try campaign(planned + [(.timer(.approval), 3 * 3600)]).state == .expired)
        #expect(throws: TransitionError.self) { try campaign(planned + [(.timer(.approval), 60)]) }
        #expect(try campaign(planned + [(.deny(by: "bob", reason: "no"), 3)]).state == .rejected)
    }

    /// Without its signature nothing starts; it is asked for again each minute until the window has ended.
    @Test func anUnsignedReleaseDoesNotStart() throws {
        var one = try campaign(planned + [(.approve(by: "bob", plan: plan), 2), (.signingFailed(reason: "away"), 3)])
        let effects = try one.handle(.timer(.start), now: opens)
        #expect(one.state == .scheduled)
        #expect(effects.contains(.signRelease))
        #expect(effects.contains(.setTimer(.start, opens.adding(seconds: 60))))
        _ = try one.handle(.timer(.start), now: ends)
        #expect(one.timer?.kind == .end)
        _ = try one.handle(.timer(.end), now: ends)
        #expect(one.state == .expired)
    }

    /// What the signer will never sign is not waited for: people approve the next epoch's plan, or edit it.
    @Test func refusedApprovalsAreGivenAnew() throws {
        let next = SHA256.hash([8])
        let approved = planned + [(.approve(by: "bob", plan: plan), 2)]
        let refused = (Campaign.Event.approvalRefused(plan: next, reason: "no key", required: 2), Int64(3))
        var one = try campaign(approved + [refused])
        #expect(one.state == .awaitingApproval)
        #expect((one.epoch, one.planDigest, one.approvals.count, one.reason) == (2, next, 0, "no key"))
        #expect(one.timer?.kind == .approval && one.timer?.due == ends)
        #expect(one.approvalsRequired == 2, "the signer's number where it is higher")
        #expect(throws: TransitionError.self) { try one.handle(.approve(by: "bob", plan: plan), now: opens) }
        #expect(throws: TransitionError.self) { try one.handle(.approve(by: "ann", plan: next), now: opens) }
        _ = try one.handle(.approve(by: "bob", plan: next), now: opens)
        #expect(try one.handle(.approve(by: "cy", plan: next), now: opens).contains(.signRelease))
        #expect(one.state == .scheduled && one.reason == nil)
        let paused = try campaign(
            required: 0,
            planned + [(.releaseUnapproved(by: "ann", plan: plan), 2), (.pause(by: "eve", reason: "wait"), 3)]
                + [(.approvalRefused(plan: next, reason: "no key", required: 1), 4)])
        #expect((paused.state, paused.approvalsRequired, paused.releasedBy) == (.awaitingApproval, 1, nil))
        // Never after the signature, nor for the plan that was refused, nor when it is too late to approve.
        for events in [
            approved + [(.releaseSigned, 3), refused], approved + [(.approvalRefused(plan: plan, reason: ""), 3)],
        ] {
            #expect(throws: TransitionError.self) { try campaign(events) }
        }
        #expect(throws: TransitionError.self) { try campaign(approved + [(refused.0, 3 * 3600)]) }
    }

    @Test func haltAndGoOn() throws {
        var one = try campaign(running + [(.halt(by: "eve", reason: "pager"), 4000)])
        #expect(one.state == .halting)
        #expect(!one.state.mayGrant)
        _ = try one.handle(.drained, now: zero.adding(seconds: 4100))
        #expect(one.state == .halted)
        let late = zero.adding(seconds: 4200)
        #expect(throws: TransitionError.self) { try one.handle(.resume(by: "bob", haltReason: nil), now: late) }
        #expect(throws: TransitionError.self) { try one.handle(.resume(by: "ann", haltReason: "pager"), now: late) }
        #expect(throws: TransitionError.self) { try one.handle(.resume(by: "bob", haltReason: "pager"), now: ends) }
        let effects = try one.handle(.resume(by: "bob", haltReason: "pager"), now: late)
        #expect(one.state == .running)
        #expect(effects.contains(.offerJobs))
        #expect(one.acceptedUnwell == 0)
    }

    @Test func whoLetsItGoOnAcceptsTheHostsThatAreNotWell() throws {
        let one = try campaign(
            running + [
                (.halt(by: "system", reason: "3 hosts are not well"), 4000), (.drained, 4100),
                (.resume(by: "bob", haltReason: "3 hosts are not well", unwell: 3), 4200),
            ])
        #expect(one.state == .running)
        #expect(one.acceptedUnwell == 3)
    }

    @Test func pauseAndGoOn() throws {
        let paused = try campaign(running + [(.pause(by: "eve", reason: "lunch"), 4000)])
        #expect(paused.state == .paused)
        #expect(!paused.state.mayGrant)
        let again = try campaign(
            running + [(.pause(by: "eve", reason: "lunch"), 4000), (.resume(by: "eve", haltReason: nil), 5000)])
        #expect(again.state == .running)
        let early = try campaign(
            planned + [
                (.approve(by: "bob", plan: plan), 2), (.pause(by: "eve", reason: "wait"), 3), (.releaseSigned, 4),
                (.resume(by: "eve", haltReason: nil), 5),
            ])
        #expect(early.state == .scheduled)
        #expect(early.timer?.kind == .start && early.timer?.due == opens)
    }

    @Test func rollback() throws {
        let halted = running + [(.halt(by: "eve", reason: "pager"), 4000), (.drained, 4001)]
        let asked = halted + [(.rollBack(by: "eve", reason: "broken"), 4002)]
        #expect(throws: TransitionError.self) { try campaign(asked + [(.rollbackSettled(failed: 0), 4003)]) }
        let back = asked + [(.rollbackSigned, 4003)]
        #expect(try campaign(back).state.mayGrant)
        #expect(try campaign(back + [(.rollbackSettled(failed: 0), 5000)]).state == .rolledBack)
        #expect(try campaign(back + [(.rollbackSettled(failed: 1), 5000)]).state == .rollbackIncomplete)
        #expect(try campaign(halted + [(.close(by: "eve"), 5000)]).state == .closedFailed)
    }

    /// What has ended can be taken back as often as a person wants it, each time by a release of its own; what was never
    /// released has changed nothing.
    @Test func whatHasEndedGoesBack() throws {
        let completed = running + [(.settled(jobs: 2, neverStarted: 0), 5000), (.verified(exceptions: 0), 6000)]
        let wanted = completed + [(.rollBack(by: "eve", reason: "slow"), 900_000)]
        var one = try campaign(wanted)
        #expect(one.state == .rollingBack)
        #expect(one.pendingSignature == .rollback)
        _ = try one.handle(.signingFailed(reason: "away"), now: zero.adding(seconds: 900_100))
        let effects = try one.handle(.rollbackSigned, now: zero.adding(seconds: 900_200))
        #expect(effects.contains(.offerRollbacks))
        #expect(effects.contains(.setTimer(.rollback, zero.adding(seconds: 900_200 + 86_400))))
        #expect(one.pendingSignature == nil)
        #expect(try one.handle(.rollbackSigned, now: zero.adding(seconds: 900_300)).count == 1)
        let refused = try campaign(wanted + [(.rollbackRefused(reason: "too old"), 900_100)])
        #expect(refused.state == .rollbackIncomplete && refused.reason == "too old" && refused.timer == nil)
        let again = try campaign(
            wanted + [
                (.rollbackSigned, 900_100), (.rollbackSettled(failed: 1), 900_200),
                (.rollBack(by: "eve", reason: "the last one"), 900_300),
            ])
        #expect(again.pendingSignature == .rollback)
        let unsigned =
            planned + [(.approve(by: "bob", plan: plan), 2), (.cancel(by: "eve", reason: "no"), 3), (.drained, 4)]
        #expect(try campaign(unsigned).state == .cancelled)
        #expect(throws: TransitionError.self) { try campaign(unsigned + [(.rollBack(by: "eve", reason: "r"), 5)]) }
    }

    @Test func nobodyBegan() throws {
        #expect(try campaign(running + [(.settled(jobs: 2, neverStarted: 2), 11_000)]).state == .expired)
    }

    /// Every state and event: taken, or refused without a trace; nothing leaves a terminal state.
    @Test func theTableIsTotal() throws {
        let events: [Campaign.Event] =
            [
                .submit(by: "x"), .resolved(plan: plan, startsAt: opens, endsAt: ends), .unresolvable(reason: "r"),
                .edit(by: "x"), .change(by: "x"), .approve(by: "bob", plan: plan),
                .releaseUnapproved(by: "x", plan: plan),
                .approvalRefused(plan: SHA256.hash([9]), reason: "r"), .deny(by: "x", reason: "r"), .releaseSigned,
                .signingFailed(reason: "r"), .pause(by: "x", reason: "r"),
                .resume(by: "bob", haltReason: "r"), .halt(by: "x", reason: "r"), .drained,
                .settled(jobs: 2, neverStarted: 0), .settled(jobs: 2, neverStarted: 2), .verified(exceptions: 0),
                .verified(exceptions: 1), .rollbackSettled(failed: 1), .rollBack(by: "x", reason: "r"),
                .rollbackSigned, .rollbackRefused(reason: "r"),
                .rollbackSettled(failed: 0), .close(by: "x"), .cancel(by: "x", reason: "r"),
            ] + Campaign.TimerKind.allCases.map { .timer($0) }
        var seen: Set<Campaign.State> = []
        var open = [Campaign(author: "ann", approvalsRequired: 1)]
        var known: Set<Campaign> = Set(open)
        while let one = open.popLast() {
            seen.insert(one.state)
            for event in events {
                var next = one
                do {
                    let effects = try next.handle(event, now: zero.adding(seconds: 7200))
                    #expect(!one.state.isTerminal || event.word == "roll-back", "\(one.state) took \(event.word)")
                    guard case .audit? = effects.first else {
                        Issue.record("\(event.word) has no audit record first")
                        continue
                    }
                    #expect(try Campaign(json: next.json) == next)
                    if next.epoch < 2, next.halts < 2, next.rollbacks.count < 2, known.insert(next).inserted {
                        open.append(next)
                    }
                } catch {
                    #expect(next == one)
                }
            }
        }
        #expect(seen == Set(Campaign.State.allCases), "\(Set(Campaign.State.allCases).subtracting(seen))")
    }
}
