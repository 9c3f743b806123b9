import Digest
import Gates
import Rollout
import Timestamps

/// What the server does for its campaigns: the effects of their events, and what follows from their jobs.
extension World {
    func perform(_ effect: Campaign.Effect, _ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]) {
        switch effect {
        case .audit, .setTimer, .cancelTimer, .verifyHosts: break
        case .ring(let ring, let effect): perform(effect, index, ring, &store, &facts)
        case .offerTail:
            cover("campaign: tail opens")
            offerAgain(index, agents.indices.map { $0 }, &store, &facts)
        case .resolve:
            if operatorRandom.chance(60) {
                handle(.unresolvable(reason: "the mirror is away"), index, &store, &facts)
                return
            }
            let plan = plan(index, epoch: store.campaigns[index].epoch)
            handle(
                .resolved(
                    plan: plan, startsAt: window.notBefore, endsAt: endsAt, rings: rules,
                    untested: options.rings > 1 ? ["one of a kind"] : []), index, &store, &facts)
        case .signRelease:
            let campaign = store.campaigns[index]
            guard !campaign.approvals.isEmpty, signer.chance(options.refusals) else {
                handle(.releaseSigned, index, &store, &facts)
                return
            }
            let next = plan(index, epoch: campaign.epoch + 1)
            handle(.approvalRefused(plan: next, reason: "not registered"), index, &store, &facts)
        case .signRollback: handle(.rollbackSigned, index, &store, &facts)
        case .offerJobs:
            if store.campaigns[index].emergency != nil { preempt(index, &store, &facts) }
            offerAgain(index, agents.indices.map { $0 }, &store, &facts)
        case .withdrawOffers: withdraw(index, nil, &store, &facts)
        case .revokeUnstarted:
            for id in store.jobsOf[index] {
                guard let job = store.jobs[id], job.state.isInFlight || job.state.phase != nil, !job.hasMutated else {
                    continue
                }
                handle(.cancel(by: "system", reason: "halted"), id, &store, &facts)
            }
        case .offerRollbacks:
            let back = HostJob.Window(
                notBefore: now, lastSafeStart: now.adding(seconds: 7200), notAfter: now.adding(seconds: 14_400))
            for host in agents.indices {
                guard let latest = store.latest(index, host), latest.hasMutated, latest.state.isSettled,
                    latest.state != .terminal(.rolledBack)
                else { continue }
                offer(index, host, attempt: latest.attempt + 1, rollsBack: true, back, &store, &facts)
            }
        }
    }

    func perform(
        _ effect: Ring.Effect, _ index: Int, _ ring: Int, _ store: inout ServerStore, _ facts: inout [Fact]
    ) {
        switch effect {
        case .promote:
            let plan = store.campaigns[index].planDigest ?? SHA256.hash([0])
            handle(
                .ring(ring, .promoted(plan: plan, baselineFailures: 2, baselineTried: 400)), index, &store, &facts)
        case .offerJobs: offerAgain(index, members[ring], &store, &facts)
        case .withdrawOffers: withdraw(index, ring, &store, &facts)
        case .judge: judge(index, ring, asked: true, &store, &facts)
        case .alert: cover("ring: alert")
        case .setTimer, .cancelTimer: break
        }
    }

    /// Gives those hosts a job that have none, or whose last one never began.
    private func offerAgain(_ index: Int, _ hosts: [Int], _ store: inout ServerStore, _ facts: inout [Fact]) {
        guard let window = nextWindow(store.campaigns[index]) else { return }
        for host in hosts where !store.excluded.contains(host) {
            let latest = store.latest(index, host)
            guard latest == nil || latest?.state.neverBegan == true, (latest?.attempt ?? 0) < 12 else { continue }
            if options.rings == 1, latest != nil, latest?.state != .terminal(.cancelled) { continue }
            offer(index, host, attempt: (latest?.attempt ?? 0) + 1, rollsBack: false, window, &store, &facts)
        }
    }

    /// An emergency takes the place of what has not begun (rollouts.md, 2.7).
    private func preempt(_ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for other in store.campaigns.indices where other != index {
            for id in store.jobsOf[other] {
                guard let job = store.jobs[id], job.state == .offered || job.state == .granted, !job.rollsBack else {
                    continue
                }
                handle(.supersede(by: "c\(index)"), id, &store, &facts)
            }
        }
    }

    func withdraw(_ index: Int, _ ring: Int?, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for id in store.jobsOf[index] {
            guard let job = store.jobs[id], job.state == .offered || job.state == .planned else { continue }
            if let ring, job.ring != Int64(ring) { continue }
            handle(.cancel(by: "system", reason: "withdrawn"), id, &store, &facts)
        }
    }

    /// Asks the gate of a ring: at its end, and after each result whether it halts.
    private func judge(_ index: Int, _ ring: Int, asked: Bool, _ store: inout ServerStore, _ facts: inout [Fact]) {
        guard let plan = store.campaigns[index].planDigest else { return }
        var tried: [RingMember] = []
        for id in store.jobsOf[index] {
            guard let job = store.jobs[id], job.ring == Int64(ring), let host = store.hostOf[id] else { continue }
            if options.mutation == .silentUncounted, RingTally.Class(job.state) == .failed { continue }
            let isOpen = RingTally.Class(job.state) == .open
            if options.mutation == .openCohortCounted, isOpen { continue }
            tried.append(
                RingMember(
                    host: "h\(host)", stratum: host % 5 == 0 ? "metal" : "vm", state: job.state, batch: job.batch,
                    works: RingTally.Class(job.state) == .succeeded ? store.works[host] : nil))
        }
        let settings = store.campaigns[index].rings[ring]
        let judgement = RingTally(tried).judge(
            Gate(),
            baseline: FailureCount(failures: Int(settings.baselineFailures), tried: Int(settings.baselineTried)),
            test: ring == 0 && options.hosts > 100 ? .smallFleet : nil, rules: settings.rules, plan: plan,
            untested: store.campaigns[index].untestedStrata, now: now)
        guard asked || judgement.decision == .halt else {
            facts.append(.judged(index, ring: ring, judgement))
            return
        }
        var said = judgement
        // Too few hosts for the figures: in the simulator a small ring without a failure goes by itself every other time.
        if asked, judgement.decision == .inconclusive, judgement.counts.failures == 0, judgement.counts.closedTried > 0,
            judgement.counts.open == 0 || options.mutation == .openCohortCounted, operatorRandom.chance(500)
        {
            said.decision = .go
        }
        cover("gate: \(said.decision.rawValue)")
        if !handle(.ring(ring, .judged(said)), index, &store, &facts), asked {
            said.decision = .inconclusive
            handle(.ring(ring, .judged(said)), index, &store, &facts)
        }
    }

    private func plan(_ index: Int, epoch: Int64) -> SHA256Digest {
        SHA256.hash([UInt8(index), UInt8(truncatingIfNeeded: epoch)])
    }

    private func offer(
        _ index: Int, _ host: Int, attempt: Int64, rollsBack: Bool, _ window: HostJob.Window,
        _ store: inout ServerStore,
        _ facts: inout [Fact]
    ) {
        let id = HostJob.id(campaign: "c\(index)", host: "h\(host)", attempt: attempt)
        let ring = options.rings > 1 && !rollsBack ? Int64(ringOf[host]) : nil
        if let former = store.latest(index, host), !former.state.isTerminal { return }
        store.jobs[id] = HostJob(
            id: id, attempt: attempt, rollsBack: rollsBack, timeouts: JobTimeouts(SimulatedAgent.actions), ring: ring)
        store.jobsOn[host].append(id)
        store.latestID[index][host] = id
        facts.append(.hostOf(job: id, host: host))
        store.jobsOf[index].append(id)
        store.hostOf[id] = host
        store.campaignOf[id] = index
        handle(.offer(window), id, &store, &facts)
    }

    /// What follows from the jobs for their campaigns.
    func derive(_ store: inout ServerStore, _ facts: inout [Fact]) {
        var ended: Set<Int> = []
        for case .job(_, _, let ring?, let from, let to, _) in facts
        where from != to && RingTally.Class(to) == .failed { ended.insert(ring) }
        // What the users of half of the hosts say is looked at at once, of the others with the next result or at the end.
        for case .feedback(_, let ring, let host, false) in facts where options.rings > 1 && host.isMultiple(of: 2) {
            ended.insert(ring)
        }
        if options.mutation == .occurrenceTwice {
            for case .job(let id, let index, _, _, .terminal(.rolledBack), _) in facts where now < window.lastSafeStart
            {
                guard let host = store.hostOf[id], let former = store.latest(index, host), former.attempt < 4,
                    store.campaigns[index].state == .running
                else { continue }
                offer(
                    index, host, attempt: former.attempt + 1, rollsBack: false, former.window ?? window, &store, &facts)
            }
        }
        for index in store.campaigns.indices {
            if options.rings > 1 { deriveRings(index, ended, &store, &facts) }
            let jobs = store.jobsOf[index].compactMap { store.jobs[$0] }
            let latest = agents.indices.compactMap { store.latest(index, $0) }
            switch store.campaigns[index].state {
            case .halting, .cancelling:
                if !jobs.contains(where: \.state.isInFlight) { handle(.drained, index, &store, &facts) }
            case .running, .paused:
                let campaign = store.campaigns[index]
                guard latest.allSatisfy(\.state.isSettled), options.mutation != .neverSettles else { break }
                if campaign.hasRings {
                    guard campaign.isTailOpen || now >= campaign.endsAt ?? now else { break }
                    // Hosts that were away are offered their jobs again until the tail's time is over.
                    if campaign.isTailOpen, campaign.timer?.kind == .tail, campaign.state == .running {
                        offerAgain(index, agents.indices.map { $0 }, &store, &facts)
                        if agents.indices.contains(where: { store.latest(index, $0)?.state.isSettled == false }) {
                            break
                        }
                    }
                } else if latest.isEmpty, now < campaign.endsAt ?? now {
                    // Approved so late that no host was offered anything: its end ends it.
                    break
                }
                let never = jobs.contains { $0.hasMutated } ? 0 : Int64(latest.count)
                handle(.settled(jobs: Int64(latest.count), neverStarted: never), index, &store, &facts)
            case .rollingBack:
                guard jobs.allSatisfy(\.state.isTerminal) else { break }
                let failed = latest.count { $0.hasMutated && $0.state != .terminal(.rolledBack) }
                handle(.rollbackSettled(failed: Int64(failed)), index, &store, &facts)
            default: break
            }
            // Also of a campaign that has settled just now: nothing else may happen any more that would make anybody look.
            if store.campaigns[index].state == .verifying {
                let latest = agents.indices.compactMap { store.latest(index, $0) }
                guard latest.allSatisfy(\.state.isTerminal) else { continue }
                let exceptions = latest.count { $0.state != .terminal(.succeeded) }
                handle(.verified(exceptions: Int64(exceptions)), index, &store, &facts)
            }
        }
    }

    private func deriveRings(_ index: Int, _ ended: Set<Int>, _ store: inout ServerStore, _ facts: inout [Fact]) {
        for ring in store.campaigns[index].rings.indices {
            let state = store.campaigns[index].rings[ring].state
            guard [.running, .paused].contains(store.campaigns[index].state) else { return }
            if ended.contains(ring), state.isActive || state == .passed {
                judge(index, ring, asked: false, &store, &facts)
            }
            let now = store.campaigns[index].rings[ring]
            let jobs = store.jobsOf[index].compactMap { store.jobs[$0] }.filter { $0.ring == Int64(ring) }
            switch now.state {
            case .open, .held:
                let limit = min(store.budget, now.rules.budget ?? store.budget)
                let suspects = Int64(jobs.count { $0.permit?.state == .suspect })
                let isTooMany = Budget.isHeldBySuspects(suspect: suspects, limit: limit)
                if isTooMany, !now.holds.contains(.suspects) {
                    handle(.ring(ring, .hold(.suspects)), index, &store, &facts)
                } else if !isTooMany, now.holds.contains(.suspects) {
                    handle(.ring(ring, .unhold(.suspects)), index, &store, &facts)
                }
                guard store.campaigns[index].rings[ring].state == .open else { break }
                offerAgain(index, members[ring], &store, &facts)
                let isGrantable = members[ring].contains { host in
                    guard let state = store.latest(index, host)?.state else { return false }
                    return state == .offered || state == .planned
                }
                if !isGrantable { handle(.ring(ring, .exhausted), index, &store, &facts) }
            default: break
            }
            if store.campaigns[index].rings[ring].state == .draining,
                !store.jobsOf[index].contains(where: {
                    store.jobs[$0]?.ring == Int64(ring) && store.jobs[$0]?.state.isInFlight == true
                })
            {
                handle(.ring(ring, .drained), index, &store, &facts)
            }
        }
    }
}
